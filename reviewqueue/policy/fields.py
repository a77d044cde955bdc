"""Reads JSON objects key by key and collects everything wrong with them, each problem with its JSON Pointer.

A *reading* turns one JSON value into a typed value or a complaint. Reading goes on after a complaint with a stand-in
value, so that one pass finds every problem; whoever reads must look at `problems` before using the result.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from reviewqueue.errors import FieldProblem as Problem
from reviewqueue.policy.document import PLACES

T = TypeVar("T")
LONGEST_ECHO: Final = 64


class Complaint(NamedTuple):
    code: str
    detail: str


Reading = Callable[[object], T | Complaint]


@dataclass(slots=True)
class Fields:
    """The keys of one JSON object. `bad` names those that were refused or missing."""

    pointer: str
    values: Mapping[object, object]
    problems: list[Problem]
    is_object: bool = True
    taken: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, value: object, pointer: str, problems: list[Problem]) -> Fields:
        if isinstance(value, Mapping):
            return cls(pointer, value, problems)
        problems.append(Problem(pointer, "not_an_object", "must be an object"))
        return cls(pointer, {}, problems, is_object=False)

    def refuse(self, key: str, code: str, detail: str) -> None:
        self.bad.add(key)
        self.problems.append(Problem(child(self.pointer, key), code, detail))

    def required(self, key: str, reading: Reading[T], *, stand_in: T) -> T:
        if key not in self.values:
            self._report_missing(key)
            return stand_in
        return self.optional(key, reading, default=stand_in)

    def optional(self, key: str, reading: Reading[T], *, default: T) -> T:
        self.taken.add(key)
        if key not in self.values:
            return default
        value = reading(self.values[key])
        if isinstance(value, Complaint):
            self.refuse(key, *value)
            return default
        return value

    def inner(self, key: str, *, needed: bool = False) -> Fields:
        """The object under a key; an absent optional one reads as empty."""
        self.taken.add(key)
        pointer = child(self.pointer, key)
        if key in self.values:
            return Fields.of(self.values[key], pointer, self.problems)
        if needed:
            self._report_missing(key)
        return Fields(pointer, {}, self.problems, is_object=not needed)

    def entries(self, key: str, *, most: int, needed: bool = False) -> list[tuple[str, object]]:
        """The elements of the list under a key, each with its pointer; none when there is no list."""
        self.taken.add(key)
        if key not in self.values:
            if needed:
                self._report_missing(key)
            return []
        return list_entries(self.values[key], child(self.pointer, key), self.problems, most=most)

    def close(self) -> None:
        """Refuses every key nobody asked for: a typo must not silently change a decision."""
        for key in self.values:
            if key not in self.taken:
                self.problems.append(Problem(child(self.pointer, key), "unknown_key", "there is no such field"))

    def _report_missing(self, key: str) -> None:
        self.taken.add(key)
        self.bad.add(key)
        if self.is_object:
            self.problems.append(Problem(child(self.pointer, key), "missing", "this field is needed"))


def list_entries(value: object, pointer: str, problems: list[Problem], *, most: int) -> list[tuple[str, object]]:
    if not isinstance(value, list | tuple):
        problems.append(Problem(pointer, "not_a_list", "must be a list"))
        return []
    if len(value) > most:
        problems.append(Problem(pointer, "too_many", f"at most {most} entries"))
        return []
    return [(child(pointer, place), item) for place, item in enumerate(value)]


def child(pointer: str, key: object) -> str:
    """The JSON Pointer one level down, safe to print whatever the key contains."""
    token = str(key)[:LONGEST_ECHO].encode("utf-8", "replace").decode()
    return f"{pointer}/{token.replace('~', '~0').replace('/', '~1')}"


def number(low: float, high: float, *, open_low: bool = False, open_high: bool = False) -> Reading[float]:
    """A finite number between two bounds, rounded to eight places; an open bound is itself excluded."""
    interval = f"must lie in {'(' if open_low else '['}{low:g}, {high:g}{')' if open_high else ']'}"

    def reading(value: object) -> float | Complaint:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Complaint("not_a_number", "must be a number")
        if isinstance(value, float) and not math.isfinite(value):
            return Complaint("not_finite", "must be a finite number")
        if not low <= value <= high:
            return Complaint("out_of_range", interval)
        rounded = round(float(value), PLACES) + 0.0  # the sum turns -0.0 into 0.0
        if (open_low and rounded <= low) or (open_high and rounded >= high):
            return Complaint("out_of_range", interval)
        return rounded

    return reading


def integer(low: int, high: int) -> Reading[int]:
    def reading(value: object) -> int | Complaint:
        if isinstance(value, bool) or not isinstance(value, int):
            return Complaint("not_an_integer", "must be a whole number")
        if not low <= value <= high:
            return Complaint("out_of_range", f"must lie between {low} and {high}")
        return value

    return reading


def one_of(options: Sequence[T]) -> Reading[T]:
    names = ", ".join(str(option) for option in options)

    def reading(value: object) -> T | Complaint:
        for option in options:
            if isinstance(value, str) and value == option:
                return option
        return Complaint("not_a_choice", f"must be one of {names}")

    return reading


def text(longest: int, *, shortest: int = 1) -> Reading[str]:
    """Printable text as received: no control, invisible or unassigned characters, no spaces around it."""

    def reading(value: object) -> str | Complaint:
        if not isinstance(value, str):
            return Complaint("not_a_text", "must be a text")
        if not shortest <= len(value) <= longest:
            return Complaint("wrong_length", f"must have {shortest} to {longest} characters")
        if not value.isprintable() or value != value.strip():
            return Complaint("unprintable", "must be printable, without spaces around it")
        return value

    return reading


def flag(value: object) -> bool | Complaint:
    return value if isinstance(value, bool) else Complaint("not_a_boolean", "must be true or false")


def nullable(reading: Reading[T]) -> Reading[T | None]:
    return lambda value: None if value is None else reading(value)
