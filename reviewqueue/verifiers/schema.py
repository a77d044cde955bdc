"""A JSON Schema over an output that is JSON, or a text that holds JSON.

What a schema can cost is bounded when it is declared: it may not reach outside itself nor refer to itself in a circle,
so that no part of an output is looked at more often than the schema has parts.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Final

import jsonschema_rs

from reviewqueue.strict_json import MalformedJSON, parse_strict
from reviewqueue.verifiers.finding import PASSED, CannotTell, Claim, Finding, Unusable, Work, pointed_at

LARGEST_SCHEMA: Final = 32 * 1024
MOST_PARTS: Final = 2_000
"""Parts of a schema once every reference is followed."""

_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_DIALECTS: Final = (
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
)


@dataclass(frozen=True, slots=True)
class Schema:
    """Passes when the value is valid. `json_text`: the value is a text, to be read as JSON first.

    `format` is not checked, as JSON Schema leaves it unless told otherwise.
    """

    kind: ClassVar[str] = "json_schema"
    field: str
    json_text: bool
    text: str
    """The schema, as canonical JSON."""
    parts: int = dataclasses.field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parts", compiled(self.text)[1])

    def terms(self) -> dict[str, object]:
        return {"field": self.field, "json_text": self.json_text, "schema": json.loads(self.text)}

    def run(self, claim: Claim, work: Work) -> Finding:
        value = pointed_at(claim, self.field)
        if self.json_text:
            try:
                value = read_json(value, work)
            except CannotTell as error:
                if str(error) == "too_much_work":
                    raise
                return Finding("fail", note=str(error))
        work.spend((2 + self.parts // 5) * _size(value))
        return PASSED if compiled(self.text)[0].is_valid(value) else Finding("fail", note="schema")


def read_json(value: object, work: Work) -> Any:
    """The JSON in a text. Raises CannotTell with "not_a_text" or "not_json"."""
    if not isinstance(value, str):
        raise CannotTell("not_a_text")
    work.spend(len(value) // 3)
    try:
        return parse_strict(value.encode("utf-8", "surrogatepass"))
    except MalformedJSON:
        raise CannotTell("not_json") from None


def _size(value: object) -> int:
    """How many values there are in a value, a text counting for every hundred characters of it."""
    if isinstance(value, str):
        return 1 + len(value) // 100
    if isinstance(value, Mapping):
        return 1 + sum(1 + _size(item) for item in value.values())
    if isinstance(value, list | tuple):
        return 1 + sum(_size(item) for item in value)
    return 1


@lru_cache(maxsize=500)
def compiled(text: str) -> tuple[Any, int]:
    """The validator of a schema, and how many parts the schema has. Raises Unusable."""
    schema = json.loads(text)
    if len(text) > LARGEST_SCHEMA:
        raise Unusable("may have 32 KiB")
    if not isinstance(schema, dict | bool):
        raise Unusable("must be an object")
    if isinstance(schema, dict) and str(schema.get("$schema", _DIALECTS[0])).rstrip("#") not in _DIALECTS:
        raise Unusable("may be of the drafts 2020-12, 2019-09 and 7")
    parts = _Parts(schema).count()
    try:
        validator = jsonschema_rs.validator_for(
            schema, pattern_options=jsonschema_rs.RegexOptions(), retriever=_nowhere, validate_formats=False
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
        raise Unusable(f"is no JSON Schema: {_first_line(error)}") from None
    return validator, parts


def _nowhere(_uri: str) -> Any:
    raise ValueError("a schema may not refer to anything outside itself")


def _first_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:200] if lines else "it cannot be compiled"


class _Parts:
    """Follows the references of one schema."""

    def __init__(self, schema: object) -> None:
        self._schema = schema
        self._known: dict[str, int] = {}

    def count(self) -> int:
        return self._of(self._schema, ())

    def _of(self, value: object, open_references: tuple[str, ...]) -> int:
        """Raises Unusable for a circle, a reference outside, and too many parts."""
        total = 1
        for key, item in _members(value):
            if key == "$id" and isinstance(item, str) and value is not self._schema:
                raise Unusable("may have $id only at its top")  # references below it would be relative to it
            if key in _REFERENCES and isinstance(item, str):
                total += self._referred(item, open_references)
            else:
                total += self._of(item, open_references)
            if total > MOST_PARTS:
                raise Unusable(f"has more than {MOST_PARTS} parts once its references are followed")
        return total

    def _referred(self, reference: str, open_references: tuple[str, ...]) -> int:
        if not (reference == "#" or reference.startswith("#/")):
            raise Unusable('may only refer to its own parts, like "#/$defs/name"')
        if reference in open_references or reference == "#":
            raise Unusable("may not refer to itself in a circle")
        if reference not in self._known:
            self._known[reference] = self._of(_part(self._schema, reference), (*open_references, reference))
        return self._known[reference]


def _members(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list):
        for item in value:
            yield "", item


def _part(schema: Any, reference: str) -> object:
    for token in reference.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(schema, list) and key.isascii() and key.isdigit() and int(key[:9]) < len(schema):
            schema = schema[int(key[:9])]
        elif isinstance(schema, Mapping) and key in schema:
            schema = schema[key]
        else:
            raise Unusable(f"refers to {reference[:64]}, which it does not have")
    return schema
