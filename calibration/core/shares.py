"""A share of all claims, from labels that were drawn with known, unequal chances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.core.intervals import clopper_pearson
from calibration.core.resampling import cluster_numbers, effective_number


@dataclass(frozen=True)
class Share:
    """With its two-sided limits, which are exact for the effective number of labels."""

    value: float
    low: float
    high: float
    labels: int


def weighted_share(
    hit: npt.ArrayLike, *, weight: npt.ArrayLike, fingerprint: npt.ArrayLike | None = None, conf: float = 0.95
) -> Share | None:
    """The share of hits among all claims that the labels stand for; None without labels.

    `weight` is one over the chance of having been labelled. Repeated inputs count as one label.
    """
    y, w = np.asarray(hit, dtype=float), np.asarray(weight, dtype=float)
    if not len(y):
        return None
    w = w / w.max()
    value = min(float(w @ y / w.sum()), 1.0)
    effective = effective_number(w, cluster_numbers(fingerprint, len(y)))
    low, high = clopper_pearson(value * effective, effective, conf=conf)
    return Share(value, min(float(low), value), max(float(high), value), len(y))
