"""Thresholds that money and minutes suggest. They work on calibrated confidence and never override a certificate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from calibration.core.cells import unit_array
from calibration.core.intervals import FloatArray, clopper_pearson
from calibration.core.labels import BoolArray


@dataclass(frozen=True)
class Costs:
    """Cost of an error that goes through and of a review; chance a review catches an error or spoils a right output."""

    error: float
    review: float
    catch: float = 1.0
    spoil: float = 0.0

    def __post_init__(self) -> None:
        if not (self.error > 0 and self.review >= 0):
            raise ValueError("an error must cost something and a review must not earn anything")
        if not (0 <= self.catch <= 1 and 0 <= self.spoil <= 1 and self.catch + self.spoil > 0):
            raise ValueError("catch and spoil are probabilities, not both 0")


@dataclass(frozen=True)
class CapacityPlan:
    """Which claims the minutes at hand allow to review.

    `threshold` is the calibrated confidence of the last ranked claim that fits, None if none does. `minutes_short` is
    what the reserved claims need beyond the minutes, `minutes_for_promise` what reviewing everything below the
    certified threshold needs (None without one); if it exceeds the minutes, warn. `expected_error` is the expected
    share of all claims that go through wrong.
    """

    reviewed: BoolArray
    threshold: float | None
    minutes_used: float
    minutes_short: float
    minutes_for_promise: float | None
    expected_error: float


@dataclass(frozen=True)
class ResidualError:
    """Measured share of all claims that go through wrong, with exact 95 % limits."""

    rate: float
    lo: float
    hi: float


def cost_threshold(costs: Costs) -> float:
    """Review a claim if and only if its calibrated confidence is below this. 0 when no review pays, at most 1."""
    gain = costs.catch * costs.error - costs.review
    return max(gain, 0.0) / (costs.catch * costs.error + costs.spoil * costs.error)


def effective_threshold(certified: float | None, by_cost: float) -> float | None:
    """The stricter of two thresholds on one scale. Without a certificate nothing is accepted, whatever it costs."""
    return None if certified is None else max(certified, by_cost)


def cost_per_claim(p: npt.ArrayLike, y: npt.ArrayLike, threshold: float, costs: Costs) -> float:
    """Mean cost on labelled claims when those with p < threshold are reviewed."""
    right = unit_array(y, "label")
    reviewed = unit_array(p, "calibrated confidence") < threshold
    of_review = costs.review + costs.error * ((1 - costs.catch) * (1 - right) + costs.spoil * right)
    return float(np.where(reviewed, of_review, costs.error * (1 - right)).mean())


def capacity_plan(
    p: npt.ArrayLike,
    minutes_each: npt.ArrayLike,
    *,
    minutes: float,
    error_cost: npt.ArrayLike = 1.0,
    mandatory: npt.ArrayLike | None = None,
    audited: npt.ArrayLike | None = None,
    certified: float | None = None,
) -> CapacityPlan:
    """Spends reviewers' minutes: mandatory claims and the audit sample first, then the most error cost per minute.

    `minutes_each` > 0 and `error_cost` are one number or one per claim. Claims of equal rank are reviewed all or none.
    The reserved claims are planned even if they alone exceed the minutes.
    """
    confidence = unit_array(p, "calibrated confidence")
    effort = np.broadcast_to(np.asarray(minutes_each, dtype=float), confidence.shape)
    if not np.all(effort > 0) or minutes < 0:
        raise ValueError("minutes must not be negative and minutes_each must be above 0")
    reserved = _flags(mandatory, len(confidence)) | _flags(audited, len(confidence))
    left = minutes - float(effort[reserved].sum())
    ranked = _ranked_that_fit((1 - confidence) * np.asarray(error_cost, dtype=float) / effort, effort, ~reserved, left)
    reviewed: BoolArray = reserved | ranked
    below = reserved | (confidence < certified) if certified is not None else None
    return CapacityPlan(
        reviewed=reviewed,
        threshold=float(confidence[ranked].max()) if ranked.any() else None,
        minutes_used=float(effort[reviewed].sum()),
        minutes_short=max(-left, 0.0),
        minutes_for_promise=float(effort[below].sum()) if below is not None else None,
        expected_error=float((1 - confidence[~reviewed]).sum() / max(len(confidence), 1)),
    )


def residual_error(y: npt.ArrayLike, reviewed: npt.ArrayLike) -> ResidualError:
    """Share of all given claims that go through wrong when reviews catch every error. Labels of an equal-probability
    sample; ValueError without any."""
    wrong = 1 - unit_array(y, "label")
    if not len(wrong):
        raise ValueError("there are no labels")
    through = float(wrong[~np.asarray(reviewed, dtype=bool)].sum())
    lo, hi = clopper_pearson(through, len(wrong))
    return ResidualError(through / len(wrong), float(lo), float(hi))


def _flags(mask: npt.ArrayLike | None, size: int) -> BoolArray:
    return np.zeros(size, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)


def _ranked_that_fit(rank: FloatArray, effort: FloatArray, free: BoolArray, left: float) -> BoolArray:
    """The free claims of highest rank whose minutes together stay within `left`; equal ranks stay together."""
    fits = np.zeros(len(rank), dtype=bool)
    places = np.flatnonzero(free)
    if not len(places):
        return fits
    groups, group = np.unique(-rank[places], return_inverse=True)
    spent = np.cumsum(np.bincount(group, weights=effort[places], minlength=len(groups)))
    fits[places] = (spent <= left + 1e-9)[group]
    return fits
