"""Measured accuracy of a band: estimate, interval and the state that says whether anything may rest on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from calibration.core.intervals import FloatArray, clopper_pearson, cp_lower, cp_upper, labels_needed, wilson

SLACK_ERRORS = 3
"""A promise counts as measured once this many errors among the labels would still have certified it."""

LARGEST_HALF_WIDTH = 0.05
"""Without a promise, a number is trustworthy once its 95 % interval is this narrow on either side."""

LARGEST_PENDING_SHARE = 0.10
FRESHNESS_DAYS = 30.0


class State(StrEnum):
    UNMEASURED = "unmeasured"
    PROVISIONAL = "provisional"
    VALIDATED = "validated"
    FAILED = "failed"
    STALE = "stale"


@dataclass(frozen=True)
class Stratum:
    """Counts of one (band, segment, version, audit rate): all claims, those drawn for a label, what came of them."""

    claims: int
    sampled: int
    labelled: int
    right: int
    pending: int
    rate: float

    def __post_init__(self) -> None:
        if not 0 <= self.right <= self.labelled <= self.labelled + self.pending <= self.sampled <= self.claims:
            raise ValueError("counts must satisfy 0 <= right <= labelled, labelled + pending <= sampled <= claims")
        if self.pending < 0 or not 0 <= self.rate <= 1:
            raise ValueError("pending must not be negative and rate must lie in [0, 1]")


@dataclass(frozen=True)
class GateSample:
    """The thinned equal-probability sample a promise is tested on: one label per fingerprint."""

    labels: int
    errors: int

    def __post_init__(self) -> None:
        if not 0 <= self.errors <= self.labels:
            raise ValueError("counts must satisfy 0 <= errors <= labels")


@dataclass(frozen=True)
class BandEstimate:
    """Accuracy of a band. `est` is None and the interval (0, 1) when a stratum with claims has no label.

    `pending_lo` and `pending_hi` are the estimate with every pending claim, and every claim of an unlabelled stratum,
    counted wrong and right. `method` is "none", "wilson" or "effective_n", which is approximate and never gates.
    """

    est: float | None
    lo: float
    hi: float
    n: int
    n_eff: float
    method: str
    state: State
    pending_lo: float
    pending_hi: float
    unlabelled_share: float


def band_accuracy(strata: Sequence[Stratum], *, conf: float = 0.95) -> BandEstimate:
    """Post-stratified accuracy: claim counts are known, only labels are sampled, so acc = sum W_h right_h / labelled_h.

    One stratum gets Wilson limits; several get Clopper-Pearson limits on the effective sample size. The state is that
    of a number without a promise; `state_of` tells it for one with.
    """
    strata = [stratum for stratum in strata if stratum.claims]
    n = sum(stratum.labelled for stratum in strata)
    unlabelled = unlabelled_share(strata)
    pending_lo, pending_hi = _pending_ends(strata)
    if n == 0 or unlabelled > 0:
        est, lo, hi, n_eff, method = None, 0.0, 1.0, 0.0, "none"
    elif len(strata) == 1:
        est, n_eff, method = strata[0].right / n, float(n), "wilson"
        lo, hi = map(float, wilson(strata[0].right, n, conf=conf))
    else:
        est, n_eff = _stratified(strata)
        method = "effective_n"
        lo, hi = map(float, clopper_pearson(min(est * n_eff, n_eff), n_eff, conf=conf))
    state = _state_without_promise(strata, (hi - lo) / 2)
    return BandEstimate(est, lo, hi, n, n_eff, method, state, pending_lo, pending_hi, unlabelled)


def unlabelled_share(strata: Sequence[Stratum]) -> float:
    """Share of the claims that lie in a stratum without any label."""
    claims = sum(stratum.claims for stratum in strata)
    return sum(stratum.claims for stratum in strata if not stratum.labelled) / claims if claims else 0.0


def state_of(
    strata: Sequence[Stratum],
    *,
    alpha: float | None = None,
    gate: GateSample | None = None,
    delta: float = 0.05,
    closed: bool = True,
    due: bool = False,
    same_version: bool = True,
    drift_alarm: bool = False,
    newest_label_age_days: float = 0.0,
    freshness_days: float = FRESHNESS_DAYS,
) -> State:
    """The state of a band's number, with the promise "error rate <= alpha" or, alpha being None, without one.

    unmeasured   no label at all, or claims in a stratum whose rate is 0, which can never get one
    stale        another version, a drift alarm, or the newest label older than the freshness limit
    provisional  too few labels, over a tenth of the sampled claims pending, a stratum without labels, an open window
    validated    upper limit of the error <= alpha
    failed       lower limit of the error > alpha, or the decision is due and the upper limit is still above alpha

    `gate` may be left out with one stratum only; several need the thinned sample (ValueError otherwise).
    """
    strata = [stratum for stratum in strata if stratum.claims]
    if _never_measured(strata):
        return State.UNMEASURED
    if not same_version or drift_alarm or newest_label_age_days > freshness_days:
        return State.STALE
    if alpha is None:
        estimate = band_accuracy(strata)
        return estimate.state if closed else State.PROVISIONAL
    if not closed or _incomplete(strata):
        return State.PROVISIONAL
    return _state_of_promise(gate or _only_gate(strata), alpha, delta, due)


def _state_of_promise(gate: GateSample, alpha: float, delta: float, due: bool) -> State:
    if gate.labels < labels_needed(alpha, delta=delta, errors=SLACK_ERRORS):
        return State.PROVISIONAL
    if cp_upper(gate.errors, gate.labels, delta=delta) <= alpha:
        return State.VALIDATED
    if due or cp_lower(gate.errors, gate.labels, delta=delta) > alpha:
        return State.FAILED
    return State.PROVISIONAL


def _state_without_promise(strata: Sequence[Stratum], half_width: float) -> State:
    if _never_measured(strata):
        return State.UNMEASURED
    if _incomplete(strata) or half_width > LARGEST_HALF_WIDTH:
        return State.PROVISIONAL
    return State.VALIDATED


def _never_measured(strata: Sequence[Stratum]) -> bool:
    no_label = not any(stratum.labelled for stratum in strata)
    return no_label or any(not stratum.labelled and stratum.rate == 0 for stratum in strata)


def _incomplete(strata: Sequence[Stratum]) -> bool:
    pending = sum(stratum.pending for stratum in strata)
    sampled = sum(stratum.sampled for stratum in strata)
    return pending > LARGEST_PENDING_SHARE * sampled or unlabelled_share(strata) > 0


def _only_gate(strata: Sequence[Stratum]) -> GateSample:
    if len(strata) != 1:
        raise ValueError("several strata were sampled at several rates: a promise needs the thinned sample as gate")
    return GateSample(labels=strata[0].labelled, errors=strata[0].labelled - strata[0].right)


def _columns(strata: Sequence[Stratum]) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Weight, labelled, right and pending of each stratum."""
    table = np.array([(s.claims, s.labelled, s.right, s.pending) for s in strata], dtype=float)
    return table[:, 0] / table[:, 0].sum(), table[:, 1], table[:, 2], table[:, 3]


def _stratified(strata: Sequence[Stratum]) -> tuple[float, float]:
    """Estimate and effective number of labels, by a variance that half a label on either side keeps above zero."""
    weight, labelled, right, _ = _columns(strata)
    smoothed = (right + 0.5) / (labelled + 1)
    mean = float(weight @ smoothed)
    variance = float(weight**2 @ (smoothed * (1 - smoothed) / np.maximum(labelled - 1, 1)))
    return float(weight @ (right / labelled)), min(mean * (1 - mean) / variance, math.fsum(labelled))


def _pending_ends(strata: Sequence[Stratum]) -> tuple[float, float]:
    if not strata:
        return 0.0, 1.0
    weight, labelled, right, pending = _columns(strata)
    drawn = labelled + pending
    wrong = labelled - right
    lo = np.divide(right, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    least_wrong = np.divide(wrong, drawn, out=np.zeros_like(drawn), where=drawn > 0)
    return float(weight @ lo), float(1 - weight @ least_wrong)
