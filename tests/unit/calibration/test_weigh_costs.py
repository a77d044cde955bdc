from __future__ import annotations

import numpy as np
import pytest

from calibration.core.costs import (
    Costs,
    capacity_plan,
    cost_per_claim,
    cost_threshold,
    effective_threshold,
    residual_error,
)


def test_a_review_pays_below_one_minus_the_ratio_of_costs() -> None:
    assert cost_threshold(Costs(error=10, review=1)) == pytest.approx(0.9)


def test_reviewers_who_miss_and_spoil_are_asked_less_often() -> None:
    assert cost_threshold(Costs(error=10, review=1, catch=0.8, spoil=0.1)) == pytest.approx(7 / 9)


def test_nothing_is_worth_reviewing_when_a_review_costs_what_it_can_save() -> None:
    assert cost_threshold(Costs(error=1, review=1)) == 0
    assert cost_threshold(Costs(error=1, review=3)) == 0


def test_the_threshold_is_where_both_choices_cost_the_same() -> None:
    costs = Costs(error=7, review=1, catch=0.9, spoil=0.05)
    p = cost_threshold(costs)
    y = np.arange(10_000) < p * 10_000
    reviewed, accepted = (cost_per_claim(np.full(10_000, p), y, threshold, costs) for threshold in (1.1, 0.0))
    assert reviewed == pytest.approx(accepted, abs=1e-3)


@pytest.mark.parametrize(
    "impossible",
    [{"error": 0, "review": 1}, {"error": 1, "review": -1}, {"error": 1, "review": 1, "catch": 1.5}],
    ids=str,
)
def test_impossible_costs_are_refused(impossible: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must|probabilities"):
        Costs(**impossible)


def test_the_stricter_of_promise_and_cost_decides() -> None:
    assert effective_threshold(0.8, 0.9) == 0.9
    assert effective_threshold(0.95, 0.9) == 0.95
    assert effective_threshold(None, 0.1) is None


def test_minutes_go_to_the_least_certain_claims_first() -> None:
    plan = capacity_plan([0.9, 0.2, 0.6, 0.4], 10.0, minutes=25)
    assert plan.reviewed.tolist() == [False, True, False, True]
    assert (plan.threshold, plan.minutes_used, plan.minutes_short) == (0.4, 20, 0)
    assert plan.expected_error == pytest.approx((0.1 + 0.4) / 4)


def test_the_audit_sample_and_mandatory_claims_are_never_starved() -> None:
    plan = capacity_plan(
        [0.99, 0.98, 0.1, 0.2],
        10.0,
        minutes=30,
        mandatory=[True, False, False, False],
        audited=[False, True, False, False],
    )
    assert plan.reviewed.tolist() == [True, True, True, False]


def test_missing_minutes_for_reserved_claims_are_told() -> None:
    plan = capacity_plan([0.5, 0.5], 10.0, minutes=15, mandatory=[True, True])
    assert plan.reviewed.all()
    assert (plan.minutes_short, plan.threshold) == (5, None)


def test_cheap_reviews_of_costly_errors_come_first() -> None:
    plan = capacity_plan([0.5, 0.7, 0.7], [10.0, 1.0, 10.0], minutes=11, error_cost=[1.0, 1.0, 5.0])
    assert plan.reviewed.tolist() == [False, True, True]


def test_claims_of_equal_rank_are_reviewed_all_or_none() -> None:
    plan = capacity_plan([0.3, 0.5, 0.5, 0.5], 1.0, minutes=3)
    assert plan.reviewed.tolist() == [True, False, False, False]


def test_the_minutes_a_promise_needs_are_told() -> None:
    plan = capacity_plan([0.3, 0.5, 0.7, 0.9], 10.0, minutes=10, mandatory=[False, False, False, True], certified=0.7)
    assert plan.minutes_for_promise == 30


def test_no_claims_need_no_minutes() -> None:
    plan = capacity_plan([], [], minutes=10)
    assert (plan.threshold, plan.minutes_used, plan.expected_error) == (None, 0, 0)


def test_the_errors_that_remain_are_measured_with_their_limits() -> None:
    left = residual_error([1, 0, 0, 1], [False, True, False, False])
    assert left.rate == 0.25
    assert left.lo < 0.25 < left.hi
    with pytest.raises(ValueError, match="no labels"):
        residual_error([], [])
