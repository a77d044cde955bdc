"""From claims and labels to what each band of a policy may do. Pure: evidence and a policy in, numbers out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from calibration.core.bands import (
    LARGEST_PENDING_SHARE,
    BandEstimate,
    GateSample,
    State,
    Stratum,
    band_accuracy,
    state_of,
    unlabelled_share,
)
from calibration.core.intervals import cp_lower, cp_upper
from calibration.core.labels import in_fit_half
from calibration.evidence import ClaimCount, LabelledClaim, Place, Subject
from reviewqueue.policy.document import Band, Policy
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import place as placement
from reviewqueue.verifiers.finding import PASSED

EVERYTHING = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """One number: a band (or all bands, "") of a subject, overall or in one segment."""

    subject: Subject
    segment: str
    band: str
    claims: int
    sampled: int
    labelled: int
    right: int
    mean_confidence: float | None
    estimate: BandEstimate
    unlabelled_share: float
    gate: GateSample
    error_upper: float
    required: float | None
    state: str
    newest_at: datetime | None


@dataclass
class _Group:
    counts: list[ClaimCount]
    labels: list[LabelledClaim]


def measure(
    policy: Policy,
    counts: Sequence[ClaimCount],
    labels: Sequence[LabelledClaim],
    *,
    fitted: Mapping[str, datetime],
    now: datetime,
) -> list[Measured]:
    """Every band of every subject, and every segment of every subject over all bands.

    `fitted` tells when a calibrator of the policy was fitted on the fit half of these very labels: what it had seen
    by then cannot certify its bands.
    """
    bands = {band.key: band for band in policy.measured_bands}
    by_band, by_segment = _grouped(policy, counts, labels)
    subjects = {count.place.subject for count in counts}
    empty = _Group([], [])
    rows = [
        _measured(policy, subject, EVERYTHING, band, by_band.get((subject, key), empty), fitted=fitted, now=now)
        for subject in sorted(subjects)
        for key, band in bands.items()
    ]
    rows += [
        _measured(policy, subject, segment, None, group, fitted=fitted, now=now)
        for (subject, segment), group in sorted(by_segment.items())
    ]
    return rows


def _grouped(
    policy: Policy, counts: Sequence[ClaimCount], labels: Sequence[LabelledClaim]
) -> tuple[dict[tuple[Subject, str], _Group], dict[tuple[Subject, str], _Group]]:
    """By subject and band, and by subject and segment (EVERYTHING included)."""
    band_of = _BandOf(policy)
    by_band: dict[tuple[Subject, str], _Group] = defaultdict(lambda: _Group([], []))
    by_segment: dict[tuple[Subject, str], _Group] = defaultdict(lambda: _Group([], []))
    for count in counts:
        by_band[count.place.subject, band_of(count.place)].counts.append(count)
        for name in (EVERYTHING, *count.place.names):
            by_segment[count.place.subject, name].counts.append(count)
    for label in labels:
        by_band[label.place.subject, band_of(label.place)].labels.append(label)
        for name in (EVERYTHING, *label.place.names):
            by_segment[label.place.subject, name].labels.append(label)
    return by_band, by_segment


class _BandOf:
    """The band in which the policy's own routing puts a place; remembered, because places repeat."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._known: dict[Place, str] = {}

    def __call__(self, place: Place) -> str:
        if place not in self._known:
            facts = Facts(
                **place.subject._asdict(),
                category=place.category or None,
                segments=dict(place.segments),
                confidence=place.confidence,
                audit_u=0.0,
                checks=dict.fromkeys(place.passed, PASSED),
            )
            band = placement(facts, self._policy).band
            self._known[place] = band.key if band else ""
        return self._known[place]


def _measured(
    policy: Policy,
    subject: Subject,
    segment: str,
    band: Band | None,
    group: _Group,
    *,
    fitted: Mapping[str, datetime],
    now: datetime,
) -> Measured:
    inverted = band is not None and band.route == "reject"  # there, the promise is that the outputs are wrong
    delta = 1 - policy.certainty
    alpha = None if band is None or band.required_accuracy is None else 1 - band.required_accuracy
    strata = strata_of(group.counts, group.labels, inverted)
    entry = policy.calibrator_of.get(subject)
    usable = [row for row in group.labels if may_certify(row, fitted.get(entry.name) if entry else None)]
    window = certification_window(usable, group.counts, strata, alpha=alpha, delta=delta, inverted=inverted)
    newest = max((row.settled_at for row in group.labels), default=None)
    state = state_of(
        window.strata,
        alpha=alpha,
        gate=window.sample,
        delta=delta,
        newest_label_age_days=(now - newest).total_seconds() / 86_400 if newest else 0.0,
        freshness_days=policy.freshness_days,
    )
    if state == State.VALIDATED and entry is None:
        state = State.PROVISIONAL  # bands cut on an uncalibrated score are measured, but decide nothing
    right = sum(stratum.right for stratum in strata)
    return Measured(
        subject=subject,
        segment=segment,
        band=band.key if band else EVERYTHING,
        claims=sum(count.claims for count in group.counts),
        sampled=sum(count.sampled for count in group.counts),
        labelled=len(group.labels),
        right=right,
        mean_confidence=_mean_confidence(group.counts),
        estimate=band_accuracy(window.strata if unlabelled_share(strata) else strata),
        unlabelled_share=unlabelled_share(strata),
        gate=window.sample,
        error_upper=float(cp_upper(window.sample.errors, window.sample.labels, delta=delta)),
        required=band.required_accuracy if band else None,
        state=state.value,
        newest_at=newest,
    )


def strata_of(counts: Sequence[ClaimCount], labels: Sequence[LabelledClaim], inverted: bool = False) -> list[Stratum]:
    """One per audit rate: claims are known, labels are sampled, and the sizes do the weighting."""
    claims: dict[float, int] = defaultdict(int)
    sampled: dict[float, int] = defaultdict(int)
    labelled: dict[float, int] = defaultdict(int)
    right: dict[float, int] = defaultdict(int)
    for count in counts:
        claims[count.audit_rate] += count.claims
        sampled[count.audit_rate] += count.sampled
    for row in labels:
        labelled[row.audit_rate] += 1
        right[row.audit_rate] += row.correct != inverted
    return [_stratum(rate, claims[rate], sampled[rate], labelled[rate], right[rate]) for rate in sorted(claims)]


def _stratum(rate: float, claims: int, sampled: int, labelled: int, right: int) -> Stratum:
    sampled = max(sampled, labelled)  # labels and counts are read one after the other, while both may grow
    return Stratum(
        claims=max(claims, sampled),
        sampled=sampled,
        labelled=labelled,
        right=right,
        pending=sampled - labelled,
        rate=rate,
    )


def may_certify(row: LabelledClaim, fitted_at: datetime | None) -> bool:
    """Labels of the certification half, and whatever came in after the fit."""
    return fitted_at is None or row.received_at > fitted_at or not in_fit_half(row.fingerprint)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of claims that were drawn alike: its equal-probability sample, and the strata it spans."""

    rows: Sequence[LabelledClaim]
    strata: list[Stratum]
    inverted: bool = False

    @property
    def sample(self) -> GateSample:
        return GateSample(labels=len(self.rows), errors=sum(row.correct == self.inverted for row in self.rows))

    @property
    def complete(self) -> bool:
        """Whether its sample is in: no stratum without a label, and hardly anything pending."""
        pending = sum(stratum.pending for stratum in self.strata)
        sampled = sum(stratum.sampled for stratum in self.strata)
        return not unlabelled_share(self.strata) and pending <= LARGEST_PENDING_SHARE * sampled

    def fails(self, alpha: float, delta: float) -> bool:
        return float(cp_lower(self.sample.errors, self.sample.labels, delta=delta)) > alpha


def certification_window(
    labels: Sequence[LabelledClaim],
    counts: Sequence[ClaimCount],
    strata: Sequence[Stratum],
    *,
    alpha: float | None,
    delta: float,
    inverted: bool = False,
) -> Window:
    """The window on which a promise is tested, with one label per input.

    The sample of the whole time is thinned to the lowest audit rate there has been; the time before that rate was first
    used is a window of its own, thinned to the lowest rate of then; and so on. Of the complete ones the largest sample
    speaks, unless another one already shows that the promise is broken (docs/decisions/0003).
    """
    windows, until = [], None
    for rate, first_at in _rates_and_their_beginnings(counts):
        spanned = [stratum for stratum in strata if stratum.rate >= rate]
        windows.append(Window(_thinned(labels, rate, until), spanned, inverted))
        until = first_at if until is None else min(until, first_at)
    usable = [window for window in windows if window.complete] or windows
    broken = [window for window in usable if alpha is not None and window.fails(alpha, delta)]
    return max(broken or usable, key=lambda window: len(window.rows), default=Window([], []))


def _rates_and_their_beginnings(counts: Sequence[ClaimCount]) -> list[tuple[float, datetime]]:
    """Every audit rate in use, lowest first, with the time it was first used."""
    began: dict[float, datetime] = {}
    for count in counts:
        began[count.audit_rate] = min(count.first_at, began.get(count.audit_rate, count.first_at))
    return sorted(began.items())


def _thinned(labels: Sequence[LabelledClaim], rate: float, until: datetime | None) -> list[LabelledClaim]:
    """The first label of every input, of claims that this rate would have drawn."""
    drawn: dict[bytes, LabelledClaim] = {}
    for row in labels:
        if row.audit_u < rate and (until is None or row.received_at < until):
            drawn.setdefault(row.fingerprint, row)
    return list(drawn.values())


def _mean_confidence(counts: Sequence[ClaimCount]) -> float | None:
    claims = sum(count.claims for count in counts)
    return sum(count.claims * count.place.confidence for count in counts) / claims if claims else None
