"""What a pipeline's work costs: a review, a wrong output that went out, one next step of each kind. Pure.

`{"currency": "EUR", "review": 1.2, "error": 40.0, "steps": {"retry": 0.002, "secondary": 0.01}}`
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.names import pointer_to

STEPS: Final = ("retry", "ask", "retrieve", "verify", "secondary", "abstain")
MOST: Final = 1_000_000_000
_FIELDS: Final = ("currency", "review", "error", "steps")
_AMOUNT: Final = f"A cost is a number from 0 to {MOST:,}."


@dataclass(frozen=True, slots=True)
class Costs:
    """`review` is the price of one label. What has no price is None (or missing from `steps`): unknown, not free."""

    currency: str
    review: float | None = None
    error: float | None = None
    steps: Mapping[str, float] = field(default_factory=dict)


def costs_of(stored: Mapping[str, Any]) -> Costs | None:
    """None where nothing was set."""
    return Costs(**stored) if stored else None


def cost_problems(costs: object) -> list[FieldProblem]:
    """An empty object is sound: nothing was set."""
    if not isinstance(costs, Mapping):
        return [FieldProblem("/costs", "type", "Costs are an object.")]
    return list(_problems_of(costs)) if costs else []


def _problems_of(costs: Mapping[Any, object]) -> Iterator[FieldProblem]:
    for name in costs:
        if name not in _FIELDS:
            yield FieldProblem(pointer_to("costs", str(name)), "unknown_field", "There is no such field in costs.")
    if not _is_currency(costs.get("currency")):
        yield FieldProblem("/costs/currency", "currency", "A currency is three capital letters, such as EUR.")
    for name in ("review", "error"):
        if costs.get(name) is not None and not _is_amount(costs[name]):
            yield FieldProblem(f"/costs/{name}", "range", _AMOUNT)
    steps = costs.get("steps", {})
    if not isinstance(steps, Mapping):
        yield FieldProblem("/costs/steps", "type", "Costs of steps are an object: an amount by kind of step.")
        return
    for name, amount in steps.items():
        pointer = pointer_to("costs", "steps", str(name))
        if name not in STEPS:
            yield FieldProblem(pointer, "choice", "A step is one of: " + ", ".join(STEPS) + ".")
        if not _is_amount(amount):
            yield FieldProblem(pointer, "range", _AMOUNT)


def _is_currency(value: object) -> bool:
    return isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha() and value.isupper()


def _is_amount(value: object) -> bool:
    """NaN and the infinities compare as out of range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= MOST


def amount_text(amount: float) -> str:
    """Without an exponent and without needless zeros, so that reading it again gives the same amount."""
    return f"{amount:.12f}".rstrip("0").rstrip(".")


def with_every_amount(costs: Mapping[str, Any]) -> dict[str, Any]:
    """Sound costs as they are stored: every field, amounts as floats, steps in the order of a cascade."""
    if not costs:
        return {}
    steps = costs.get("steps", {})
    return {
        "currency": costs["currency"],
        "review": _amount(costs.get("review")),
        "error": _amount(costs.get("error")),
        "steps": {name: float(steps[name]) for name in STEPS if name in steps},
    }


def _amount(value: float | None) -> float | None:
    return None if value is None else float(value)
