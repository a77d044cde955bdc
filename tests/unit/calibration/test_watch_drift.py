from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from calibration.core.drift import confidence_drift, confidence_health, psi, psi_of_counts, segment_mix_drift


def stated(rows: int, seed: int, shift: float = 0.0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return np.round(np.clip(generator.beta(8, 2, rows) - shift, 0, 1) * 20) / 20


def test_equal_tables_have_not_drifted() -> None:
    index = psi_of_counts([10, 20, 30], [10, 20, 30])
    assert (index.value, index.freedom, index.p) == (0, 2, 1)


def test_half_a_count_keeps_an_empty_bin_finite() -> None:
    p, q = np.array([0.5, 10.5]) / 11, np.array([5.5, 5.5]) / 11
    assert psi_of_counts([0, 10], [5, 5]).value == pytest.approx(((p - q) * np.log(p / q)).sum())


def test_ties_stay_in_one_bin() -> None:
    index = psi([0.9] * 80 + [0.5] * 20, [0.9] * 50 + [0.5] * 50)
    assert index.freedom == 1


def test_a_constant_confidence_that_stays_has_not_drifted() -> None:
    drift = confidence_drift([0.9] * 50, [0.9] * 50)
    assert (drift.psi.freedom, drift.psi.p, drift.distance, drift.page) == (0, 1.0, 0, False)


def test_distances_are_those_of_scipy() -> None:
    old, new = stated(500, 1), stated(700, 2, shift=0.02)
    drift = confidence_drift(old, new)
    assert drift.distance == pytest.approx(stats.wasserstein_distance(old, new))
    assert drift.ks_p == pytest.approx(stats.ks_2samp(old, new, method="asymp").pvalue, rel=0.1)


def test_without_change_about_one_test_in_twenty_rejects() -> None:
    rejected = [psi(stated(300, seed), stated(300, 10_000 + seed)).p < 0.05 for seed in range(500)]
    assert 0.02 <= np.mean(rejected) <= 0.07


def test_the_folk_limit_of_a_tenth_fires_on_healthy_small_samples() -> None:
    generator = np.random.default_rng(4)
    fired = [psi(generator.random(100), generator.random(100)).value > 0.1 for _ in range(200)]
    assert 0.7 <= np.mean(fired) <= 0.95


def test_a_large_and_sure_change_pages() -> None:
    assert confidence_drift(stated(2_000, 1), stated(2_000, 2, shift=0.1)).page


def test_a_sure_but_tiny_change_is_only_charted() -> None:
    old = np.repeat([0.5, 0.9], [10_000, 90_000])
    new = np.repeat([0.5, 0.9], [11_000, 89_000])
    drift = confidence_drift(old, new)
    assert drift.psi.p < 1e-9
    assert not drift.page


def test_unseen_values_hint_at_a_swapped_model() -> None:
    assert confidence_drift([0.5, 0.9], [0.5, 0.93]).new_values
    assert not confidence_drift([0.5, 0.9], [0.9, 0.9]).new_values


def test_an_empty_sample_is_refused() -> None:
    for pair in (([], [0.5]), ([0.5], [])):
        with pytest.raises(ValueError, match="at least one"):
            confidence_drift(*pair)


def test_a_new_segment_counts_as_empty_before() -> None:
    assert segment_mix_drift({"en": 100}, {"en": 50, "de": 50}).p < 1e-6
    assert segment_mix_drift({"en": 100, "de": 10}, {"en": 99, "de": 11}).p > 0.5


def test_health_counts_what_is_missing_out_of_range_and_most_common() -> None:
    health = confidence_health([0.9, 0.9, None, 95.0, float("nan"), 0.5, -1.0, 0.9], [0.8, 0.6])
    assert health.missing_share == 1 / 8
    assert health.out_of_range_share == 3 / 8
    assert health.most_common_share == 3 / 4
    assert (health.rows, health.distinct) == (8, 2)
    assert health.expected_accuracy == pytest.approx(0.7)


def test_an_empty_stream_has_no_health_to_speak_of() -> None:
    health = confidence_health([])
    assert (health.rows, health.missing_share, health.most_common_share) == (0, 0, 0)
    assert health.expected_accuracy is None
