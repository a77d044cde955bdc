"""Labels collapsed to one cell per distinct confidence: what every metric, fit and threshold is computed from.

Ties then stay together by construction, and a nightly histogram (claims counted by rounded confidence) goes through
exactly the same functions as single labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.core.intervals import FloatArray

IntArray = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Cells:
    """Distinct confidences in rising order, with the labels (n > 0) and the right ones among them at each."""

    confidence: FloatArray
    n: FloatArray
    right: FloatArray

    @property
    def labels(self) -> float:
        return float(self.n.sum())

    @property
    def wrong(self) -> FloatArray:
        return self.n - self.right

    @property
    def rate(self) -> FloatArray:
        return self.right / self.n

    @property
    def base_rate(self) -> float:
        """Share of right labels. ValueError without labels."""
        if not len(self.n):
            raise ValueError("there are no labels")
        return float(self.right.sum() / self.n.sum())

    @property
    def one_class(self) -> bool:
        """All labels are right, or all wrong, or there are none."""
        return not (np.any(self.right > 0) and np.any(self.right < self.n))


def cells_of(c: npt.ArrayLike, y: npt.ArrayLike, w: npt.ArrayLike | None = None) -> Cells:
    """Cells of confidences c in [0, 1] with labels y (1 right, 0 wrong); w is how many labels each row stands for.

    Raises ValueError on NaN, on values out of range and on unequal lengths.
    """
    confidence, label = unit_array(c, "confidence"), unit_array(y, "label")
    weight = np.ones_like(confidence) if w is None else np.asarray(w, dtype=float)
    if not (confidence.shape == label.shape == weight.shape):
        raise ValueError("confidence, label and weight must have the same length")
    return cells_of_counts(confidence, weight, weight * label)


def cells_of_counts(c: npt.ArrayLike, labelled: npt.ArrayLike, right: npt.ArrayLike) -> Cells:
    """Cells of a histogram: its mean confidences with the labels and right labels in each. Empty ones are dropped."""
    confidence = unit_array(c, "confidence")
    n, k = np.asarray(labelled, dtype=float), np.asarray(right, dtype=float)
    if not (confidence.shape == n.shape == k.shape):
        raise ValueError("confidence, labelled and right must have the same length")
    if not (np.all(k >= 0) and np.all(k <= n) and np.all(np.isfinite(n))):
        raise ValueError("counts must be finite and satisfy 0 <= right <= labelled")
    kept = n > 0
    values, place = np.unique(confidence[kept], return_inverse=True)
    size = len(values)
    return Cells(values, binned(n[kept], place, size), binned(k[kept], place, size))


def unit_array(values: npt.ArrayLike, name: str) -> FloatArray:
    """A one-dimensional float array with every value in [0, 1]; ValueError otherwise, NaN included."""
    array = np.asarray(values, dtype=float)
    if array.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional")
    if not np.all((array >= 0) & (array <= 1)):
        raise ValueError(f"{name} must be finite and lie in [0, 1]")
    return array


def equal_width_bins(confidence: FloatArray, bins: int) -> IntArray:
    """Bin of each confidence: right-closed intervals of width 1 / bins, 0 in the first."""
    edges = np.round(np.arange(1, bins) / bins, 12)
    return np.searchsorted(edges, confidence, side="left")


def equal_mass_bins(cells: Cells, bins: int) -> IntArray:
    """Bin of each cell: right-closed at the inverted-CDF quantiles of the labels, duplicate edges dropped."""
    edges = cells.confidence[quantile_places(cells.n, np.arange(1, bins) / bins)]
    return np.searchsorted(np.unique(edges), cells.confidence, side="left")


def quantile_places(n: FloatArray, shares: FloatArray) -> IntArray:
    """For each share, the first place where the running sum of `n` reaches that share of the whole (inverted CDF)."""
    reached = np.cumsum(n)
    wanted = np.asarray(shares) * reached[-1] if len(reached) else np.empty(0)
    return np.minimum(np.searchsorted(reached, wanted - 1e-9, side="left"), len(reached) - 1)


def binned(values: FloatArray, place: IntArray, size: int = 0) -> FloatArray:
    """Sums of `values` per bin, for at least `size` bins."""
    return np.bincount(place, weights=values, minlength=size).astype(np.float64, copy=False)
