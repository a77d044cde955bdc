"""The bodies of the operations: which fields of which type there are. What the values may be, the services judge.

A claim's fields are listed in `reviewqueue.claims.submission`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

from reviewqueue.errors import FieldProblem, Invalid

B = TypeVar("B", bound=msgspec.Struct)

Instant = Annotated[datetime, Meta(tz=True)]


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For operations whose address says it all."""


class Take(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pipeline: str | None = None
    purpose: str | None = None


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str = ""
    note: str = ""


class LabelBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    verdict: str | None = None
    output: Any = None
    error_types: list[str] = []
    note: str = ""
    answers: dict[str, Any] = {}
    seconds: float | None = None


class Revision(LabelBody, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: str


class OutcomeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    correct: bool
    output: Any = None
    source: Annotated[str, Meta(max_length=120)] = ""
    observed_at: Instant | None = None


def read_as(kind: type[B], value: object) -> B:
    """`value` as the fields of `kind`. Raises Invalid with every problem and its pointer."""
    if not isinstance(value, dict):
        raise Invalid([FieldProblem("", "type", "The body is a JSON object.")])
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError):
        raise Invalid(list(_problems(kind, value))) from None


def check_instant(pointer: str, moment: datetime | None, *, now: datetime) -> None:
    """Refuses a time that has no place in UTC (no reader of the database could hold it) or that is not yet."""
    if moment is None:
        return
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise Invalid([FieldProblem(pointer, "range", "There is no such time in UTC.")]) from None
    if moment > now + timedelta(days=1):
        raise Invalid([FieldProblem(pointer, "future", "This time lies in the future.")])


def _problems(kind: type[msgspec.Struct], value: dict[str, Any]) -> Iterator[FieldProblem]:
    types = get_type_hints(kind, include_extras=True)
    required = {field.name for field in msgspec.structs.fields(kind) if field.required}
    for name in sorted(set(value) - set(types)):
        shown = name[:64].replace("~", "~0").replace("/", "~1")
        yield FieldProblem(f"/{shown}", "unknown_field", "There is no such field here.")
    for name in sorted(required - set(value)):
        yield FieldProblem(f"/{name}", "required", "This field is required.")
    for name in sorted(set(types) & set(value)):
        try:
            msgspec.convert(value[name], types[name])
        except (msgspec.ValidationError, OverflowError) as error:
            message = str(error).partition(" - at `$")[0]
            yield FieldProblem(f"/{name}", "type" if message.startswith("Expected") else "value", f"{message}.")
