"""The key under which submissions are recognised again: derived from a secret that is not in the database."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256

from django.conf import settings

_PURPOSE = b"reviewqueue submissions 1"


def submission_key() -> bytes:
    return _derived(settings.API_KEY_PEPPER)


@lru_cache(maxsize=8)
def _derived(pepper: str) -> bytes:
    return hmac.new(pepper.encode(), _PURPOSE, sha256).digest()
