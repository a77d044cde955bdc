"""Where further audit labels go: never above the budget, never below a floor, and nowhere better."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.allocation import (
    RATES,
    Stratum,
    allocate,
    expected_limit,
    rate_for,
    rounded_down,
    rounded_up,
)

SOME = settings(max_examples=60, deadline=None)
strata = st.builds(
    lambda claims, labels, share, alpha, floor: Stratum(claims, labels, int(labels * share), alpha, floor),
    st.integers(0, 400),
    st.integers(0, 300),
    st.floats(0, 0.5),
    st.sampled_from([0.01, 0.03, 0.1, 0.3]),
    st.sampled_from([0.0, 0.01, 0.05, 0.5, 1.0]),
)
small = st.builds(
    lambda claims, labels, wrong, alpha: Stratum(claims, labels, min(wrong, labels // 2), alpha),
    st.integers(1, 12),
    st.integers(0, 40),
    st.integers(0, 6),
    st.sampled_from([0.02, 0.1, 0.3]),
)


def spent(strata: list[Stratum], rates: list[float]) -> float:
    return sum((rate - each.floor) * each.claims_a_week for each, rate in zip(strata, rates, strict=True))


def worth(stratum: Stratum, labels: np.ndarray) -> np.ndarray:
    """By how much its upper limit falls, in units of what is allowed."""
    return (expected_limit(stratum, 0.0) - expected_limit(stratum, labels)) / stratum.alpha


@given(st.lists(strata, max_size=6), st.integers(0, 200))
@SOME
def test_rates_stay_between_floor_and_one_and_within_the_budget(strata: list[Stratum], budget: int) -> None:
    rates = allocate(strata, budget)
    assert all(each.floor <= rate <= 1 for each, rate in zip(strata, rates, strict=True))
    assert spent(strata, rates) <= budget + 1e-6


@given(st.lists(strata, min_size=1, max_size=5), st.integers(1, 150))
@SOME
def test_what_is_not_spent_could_not_be(strata: list[Stratum], budget: int) -> None:
    rates = allocate(strata, budget)
    if spent(strata, rates) < budget - 1e-6:
        assert all((1 - rate) * each.claims_a_week < 1 + 1e-6 for each, rate in zip(strata, rates, strict=True))


@given(st.lists(small, min_size=2, max_size=3), st.integers(1, 8))
@SOME
def test_no_other_way_to_spend_the_budget_is_better(strata: list[Stratum], budget: int) -> None:
    rates = allocate(strata, budget)
    found = sum(float(worth(each, rate * each.claims_a_week)) for each, rate in zip(strata, rates, strict=True))
    of_each = [worth(each, np.arange(each.claims_a_week + 1)) for each in strata]
    ways = product(*(range(min(len(each), budget + 1)) for each in of_each))
    best = max(sum(each[n] for each, n in zip(of_each, way, strict=True)) for way in ways if sum(way) <= budget)
    assert found == pytest.approx(best, abs=1e-9)


@given(strata, st.integers(0, 100))
@SOME
def test_a_larger_budget_never_lowers_a_rate(stratum: Stratum, budget: int) -> None:
    others = [stratum, Stratum(100, 30, 1, 0.05, 0.05)]
    before, after = allocate(others, budget), allocate(others, budget + 20)
    assert all(more >= less - 1e-12 for less, more in zip(before, after, strict=True))


def test_labels_go_where_the_promise_is_least_certain() -> None:
    certain, uncertain = Stratum(1_000, 2_000, 20, 0.05, 0.05), Stratum(1_000, 150, 4, 0.05, 0.05)
    assert allocate([certain, uncertain], 50) == [0.05, pytest.approx(0.1)]


@given(st.floats(0.1, 1e4), st.floats(0, 1e5))
@SOME
def test_a_worked_out_rate_brings_the_labels_that_were_asked_for(labels: float, claims: float) -> None:
    rate = rate_for(labels, claims)
    assert rate in RATES
    assert rate * claims >= min(labels, claims) - 1e-6 or rate == RATES[-1]


@given(st.floats(0, 1))
@SOME
def test_rates_are_rounded_to_few_steps(rate: float) -> None:
    assert rounded_down(rate) <= rate + 1e-9
    assert rounded_up(rate) >= rate - 1e-9
    assert rounded_up(rate) in RATES


@pytest.mark.parametrize("wrong", [{"claims_a_week": -1}, {"errors": 2}, {"alpha": 0}, {"floor": 2}])
def test_impossible_strata_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must"):
        Stratum(**{"claims_a_week": 1, "labels": 1, "errors": 0, "alpha": 0.1, "floor": 0, **wrong})
