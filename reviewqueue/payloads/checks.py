from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning


def payload_keys_are_their_own(**_: Any) -> list[CheckMessage]:
    """In production: whoever holds SECRET_KEY, as every process does, should not thereby read an old backup."""
    if settings.DEBUG or settings.DEVELOPMENT or settings.PAYLOAD_KEYS:
        return []
    return [
        Warning(
            "PAYLOAD_KEYS is not set, so payloads are encrypted under a key that comes from SECRET_KEY.",
            hint="Set it to a long random value, and run manage.py rewrap_payload_keys. See docs/operators.md.",
            id="payloads.W001",
        )
    ]
