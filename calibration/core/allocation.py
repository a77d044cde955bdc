"""How much of which stream to audit: enough labels a week for each, and further ones where they tell most. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from calibration.core.intervals import FloatArray, cp_upper

RATES: Final = (
    *(0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07),
    *(0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0),
)
"""The only rates that are worked out: a rate that moves a little every day would cut the sample into slices."""


@dataclass(frozen=True)
class Stratum:
    """A stream whose error rate is promised to stay at or below `alpha`, with what is known of it so far."""

    claims_a_week: float
    labels: int
    errors: int
    alpha: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        if self.claims_a_week < 0 or not 0 <= self.errors <= self.labels:
            raise ValueError("counts must not be negative, and errors are labels")
        if not 0 < self.alpha < 1 or not 0 <= self.floor <= 1:
            raise ValueError("alpha must lie strictly between 0 and 1, and the floor in [0, 1]")

    @property
    def error_guess(self) -> float:
        """With one error and one right label added (Laplace), so that nothing is taken for sure."""
        return (self.errors + 1) / (self.labels + 2)


def rate_for(labels_a_week: float, claims_a_week: float) -> float:
    """The lowest of `RATES` by which so many labels a week are expected; 1 where even that is too little."""
    if claims_a_week <= labels_a_week:
        return 1.0
    return rounded_up(labels_a_week / claims_a_week)


def rounded_up(rate: float) -> float:
    return RATES[min(bisect_left(RATES, rate - 1e-12), len(RATES) - 1)]


def rounded_down(rate: float) -> float:
    """0 below the lowest rate."""
    place = bisect_right(RATES, rate + 1e-12)
    return RATES[place - 1] if place else 0.0


def allocate(strata: Sequence[Stratum], budget: int, *, delta: float = 0.05) -> list[float]:
    """The rate of each stratum, from its floor up to 1, that spends `budget` labels a week beyond the floors best.

    Best is the largest expected reduction of the upper limits, each in units of what it must not exceed. Upper limits
    fall ever more slowly as labels come in, so taking the best next label again and again is optimal.
    """
    gains = [_gains(stratum, budget, delta) for stratum in strata]
    order = np.argsort(-np.concatenate([*gains, np.empty(0)]), kind="stable")[: max(budget, 0)]
    owner = np.concatenate([np.full(len(each), place) for place, each in enumerate(gains)] or [np.empty(0)])
    extra = np.bincount(owner[order].astype(int), minlength=len(strata))
    return [
        min(1.0, stratum.floor + more / stratum.claims_a_week) if more else stratum.floor
        for stratum, more in zip(strata, extra.tolist(), strict=True)
    ]


def expected_limit(stratum: Stratum, more: npt.ArrayLike, *, delta: float = 0.05) -> FloatArray:
    """The upper limit of the error rate after so many more labels, if errors come as they are guessed to.

    With the same two labels added, it falls ever more slowly from the first label on.
    """
    further = np.asarray(more, dtype=float)
    wrong = stratum.errors + 1 + stratum.error_guess * further
    return np.asarray(cp_upper(wrong, stratum.labels + 2 + further, delta=delta), dtype=float)


def _gains(stratum: Stratum, budget: int, delta: float) -> FloatArray:
    """What each further label a week beyond the floor is worth, as many as there are claims for."""
    begun = stratum.floor * stratum.claims_a_week
    most = min(math.floor(stratum.claims_a_week - begun + 1e-9), max(budget, 0))
    limits = expected_limit(stratum, begun + np.arange(most + 1.0), delta=delta) / stratum.alpha
    return -np.diff(limits)
