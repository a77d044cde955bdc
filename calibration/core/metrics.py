"""Calibration and discrimination metrics of cells (see `cells`): distinct confidences with labels and right labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, optimize, special

from calibration.core.cells import Cells, IntArray, binned, equal_mass_bins, equal_width_bins
from calibration.core.intervals import FloatArray

BINS = 15
FEWEST_IN_BIN = 30
DISPLAY_CLIP = 1e-4
SMOOTH_GRID = 4096


@dataclass(frozen=True)
class Corp:
    """Brier score = miscalibration - discrimination + uncertainty (Dimitriadis et al. 2021)."""

    mcb: float
    dsc: float
    unc: float


@dataclass(frozen=True)
class RiskCoverage:
    """Share accepted and error rate among those, for the rule confidence >= threshold, strictest first."""

    threshold: FloatArray
    coverage: FloatArray
    risk: FloatArray


def ece(cells: Cells, *, bins: int = BINS, width: bool = False) -> float:
    """Expected calibration error: mean over labels of the bin's gap between accuracy and mean confidence.

    Bins hold equal shares of the labels, ties together, or have equal width (right-closed, 0 in the first).
    """
    n, accuracy, confidence = _bin_means(cells, bins, width)
    return float(n @ np.abs(accuracy - confidence) / n.sum())


def mce(cells: Cells, *, bins: int = BINS) -> float | None:
    """Maximum calibration error: the largest gap of an equal-mass bin with at least 30 labels, None without one."""
    n, accuracy, confidence = _bin_means(cells, bins, False)
    gaps = np.abs(accuracy - confidence)[n >= FEWEST_IN_BIN]
    return float(gaps.max()) if len(gaps) else None


def ce2_debiased(cells: Cells, *, bins: int = BINS) -> float:
    """Squared calibration error of equal-mass bins less its sampling variance (Kumar et al. 2019).

    About 0, and below it half of the time, for a calibrated confidence: show a negative value as 0.
    """
    n, accuracy, confidence = _bin_means(cells, bins, False)
    noise = np.divide(accuracy * (1 - accuracy), n - 1, out=np.zeros_like(n), where=n > 1)
    return float(n @ ((accuracy - confidence) ** 2 - noise) / n.sum())


def smooth_ece(cells: Cells, *, grid: int = SMOOTH_GRID) -> float:
    """Calibration error without bins: the mean absolute residual under a Gaussian kernel reflected at 0 and 1, whose
    bandwidth is the one that equals the error it gives (Blasiok and Nakkiran 2023).

    The kernel is applied by cosine transform on a grid of `grid` + 1 points, both ends included.
    """
    residual = (cells.right - cells.n * cells.confidence) / cells.labels
    density = _on_grid(cells.confidence, residual, grid) * grid
    density[[0, -1]] *= 2
    waves = fft.dct(density, type=1)
    frequency = (np.pi * np.arange(grid + 1)) ** 2 / 2
    trapezoid = np.full(grid + 1, 1 / grid)
    trapezoid[[0, -1]] /= 2

    def excess(bandwidth: float) -> float:
        smoothed = fft.idct(waves * np.exp(-frequency * bandwidth**2), type=1)
        return float(trapezoid @ np.abs(smoothed)) - bandwidth

    if excess(0.0) <= 0:
        return 0.0
    return float(optimize.brentq(excess, 0.0, 1.0 + 1e-9, xtol=1e-9))


def brier(cells: Cells) -> float:
    """Mean squared difference between confidence and label."""
    return _brier_of(cells, cells.confidence)


def log_loss(cells: Cells, *, clip: float = DISPLAY_CLIP) -> float:
    """Mean negative log likelihood of the labels, with confidences clipped to [clip, 1 - clip]."""
    c = np.clip(cells.confidence, clip, 1 - clip)
    return float(-(cells.right @ np.log(c) + cells.wrong @ np.log1p(-c)) / cells.labels)


def row_log_loss(p: FloatArray, y: FloatArray, *, clip: float) -> FloatArray:
    """Log loss of each single label y for its probability p, clipped to [clip, 1 - clip]."""
    bounded = np.clip(p, clip, 1 - clip)
    return -(y * np.log(bounded) + (1 - y) * np.log1p(-bounded))


def corp(cells: Cells) -> Corp:
    """The Brier score split by an isotonic fit; the three parts add up to it exactly."""
    fitted = optimize.isotonic_regression(cells.rate, weights=cells.n).x
    mean = cells.base_rate
    of_fit, of_mean = _brier_of(cells, fitted), mean * (1 - mean)
    return Corp(mcb=brier(cells) - of_fit, dsc=of_mean - of_fit, unc=of_mean)


def auroc(cells: Cells) -> float | None:
    """Chance that a right output has a higher confidence than a wrong one, ties half; None with one class only."""
    if cells.one_class:
        return None
    wrong_below = np.cumsum(cells.wrong) - cells.wrong / 2
    value = float(cells.right @ wrong_below / (cells.right.sum() * cells.wrong.sum()))
    return min(value, 1.0)  # sums of weights may stray beyond by a rounding


def auroc_interval(cells: Cells, *, conf: float = 0.95) -> tuple[float, float] | None:
    """Two-sided normal limits of the AUROC with the variance of DeLong et al. 1988; None with one class only."""
    value = auroc(cells)
    if value is None:
        return None
    rights, wrongs = cells.right.sum(), cells.wrong.sum()
    beats = (np.cumsum(cells.wrong) - cells.wrong / 2) / wrongs
    loses = (rights - np.cumsum(cells.right) + cells.right / 2) / rights
    spread = _variance(beats, cells.right, value) / rights + _variance(loses, cells.wrong, value) / wrongs
    half = float(special.ndtri((1 + conf) / 2)) * spread**0.5
    return float(max(value - half, 0.0)), float(min(value + half, 1.0))


def risk_coverage(cells: Cells) -> RiskCoverage:
    """Coverage and risk at every distinct confidence taken as threshold, strictest first."""
    accepted, wrong = np.cumsum(cells.n[::-1]), np.cumsum(cells.wrong[::-1])
    return RiskCoverage(cells.confidence[::-1], accepted / cells.labels, wrong / accepted)


def aurc(cells: Cells) -> float:
    """Area under the risk-coverage curve: the risk at each label's own confidence, averaged over the labels."""
    return float(cells.n[::-1] @ risk_coverage(cells).risk / cells.labels)


def most_common_share(cells: Cells) -> float:
    """Share of the labels at the most common confidence; above 0.5 the confidence says little."""
    return float(cells.n.max() / cells.labels)


def _bin_means(cells: Cells, bins: int, width: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Labels, accuracy and mean confidence of each bin that has labels."""
    if not len(cells.n):
        raise ValueError("there are no labels")
    place = equal_width_bins(cells.confidence, bins) if width else equal_mass_bins(cells, bins)
    return bin_means(cells, place)


def bin_means(cells: Cells, place: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Labels, accuracy and mean confidence of each bin that has labels; `place` is the bin of each cell."""
    n = binned(cells.n, place)
    full = n > 0
    n = n[full]
    return n, binned(cells.right, place)[full] / n, binned(cells.n * cells.confidence, place)[full] / n


def _on_grid(position: FloatArray, mass: FloatArray, grid: int) -> FloatArray:
    """Mass at positions in [0, 1] shared between the two nearest of `grid` + 1 points."""
    below = np.minimum((position * grid).astype(np.intp), grid - 1)
    share = position * grid - below
    return binned(mass * (1 - share), below, grid + 1) + binned(mass * share, below + 1, grid + 1)


def _brier_of(cells: Cells, p: FloatArray) -> float:
    return float((cells.right @ (1 - p) ** 2 + cells.wrong @ p**2) / cells.labels)


def _variance(values: FloatArray, weight: FloatArray, mean: float) -> float:
    total = weight.sum()
    return float(weight @ (values - mean) ** 2 / max(total - 1, 1))
