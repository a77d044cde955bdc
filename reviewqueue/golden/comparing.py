"""Whether an output is the known answer, by the comparison that its item asks for. Pure.

exact    the same JSON value; 1 and 1.0 are the same number, and true is none
text     the same text in NFKC, without regard to case and to how many spaces or line ends stand together
number   a number, or a text that is one, no further from the known one than the tolerance, counted in decimals
one_of   any of several values: texts as by `text`, everything else as by `exact`
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

from reviewqueue.errors import FieldProblem
from reviewqueue.ledger.quick_canonical import quick_canonical

Comparison = Literal["exact", "text", "number", "one_of"]
COMPARISONS: Final[tuple[Comparison, ...]] = ("exact", "text", "number", "one_of")

MOST_ALTERNATIVES: Final = 50
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")


def is_right(comparison: Comparison, known: Any, output: Any, *, tolerance: float | None = None) -> bool:
    """Whether `output` is the known answer. Meaningless for an item that `problems_of` objects to."""
    if comparison == "exact":
        return _same(known, output)
    if comparison == "text":
        return isinstance(output, str) and plain(output) == plain(known)
    if comparison == "number":
        wanted, given = number_of(known), number_of(output)
        return wanted is not None and given is not None and abs(given - wanted) <= Decimal(repr(tolerance or 0.0))
    return any(_is_alternative(each, output) for each in known)


def problems_of(comparison: str, known: Any, *, tolerance: float | None = None) -> list[FieldProblem]:
    """Why outputs could not be compared with this answer by a machine; nothing when they can."""
    check = _CHECKS.get(comparison)
    if check is None:
        return [FieldProblem("/comparison", "choice", f"This is one of: {', '.join(COMPARISONS)}.")]
    problems = [FieldProblem("/answer", "not_comparable", problem)] if (problem := check(known)) else []
    if tolerance is not None and comparison != "number":
        problems.append(FieldProblem("/tolerance", "not_used", "Only numbers have a tolerance."))
    return problems


def plain(text: str) -> str:
    """What is compared of a text. NFKC comes again after the case is gone, or a second look could differ."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def number_of(value: Any) -> Decimal | None:
    """A JSON number, or a text that says one and nothing else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return Decimal(value.strip())
    return None


def _same(one: Any, other: Any) -> bool:
    return quick_canonical(one) == quick_canonical(other)


def _is_alternative(alternative: Any, output: Any) -> bool:
    if isinstance(alternative, str) and isinstance(output, str):
        return plain(alternative) == plain(output)
    return _same(alternative, output)


def _exact_problem(known: Any) -> str:
    return "An answer is missing: null says that none is known." if known is None else ""


def _text_problem(known: Any) -> str:
    return "" if isinstance(known, str) and plain(known) else "Comparing as text needs a text that is not empty."


def _number_problem(known: Any) -> str:
    return "" if number_of(known) is not None else "Comparing as a number needs a number."


def _one_of_problem(known: Any) -> str:
    if not isinstance(known, list) or not 0 < len(known) <= MOST_ALTERNATIVES:
        return f"One of several needs a list of 1 to {MOST_ALTERNATIVES} answers."
    if any(each is None or (isinstance(each, str) and not plain(each)) for each in known):
        return "None of the several answers may be null or empty."
    return ""


_CHECKS: Final[Mapping[str, Callable[[Any], str]]] = {
    "exact": _exact_problem,
    "text": _text_problem,
    "number": _number_problem,
    "one_of": _one_of_problem,
}
