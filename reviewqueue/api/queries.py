"""Reading the query of an address: every parameter known, given once, and of its kind; anything else is 400."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from django.core import signing
from django.http import QueryDict

from reviewqueue.errors import FieldProblem, Invalid

MAX_TEXT: Final = 200
MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class BadQuery(Invalid):
    """What is wrong with one parameter. Its pointer names the parameter, as if the query were an object."""

    code = "bad_query"

    def __init__(self, name: str, code: str, detail: str) -> None:
        super().__init__([FieldProblem(f"/{name}", code, detail)], detail)


def refuse_unknown(query: QueryDict, known: Collection[str]) -> None:
    for name, values in query.lists():
        if name not in known:
            raise BadQuery(_shown(name), "unknown_parameter", "There is no such query parameter.")
        if len(values) > 1:
            raise BadQuery(name, "repeated", "A query parameter may be given once.")


def _shown(name: str) -> str:
    return name[:64].replace("~", "~0").replace("/", "~1")


def text_in(query: QueryDict, name: str) -> str | None:
    text = query.get(name)
    if text is not None and not (0 < len(text) <= MAX_TEXT and text.isprintable()):
        raise BadQuery(name, "text", f"This is 1 to {MAX_TEXT} printable characters.")
    return text


def choice_in(query: QueryDict, name: str, choices: Collection[str]) -> str | None:
    text = query.get(name)
    if text is not None and text not in choices:
        raise BadQuery(name, "choice", "This is one of: " + ", ".join(choices) + ".")
    return text


def instant_in(query: QueryDict, name: str) -> datetime | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return msgspec.convert(text, _Instant).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise BadQuery(
            name, "instant", "This is a time with an offset, like 2026-11-22T06:00:00Z (a plus sign is written %2B)."
        ) from None


def span_in(query: QueryDict) -> tuple[datetime | None, datetime | None]:
    """`since` and `until`: from the first, up to and without the second."""
    since, until = instant_in(query, "since"), instant_in(query, "until")
    if since and until and since >= until:
        raise BadQuery("until", "reversed", "This lies before since, or is equal to it.")
    return since, until


def limit_in(query: QueryDict) -> int:
    text = query.get("limit")
    if text is None:
        return DEFAULT_LIMIT
    if not _LIMIT.fullmatch(text) or int(text) > MAX_LIMIT:
        raise BadQuery("limit", "range", f"This is a whole number from 1 to {MAX_LIMIT}.")
    return int(text)


class Cursor:
    """Where the next page begins: signed, and good for the holder and the filter that it was made for alone."""

    def __init__(self, *, salt: str, holder: str, wanted: Mapping[str, Any]) -> None:
        self._salt = f"reviewqueue.api.{salt}"
        bound_to = [holder, sorted((name, str(value)) for name, value in wanted.items() if value is not None)]
        self._fingerprint = hashlib.sha256(json.dumps(bound_to).encode()).hexdigest()[:32]

    def text(self, position: str) -> str:
        return signing.dumps([position, self._fingerprint], salt=self._salt)

    def position_in(self, query: QueryDict) -> str | None:
        text = query.get("cursor")
        if text is None:
            return None
        try:
            position, fingerprint = signing.loads(text, salt=self._salt)
        except (signing.BadSignature, ValueError):
            raise BadQuery("cursor", "cursor", "This cursor was not made here.") from None
        if fingerprint != self._fingerprint:
            raise BadQuery("cursor", "cursor", "This cursor belongs to another key or another filter.")
        return str(position)
