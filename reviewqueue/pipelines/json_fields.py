"""The fields of a JSON output that reviewers judge one by one, read from the pipeline's JSON Schema. Pure.

Objects are followed into; everything else (a text, a number, a list) is one field, named by its JSON Pointer. Of a
schema this reads `type`, `properties`, `required`, `enum`, `minimum`, `maximum` and `title`, and leaves the rest: what
it does not read is not checked here, but by the verifiers of a policy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.form_questions import is_number
from reviewqueue.pipelines.names import pointer_to
from reviewqueue.strict_json import MalformedJSON, parse_strict

MAX_FIELDS: Final = 60
MAX_DEPTH: Final = 8
_TYPES: Final = ("string", "number", "integer", "boolean")
ABSENT: Final = object()
"""What `value_at` finds where there is nothing."""


@dataclass(frozen=True, slots=True)
class Field:
    """`kind` is string, number, integer, boolean, choice, or json for everything else."""

    pointer: str
    path: tuple[str, ...]
    title: str
    kind: str
    required: bool
    nullable: bool
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None


def schema_problems(pointer: str, schema: object) -> Iterator[FieldProblem]:
    if not isinstance(schema, Mapping) or not _is_object(schema):
        yield FieldProblem(pointer, "schema", "This is a JSON Schema of an object with properties.")
        return
    for path, part in _parts(schema, ()):
        if len(path) > MAX_DEPTH:
            yield FieldProblem(pointer, "too_deep", f"Objects may be {MAX_DEPTH} levels deep.")
            return
        where = pointer + pointer_to(*(step for name in path for step in ("properties", name)))
        yield from (FieldProblem(f"{where}/{name}", "schema", detail) for name, detail in _part_problems(part, path))
    if sum(1 for _, part in _parts(schema, ()) if not _is_object(part)) > MAX_FIELDS:
        yield FieldProblem(pointer, "too_many", f"At most {MAX_FIELDS} fields are judged one by one.")


def _is_object(part: object) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("properties"), Mapping) and bool(part["properties"])


def _parts(schema: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], object]]:
    """Every part of the schema that describes a value of the output, outer ones first."""
    yield path, schema
    if isinstance(schema, Mapping) and _is_object(schema) and len(path) <= MAX_DEPTH:
        for name, part in schema["properties"].items():
            yield from _parts(part, (*path, name))


def _part_problems(part: object, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not isinstance(part, Mapping):
        yield "", "Each property is described by an object."
        return
    if any(not 0 < len(name) <= 80 or not name.isprintable() for name in path):
        yield "", "Names of properties are 1 to 80 printable characters."
    if not isinstance(part.get("required", []), list):
        yield "required", "This is a list of names."
    if "enum" in part and not (isinstance(part["enum"], list) and part["enum"]):
        yield "enum", "This is a list of values."
    for name in ("minimum", "maximum"):
        if not is_number(part.get(name, 0)):
            yield name, "This is a number."
    if not isinstance(part.get("title", ""), str):
        yield "title", "This is a text."


def fields_in(schema: Mapping[str, Any]) -> Iterator[Field]:
    """In the order of the schema. Expects one without `schema_problems`."""
    yield from _fields(schema, (), required=True)


def _fields(schema: Mapping[str, Any], path: tuple[str, ...], *, required: bool) -> Iterator[Field]:
    if not _is_object(schema):
        yield _field(schema, path, required)
        return
    needed = schema.get("required", [])
    for name, part in schema["properties"].items():
        yield from _fields(part, (*path, name), required=required and name in needed)


def _field(part: Mapping[str, Any], path: tuple[str, ...], required: bool) -> Field:
    named = part.get("type", [])
    types = named if isinstance(named, list) else [named]
    plain = [each for each in types if each != "null"]
    choices = tuple(part.get("enum", ()))
    return Field(
        pointer="".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path),
        path=path,
        title=part.get("title") or " › ".join(path),
        kind="choice" if choices else plain[0] if len(plain) == 1 and plain[0] in _TYPES else "json",
        required=required,
        nullable="null" in types or None in choices or not (types or choices),
        choices=choices,
        low=part.get("minimum"),
        high=part.get("maximum"),
    )


def value_problem(field: Field, value: object) -> str | None:
    """Why a value does not fit a field, in words."""
    if value is ABSENT or value is None:
        may_lack = field.nullable if value is None else not field.required
        return None if may_lack else "A value is needed here."
    if field.kind == "choice":
        fits = any(_same(value, each) for each in field.choices)
        return None if fits else "This is one of: " + ", ".join(map(str, field.choices)) + "."
    if field.kind == "string":
        return None if isinstance(value, str) else "This is a text."
    if field.kind == "boolean":
        return None if isinstance(value, bool) else "This is true or false."
    return _number_problem(field, value) if field.kind in ("number", "integer") else None


def _number_problem(field: Field, value: object) -> str | None:
    if not isinstance(value, int | float) or not is_number(value):
        return "This is a number."
    if field.kind == "integer" and value != int(value):
        return "This is a whole number."
    if field.low is not None and value < field.low:
        return f"At least {field.low:g}."
    return f"At most {field.high:g}." if field.high is not None and value > field.high else None


def json_of(output: object) -> object:
    """The JSON in a text that holds JSON; everything else as it is."""
    if not isinstance(output, str):
        return output
    try:
        return parse_strict(output.encode("utf-8", "surrogatepass"))
    except MalformedJSON:
        return output


def value_at(document: object, pointer: str) -> object:
    """ABSENT where there is none."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(document, Mapping) or name not in document:
            return ABSENT
        document = document[name]
    return document


def with_values(document: object, values: Mapping[tuple[str, ...], object]) -> dict[str, Any]:
    """The document with these values at their paths; ABSENT takes a value out. What was no object becomes one."""
    result = dict(document) if isinstance(document, Mapping) else {}
    below: dict[str, dict[tuple[str, ...], object]] = {}
    for (name, *rest), value in values.items():
        if rest:
            below.setdefault(name, {})[tuple(rest)] = value
        elif value is ABSENT:
            result.pop(name, None)
        else:
            result[name] = value
    for name, inner in below.items():
        if name in result or any(value is not ABSENT for value in inner.values()):
            result[name] = with_values(result.get(name), inner)
    return result


def nothing_to_tell_apart(one: object, other: object) -> bool:
    """Whether two values say the same; to say null is to say nothing."""
    return _same(None if one is ABSENT else one, None if other is ABSENT else other)


def _same(one: object, other: object) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other
