"""How well people agree beyond chance: two of them by Cohen's kappa, any number of them by Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.core.cells import IntArray, binned
from calibration.core.intervals import FloatArray
from calibration.core.resampling import resamples

DRAWS = 1_000


@dataclass(frozen=True)
class Agreement:
    """Share of claims two reviewers judge alike, and Cohen's kappa with 95 % bootstrap limits.

    Kappa is None when both always give the same one label: agreement beyond chance is then undefined.
    """

    n: int
    share: float
    kappa: float | None
    lo: float | None
    hi: float | None
    seed: int


@dataclass(frozen=True)
class Reliability:
    """Agreement of any number of people who judged any part of the units, with 95 % bootstrap limits over units.

    `units` are those with two labels or more, `labels` the labels on them; a unit with one label says nothing. `share`
    is the chance that two labels of one unit are alike. `alpha` is Krippendorff's, nominal: 1 is perfect, 0 is chance,
    below 0 is worse than chance. It is None when all labels are the same, because nothing then can be told from
    chance; both are None without units.
    """

    units: int
    labels: int
    share: float | None
    alpha: float | None
    lo: float | None
    hi: float | None
    seed: int


def agreement(first: npt.ArrayLike, second: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Agreement of two reviewers on the same claims, one label of each per claim. ValueError without claims."""
    a, b = np.asarray(first), np.asarray(second)
    if len(a) != len(b) or not len(a):
        raise ValueError("both reviewers need one label per claim, and there must be a claim")
    classes, numbers = np.unique(np.concatenate([a, b]), return_inverse=True)
    pair = numbers[: len(a)] * len(classes) + numbers[len(a) :]
    lo, hi = _limits(lambda times: _kappa(_table(pair, len(classes), times)), len(a), draws, seed)
    kappa = _kappa(_table(pair, len(classes), np.ones(len(a))))
    return Agreement(len(a), float(np.mean(a == b)), kappa, lo, hi, seed)


def reliability(units: npt.ArrayLike, labels: npt.ArrayLike, *, draws: int = DRAWS, seed: int = 0) -> Reliability:
    """Krippendorff's alpha from one row per label: what was judged, and how. Who judged makes no difference.

    One person's labels of a unit are expected once. Source: Krippendorff, Computing Krippendorff's Alpha-Reliability
    (2011), nominal data. ValueError when the columns differ in length.
    """
    if len(np.asarray(units)) != len(np.asarray(labels)):
        raise ValueError("there must be one unit per label")
    counts = _counts(units, labels)
    given = counts.sum(axis=1)
    if not len(counts):
        return Reliability(0, 0, None, None, None, None, seed)
    alike = (counts * (counts - 1)).sum(axis=1) / (given - 1)
    lo, hi = _limits(lambda times: _alpha(counts, alike, times), len(counts), draws, seed)
    return Reliability(
        units=len(counts),
        labels=int(given.sum()),
        share=float(alike.sum() / given.sum()),
        alpha=_alpha(counts, alike, np.ones(len(counts))),
        lo=lo,
        hi=hi,
        seed=seed,
    )


def _counts(units: npt.ArrayLike, labels: npt.ArrayLike) -> FloatArray:
    """How often each class (column) was given to each unit (row), for units with two labels or more."""
    names, unit = np.unique(np.asarray(units), return_inverse=True)
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    counts = np.zeros((len(names), len(classes)))
    np.add.at(counts, (unit, label), 1)
    paired: FloatArray = counts[counts.sum(axis=1) >= 2]
    return paired


def _alpha(counts: FloatArray, alike: FloatArray, times: FloatArray) -> float | None:
    """Alpha when each unit is there `times` times; `alike` are a unit's coincidences of equal labels."""
    of_class = times @ counts
    labels = float(of_class.sum())
    differing_by_chance = labels * (labels - 1) - float((of_class * (of_class - 1)).sum())
    if differing_by_chance <= 0:
        return None
    return 1 - (labels - float(times @ alike)) * (labels - 1) / differing_by_chance


def _limits(
    measure: Callable[[FloatArray], float | None], units: int, draws: int, seed: int
) -> tuple[float | None, float | None]:
    """The middle 95 % of what resampled units give; None and None when none of them gives a number."""
    found = [value for times in resamples(units, draws, seed) if (value := measure(times)) is not None]
    if not found:
        return None, None
    lo, hi = np.quantile(found, [0.025, 0.975])
    return float(lo), float(hi)


def _table(pair: IntArray, classes: int, times: FloatArray) -> FloatArray:
    return np.reshape(binned(times, pair, classes**2) / times.sum(), (classes, classes))


def _kappa(table: FloatArray) -> float | None:
    """Cohen's kappa of a table of shares."""
    by_chance = float(table.sum(axis=0) @ table.sum(axis=1))
    return (float(np.trace(table)) - by_chance) / (1 - by_chance) if by_chance < 1 - 1e-12 else None
