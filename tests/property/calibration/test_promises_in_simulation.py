"""The promises of the statistics, checked on streams whose truth is known. Seeds are fixed; sizes are modest."""

from __future__ import annotations

import numpy as np

from calibration.core.bands import Stratum, band_accuracy
from calibration.core.cells import cells_of
from calibration.core.labels import equal_probability_mask
from calibration.core.monitor import CalibrationEDetector, EDetector, Signal
from calibration.core.select import betting_pvalue, select_threshold

ALLOWED = 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def right_at(c: np.ndarray) -> np.ndarray:
    """True chance of being right: worst in the middle, a dip at the very top."""
    return np.clip(0.75 + 0.25 * c**3 - 0.15 * (c > 0.97), 0, 1)


def test_a_certified_threshold_breaks_its_promise_in_at_most_one_draw_of_twenty() -> None:
    generator = np.random.default_rng(1)
    whole = generator.random(200_000)
    error = 1 - right_at(whole)
    broken = certified = 0
    for _ in range(400):
        c = generator.random(3_000)
        selection = select_threshold(cells_of(c, generator.random(3_000) < right_at(c)), alpha=0.15)
        if selection.threshold is not None:
            certified += 1
            broken += error[whole >= selection.threshold].mean() > 0.15
    assert certified > 200
    assert broken / 400 <= ALLOWED


def test_thinning_to_the_lowest_rate_keeps_the_promise_when_the_reviewed_slice_is_easier() -> None:
    """Mandatory claims are reviewed in full and mostly right; pooling them with the audit sample flatters the rest."""
    generator = np.random.default_rng(2)
    broken_thinned = broken_pooled = 0
    for _ in range(400):
        mandatory = generator.random(8_000) < 0.5
        rate = np.where(mandatory, 1.0, 0.05)
        u = generator.random(8_000)
        wrong = generator.random(8_000) < np.where(mandatory, 0.01, 0.19)
        labelled = u < rate
        thinned = equal_probability_mask(u, rate, labelled)
        for mask, pooled in ((thinned, False), (labelled, True)):
            selection = select_threshold(cells_of(np.full(mask.sum(), 0.9), ~wrong[mask]), alpha=0.095)
            broken = selection.threshold is not None
            broken_pooled += pooled and broken
            broken_thinned += not pooled and broken
    assert broken_thinned / 400 <= ALLOWED
    assert broken_pooled / 400 > 0.9


def test_betting_on_weighted_labels_is_right_in_nineteen_draws_of_twenty() -> None:
    generator = np.random.default_rng(3)
    rejected = 0
    for draw in range(400):
        seen_in_full = generator.random(2_000) < 0.2
        rate = np.where(seen_in_full, 1.0, 0.1)
        error = generator.random(2_000) < np.where(seen_in_full, 0.02, 0.0576)
        drawn = generator.random(2_000) < rate
        rejected += betting_pvalue(error[drawn], 1 / rate[drawn], alpha=0.05, seed=draw) <= 0.05
    assert rejected / 400 <= ALLOWED


def test_the_interval_over_two_rates_covers_in_nineteen_draws_of_twenty() -> None:
    generator = np.random.default_rng(4)
    truth = 0.8 * 0.97 + 0.2 * 0.85
    inside = 0
    for _ in range(400):
        few, many = generator.binomial(160, 0.97), generator.binomial(800, 0.85)
        band = band_accuracy([Stratum(3_200, 160, 160, few, 0, 0.05), Stratum(800, 800, 800, many, 0, 1.0)])
        inside += band.lo <= truth <= band.hi
    assert inside / 400 >= 1 - ALLOWED


def test_quiet_streams_raise_a_false_alarm_in_at_most_one_of_twenty() -> None:
    generator = np.random.default_rng(5)
    horizon = 250
    alarms = 0
    for _ in range(400):
        detector = EDetector(alpha=0.05).after((generator.random(horizon) < 0.05).tolist())
        alarms += detector.signal(horizon=horizon) is Signal.ALARM
    assert alarms / 400 <= ALLOWED


def test_a_tripled_error_rate_is_found() -> None:
    generator = np.random.default_rng(6)
    found = 0
    for _ in range(60):
        detector = EDetector(alpha=0.05).after((generator.random(300) < 0.15).tolist())
        found += detector.signal(horizon=250) is Signal.ALARM
    assert found >= 57


def test_calibrated_streams_raise_a_false_alarm_in_at_most_one_of_twenty() -> None:
    generator = np.random.default_rng(7)
    alarms = 0
    for _ in range(300):
        p = generator.beta(6, 2, 150)
        labels = zip((generator.random(150) < p).tolist(), p.tolist(), strict=True)
        alarms += Signal.ALARM in CalibrationEDetector().after(labels).signals(horizon=150)
    assert alarms / 300 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)
