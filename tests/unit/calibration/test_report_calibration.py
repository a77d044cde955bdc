from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from calibration.core.cells import cells_of
from calibration.core.report import METRICS, calibration_report, reliability


def stream(rows: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    c = np.round(generator.beta(5, 2, rows), 2)
    return c, (generator.random(rows) < c).astype(float)


def test_every_metric_comes_with_its_interval() -> None:
    report = calibration_report(*stream(400), draws=50)
    assert tuple(report.measures) == METRICS
    for name in ("accuracy", "brier", "auroc", "ece_mass"):
        measure = report.measures[name]
        assert measure.lo < measure.hi
    accuracy = report.measures["accuracy"]
    assert accuracy.lo < accuracy.value < accuracy.hi


def test_the_same_seed_gives_the_same_report() -> None:
    c, y = stream(250)
    assert calibration_report(c, y, draws=20, seed=5) == calibration_report(c, y, draws=20, seed=5)
    assert calibration_report(c, y, draws=20, seed=5) != calibration_report(c, y, draws=20, seed=6)


def test_below_200_inputs_no_calibration_error_is_shown() -> None:
    report = calibration_report(*stream(199), draws=5)
    assert (report.measures["ece_mass"].value, report.measures["ece_mass"].note) == (None, "too_few_labels")
    assert report.measures["brier"].value is not None
    assert report.reliability


def test_repeats_of_an_input_count_once_towards_the_200() -> None:
    c, y = stream(400)
    report = calibration_report(c, y, fingerprint=np.arange(400) % 100, draws=5)
    assert (report.n, report.inputs) == (400, 100)
    assert report.measures["ece_mass"].note == "too_few_labels"


def test_repeats_widen_the_interval() -> None:
    c, y = stream(60)
    c, y, inputs = np.repeat(c, 10), np.repeat(y, 10), np.repeat(np.arange(60), 10)
    by_row, by_input = (calibration_report(c, y, fingerprint=f, draws=200).measures["accuracy"] for f in (None, inputs))
    assert by_input.hi - by_input.lo > 2 * (by_row.hi - by_row.lo)


def test_without_labels_nothing_is_claimed() -> None:
    report = calibration_report([], [], draws=5)
    assert {measure.note for measure in report.measures.values()} == {"no_labels"}
    assert {measure.value for measure in report.measures.values()} == {None}
    assert (report.n, report.reliability, report.most_common_share) == (0, (), None)


def test_what_is_not_a_confidence_is_left_out_and_counted() -> None:
    c, y = stream(250)
    dirty = np.concatenate([c, [float("nan"), 95.0, -1.0, float("inf")]])
    report = calibration_report(dirty, np.concatenate([y, [1, 1, 1, 1]]), draws=0)
    assert report.excluded == 4
    assert report.measures == calibration_report(c, y, draws=0).measures


def test_all_right_leaves_the_ranking_undefined() -> None:
    report = calibration_report([0.8] * 10 + [0.9] * 10, [1] * 20, draws=5)
    assert (report.measures["auroc"].value, report.measures["auroc"].note) == (None, "one_class")
    assert report.measures["accuracy"].value == 1


def test_a_calibrated_confidence_is_not_distinguishable_from_one() -> None:
    negatives = [
        measure
        for seed in range(6)
        if (measure := calibration_report(*stream(300, seed), draws=0).measures["ce2_debiased"]).note
    ]
    assert negatives
    assert {(measure.value, measure.note) for measure in negatives} == {(0.0, "not_distinguishable")}


def test_a_histogram_of_cells_reports_like_its_labels() -> None:
    c, y = stream(2_000)
    cells = cells_of(c, y)
    by_cell = calibration_report(cells.confidence, cells.rate, w=cells.n, draws=100)
    by_label = calibration_report(c, y, draws=100)
    for name in METRICS:
        ours, theirs = by_cell.measures[name], by_label.measures[name]
        assert ours.value == pytest.approx(theirs.value, abs=1e-12)
    widths = [report.measures["brier"].hi - report.measures["brier"].lo for report in (by_cell, by_label)]
    assert widths[0] == pytest.approx(widths[1], rel=0.35)


def test_reliability_bins_hold_all_labels_and_bracket_their_accuracy() -> None:
    bins = reliability(cells_of(*stream(1_000)), bins=10)
    assert sum(one.n for one in bins) == 1_000
    for one in bins:
        assert one.low <= one.mean_confidence <= one.high
        assert one.lo <= one.accuracy <= one.hi
        assert one.consistent_lo <= one.mean_confidence <= one.consistent_hi
    assert all(lower.high < higher.low for lower, higher in pairwise(bins))


def test_the_histogram_has_twenty_bins_and_all_labels() -> None:
    report = calibration_report([0.0, 0.05, 0.051, 1.0], [1, 0, 1, 1], draws=0)
    assert len(report.histogram) == 20
    assert (report.histogram[0], report.histogram[1], report.histogram[19]) == (2, 1, 1)


def test_labels_drawn_at_unequal_chances_describe_all_claims() -> None:
    """The doubtful half is reviewed in full and the sure half at a tenth: unweighted, the doubtful one would speak."""
    generator = np.random.default_rng(11)
    sure = generator.random(40_000) < 0.5
    c = np.where(sure, 0.95, 0.6)
    y = generator.random(40_000) < np.where(sure, 0.9, 0.4)
    chance = np.where(sure, 0.1, 1.0)
    drawn = generator.random(40_000) < chance
    plain = calibration_report(c[drawn], y[drawn], draws=0)
    weighted = calibration_report(c[drawn], y[drawn], chance=chance[drawn], draws=100)
    truth = calibration_report(c, y, draws=0)
    for name in ("accuracy", "ece_mass", "smooth_ece", "brier"):
        expected = truth.measures[name].value
        assert expected is not None
        assert weighted.measures[name].value == pytest.approx(expected, abs=0.01)
        assert plain.measures[name].value != pytest.approx(expected, abs=0.03)
    assert weighted.n < drawn.sum()
    accuracy = weighted.measures["accuracy"]
    assert accuracy.lo is not None
    assert accuracy.hi is not None
    assert 0.005 < accuracy.hi - accuracy.lo < 0.05


def test_equal_chances_change_nothing() -> None:
    c, y = stream(400)
    assert calibration_report(c, y, chance=np.full(400, 0.2), draws=20) == calibration_report(c, y, draws=20)


@pytest.mark.parametrize("chance", [[0.0, 1.0], [1.5, 1.0], [float("nan"), 1.0], [1.0]])
def test_an_impossible_chance_is_refused(chance: list[float]) -> None:
    with pytest.raises(ValueError, match="chance"):
        calibration_report([0.5, 0.6], [1, 0], chance=chance, draws=0)


def test_cells_have_no_chance_of_their_own() -> None:
    with pytest.raises(ValueError, match="chance"):
        calibration_report([0.5], [0.5], w=[10], chance=[1.0], draws=0)
