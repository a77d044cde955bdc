"""Reading the query of an address: every parameter known, given once, and of its kind; anything else is 400.

A `Parameter` is what a view reads with and what the OpenAPI document shows.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeVar
from uuid import UUID

import msgspec
from django.core import signing
from django.http import QueryDict

from reviewqueue.errors import FieldProblem, Invalid

V = TypeVar("V")

MAX_TEXT: Final = 200
MAX_LIMIT: Final = 500
DEFAULT_LIMIT: Final = 50
_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_SHARE = re.compile(r"[0-9]?\.?[0-9]{1,20}([eE]-?[0-9]{1,2})?")
_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,20})?([eE]-?[0-9]{1,2})?")
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


@dataclass(frozen=True, slots=True)
class Parameter(Generic[V]):
    """One query parameter. `read` makes its value of its text, or raises BadQuery for its name."""

    name: str
    description: str
    schema: Mapping[str, Any]
    read: Callable[[str, str], V]

    def value_in(self, query: QueryDict) -> V | None:
        given: str | None = query.get(self.name)
        return None if given is None else self.read(self.name, given)


def text(name: str, description: str) -> Parameter[str]:
    return Parameter(name, description, {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}, _read_text)


def _read_text(name: str, given: str) -> str:
    if not (0 < len(given) <= MAX_TEXT and given.isprintable()):
        raise BadQuery(name, "text", f"This is 1 to {MAX_TEXT} printable characters.")
    return given


def identifier(name: str, description: str) -> Parameter[UUID]:
    return Parameter(name, description, {"type": "string", "format": "uuid", "pattern": _UUID.pattern}, _read_uuid)


def _read_uuid(name: str, given: str) -> UUID:
    if not _UUID.fullmatch(given):
        raise BadQuery(name, "identifier", "This is a UUID in lower case.")
    return UUID(given)


def choice(name: str, description: str, choices: Collection[str]) -> Parameter[str]:
    def read(name: str, given: str) -> str:
        if given not in choices:
            raise BadQuery(name, "choice", "This is one of: " + ", ".join(choices) + ".")
        return given

    return Parameter(name, description, {"type": "string", "enum": list(choices)}, read)


def instant(name: str, description: str) -> Parameter[datetime]:
    description += " A time with an offset; a plus sign is written `%2B`."
    return Parameter(name, description, {"type": "string", "format": "date-time"}, _read_instant)


def _read_instant(name: str, given: str) -> datetime:
    try:
        return msgspec.convert(given, _Instant).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        raise BadQuery(
            name, "instant", "This is a time with an offset, like 2026-11-22T06:00:00Z (a plus sign is written %2B)."
        ) from None


def whole(name: str, description: str, least: int, most: int, usual: int | None = None) -> Parameter[int]:
    def read(name: str, given: str) -> int:
        if not (given.isascii() and given.isdigit() and len(given) < 10 and least <= int(given) <= most):
            raise BadQuery(name, "range", f"This is a whole number from {least} to {most}.")
        return int(given)

    schema = {"type": "integer", "minimum": least, "maximum": most, **({} if usual is None else {"default": usual})}
    return Parameter(name, description, schema, read)


def share(name: str, description: str, least: float, most: float, usual: float) -> Parameter[float]:
    def read(name: str, given: str) -> float:
        if not _SHARE.fullmatch(given) or not least <= float(given) <= most:
            raise BadQuery(name, "range", f"This is a number from {least} to {most}.")
        return float(given)

    schema = {"type": "number", "minimum": least, "maximum": most, "default": usual}
    return Parameter(name, description, schema, read)


def number(name: str, description: str, least: float, most: float) -> Parameter[float]:
    """A decimal number that has no usual value: left out, what is measured or set holds."""

    def read(name: str, given: str) -> float:
        if not _DECIMAL.fullmatch(given) or not least <= float(given) <= most:
            raise BadQuery(name, "range", f"This is a decimal number from {least:g} to {most:g}.")
        return float(given)

    return Parameter(name, description, {"type": "number", "minimum": least, "maximum": most}, read)


def _read_limit(name: str, given: str) -> int:
    if not _LIMIT.fullmatch(given) or int(given) > MAX_LIMIT:
        raise BadQuery(name, "range", f"This is a whole number from 1 to {MAX_LIMIT}.")
    return int(given)


LIMIT: Final = Parameter(
    "limit",
    "How many at most.",
    {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    _read_limit,
)
CURSOR: Final = Parameter(
    "cursor",
    "Where to go on: `next` of the page before, with the same key and the same filter.",
    {"type": "string", "minLength": 1},
    lambda _, given: given,
)
SINCE: Final = instant("since", "Only from this time on.")
UNTIL: Final = instant("until", "Only before this time.")


def span_in(query: QueryDict) -> tuple[datetime | None, datetime | None]:
    """SINCE and UNTIL: from the first, up to and without the second."""
    since, until = SINCE.value_in(query), UNTIL.value_in(query)
    if since and until and since >= until:
        raise BadQuery(UNTIL.name, "reversed", "This lies before since, or is equal to it.")
    return since, until


def limit_in(query: QueryDict) -> int:
    return LIMIT.value_in(query) or DEFAULT_LIMIT


class Cursor:
    """Where the next page begins: signed, and good for the holder and the filter that it was made for alone."""

    def __init__(self, *, salt: str, holder: str, wanted: Mapping[str, Any]) -> None:
        self._salt = f"reviewqueue.api.{salt}"
        bound_to = [holder, sorted((name, str(value)) for name, value in wanted.items() if value is not None)]
        self._fingerprint = hashlib.sha256(json.dumps(bound_to).encode()).hexdigest()[:32]

    def text(self, position: str) -> str:
        return signing.dumps([position, self._fingerprint], salt=self._salt)

    def position_in(self, query: QueryDict) -> str | None:
        given = CURSOR.value_in(query)
        if given is None:
            return None
        try:
            position, fingerprint = signing.loads(given, salt=self._salt)
        except (signing.BadSignature, ValueError):
            raise BadQuery(CURSOR.name, "cursor", "This cursor was not made here.") from None
        if fingerprint != self._fingerprint:
            raise BadQuery(CURSOR.name, "cursor", "This cursor belongs to another key or another filter.")
        return str(position)
