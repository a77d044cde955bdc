"""Certified thresholds: with probability at least 1 - delta the error rate among the accepted is at most alpha.

A threshold t accepts confidence >= t, here and in SQL.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from calibration.core.bands import SLACK_ERRORS
from calibration.core.cells import Cells, quantile_places
from calibration.core.intervals import FloatArray, binomial_p, cp_upper, labels_needed
from calibration.core.metrics import auroc_interval

LEVELS = 40
STARTS = 3


STRICTER_FOR_ALL = 0.5
"""What a segment without labels of its own may hope for from the labels of everything: half the error."""


class Level(StrEnum):
    OWN = "own"
    GROUP = "group"
    ALL = "all"


@dataclass(frozen=True)
class GridPoint:
    """One grid point: share it would accept, labels and errors there, exact p-value, one-sided upper error limit.

    `certified`: a walk from one of the starts came past it, so that the promise holds there as well.
    """

    threshold: float
    coverage: float
    n: int
    errors: int
    p: float
    upper: float
    certified: bool = False


@dataclass(frozen=True)
class Selection:
    """A certified threshold, or None with a `reason`.

    Reasons: all_wrong (all_right for a rejection), too_few_labels (`labels_missing` says how many),
    score_not_informative, no_threshold_meets_target. `level` is the p-value each step had to reach, `tested` the whole
    grid, strictest first.
    """

    threshold: float | None
    coverage: float
    n: int
    errors: int
    p: float | None
    upper: float | None
    level: float
    reason: str | None
    labels_missing: int
    tested: tuple[GridPoint, ...]


def quantile_grid(traffic: Cells, *, levels: int = LEVELS) -> FloatArray:
    """Thresholds that would accept 1, 2, ... of `levels` equal shares of the traffic, strictest first, without repeats.

    Only the counts are used, never the labels.
    """
    if not len(traffic.n):
        return np.empty(0)
    return np.unique(traffic.confidence[quantile_places(traffic.n, 1 - np.arange(1, levels + 1) / levels)])[::-1]


def select_threshold(
    sample: Cells,
    *,
    alpha: float,
    delta: float = 0.05,
    levels: int = LEVELS,
    starts: int = STARTS,
    slack: int = SLACK_ERRORS,
    traffic: Cells | None = None,
) -> Selection:
    """The loosest threshold certified to keep the error rate among the accepted at or below `alpha`.

    `sample` holds the labels of an equal-probability sample of the certification half, one per fingerprint; `traffic`
    the claims the grid and the coverage are taken from (default: the sample). Fixed-sequence testing of exact binomial
    p-values from several starts: each walk loosens while p <= delta / starts. Source: Angelopoulos et al. 2021.
    """
    whole = traffic if traffic is not None else sample
    grid = quantile_grid(whole, levels=levels)
    n, errors = _at_or_above(sample, grid, sample.n), _at_or_above(sample, grid, sample.wrong)
    coverage = _at_or_above(whole, grid, whole.n) / max(whole.labels, 1)
    return _certified(_tested(grid, coverage, n, errors, alpha, delta / starts), sample, alpha, delta, starts, slack)


def select_rejection(
    sample: Cells,
    *,
    beta: float,
    delta: float = 0.05,
    levels: int = LEVELS,
    starts: int = STARTS,
    slack: int = SLACK_ERRORS,
    traffic: Cells | None = None,
) -> Selection:
    """The highest threshold t such that confidence < t is certified to be right in at most a share `beta`.

    The mirror image of `select_threshold`: `errors` then counts right outputs among the rejected.
    """
    whole = traffic if traffic is not None else sample
    grid = quantile_grid(whole, levels=levels)[::-1]
    coverage = 1 - _at_or_above(whole, grid, whole.n) / max(whole.labels, 1)
    n = sample.labels - _at_or_above(sample, grid, sample.n)
    right = sample.right.sum() - _at_or_above(sample, grid, sample.right)
    tested = _tested(grid, coverage, n, right, beta, delta / starts)
    mirrored = Cells(sample.confidence, sample.n, sample.wrong)
    return _certified(tested, mirrored, beta, delta, starts, slack, rising=False)


def select_nearest(
    own: Cells, group: Cells, whole: Cells, *, alpha: float, delta: float = 0.05, slack: int = SLACK_ERRORS
) -> tuple[Level, Selection]:
    """A threshold for one segment, on the narrowest sample that has labels enough to be tested on.

    Its own labels, else those of a group of like segments, else those of everything at an `alpha` made stricter by
    STRICTER_FOR_ALL, because an average over all says less of any one of them. Which sample is used depends on how
    many labels there are and never on what they say, so the promise is tested once. Without labels enough anywhere
    everything goes to review: the selection then has no threshold and says how many labels are missing.
    """
    for level, sample in ((Level.OWN, own), (Level.GROUP, group)):
        if sample.labels >= labels_needed(alpha, delta=delta, errors=slack):
            return level, select_threshold(sample, alpha=alpha, delta=delta, slack=slack)
    return Level.ALL, select_threshold(whole, alpha=alpha * STRICTER_FOR_ALL, delta=delta, slack=slack)


def fixed_sequence(p: FloatArray, starts: Sequence[int], level: float) -> int | None:
    """Last place reached when walking on from each start as long as p <= level; None if no start passes.

    With a level of delta / (number of starts) the chance that any place passed is a false one is at most delta.
    """
    return max(_walked(p, starts, level), default=None)


def _walked(p: FloatArray, starts: Sequence[int], level: float) -> set[int]:
    """Every place that a walk came past."""
    failed = np.flatnonzero(p > level)
    ends = [int(failed[failed >= start][0]) if np.any(failed >= start) else len(p) for start in starts]
    return {place for start, end in zip(starts, ends, strict=True) for place in range(start, end)}


def lifetime_delta(attempt: int, *, delta: float = 0.05) -> float:
    """The share of delta for the attempt-th certification (from 1), so that all of them together stay within delta."""
    if attempt < 1:
        raise ValueError(f"attempts count from 1, got {attempt}")
    return delta * 6 / (math.pi * attempt) ** 2


def betting_pvalue(
    errors: npt.ArrayLike,
    weight: npt.ArrayLike,
    *,
    alpha: float,
    delta: float = 0.05,
    starts: int = STARTS,
    seed: int = 0,
) -> float:
    """P-value of "the error rate of a region exceeds alpha" from its labels weighted by 1 / inclusion probability.

    A wager against the hypothesis over the labels in seeded order; weaker than the exact test, but every label counts,
    also those drawn at a higher rate. Source: Waudby-Smith and Ramdas 2024.
    """
    e, w = np.asarray(errors, dtype=float), np.asarray(weight, dtype=float)
    if not len(e):
        return 1.0
    share = w / w.max()
    spread = len(e) * alpha * (1 - alpha) * float(np.mean(share**2))
    stake = min(0.9 / (1 - alpha), math.sqrt(2 * math.log(starts / delta) / spread))
    order = np.random.default_rng(seed).permutation(len(e))
    capital = np.cumsum(np.log1p(-stake * share[order] * (e[order] - alpha)))
    return float(min(1.0, math.exp(-min(capital.max(), 700.0))))


# --- certification ---------------------------------------------------------------------------------------------


def _at_or_above(cells: Cells, grid: FloatArray, counts: FloatArray) -> FloatArray:
    """Sum of `counts` over the cells with confidence >= t, for each t of the grid."""
    from_here_up = np.append(np.cumsum(counts[::-1])[::-1], 0.0)
    return from_here_up[np.searchsorted(cells.confidence, grid, side="left")]


def _tested(
    grid: FloatArray, coverage: FloatArray, n: FloatArray, errors: FloatArray, alpha: float, level: float
) -> tuple[GridPoint, ...]:
    p, upper = binomial_p(errors, n, alpha), cp_upper(errors, n, delta=level)
    return tuple(
        GridPoint(float(t), float(share), round(labels), round(wrong), float(p_value), float(limit))
        for t, share, labels, wrong, p_value, limit in zip(grid, coverage, n, errors, p, upper, strict=True)
    )


def _certified(
    tested: tuple[GridPoint, ...],
    sample: Cells,
    alpha: float,
    delta: float,
    starts: int,
    slack: int,
    *,
    rising: bool = True,
) -> Selection:
    """Walks the tested regions, which must be nested and rising in size."""
    needed = labels_needed(alpha, delta=delta, errors=slack)
    first = next((place for place, point in enumerate(tested) if point.n >= needed), None)
    level = delta / starts
    walked: set[int] = set()
    if first is not None:
        walked = _walked(np.array([point.p for point in tested]), _starts(first, len(tested), starts), level)
    if walked:
        tested = tuple(replace(point, certified=place in walked) for place, point in enumerate(tested))
        at = tested[max(walked)]
        return Selection(at.threshold, at.coverage, at.n, at.errors, at.p, at.upper, level, None, 0, tested)
    missing = max(needed - round(sample.labels), 0)
    reason = _reason(sample, first is None, rising)
    return Selection(None, 0.0, 0, 0, None, None, level, reason, missing, tested)


def _starts(first: int, length: int, starts: int) -> list[int]:
    """`starts` places from `first` on, equally spaced over what is left of the grid."""
    return sorted({int(place) for place in np.linspace(first, length, starts, endpoint=False)})


def _reason(sample: Cells, too_few: bool, rising: bool) -> str:
    if sample.labels and not sample.right.sum():
        return "all_wrong" if rising else "all_right"
    if too_few:
        return "too_few_labels"
    interval = auroc_interval(sample)
    if interval is not None and (interval[0] <= 0.5 if rising else interval[1] >= 0.5):
        return "score_not_informative"
    return "no_threshold_meets_target"
