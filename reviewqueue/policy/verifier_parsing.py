"""The verifiers of a policy document, read from JSON. What cannot be run is refused before anybody relies on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import rfc8785

from reviewqueue.policy.document import HELD, IF_UNKNOWN, NEXT_STEPS, Demand, Route, Verifier
from reviewqueue.policy.fields import Complaint, Fields, Reading, flag, integer, nullable, number, one_of, text
from reviewqueue.policy.rule_parsing import check_next_step, refuse_same_names
from reviewqueue.verifiers.allowed import AllowedValues, Length, Scalar, Unit
from reviewqueue.verifiers.arithmetic import Arithmetic
from reviewqueue.verifiers.evidence import Citations, EvidenceCoverage
from reviewqueue.verifiers.finding import Unusable, check_pointer
from reviewqueue.verifiers.language import Language
from reviewqueue.verifiers.patterns import LONGEST_PATTERN, Pattern
from reviewqueue.verifiers.quantities import DecimalMark, NumberRange
from reviewqueue.verifiers.running import Check
from reviewqueue.verifiers.schema import Schema

T = TypeVar("T")
MOST_VERIFIERS: Final = 50
MOST_VALUES: Final = 1_000
LARGEST: Final = 1e15
NAME: Final = text(80)
SHARE: Final = number(0, 1)
ROUTES: Final[tuple[Route, ...]] = ("uncertain", *HELD)
UNITS: Final[tuple[Unit, ...]] = ("characters", "words", "sentences")
MARKS: Final[tuple[DecimalMark, ...]] = (".", ",")

_NO_VALUES: Final[tuple[Scalar, ...]] = ()
_NO_NAMES: Final[tuple[str, ...]] = ()
_HARMLESS: Final = Length("/output", "characters", 0, None)
"""Stands in for a check that could not be read, until the problems are reported."""


def verifiers(document: Fields) -> tuple[Verifier, ...]:
    entries = document.entries("verifiers", most=MOST_VERIFIERS)
    rows = [Fields.of(value, pointer, document.problems) for pointer, value in entries]
    found = [_verifier(fields) for fields in rows]
    refuse_same_names(rows, [verifier.name for verifier in found], "verifier")
    return tuple(found)


def _verifier(fields: Fields) -> Verifier:
    verifier = Verifier(
        name=fields.required("name", NAME, stand_in=""),
        check=_check(fields),
        if_unknown=fields.optional("if_unknown", one_of(IF_UNKNOWN), default="fail"),
        demand=Demand(
            route=fields.required("route", one_of(ROUTES), stand_in="review"),
            next_step=fields.optional("next_step", nullable(one_of(NEXT_STEPS)), default=None),
        ),
    )
    fields.close()
    if fields.is_object:
        check_next_step(fields, verifier.demand)
    return verifier


def _check(fields: Fields) -> Check:
    """The check of the kind that is named; it is only made when its fields are sound."""
    kind = fields.required("kind", one_of(tuple(_KINDS)), stand_in="")
    if kind not in _KINDS:
        fields.taken.update(name for name in _EVERY_FIELD if name in fields.values)
        return _HARMLESS
    make, blamed = _KINDS[kind]
    before = len(fields.problems)
    check = make(fields)
    try:
        return check() if len(fields.problems) == before else _HARMLESS
    except Unusable as error:
        fields.refuse(blamed, "unusable", str(error))
        return _HARMLESS


_Made = Callable[[], Check]


def _schema(fields: Fields) -> _Made:
    field, json_text = _field(fields), fields.optional("json_text", flag, default=False)
    schema = fields.required("schema", _json, stand_in="{}")
    return lambda: Schema(field, json_text, schema)


def _pattern(fields: Fields) -> _Made:
    field = _field(fields)
    pattern = fields.required("pattern", _any_text(LONGEST_PATTERN), stand_in="")
    whole, forbidden = fields.optional("whole", flag, default=False), fields.optional("forbidden", flag, default=False)
    return lambda: Pattern(field, pattern, whole, forbidden)


def _number_range(fields: Fields) -> _Made:
    field = _field(fields)
    limit = nullable(number(-LARGEST, LARGEST))
    at_least, at_most = (
        fields.optional("at_least", limit, default=None),
        fields.optional("at_most", limit, default=None),
    )
    no_units: tuple[tuple[str, float], ...] = ()
    units = fields.optional("units", _factors, default=no_units)
    mark: DecimalMark = fields.optional("decimal_mark", one_of(MARKS), default=".")
    return lambda: NumberRange(field, at_least, at_most, units, mark)


def _arithmetic(fields: Fields) -> _Made:
    expression = fields.required("expression", _any_text(500), stand_in="")
    tolerance = fields.optional("tolerance", number(0, LARGEST), default=0.0)
    json_text = fields.optional("json_text", flag, default=False)
    return lambda: Arithmetic(expression, tolerance, json_text)


def _allowed_values(fields: Fields) -> _Made:
    field, values = _field(fields), fields.required("values", _list_of(_scalar, MOST_VALUES), stand_in=_NO_VALUES)
    ignore_case = fields.optional("ignore_case", flag, default=False)
    return lambda: AllowedValues(field, values, ignore_case)


def _evidence_coverage(fields: Fields) -> _Made:
    field = _field(fields)
    support, at_least = fields.optional("support", SHARE, default=0.6), fields.required("at_least", SHARE, stand_in=0.0)
    return lambda: EvidenceCoverage(field, support, at_least)


def _citations(fields: Fields) -> _Made:
    field, least = _field(fields), fields.optional("least", integer(0, 1_000), default=1)
    return lambda: Citations(field, least)


def _length(fields: Fields) -> _Made:
    field = _field(fields)
    unit: Unit = fields.optional("unit", one_of(UNITS), default="characters")
    length = integer(0, 1_000_000)
    at_least = fields.optional("at_least", length, default=0)
    at_most = fields.optional("at_most", nullable(length), default=None)
    return lambda: Length(field, unit, at_least, at_most)


def _language(fields: Fields) -> _Made:
    field, languages = _field(fields), fields.required("languages", _list_of(text(10), 97), stand_in=_NO_NAMES)
    at_least = fields.optional("at_least", SHARE, default=0.8)
    return lambda: Language(field, languages, at_least)


_KINDS: Final[Mapping[str, tuple[Callable[[Fields], _Made], str]]] = {
    "json_schema": (_schema, "schema"),
    "pattern": (_pattern, "pattern"),
    "number_range": (_number_range, "at_most"),
    "arithmetic": (_arithmetic, "expression"),
    "allowed_values": (_allowed_values, "values"),
    "evidence_coverage": (_evidence_coverage, "at_least"),
    "citations": (_citations, "least"),
    "length": (_length, "at_most"),
    "language": (_language, "languages"),
}
"""How the fields of each kind are read, and which of them is to blame when they make no check."""

_EVERY_FIELD: Final = (
    *("field", "json_text", "schema", "pattern", "whole", "forbidden", "at_least", "at_most", "units", "decimal_mark"),
    *("expression", "tolerance", "values", "ignore_case", "support", "least", "unit", "languages"),
)
"""Not called unknown while the kind itself is wrong."""


def _field(fields: Fields) -> str:
    return fields.optional("field", _pointer, default="/output")


def _pointer(value: object) -> str | Complaint:
    pointer = text(200)(value)
    if not isinstance(pointer, str):
        return pointer
    try:
        return check_pointer(pointer)
    except Unusable as error:
        return Complaint("unknown_name", str(error))


def _any_text(longest: int) -> Reading[str]:
    """Also what does not print: a pattern may look for it."""

    def reading(value: object) -> str | Complaint:
        if not isinstance(value, str):
            return Complaint("not_a_text", "must be a text")
        if not 1 <= len(value) <= longest:
            return Complaint("wrong_length", f"must have 1 to {longest} characters")
        if "\0" in value or any("\ud800" <= each <= "\udfff" for each in value):
            return Complaint("unprintable", "holds a character that cannot be stored")
        return value

    return reading


def _json(value: object) -> str | Complaint:
    """A JSON value as its canonical text, which is immutable and names it."""
    if not isinstance(value, Mapping):
        return Complaint("not_an_object", "must be an object")
    try:
        written = rfc8785.dumps(_thawed(value)).decode()
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError, TypeError):
        return Complaint("unusable", "cannot be written as JSON")
    return written if "\\u0000" not in written else Complaint("unprintable", "holds a character that cannot be stored")


def _thawed(value: object) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_thawed(item) for item in value]
    return value


def _factors(value: object) -> tuple[tuple[str, float], ...] | Complaint:
    if not isinstance(value, Mapping) or len(value) > MOST_VALUES:
        return Complaint("not_an_object", "must be an object with a factor for each unit")
    found: list[tuple[str, float]] = []
    for unit, factor in value.items():
        name, size = text(20)(unit), number(0, LARGEST, open_low=True)(factor)
        if isinstance(name, Complaint):
            return name
        if isinstance(size, Complaint):
            return size
        found.append((name, size))
    return tuple(sorted(found))


def _scalar(value: object) -> Scalar | Complaint:
    if isinstance(value, bool):
        return value
    return _any_text(500)(value) if isinstance(value, str) else number(-LARGEST, LARGEST)(value)


def _list_of(each: Callable[[object], T | Complaint], most: int) -> Reading[tuple[T, ...]]:
    def reading(value: object) -> tuple[T, ...] | Complaint:
        if not isinstance(value, list | tuple) or not value:
            return Complaint("not_a_list", "must be a list with at least one entry")
        if len(value) > most:
            return Complaint("too_many", f"at most {most} entries")
        found: list[T] = []
        for item in value:
            read = each(item)
            if isinstance(read, Complaint):
                return read
            found.append(read)
        return tuple(found)

    return reading
