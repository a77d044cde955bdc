"""If-Match: whoever decides about a thing names the thing as they saw it (RFC 9110, 13.1.1)."""

from __future__ import annotations

import re
from typing import Final

from rest_framework.request import Request

from reviewqueue.errors import DomainError

HEADER: Final = "If-Match"
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
FORM: Final = rf"^(\*|{_TAG}( *, *{_TAG})*)$"


class MatchRequired(DomainError):
    code = "match_required"


def seen_in(request: Request, *, now: str) -> str | None:
    """The revision that the caller saw, or None when any will do (`*`). Whether it still stands is judged under lock.

    Of several the one that is right `now` counts; weak tags match nothing. Raises MatchRequired.
    """
    header = (request.headers.get(HEADER) or "").strip()
    if not re.fullmatch(FORM, header):
        raise MatchRequired("Send If-Match with the revision you saw, in quotes, so that nothing else is decided.")
    if header == "*":
        return None
    return now if entity_tag(now) in re.findall(_TAG, header) else "another"


def entity_tag(revision: str) -> str:
    return f'"{revision}"'
