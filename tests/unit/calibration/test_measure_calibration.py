from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from calibration.core.cells import Cells, cells_of, cells_of_counts, equal_mass_bins
from calibration.core.metrics import (
    aurc,
    auroc,
    auroc_interval,
    brier,
    ce2_debiased,
    corp,
    ece,
    log_loss,
    mce,
    most_common_share,
    risk_coverage,
    smooth_ece,
)


def lumpy(rows: int = 2_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Stated confidences as models give them: few distinct values, too high."""
    generator = np.random.default_rng(seed)
    c = generator.choice([0.3, 0.6, 0.8, 0.9, 0.95, 1.0], p=[0.05, 0.1, 0.15, 0.3, 0.2, 0.2], size=rows)
    return c, (generator.random(rows) < c - 0.1).astype(float)


def test_tied_labels_become_one_cell() -> None:
    cells = cells_of([0.9, 0.5, 0.9, 0.9], [1, 0, 0, 1])
    assert cells.confidence.tolist() == [0.5, 0.9]
    assert cells.n.tolist() == [1, 3]
    assert cells.right.tolist() == [0, 2]


def test_counts_and_single_labels_make_the_same_cells() -> None:
    c, y = lumpy()
    cells = cells_of(c, y)
    again = cells_of_counts(cells.confidence, cells.n, cells.right)
    weighted = cells_of(np.repeat(cells.confidence, 2), [1, 0] * 6, np.column_stack([cells.right, cells.wrong]).ravel())
    for other in (again, weighted):
        assert np.array_equal(cells.n, other.n)
        assert np.array_equal(cells.right, other.right)


@pytest.mark.parametrize("c", [[float("nan")], [float("inf")], [-0.1], [1.1], [95.0]])
def test_what_is_not_a_share_is_refused(c: list[float]) -> None:
    with pytest.raises(ValueError, match="confidence"):
        cells_of(c, [1])


def test_unequal_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        cells_of([0.5, 0.6], [1])


def test_more_right_than_labelled_is_refused() -> None:
    with pytest.raises(ValueError, match="counts"):
        cells_of_counts([0.5], [3], [4])


def test_no_labels_have_no_calibration_error() -> None:
    with pytest.raises(ValueError, match="no labels"):
        ece(cells_of([], []))


def test_a_constant_confidence_errs_by_its_gap_and_cannot_rank() -> None:
    cells = cells_of([0.9] * 40, [1] * 28 + [0] * 12)
    for value in (ece(cells), ece(cells, width=True), mce(cells)):
        assert value == pytest.approx(0.2)
    assert smooth_ece(cells) == pytest.approx(0.2, abs=2e-2)
    assert auroc(cells) == 0.5


def test_width_bins_are_closed_on_the_right_and_0_falls_in_the_first() -> None:
    cells = cells_of([0.0, 0.2, 0.2000001, 0.4], [0, 0, 1, 1])
    expected = (abs(0 + 0 - 0.2) + abs(2 - 0.6000001)) / 4
    assert ece(cells, bins=5, width=True) == pytest.approx(expected)


def test_mass_bins_never_split_a_tie() -> None:
    cells = cells_of([0.5] * 70 + [0.6] * 10 + [0.9] * 20, [1] * 100)
    assert equal_mass_bins(cells, 10).tolist() == [0, 1, 2]


def test_small_bins_do_not_count_for_the_maximum_gap() -> None:
    cells = cells_of([0.1] * 29 + [0.9] * 290, [1] * 29 + [1] * 261 + [0] * 29)
    assert mce(cells) == pytest.approx(0, abs=1e-12)
    assert mce(cells_of([0.1] * 29, [1] * 29)) is None


def test_the_debiased_error_of_a_calibrated_confidence_averages_to_nothing() -> None:
    values = []
    for seed in range(100):
        generator = np.random.default_rng(seed)
        c = generator.random(500)
        values.append(ce2_debiased(cells_of(c, generator.random(500) < c)))
    assert min(values) < 0
    assert np.mean(values) == pytest.approx(0, abs=5e-4)


def test_smooth_error_equals_the_direct_sum_over_reflected_kernels() -> None:
    c, y = lumpy(300)
    cells = cells_of(c, y)
    width = smooth_ece(cells)
    residual = (cells.right - cells.n * cells.confidence) / cells.labels
    at = (np.arange(20_000) + 0.5) / 20_000
    smoothed = np.zeros_like(at)
    for mirror in range(-4, 5, 2):
        for image in (cells.confidence + mirror, -cells.confidence + mirror):
            kernel = np.exp(-(((at[:, None] - image) / width) ** 2) / 2) / (width * np.sqrt(2 * np.pi))
            smoothed += kernel @ residual
    assert np.abs(smoothed).mean() == pytest.approx(width, abs=2e-6)


def test_stated_certainty_counts_in_full_in_the_smooth_error() -> None:
    cells = cells_of([1.0] * 1000, [1] * 900 + [0] * 100)
    assert smooth_ece(cells) == pytest.approx(0.1, abs=1e-6)


def test_a_perfect_forecast_has_no_smooth_error() -> None:
    assert smooth_ece(cells_of([0.0, 1.0], [0, 1])) == 0


def test_brier_log_loss_and_auroc_are_those_of_scikit_learn() -> None:
    c, y = lumpy()
    cells = cells_of(c, y)
    assert brier(cells) == pytest.approx(sklearn_metrics.brier_score_loss(y, c))
    assert log_loss(cells) == pytest.approx(sklearn_metrics.log_loss(y, np.clip(c, 1e-4, 1 - 1e-4)))
    assert auroc(cells) == pytest.approx(sklearn_metrics.roc_auc_score(y, c))


def test_ranking_is_undefined_when_all_are_right_or_all_wrong() -> None:
    for label in (0, 1):
        cells = cells_of([0.2, 0.9], [label, label])
        assert auroc(cells) is None
        assert auroc_interval(cells) is None


def test_the_ranking_interval_covers_a_known_ranking() -> None:
    generator = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        y = generator.random(150) < 0.6
        c = 1 / (1 + np.exp(-(generator.normal(size=150) + y)))
        lo, hi = auroc_interval(cells_of(c, y)) or (1, 0)
        inside += lo <= 0.7602499 <= hi
    assert 0.91 <= inside / 200 <= 0.99


def test_the_brier_score_splits_exactly() -> None:
    cells = cells_of(*lumpy())
    split = corp(cells)
    assert split.mcb - split.dsc + split.unc == pytest.approx(brier(cells), abs=1e-12)
    assert split.mcb >= 0
    assert split.dsc >= 0


def test_risk_and_coverage_are_given_at_every_distinct_threshold() -> None:
    curve = risk_coverage(cells_of([0.9, 0.9, 0.5, 0.2], [1, 0, 1, 0]))
    assert curve.threshold.tolist() == [0.9, 0.5, 0.2]
    assert curve.coverage.tolist() == [0.5, 0.75, 1]
    assert curve.risk.tolist() == pytest.approx([1 / 2, 1 / 3, 1 / 2])


def test_the_area_under_risk_and_coverage_is_the_mean_risk_of_the_labels() -> None:
    assert aurc(cells_of([0.9, 0.9, 0.5, 0.2], [1, 0, 1, 0])) == pytest.approx((2 / 2 + 1 / 3 + 1 / 2) / 4)


def test_the_share_of_the_most_common_confidence_is_told() -> None:
    assert most_common_share(cells_of([0.9, 0.9, 0.9, 0.5], [1, 1, 1, 1])) == 0.75


def test_a_histogram_of_ten_thousand_cells_gives_the_same_numbers() -> None:
    generator = np.random.default_rng(4)
    c = generator.beta(6, 2, 20_000)
    y = (generator.random(20_000) < c**1.3).astype(float)
    cell = np.round(c * 10_000).astype(int)
    n, right, total = (np.bincount(cell, weights=w, minlength=10_001) for w in (np.ones_like(c), y, c))
    coarse: Cells = cells_of_counts(np.divide(total, n, out=np.zeros_like(n), where=n > 0), n, right)
    fine = cells_of(c, y)
    assert ece(coarse, width=True) == pytest.approx(ece(fine, width=True), abs=2e-4)
    assert auroc(coarse) == pytest.approx(auroc(fine), abs=3e-6)
    assert smooth_ece(coarse) == pytest.approx(smooth_ece(fine), abs=1e-6)
