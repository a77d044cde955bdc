from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from calibration.core.bands import GateSample, State, Stratum, band_accuracy, state_of
from calibration.core.intervals import binomial_p, clopper_pearson, cp_lower, cp_upper, labels_needed, wilson

NEEDED = {
    0.01: (299, 473, 628, 773, 1049, 1693),
    0.02: (149, 236, 313, 386, 523, 845),
    0.03: (99, 157, 208, 257, 348, 562),
    0.05: (59, 93, 124, 153, 208, 336),
    0.10: (29, 46, 61, 76, 103, 167),
    0.20: (14, 22, 30, 37, 50, 82),
}


def band(labelled: int, right: int, *, claims: int | None = None, pending: int = 0, rate: float = 1.0) -> Stratum:
    sampled = labelled + pending
    return Stratum(claims if claims is not None else sampled, sampled, labelled, right, pending, rate)


# --- intervals -------------------------------------------------------------------------------------------------


def test_97_right_of_100_has_the_published_limits() -> None:
    assert wilson(97, 100) == pytest.approx((0.91548, 0.98975), abs=5e-6)
    assert clopper_pearson(97, 100) == pytest.approx((0.91482, 0.99377), abs=5e-6)


def test_20_right_of_20_is_not_certain() -> None:
    assert wilson(20, 20)[0] == pytest.approx(0.8389, abs=5e-5)
    assert cp_lower(20, 20) == pytest.approx(0.05 ** (1 / 20), abs=1e-12)


def test_the_limits_are_those_of_scipy_for_whole_arrays() -> None:
    right, n = np.array([0, 1, 7, 50, 99, 100]), np.array([1, 3, 10, 100, 100, 100])
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        theirs = [stats.binomtest(k, m).proportion_ci(method=method) for k, m in zip(right, n, strict=True)]
        assert np.allclose(np.column_stack(ours(right, n)), [(ci.low, ci.high) for ci in theirs], atol=1e-12)


def test_without_labels_every_interval_is_everything() -> None:
    assert wilson(0, 0) == (0, 1)
    assert clopper_pearson(0, 0) == (0, 1)
    assert cp_upper(0, 0) == 1


@pytest.mark.parametrize(("part", "whole"), [(3, 2), (-1, 2), (float("nan"), 2), (1, float("nan"))])
def test_impossible_counts_are_refused(part: float, whole: float) -> None:
    with pytest.raises(ValueError, match="counts"):
        cp_upper(part, whole)


def test_exact_coverage_is_that_of_the_table() -> None:
    for n, p, covered_by_wilson, covered_by_exact in ((20, 0.95, 0.925, 0.984), (200, 0.98, 0.933, 0.962)):
        k = np.arange(n + 1)
        chance = stats.binom.pmf(k, n, p)
        for interval, expected in ((wilson, covered_by_wilson), (clopper_pearson, covered_by_exact)):
            lo, hi = interval(k, n)
            assert chance[(lo <= p) & (p <= hi)].sum() == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize("alpha", NEEDED)
def test_labels_needed_are_those_of_the_table(alpha: float) -> None:
    assert tuple(labels_needed(alpha, errors=k) for k in (0, 1, 2, 3, 5, 10)) == NEEDED[alpha]


def test_a_narrow_number_needs_the_labels_of_the_table() -> None:
    for half_width, counts in ((0.05, (52, 83, 141, 245)), (0.03, (113, 215, 388, 682))):
        for accuracy, n in zip((0.98, 0.95, 0.90, 0.80), counts, strict=True):
            lo, hi = wilson(accuracy * n, n)
            fewer_lo, fewer_hi = wilson(accuracy * (n - 1), n - 1)
            assert (hi - lo) / 2 <= half_width < (fewer_hi - fewer_lo) / 2


def test_the_exact_p_value_is_the_binomial_tail() -> None:
    errors, n = np.array([0, 1, 5, 20, 3, 0]), np.array([59, 93, 208, 1000, 3, 0])
    expected = stats.binom.cdf(errors, n, 0.05)
    assert np.allclose(binomial_p(errors, n, 0.05), expected, rtol=1e-9)


# --- estimates -------------------------------------------------------------------------------------------------


def test_a_band_without_labels_is_unmeasured_whatever_its_confidence() -> None:
    for strata in ([], [band(0, 0, claims=50)], [band(0, 0, claims=50, pending=5)]):
        estimate = band_accuracy(strata)
        assert (estimate.est, estimate.lo, estimate.hi) == (None, 0, 1)
        assert estimate.state is State.UNMEASURED


def test_one_stratum_gets_the_plain_share_with_wilson_limits() -> None:
    estimate = band_accuracy([band(100, 97, claims=1000)])
    assert estimate.est == 0.97
    assert (estimate.lo, estimate.hi) == pytest.approx((0.91548, 0.98975), abs=5e-6)
    assert (estimate.method, estimate.n, estimate.n_eff) == ("wilson", 100, 100)


def test_strata_are_weighted_by_their_claims_not_by_their_labels() -> None:
    audited, reviewed = band(100, 95, claims=2000, rate=0.05), band(500, 400)
    estimate = band_accuracy([audited, reviewed])
    assert estimate.est == pytest.approx(0.8 * 0.95 + 0.2 * 0.80)
    assert estimate.method == "effective_n"
    assert estimate.lo < estimate.est < estimate.hi
    assert 100 < estimate.n_eff < 600


def test_an_unlabelled_stratum_is_shown_and_never_dropped() -> None:
    estimate = band_accuracy([band(100, 95, claims=300), band(0, 0, claims=100, rate=0.05)])
    assert (estimate.est, estimate.lo, estimate.hi, estimate.unlabelled_share) == (None, 0, 1, 0.25)
    assert (estimate.pending_lo, estimate.pending_hi) == pytest.approx((0.75 * 0.95, 0.75 * 0.95 + 0.25))
    assert estimate.state is State.PROVISIONAL


def test_a_stratum_that_nothing_is_drawn_from_can_never_be_measured() -> None:
    assert band_accuracy([band(100, 95), band(0, 0, claims=100, rate=0)]).state is State.UNMEASURED
    assert state_of([band(500, 500), band(0, 0, claims=100, rate=0)], alpha=0.05) is State.UNMEASURED


def test_a_stratum_without_claims_changes_nothing() -> None:
    assert band_accuracy([band(100, 95), band(0, 0)]) == band_accuracy([band(100, 95)])


def test_pending_labels_are_counted_all_wrong_and_all_right() -> None:
    estimate = band_accuracy([band(90, 81, pending=10)])
    assert (estimate.pending_lo, estimate.pending_hi) == pytest.approx((0.81, 0.91))


def test_single_labels_per_stratum_still_give_limits_inside_0_and_1() -> None:
    estimate = band_accuracy([band(1, 1), band(1, 0), band(1, 1)])
    assert 0 <= estimate.lo < (estimate.est or 0) < estimate.hi <= 1


def test_impossible_strata_are_refused() -> None:
    for counts in ((10, 5, 6, 1, 0, 0.5), (10, 5, 3, 4, 0, 0.5), (10, 5, 3, 2, 3, 0.5), (4, 5, 3, 2, 0, 0.5)):
        with pytest.raises(ValueError, match="counts"):
            Stratum(*counts)
    with pytest.raises(ValueError, match="rate"):
        Stratum(10, 5, 3, 2, 0, 1.5)


# --- states ----------------------------------------------------------------------------------------------------


def test_all_right_among_20_is_still_provisional_for_five_percent() -> None:
    assert state_of([band(20, 20)], alpha=0.05) is State.PROVISIONAL


def test_a_promise_is_measured_from_the_labels_that_allow_three_errors() -> None:
    assert state_of([band(152, 152)], alpha=0.05) is State.PROVISIONAL
    assert state_of([band(153, 150)], alpha=0.05) is State.VALIDATED
    assert state_of([band(153, 149)], alpha=0.05) is State.PROVISIONAL


def test_a_number_without_a_promise_needs_a_narrow_interval() -> None:
    assert state_of([band(141, 127)]) is State.VALIDATED
    assert state_of([band(120, 108)]) is State.PROVISIONAL


def test_more_than_a_tenth_pending_keeps_a_number_provisional() -> None:
    assert state_of([band(900, 895, pending=100)], alpha=0.05) is State.VALIDATED
    assert state_of([band(899, 895, pending=101)], alpha=0.05) is State.PROVISIONAL


def test_an_open_window_keeps_a_number_provisional() -> None:
    assert state_of([band(500, 499)], alpha=0.05, closed=False) is State.PROVISIONAL
    assert state_of([band(500, 499)], closed=False) is State.PROVISIONAL


def test_a_rate_that_still_waits_for_its_first_label_keeps_a_promise_provisional() -> None:
    strata = [band(500, 499), band(0, 0, claims=10, rate=0.05)]
    assert state_of(strata, alpha=0.05, gate=GateSample(200, 0)) is State.PROVISIONAL


def test_an_error_rate_surely_above_the_limit_has_failed() -> None:
    assert state_of([band(500, 400)], alpha=0.05) is State.FAILED


def test_an_unproven_promise_fails_once_the_decision_is_due() -> None:
    assert state_of([band(200, 191)], alpha=0.05) is State.PROVISIONAL
    assert state_of([band(200, 191)], alpha=0.05, due=True) is State.FAILED


@pytest.mark.parametrize(
    "reason", [{"same_version": False}, {"drift_alarm": True}, {"newest_label_age_days": 30.5}], ids=str
)
def test_a_number_of_another_time_or_version_is_stale(reason: dict[str, float]) -> None:
    assert state_of([band(500, 499)], alpha=0.05, **reason) is State.STALE  # type: ignore[arg-type]


def test_a_version_without_labels_is_unmeasured_rather_than_stale() -> None:
    assert state_of([band(0, 0, claims=9)], alpha=0.05, same_version=False) is State.UNMEASURED


def test_several_rates_are_gated_on_the_thinned_sample_only() -> None:
    strata = [band(200, 199, claims=4000, rate=0.05), band(900, 899)]
    with pytest.raises(ValueError, match="thinned"):
        state_of(strata, alpha=0.05)
    assert state_of(strata, alpha=0.05, gate=GateSample(245, 2)) is State.VALIDATED
    assert state_of(strata, alpha=0.05, gate=GateSample(100, 0)) is State.PROVISIONAL
