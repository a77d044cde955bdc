"""What an item of a golden set is, and everything that can be wrong with one. Pure.

A draft may hold what cannot be compared yet: the known answer of an item may be missing until it is published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_type_hints

import msgspec
from msgspec import Meta

from calibration.core.segments import single_names
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.golden.comparing import Comparison, problems_of
from reviewqueue.ledger.quick_canonical import quick_canonical
from reviewqueue.pipelines.names import pointer_to

MOST_ITEMS: Final = 10_000
MAX_KEY: Final = 200
MAX_NOTE: Final = 2_000
MAX_CONTENT_BYTES: Final = 64 * 1024
MOST_PROBLEMS: Final = 50
"""So many are told at a time."""


class Item(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An input with its known answer."""

    key: Annotated[str, Meta(min_length=1, max_length=MAX_KEY, description="Your name for it, unique in the set.")]
    input: Annotated[Any, Meta(description="What a model is asked: a text or any JSON value.")] = None
    answer: Annotated[Any, Meta(description="The known answer. With `one_of`, a list of them.")] = None
    comparison: Annotated[Comparison, Meta(description="How an output is compared with the answer.")] = "text"
    tolerance: Annotated[
        Annotated[float, Meta(ge=0, le=1e15)] | None, Meta(description="How far off a number may be.")
    ] = None
    category: Annotated[
        Annotated[str, Meta(max_length=80)] | None, Meta(description="One of the pipeline's categories.")
    ] = None
    segments: Annotated[dict[str, str], Meta(description="Slices with figures of their own.")] = {}
    note: Annotated[str, Meta(max_length=MAX_NOTE, description="Why this is the answer, for those who look.")] = ""

    @property
    def content(self) -> dict[str, Any]:
        """What is kept apart, so that it can be erased."""
        return {"input": self.input, "answer": self.answer, "note": self.note}

    @property
    def segment_names(self) -> list[str]:
        return single_names(self.category, self.segments)

    def comparison_problems(self) -> list[FieldProblem]:
        """Why outputs could not be compared with it."""
        return problems_of(self.comparison, self.answer, tolerance=self.tolerance)


@dataclass(frozen=True, slots=True)
class Names:
    """What the pipeline enumerates: anything else is refused, as in claims."""

    slug: str
    categories: Collection[str]
    segment_values: Mapping[str, Collection[str]]

    def problems(self, item: Item) -> Iterator[FieldProblem]:
        if item.category is not None and item.category not in self.categories:
            yield FieldProblem("/category", "unknown", "This pipeline has no such category.")
        for key, value in item.segments.items():
            if value not in self.segment_values.get(key, ()):
                yield FieldProblem(f"/segments{pointer_to(key)}", "unknown", "This pipeline has no such segment.")

    def fingerprint(self, item: Item) -> bytes:
        """Of the input, as claims have it: repeated inputs are one cluster."""
        named = item.key if item.input is None else item.input
        return hashlib.sha256(quick_canonical([self.slug, named])).digest()


_TYPES: Final = get_type_hints(Item, include_extras=True)
_REQUIRED: Final = frozenset(field.name for field in msgspec.structs.fields(Item) if field.required)


def parse_item(body: object, names: Names) -> Item:
    """Raises Invalid with every problem of shape; whether outputs can be compared is asked when it is published."""
    if not isinstance(body, dict):
        raise Invalid([FieldProblem("", "type", "An item is a JSON object.")])
    try:
        item = msgspec.convert(body, Item)
    except (msgspec.ValidationError, OverflowError, ValueError):
        raise Invalid(list(_shape_problems(body))) from None
    problems = [*_value_problems(item), *names.problems(item)]
    if problems:
        raise Invalid(problems)
    return item


def _shape_problems(body: Mapping[str, Any]) -> Iterator[FieldProblem]:
    for name in sorted(set(body) - set(_TYPES)):
        yield FieldProblem(pointer_to(name), "unknown_field", "There is no such field in an item.")
    for name in sorted(_REQUIRED - set(body)):
        yield FieldProblem(f"/{name}", "required", "This field is required.")
    for name in sorted(set(_TYPES) & set(body)):
        try:
            msgspec.convert(body[name], _TYPES[name])
        except (msgspec.ValidationError, OverflowError, ValueError) as error:
            message = str(error).partition(" - at `$")[0]
            yield FieldProblem(f"/{name}", shape_code(message), f"{message}."[:300])


def shape_code(message: str) -> str:
    """The code for what msgspec says is wrong, as claims have it."""
    if " <= " in message or " >= " in message or "length" in message:
        return "range"
    return "type" if message.startswith("Expected") else "value"


def _value_problems(item: Item) -> Iterator[FieldProblem]:
    if not (item.key.isprintable() and item.key.strip()):
        yield FieldProblem("/key", "printable", "Only printable characters, and not only spaces.")
    try:
        size = len(quick_canonical(item.content))
    except ValueError:
        yield FieldProblem("", "value", "This is no JSON that can be kept.")
    else:
        if size > MAX_CONTENT_BYTES:
            yield FieldProblem("", "too_large", "Input, answer and note together may have 64 KiB.")
