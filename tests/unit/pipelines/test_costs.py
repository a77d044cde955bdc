"""What may be said of costs."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.pipelines.costs import STEPS, Costs, cost_problems, costs_of, with_every_amount
from reviewqueue.policy.document import NEXT_STEPS

GOOD: dict[str, Any] = {"currency": "EUR", "review": 1.2, "error": 40, "steps": {"secondary": 0.01, "retry": 0.002}}


def codes(costs: object) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in cost_problems(costs)]


def test_costs_may_be_set_in_part_or_not_at_all() -> None:
    assert codes(GOOD) == []
    assert codes({"currency": "USD"}) == []
    assert codes({}) == []
    assert costs_of({}) is None


def test_stored_costs_have_every_field_and_steps_in_the_order_of_a_cascade() -> None:
    stored = with_every_amount(GOOD)
    assert list(stored["steps"]) == ["retry", "secondary"]
    assert costs_of(stored) == Costs("EUR", 1.2, 40.0, {"retry": 0.002, "secondary": 0.01})
    assert costs_of(with_every_amount({"currency": "USD"})) == Costs("USD")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"currency": "eur"}, ("/costs/currency", "currency")),
        ({"currency": "€"}, ("/costs/currency", "currency")),
        ({"currency": None}, ("/costs/currency", "currency")),
        ({"review": -1}, ("/costs/review", "range")),
        ({"review": True}, ("/costs/review", "range")),
        ({"review": float("nan")}, ("/costs/review", "range")),
        ({"error": 10**400}, ("/costs/error", "range")),
        ({"error": "40"}, ("/costs/error", "range")),
        ({"steps": []}, ("/costs/steps", "type")),
        ({"steps": {"retry": float("inf")}}, ("/costs/steps/retry", "range")),
        ({"steps": {"a/b": 1}}, ("/costs/steps/a~1b", "choice")),
        ({"lunch": 9}, ("/costs/lunch", "unknown_field")),
    ],
)
def test_what_is_wrong_is_pointed_at(change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert codes({**GOOD, **change}) == [expected]


def test_every_next_step_of_a_policy_can_have_a_price() -> None:
    assert set(STEPS) == set(NEXT_STEPS)
