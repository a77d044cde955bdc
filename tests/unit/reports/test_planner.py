"""Thresholds by cost, by capacity and by promise, and what they would mean."""

from __future__ import annotations

from typing import Any

import pytest

from calibration.core.cells import Cells, cells_of_counts
from reviewqueue.reports.coverage import Curve, Point, Rejection
from reviewqueue.reports.planner import Plan, Terms, plan_of

TRAFFIC = cells_of_counts([0.5, 0.7, 0.9, 0.98], [200, 200, 300, 300], [0, 0, 0, 0])
SAMPLE = cells_of_counts([0.5, 0.7, 0.9, 0.98], [40, 40, 60, 60], [20, 28, 54, 59])


def curve(*, certified: float | None = None, decidable: float = 1.0) -> Curve:
    point = Point(0.9, 0.6, 120, 7, 0.05, 0.1, certified is not None, 1.0, certified)
    return Curve(
        model="acme-lm",
        model_version="1",
        prompt_version="",
        calibrator="platt-1",
        treats_segments_apart=False,
        claims=1000,
        claims_a_day=100,
        all_hours=5.0,
        decidable_share=decidable,
        labels=200,
        threshold=0.9 if certified else None,
        reason=None if certified else "too_few_labels",
        labels_missing=0,
        points=(point,),
        rejection=Rejection(None, 0.0, 0, 0, None, None, "too_few_labels", 40),
    )


def planned(sample: Cells = SAMPLE, traffic: Cells = TRAFFIC, *, audit: float = 0.0, **changes: Any) -> Plan:
    terms = {"minutes": 120.0, "minutes_each": 3.0, "error": 10.0, "review": 1.0, "catch": 1.0, "spoil": 0.0}
    known = {name: changes.pop(name) for name in list(changes) if name in terms}
    return plan_of(sample, traffic, Terms(**{**terms, **known}), curve(**changes), audit)


def test_cost_alone_reviews_what_saves_more_than_it_costs() -> None:
    plan = planned()
    assert plan.by_cost == pytest.approx(0.9)
    chosen = plan.choice("cost")
    assert chosen is not None
    assert (chosen.reviewed, chosen.hours) == (pytest.approx(0.4), pytest.approx(2.0))
    assert chosen.expected_error == pytest.approx(0.3 * 0.1 + 0.3 * 0.02)
    assert chosen.residual == pytest.approx(7 / 200)
    assert chosen.low < 7 / 200 < chosen.high
    assert chosen.cost_a_day == pytest.approx(40 * 1 + 30 * 10 * 0.1 + 30 * 10 * 0.02)


def test_the_minutes_reach_from_the_least_sure_up() -> None:
    """120 minutes are 40 claims of 100: those below 0.9, all or none of equals."""
    assert planned().by_capacity == pytest.approx(0.9)
    assert planned(minutes=119.0).by_capacity == pytest.approx(0.7)
    assert planned(minutes=1.0).by_capacity == 0
    assert planned(minutes=301.0).by_capacity > 1


def test_what_has_to_be_reviewed_comes_first() -> None:
    plan = planned(minutes=30.0, decidable=0.8, audit=0.1)
    assert plan.minutes_short == pytest.approx(20 * 3 + 80 * 0.1 * 3 - 30, abs=1)
    assert plan.by_capacity == 0


def test_without_a_promise_nothing_is_effective_whatever_it_costs() -> None:
    plan = planned()
    assert (plan.certified, plan.effective, plan.hours_for_promise, plan.reason) == (None, None, None, "too_few_labels")
    assert plan.choice("effective") is None


def test_the_stricter_of_cost_and_promise_is_effective() -> None:
    assert planned(certified=0.7).effective == pytest.approx(0.9)
    strict = planned(certified=0.98)
    assert strict.effective == pytest.approx(0.98)
    assert strict.hours_for_promise == pytest.approx(70 * 3 / 60)


def test_no_review_pays_where_it_costs_as_much_as_an_error() -> None:
    assert planned(error=1.0).by_cost == 0


def test_without_labels_nothing_is_measured() -> None:
    plan = planned(sample=cells_of_counts([], [], []))
    assert {(choice.residual, choice.low, choice.high) for choice in plan.choices} == {(None, 0.0, 1.0)}


def test_without_traffic_there_is_still_a_plan() -> None:
    plan = planned(sample=cells_of_counts([], [], []), traffic=cells_of_counts([], [], []), decidable=0.0)
    assert plan.minutes_short == pytest.approx(180)
    everything = plan.choice("everything")
    assert everything is not None
    assert (everything.reviewed, everything.hours) == (1.0, pytest.approx(5.0))


@pytest.mark.parametrize("error", [0.5, 3.0, 10.0, 80.0])
@pytest.mark.parametrize(("catch", "spoil"), [(1.0, 0.0), (0.6, 0.0), (0.9, 0.15)])
def test_no_step_of_the_curve_costs_less_than_the_threshold_by_cost(error: float, catch: float, spoil: float) -> None:
    plan = planned(error=error, catch=catch, spoil=spoil)
    best = plan.choice("cost")
    assert best is not None
    assert best.cost_a_day <= min(step.cost_a_day for step in plan.steps) + 1e-6
