"""What the confidences alone can say before labels arrive: an early hint, never a state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from calibration.core.cells import cells_of, quantile_places, unit_array
from calibration.core.intervals import FloatArray

BINS = 10
PAGE_P = 0.001
PAGE_PSI = 0.1
PAGE_DISTANCE = 0.02


@dataclass(frozen=True)
class Psi:
    """Population stability index with its degrees of freedom and the p-value of "nothing has changed"."""

    value: float
    freedom: int
    p: float


@dataclass(frozen=True)
class ConfidenceDrift:
    """Two samples of confidences compared; `page` says that somebody should look now.

    `distance` is the Wasserstein distance, in units of confidence; `ks_p` is conservative on few distinct values;
    `new_values` tells that unseen values came up, among few distinct ones a hint at a swapped model.
    """

    psi: Psi
    ks_p: float
    distance: float
    new_values: bool
    page: bool


@dataclass(frozen=True)
class ConfidenceHealth:
    """Shares of all rows: without a confidence, outside [0, 1] or not a number, at the most common usable value."""

    rows: int
    missing_share: float
    out_of_range_share: float
    most_common_share: float
    distinct: int
    expected_accuracy: float | None


def psi(reference: npt.ArrayLike, current: npt.ArrayLike, *, bins: int = BINS) -> Psi:
    """PSI of two samples of confidences over equal-mass bins of the reference, ties together."""
    old = cells_of(reference, np.zeros(np.shape(reference)))
    new = unit_array(current, "confidence")
    if not len(old.n) or not len(new):
        raise ValueError("both samples need at least one confidence")
    edges = np.unique(old.confidence[quantile_places(old.n, np.arange(1, bins) / bins)])
    edges = edges[edges < old.confidence[-1]]
    old_counts = np.bincount(np.searchsorted(edges, old.confidence), weights=old.n, minlength=len(edges) + 1)
    return psi_of_counts(old_counts, np.bincount(np.searchsorted(edges, new), minlength=len(edges) + 1))


def psi_of_counts(reference: npt.ArrayLike, current: npt.ArrayLike) -> Psi:
    """PSI of two tables over the same bins or categories (the segment mix, for example), half a count added to each.

    Without change nm / (n + m) * PSI follows about chi-square with one degree of freedom less than there are bins.
    """
    old, new = np.asarray(reference, dtype=float), np.asarray(current, dtype=float)
    if old.shape != new.shape or old.ndim != 1:
        raise ValueError("both tables need the same bins")
    p, q = (old + 0.5) / (old + 0.5).sum(), (new + 0.5) / (new + 0.5).sum()
    value = float((p - q) @ np.log(p / q))
    return Psi(value, len(old) - 1, psi_pvalue(value, old.sum(), new.sum(), bins=len(old)))


def psi_pvalue(value: float, n: float, m: float, *, bins: int = BINS) -> float:
    """Chance of a PSI this large without change, for samples of n and m. 1 with a single bin."""
    return float(special.chdtrc(bins - 1, n * m / (n + m) * value)) if bins > 1 else 1.0


def confidence_drift(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, segments: int = 1, bins: int = BINS
) -> ConfidenceDrift:
    """Compares two samples of confidences. Pages only when the change is sure (p < .001 over `segments`
    comparisons) and large (PSI > .1 or Wasserstein distance > .02)."""
    old, new = unit_array(reference, "confidence"), unit_array(current, "confidence")
    index = psi(old, new, bins=bins)
    distance, ks_p = _distances(old, new)
    large = index.value > PAGE_PSI or distance > PAGE_DISTANCE
    unseen = bool(len(np.setdiff1d(new, old)))
    return ConfidenceDrift(index, ks_p, distance, unseen, index.p < PAGE_P / segments and large)


def _distances(old: FloatArray, new: FloatArray) -> tuple[float, float]:
    """Wasserstein distance of two samples and the asymptotic p-value of their largest gap (Kolmogorov-Smirnov)."""
    values = np.unique(np.concatenate([old, new]))
    below_old = np.searchsorted(np.sort(old), values, side="right") / len(old)
    below_new = np.searchsorted(np.sort(new), values, side="right") / len(new)
    gap = np.abs(below_old - below_new)
    size = len(old) * len(new) / (len(old) + len(new))
    return float(gap[:-1] @ np.diff(values)), float(special.kolmogorov(size**0.5 * gap.max()))


def segment_mix_drift(reference: Mapping[str, int], current: Mapping[str, int]) -> Psi:
    """PSI of the claims per segment; a segment absent from one side counts as empty there."""
    names = sorted(reference.keys() | current.keys())
    return psi_of_counts([reference.get(name, 0) for name in names], [current.get(name, 0) for name in names])


def confidence_health(confidences: Sequence[float | None], calibrated: npt.ArrayLike | None = None) -> ConfidenceHealth:
    """Health of a stream of confidences as received, None for a missing one.

    `expected_accuracy` is the mean of the calibrated confidences: right only while the calibrator still holds.
    """
    rows = len(confidences)
    present: FloatArray = np.array([value for value in confidences if value is not None], dtype=float)
    usable = present[(present >= 0) & (present <= 1)]
    counts = np.unique(usable, return_counts=True)[1]
    expected = unit_array(calibrated, "calibrated confidence") if calibrated is not None else np.empty(0)
    return ConfidenceHealth(
        rows=rows,
        missing_share=(rows - len(present)) / max(rows, 1),
        out_of_range_share=(len(present) - len(usable)) / max(rows, 1),
        most_common_share=float(counts.max(initial=0)) / max(len(usable), 1),
        distinct=len(counts),
        expected_accuracy=float(expected.mean()) if len(expected) else None,
    )
