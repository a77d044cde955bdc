from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from scipy.special import logit

from calibration.core.bands import Stratum, band_accuracy
from calibration.core.calibrators import predict
from calibration.core.cells import Cells, cells_of
from calibration.core.fitting import fit_beta, fit_histogram, fit_isotonic, fit_platt, fit_segmented_platt
from calibration.core.intervals import binomial_p, cp_upper, labels_needed, wilson
from calibration.core.labels import equal_probability_mask, one_per_fingerprint
from calibration.core.maps import map_problems
from calibration.core.metrics import aurc, auroc, brier, corp, ece, smooth_ece
from calibration.core.monitor import EDetector
from calibration.core.select import select_threshold

quick = settings(max_examples=50, deadline=None, derandomize=True, database=None)

hundredths = st.integers(0, 100).map(lambda number: number / 100)
labels = st.lists(st.tuples(hundredths, st.booleans()), min_size=1, max_size=60)
limits = st.sampled_from([0.01, 0.05, 0.2, 0.5])


def as_cells(pairs: list[tuple[float, bool]]) -> Cells:
    return cells_of(*(np.array(column, dtype=float) for column in zip(*pairs, strict=True)))


@quick
@given(labels)
def test_the_brier_score_is_mcb_less_dsc_plus_unc(
    pairs: list[tuple[float, bool]],
) -> None:
    cells = as_cells(pairs)
    split = corp(cells)
    assert abs(split.mcb - split.dsc + split.unc - brier(cells)) < 1e-12
    assert min(split.mcb, split.dsc, split.unc) > -1e-12


@quick
@given(labels, st.randoms(use_true_random=False))
def test_the_order_of_the_labels_changes_no_metric(pairs: list[tuple[float, bool]], random: object) -> None:
    shuffled = list(pairs)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = as_cells(pairs), as_cells(shuffled)
    for metric in (ece, smooth_ece, brier, auroc, aurc):
        assert metric(before) == metric(after)


@quick
@given(labels, st.integers(2, 5))
def test_counting_every_label_several_times_changes_no_error(pairs: list[tuple[float, bool]], times: int) -> None:
    once, often = as_cells(pairs), as_cells(pairs * times)
    for metric in (ece, smooth_ece, brier, aurc):
        assert metric(often) == pytest.approx(metric(once), abs=1e-9)


@quick
@given(labels)
def test_every_error_is_a_share(pairs: list[tuple[float, bool]]) -> None:
    cells = as_cells(pairs)
    for value in (ece(cells), ece(cells, width=True), smooth_ece(cells), brier(cells), aurc(cells)):
        assert -1e-12 <= value <= 1 + 1e-9


@quick
@given(st.integers(0, 200), st.integers(1, 200), limits)
def test_the_upper_limit_rises_with_errors_and_falls_with_labels(errors: int, right: int, delta: float) -> None:
    n = errors + right
    limit = cp_upper(errors, n, delta=delta)
    assert errors / n < limit
    assert cp_upper(errors + 1, n, delta=delta) >= limit
    assert cp_upper(errors, n + 1, delta=delta) < limit


@quick
@given(limits, st.sampled_from([0.05, 0.01]), st.integers(0, 8))
def test_labels_needed_is_the_first_count_that_certifies(alpha: float, delta: float, errors: int) -> None:
    n = labels_needed(alpha, delta=delta, errors=errors)
    assert binomial_p(errors, n, alpha) <= delta < binomial_p(errors, n - 1, alpha)


@quick
@given(st.integers(0, 500), st.integers(0, 500))
def test_an_interval_holds_its_share(right: int, wrong: int) -> None:
    lo, hi = wilson(right, right + wrong)
    assert 0 <= lo <= hi <= 1
    if right + wrong:
        assert lo <= right / (right + wrong) <= hi


@st.composite
def strata(draw: st.DrawFn) -> Stratum:
    right, wrong, pending, unsampled = (draw(st.integers(0, 30)) for _ in range(4))
    sampled = right + wrong + pending
    return Stratum(sampled + unsampled, sampled, right + wrong, right, pending, draw(st.sampled_from([0.0, 0.05, 1.0])))


@quick
@given(st.lists(strata(), max_size=4))
def test_an_estimate_lies_in_its_interval_and_between_its_pending_ends(parts: list[Stratum]) -> None:
    band = band_accuracy(parts)
    assert 0 <= band.lo <= band.hi <= 1
    assert -1e-12 <= band.pending_lo <= band.pending_hi <= 1 + 1e-12
    if band.est is None:
        assert (band.lo, band.hi) == (0, 1)
    else:
        assert band.lo - 1e-9 <= band.est <= band.hi + 1e-9
        assert band.pending_lo - 1e-12 <= band.est <= band.pending_hi + 1e-12
    assert band_accuracy(parts[::-1]).est == pytest.approx(band.est)


@quick
@given(st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.floats(0, 1), st.booleans()), max_size=30))
def test_thinning_twice_at_the_same_rate_changes_nothing(claims: list[tuple[float, float, bool]]) -> None:
    u, rate, labelled = (list(column) for column in zip(*claims, strict=True)) if claims else ([], [], [])
    once = equal_probability_mask(u, rate, labelled)
    lowest = [min(rate, default=1.0)] * len(u)
    assert np.array_equal(equal_probability_mask(u, lowest, once), once)
    assert not np.any(once & ~np.array(labelled, dtype=bool))


@quick
@given(st.lists(st.sampled_from("abcdef"), max_size=20))
def test_every_fingerprint_is_kept_exactly_once(fingerprints: list[str]) -> None:
    kept = [key for key, first in zip(fingerprints, one_per_fingerprint(fingerprints), strict=True) if first]
    assert kept == list(dict.fromkeys(fingerprints))


@quick
@given(labels)
def test_fitted_maps_rise_and_stay_inside_0_and_1(pairs: list[tuple[float, bool]]) -> None:
    cells = as_cells(pairs)
    fits = [fit_platt(cells, eps=eps, prior_labels=weight) for eps in (1e-6, 0.02) for weight in (1e-3, 5.0)]
    fits += [fit_beta(cells, eps=1e-6), fit_isotonic(cells), fit_histogram(cells, bins=4)]
    fits.append(fit_segmented_platt({"a": cells, "b": as_cells(pairs[:1])}, eps=0.02))
    for params in fits:
        assert map_problems(params) == []
        p = predict(params, np.linspace(0, 1, 41), "a")
        assert np.all((p > 0) & (p < 1))
        assert np.all(np.diff(p) >= 0)


@settings(quick, max_examples=10)
@given(labels)
def test_no_other_slopes_fit_better_than_those_of_the_beta_map(pairs: list[tuple[float, bool]]) -> None:
    cells = as_cells(pairs)
    c = np.clip(cells.confidence, 0.02, 0.98)

    def loss(v: np.ndarray) -> float:
        z = v[0] * np.log(c) - v[1] * np.log(1 - c) + v[2]
        prior = 1e-3 / 2 * ((v[0] - 1) ** 2 + (v[1] - 1) ** 2 + v[2] ** 2)
        return float(cells.n @ np.logaddexp(0, z) - cells.right @ z + prior)

    fitted = fit_beta(cells, eps=0.02)
    ours = loss(np.array([fitted["a"], fitted["b"], fitted["intercept"]], dtype=float))
    bounds = [(0, None), (0, None), (None, None)]
    theirs = optimize.minimize(loss, np.array([1.0, 1.0, 0.0]), method="L-BFGS-B", bounds=bounds).fun
    assert ours <= theirs + 1e-6 * (1 + abs(theirs))


@settings(quick, max_examples=25)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 599), min_size=1, max_size=30))
def test_a_threshold_never_loosens_when_errors_are_added(seed: int, spoiled: list[int]) -> None:
    generator = np.random.default_rng(seed)
    c = np.round(generator.random(600), 2)
    y = (generator.random(600) < 0.8 + 0.2 * c).astype(float)
    worse = y.copy()
    worse[spoiled] = 0
    before, after = (select_threshold(cells_of(c, labels), alpha=0.15).threshold for labels in (y, worse))
    assert after is None or (before is not None and after >= before)


@quick
@given(st.lists(st.booleans(), max_size=80), st.integers(0, 80))
def test_replaying_events_gives_the_same_monitor(errors: list[bool], cut: int) -> None:
    whole = EDetector(alpha=0.1).after(errors)
    assert EDetector.from_json(EDetector(alpha=0.1).after(errors[:cut]).as_json()).after(errors[cut:]) == whole


@quick
@given(st.lists(st.tuples(st.integers(1, 99), st.booleans()), min_size=1, max_size=40))
def test_shrinking_pulls_towards_the_stated_confidence(pairs: list[tuple[int, bool]]) -> None:
    cells = as_cells([(number / 100, right) for number, right in pairs])
    free, shrunk, fixed = (fit_platt(cells, eps=1e-3, prior_labels=weight) for weight in (1e-3, 5.0, 1e9))
    distance = [(params["slope"] - 1) ** 2 + params["intercept"] ** 2 for params in (free, shrunk, fixed)]
    assert distance[0] >= distance[1] - 1e-9
    assert distance[1] >= distance[2] - 1e-9
    assert logit(predict(fixed, [0.9])[0]) == pytest.approx(logit(0.9), abs=1e-4)
