"""Whether a shadowed calibrator may take the champion's place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from calibration.core.cells import unit_array
from calibration.core.metrics import row_log_loss
from calibration.core.resampling import cluster_numbers, mean_by_resampling

LOSS_CLIP = 1e-3
LABEL_LIMIT = 2_000
FEWEST_IN_SEGMENT = 100
LARGEST_ERROR_RISE = 0.01
DRAWS = 2_000
DELTA = 0.05


class Verdict(StrEnum):
    PROMOTE = "promote"
    KEEP = "keep"
    REJECT = "reject"


@dataclass(frozen=True)
class PairedComparison:
    """Mean of loss(candidate) - loss(champion) with one-sided bootstrap limits at 1 - delta; below 0 is better."""

    n: int
    inputs: int
    mean: float
    lo: float
    hi: float
    seed: int

    @property
    def better(self) -> bool:
        return self.hi < 0

    @property
    def worse(self) -> bool:
        return self.lo > 0


@dataclass(frozen=True)
class Guards:
    """What a better candidate must not break: segments, debiased squared error, certified thresholds."""

    segments: Mapping[str, PairedComparison]
    candidate_error: float
    champion_error: float
    thresholds_recertified: bool


@dataclass(frozen=True)
class PromotionDecision:
    """Reasons: better, worse, undecided, label_limit, segment_worse:<name>, error_rises, threshold_not_certified."""

    verdict: Verdict
    reasons: tuple[str, ...]


def paired_comparison(
    candidate: npt.ArrayLike,
    champion: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    fingerprint: npt.ArrayLike | None = None,
    delta: float = DELTA,
    draws: int = DRAWS,
    seed: int = 0,
) -> PairedComparison:
    """Compares two calibrated confidences of the same labels by log loss, resampling fingerprints `draws` times.

    `delta` is the chance of a false "better" (and of a false "worse"): divide it among comparisons made together.
    The labels must be of the certification half and newer than the candidate's fit. ValueError without labels.
    """
    p, q, label = unit_array(candidate, "candidate"), unit_array(champion, "champion"), unit_array(y, "label")
    if not len(p) == len(q) == len(label) or not len(label):
        raise ValueError("candidate, champion and label must have the same length, at least one")
    difference = row_log_loss(p, label, clip=LOSS_CLIP) - row_log_loss(q, label, clip=LOSS_CLIP)
    cluster = cluster_numbers(fingerprint, len(label))
    lo, hi = np.quantile(mean_by_resampling(difference, cluster, draws=draws, seed=seed), [delta, 1 - delta])
    return PairedComparison(len(label), len(np.unique(cluster)), float(difference.mean()), float(lo), float(hi), seed)


def decide(comparison: PairedComparison, guards: Guards, *, label_limit: int = LABEL_LIMIT) -> PromotionDecision:
    """Promote when significantly better and no guard objects, reject when worse or out of labels, else keep."""
    if comparison.worse:
        return PromotionDecision(Verdict.REJECT, ("worse",))
    objections = _objections(guards)
    if comparison.better and not objections:
        return PromotionDecision(Verdict.PROMOTE, ("better",))
    reasons = objections if comparison.better else ("undecided", *objections)
    if comparison.n >= label_limit:
        return PromotionDecision(Verdict.REJECT, ("label_limit", *reasons))
    return PromotionDecision(Verdict.KEEP, reasons)


def _objections(guards: Guards) -> tuple[str, ...]:
    worse = [
        f"segment_worse:{name}"
        for name, comparison in sorted(guards.segments.items())
        if comparison.n >= FEWEST_IN_SEGMENT and comparison.worse
    ]
    rises = ["error_rises"] if guards.candidate_error - guards.champion_error > LARGEST_ERROR_RISE else []
    uncertified = [] if guards.thresholds_recertified else ["threshold_not_certified"]
    return (*worse, *rises, *uncertified)
