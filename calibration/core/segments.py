"""What the segments of a claim are called: "language=de", and of two attributes "category=pricing & language=de".

What is watched is declared as attributes, alone or two together: ("category",), ("category", "language").
"category" is the claim's category, every other attribute one of its segments. Standard library only: routing looks
offsets up by these very names.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

Attributes = tuple[str, ...]

CATEGORY: Final = "category"
AND: Final = " & "

MOST_WATCHED: Final = 6
MOST_VALUES: Final = 400
"""How many pairs of values two attributes may have at most to be watched together."""


def can_be_paired(attribute: str) -> bool:
    """Whether a name with this attribute in it can be told apart from every other name."""
    return "&" not in attribute and "=" not in attribute


def in_order(attributes: Iterable[str]) -> Attributes:
    """One way to write what is watched: the category first, then by name."""
    return tuple(sorted(set(attributes), key=_order))


def declared_order(attributes: Attributes) -> tuple[int, list[tuple[bool, str]]]:
    """Those alone before pairs, the category first, then by name."""
    return len(attributes), [_order(each) for each in attributes]


def declared_as(attributes: Attributes) -> str:
    """As forms and addresses write it: "category & language"."""
    return AND.join(attributes)


def names_of(category: str | None, segments: Mapping[str, str], watched: Sequence[Attributes]) -> list[str]:
    """The segments that a claim belongs to, in the order of `watched`; none where it does not say its value."""
    own = _values(category, segments)
    return [
        _name((attribute, own[attribute]) for attribute in attributes)
        for attributes in watched
        if all(attribute in own for attribute in attributes)
    ]


def single_names(category: str | None, segments: Mapping[str, str]) -> list[str]:
    """Every attribute alone: the category, then the others by name."""
    own = _values(category, segments)
    return [_name([(attribute, own[attribute])]) for attribute in sorted(own, key=_order)]


def pair_names(category: str | None, segments: Mapping[str, str]) -> Iterator[str]:
    """Every two attributes together."""
    own = _values(category, segments)
    usable = [attribute for attribute in sorted(own, key=_order) if can_be_paired(attribute)]
    return (_name((attribute, own[attribute]) for attribute in pair) for pair in combinations(usable, 2))


def offset_name(category: str | None, segments: Mapping[str, str], offsets: Container[str]) -> str | None:
    """The first of a claim's segments that a map treats apart, an attribute alone before two together.

    A map is fitted on one declaration, so of maps that were fitted it is the only one.
    """
    alone = next((name for name in single_names(category, segments) if name in offsets), None)
    return alone or next((name for name in pair_names(category, segments) if name in offsets), None)


def _values(category: str | None, segments: Mapping[str, str]) -> dict[str, str]:
    return {**segments, CATEGORY: category} if category else dict(segments)


def _order(attribute: str) -> tuple[bool, str]:
    return attribute != CATEGORY, attribute


def _name(parts: Iterable[tuple[str, str]]) -> str:
    return AND.join(f"{attribute}={_plain(value)}" for attribute, value in parts)


def _plain(value: str) -> str:
    """A value that could read like the second half of a pair is written so that it does not."""
    return value.replace("&", "&&") if "&" in value and "=" in value else value
