"""Which segments of a pipeline statistics are kept for: attributes alone, and two of them together. Pure.

    [["category"], ["language"], ["category", "language"]]

Nothing declared: the category and every segment attribute, each alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from calibration.core.segments import (
    CATEGORY,
    MOST_VALUES,
    MOST_WATCHED,
    Attributes,
    can_be_paired,
    declared_as,
    declared_order,
    in_order,
)
from reviewqueue.errors import FieldProblem

POINTER: Final = "/watched"


def every_attribute(categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]) -> list[str]:
    return [CATEGORY, *sorted(segment_values)] if categories else sorted(segment_values)


def watched_of(
    declared: Sequence[Sequence[str]], *, categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]
) -> tuple[Attributes, ...]:
    """What is declared, or each attribute alone."""
    if declared:
        return tuple(tuple(attributes) for attributes in declared)
    return tuple((attribute,) for attribute in every_attribute(categories, segment_values))


def as_declared(given: Sequence[Sequence[str]]) -> list[list[str]]:
    """Sound declarations as they are stored: each in one order, those alone before pairs."""
    return [list(attributes) for attributes in sorted({in_order(each) for each in given}, key=declared_order)]


def possible_pairs(
    categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]
) -> Iterator[tuple[Attributes, int]]:
    """Every two attributes that may be watched together, with how many pairs of values they have."""
    known = [each for each in every_attribute(categories, segment_values) if can_be_paired(each)]
    for place, one in enumerate(known):
        for other in known[place + 1 :]:
            size = _size(one, categories, segment_values) * _size(other, categories, segment_values)
            if size <= MOST_VALUES:
                yield (one, other), size


def _size(attribute: str, categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]) -> int:
    return len(categories) if attribute == CATEGORY else len(segment_values[attribute])


# --- checking -------------------------------------------------------------------------------------------------------


def watched_problems(given: object) -> Iterator[FieldProblem]:
    """What is wrong with a declaration in itself; pointers lie below /watched."""
    if not isinstance(given, Sequence) or isinstance(given, str):
        yield FieldProblem(POINTER, "type", "This is a list of lists: one attribute each, or two.")
        return
    if len(given) > MOST_WATCHED:
        yield FieldProblem(POINTER, "too_many", f"At most {MOST_WATCHED} are watched.")
    for place, attributes in enumerate(given):
        if not _is_declaration(attributes):
            yield FieldProblem(f"{POINTER}/{place}", "type", "This is one attribute, or two different ones.")


def _is_declaration(attributes: object) -> bool:
    if not isinstance(attributes, Sequence) or isinstance(attributes, str):
        return False
    names = [each for each in attributes if isinstance(each, str)]
    return len(names) == len(attributes) and len(set(names)) == len(names) and 1 <= len(names) <= 2


def unknown_watched(
    given: Sequence[Sequence[str]], *, categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]
) -> Iterator[FieldProblem]:
    """What the pipeline does not know, or what has too many values, in a declaration that is sound in itself."""
    known = {CATEGORY, *segment_values}
    for place, attributes in enumerate(given):
        pointer = f"{POINTER}/{place}"
        if not set(attributes) <= known:
            yield FieldProblem(pointer, "unknown", "This pipeline has no such attribute.")
        elif not all(map(can_be_paired, attributes)):
            yield FieldProblem(pointer, "name", "An attribute with & or = in its name cannot be declared.")
        elif len(attributes) > 1:
            one, other = (_size(each, categories, segment_values) for each in attributes)
            if one * other > MOST_VALUES:
                detail = f"{declared_as(in_order(attributes))}: {one * other:,} pairs of values, {MOST_VALUES} at most."
                yield FieldProblem(pointer, "too_many", detail)
