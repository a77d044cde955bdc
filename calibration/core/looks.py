"""One-sided tests of two shares of weighted, repeated labels, and what many looks at once may conclude."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from calibration.core.cells import IntArray, binned
from calibration.core.intervals import FloatArray
from calibration.core.resampling import effective_number


@dataclass(frozen=True)
class Part:
    """Errors and confidence of some labels: weighted means, and how many equal, single labels say as much."""

    labels: int
    inputs: int
    error: float
    confidence: float
    effective: float

    @property
    def accuracy(self) -> float:
        return 1 - self.error

    @property
    def gap(self) -> float:
        """Mean confidence less accuracy: above 0 it promises too much."""
        return self.confidence - self.accuracy


def part_of(confidence: FloatArray, right: FloatArray, weight: FloatArray, cluster: IntArray) -> Part:
    """`weight` is one over the chance of each label, `cluster` numbers the inputs.

    The effective number is Kish's with repeats counted once, and less where the linearised variance of the error rate
    for these very weights and repeats is larger.
    """
    if not len(right):
        return Part(0, 0, 0.0, 0.0, 0.0)
    total = weight.sum()
    wrong = 1 - right
    error = float(np.clip(weight @ wrong / total, 0, 1))
    own = np.unique(cluster, return_inverse=True)[1]
    effective = effective_number(weight, own)
    share = binned(weight, own) / total
    heavier = share - share.mean()  # a heavy label pulls the figure it is held against, as in HC3
    influence = binned(weight * (wrong - error), own) / total / np.clip(1 - heavier, 0.5, 1)
    variance = float(influence @ influence)
    if variance > 0:
        effective = min(effective, error * (1 - error) / variance)
    return Part(len(right), int(own.max()) + 1, error, float(weight @ confidence / total), effective)


def more_errors_p(one: Part, other: Part) -> float:
    """One-sided p-value of "no more errors in one than in the other": Fisher's exact test on effective numbers.

    Equal weights and single inputs make it Fisher's very own; otherwise counts are rounded against the finding.
    """
    return _fisher(one.error, one.effective, other.error, other.effective)


def wider_gap_p(one: Part, other: Part) -> float:
    """One-sided p-value of "confidence promises no more in one than in the other".

    The other's gap says how many errors the one should show at its own confidence. That its confidences differ among
    themselves only makes its errors vary less than the test assumes (Hoeffding 1956).
    """
    expected = min(max(1 - one.confidence + other.gap, 0.0), 1.0)
    return _fisher(one.error, one.effective, expected, other.effective)


def _fisher(error: float, n: float, other_error: float, other_n: float) -> float:
    size, other_size = int(n + 1e-9), int(other_n + 1e-9)
    if not size or not other_size:
        return 1.0
    wrong = int(error * size + 1e-9)
    other_wrong = min(int(np.ceil(other_error * other_size - 1e-9)), other_size)
    return float(min(stats.hypergeom.sf(wrong - 1, size + other_size, wrong + other_wrong, size), 1.0))


def surer_p(one: tuple[FloatArray, FloatArray, IntArray], other: tuple[FloatArray, FloatArray, IntArray]) -> float:
    """One-sided p-value of "mean confidence in one is no higher than in the other" (Welch, clusters, weights).

    Each is the confidences, weights and clusters of one part.
    """
    means, variances, sizes = zip(*(_mean(*part) for part in (one, other)), strict=True)
    variance = variances[0] + variances[1]
    difference = means[0] - means[1]
    if variance <= 0:
        return 0.0 if difference > 0 else 1.0
    return float(special.stdtr(max(min(sizes) - 1, 1.0), -difference / np.sqrt(variance)))


def _mean(values: FloatArray, weight: FloatArray, cluster: IntArray) -> tuple[float, float, float]:
    own = np.unique(cluster, return_inverse=True)[1]
    total = weight.sum()
    mean = float(weight @ values / total)
    share = binned(weight, own) / total
    influence = binned(weight * (values - mean), own) / total / np.maximum(1 - share, 0.5)
    return mean, float(influence @ influence), effective_number(weight, own)


def holm(p: npt.ArrayLike, *, looks: int | None = None) -> FloatArray:
    """p-values corrected for all of `looks` (at least as many as are given): below 0.05, at most one set of findings
    in twenty holds a false one, however the looks depend on each other (Holm 1979)."""
    values = np.asarray(p, dtype=float)
    count = max(looks or 0, len(values))
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.maximum.accumulate(values[order] * (count - np.arange(len(values))))
    bounded: FloatArray = np.minimum(corrected, 1.0)
    return bounded
