"""What can be picked in a review form: an answer, a kind of mistake. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewqueue.errors import FieldProblem

MAX_VALUE: Final = 60
MAX_TITLE: Final = 200
_KEY: Final = re.compile("[a-z]")
_FIELDS: Final = frozenset({"value", "title", "key"})


@dataclass(frozen=True, slots=True)
class Option:
    """`value` is what is stored, `title` what people read, `key` what picks it, if anything does."""

    value: str
    title: str
    key: str = ""


def options_in(given: Iterable[Any]) -> tuple[Option, ...]:
    """Expects options without `option_problems`."""
    return tuple(
        Option(each, each)
        if isinstance(each, str)
        else Option(each["value"], each.get("title") or each["value"], each.get("key", ""))
        for each in given
    )


def option_problems(pointer: str, options: object, *, at_least: int) -> Iterator[FieldProblem]:
    field = pointer.rsplit("/", 1)[-1]
    if not isinstance(options, list) or len(options) < at_least:
        detail = "A choice needs at least two options." if at_least else "Error types are a list of names."
        yield FieldProblem(pointer, field, detail)
        return
    values = [each.get("value") if isinstance(each, Mapping) else each for each in options]
    for place, option in enumerate(options):
        yield from _problems_of(f"{pointer}/{place}", option)
        if isinstance(values[place], str) and values[place] in values[:place]:
            yield FieldProblem(f"{pointer}/{place}", "twice", "Each is named once.")


def _problems_of(pointer: str, option: object) -> Iterator[FieldProblem]:
    if not isinstance(option, Mapping):
        if not _is_text(option, MAX_VALUE):
            yield FieldProblem(pointer, "text", f"This is a text of 1 to {MAX_VALUE} characters.")
        return
    for name in sorted(set(option) - _FIELDS, key=str):
        yield FieldProblem(f"{pointer}/{str(name)[:80]}", "unknown_field", "There is no such field in an option.")
    if not _is_text(option.get("value"), MAX_VALUE):
        yield FieldProblem(f"{pointer}/value", "text", f"This is a text of 1 to {MAX_VALUE} characters.")
    if "title" in option and not is_title(option["title"]):
        yield FieldProblem(f"{pointer}/title", "text", f"This is a printable text of 1 to {MAX_TITLE} characters.")
    key = option.get("key", "")
    if not isinstance(key, str) or (key and not _KEY.fullmatch(key)):
        yield FieldProblem(f"{pointer}/key", "key", "A key is one letter from a to z; digits are given by themselves.")


def _is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most


def is_title(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TITLE and value.isprintable() and bool(value.strip())
