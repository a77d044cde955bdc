"""From claims and labels to what each band of a policy may do. Pure: evidence and a policy in, numbers out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import fsum
from typing import Final, cast

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
from calibration.core.segments import Attributes
from calibration.evidence import Atom, Place, Subject
from reviewqueue.policy.document import Band, Policy, band_for
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import mandatory_reasons
from reviewqueue.policy.routing import place as placement
from reviewqueue.verifiers.finding import PASSED

EVERYTHING = ""

BY_CONFIDENCE: Final = frozenset({"identity", "platt", "beta", "isotonic", "histogram"})
"""Kinds of maps that need no more than the stated confidence. What another kind makes of a claim is a Score."""

IN_FLIGHT: Final = timedelta(minutes=1)
"""A claim may be decided this long after it came in, and so by what had changed meanwhile."""

Alarms = Collection[tuple[Subject, str]]
"""Subjects and bands (by key) that a monitor doubts."""


@dataclass(frozen=True, slots=True)
class Apart:
    """Mandatory claims, and those that rules, verifiers or their case sent to people."""

    claims: int = 0
    labelled: int = 0
    right: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """One number: a band (or all bands, "") of a subject, overall or in one segment.

    What a band decides is measured on the claims it may decide; those it may not are counted `apart`. Over all bands
    nothing is decided, so there every claim counts.
    """

    subject: Subject
    segment: str
    band: str
    claims: int
    sampled: int
    labelled: int
    right: int
    apart: Apart
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
    """`atoms` are measured, `apart` only counted."""

    atoms: list[Atom] = field(default_factory=list)
    apart: list[Atom] = field(default_factory=list)


def measure(
    policy: Policy,
    atoms: Sequence[Atom],
    *,
    fitted: Mapping[str, datetime],
    now: datetime,
    watched: Sequence[Attributes] | None = None,
    alarms: Alarms = (),
) -> list[Measured]:
    """Every band of every subject, every segment of every subject over all bands, and every segment within its bands.

    `fitted` tells when a calibrator of the policy was fitted on the fit half of these very labels: what it had seen
    by then cannot certify its bands. Segments are those of the `watched` attributes, else of every one alone. A band
    under alarm is stale.
    """
    bands = {band.key: band for band in policy.measured_bands}
    groups = _grouped(policy, atoms, watched)
    for subject in {atom.place.subject for atom in atoms}:
        for key in bands:
            groups[subject, EVERYTHING, key]  # a band without claims is measured too: it is not validated
    return [
        _measured(policy, *name, bands.get(name[2]), group, fitted=fitted, now=now, alarm=(name[0], name[2]) in alarms)
        for name, group in sorted(groups.items(), key=lambda each: each[0])
    ]


def _grouped(
    policy: Policy, atoms: Sequence[Atom], watched: Sequence[Attributes] | None
) -> dict[tuple[Subject, str, str], _Group]:
    """By subject, segment and band, EVERYTHING included."""
    places = Places(policy)
    groups: dict[tuple[Subject, str, str], _Group] = defaultdict(_Group)
    for atom in atoms:
        if not places.counts(atom):
            continue
        subject, band, apart = atom.place.subject, places.band_of(atom), places.is_apart(atom)
        names = atom.place.names if watched is None else atom.place.names_in(watched)
        for name in (EVERYTHING, *names):
            groups[subject, name, EVERYTHING].atoms.append(atom)
            if band is not None:
                group = groups[subject, name, band.key]
                (group.apart if apart else group.atoms).append(atom)
    return groups


class Places:
    """Where a policy's own routing puts claims; remembered, because places repeat. Without a policy, nowhere."""

    def __init__(self, policy: Policy | None) -> None:
        self._policy = policy
        self._known: dict[Place, tuple[Band | None, bool]] = {}

    def scorer(self, subject: Subject) -> str:
        """The calibrator whose scores stand for the confidence of this subject; "" where it is the stated one."""
        entry = self._policy.calibrator_of.get(subject) if self._policy else None
        return entry.name if entry and entry.map.get("kind") not in BY_CONFIDENCE else ""

    def counts(self, atom: Atom) -> bool:
        """Whether the policy looks at this confidence of its claims, and not at another one."""
        return atom.scored_by == self.scorer(atom.place.subject)

    def is_apart(self, atom: Atom) -> bool:
        """Whether people see these claims whatever their band says."""
        return atom.held or self._placed(atom)[1]

    def band_of(self, atom: Atom) -> Band | None:
        return self._placed(atom)[0]

    def _placed(self, atom: Atom) -> tuple[Band | None, bool]:
        if atom.place not in self._known:
            self._known[atom.place] = self._place(atom) if self._policy else (None, False)
        return self._known[atom.place]

    def _place(self, atom: Atom) -> tuple[Band | None, bool]:
        policy, place = cast(Policy, self._policy), atom.place
        facts = Facts(
            **place.subject._asdict(),
            category=place.category or None,
            segments=dict(place.segments),
            confidence=place.confidence,
            audit_u=0.0,
            checks=dict.fromkeys(place.passed, PASSED),
        )
        is_mandatory = bool(mandatory_reasons(facts, policy.mandatory))
        if not atom.scored_by:
            return placement(facts, policy).band, is_mandatory
        band = band_for(policy, place.confidence)
        vouched = band.release is not None and policy.passes(band.release, facts.checks)
        return band.released if vouched else band, is_mandatory


def _measured(
    policy: Policy,
    subject: Subject,
    segment: str,
    key: str,
    band: Band | None,
    group: _Group,
    *,
    fitted: Mapping[str, datetime],
    now: datetime,
    alarm: bool,
) -> Measured:
    inverted = band is not None and band.route == "reject"  # there, the promise is that the outputs are wrong
    delta = 1 - policy.certainty
    alpha = None if band is None or band.required_accuracy is None else 1 - band.required_accuracy
    strata = strata_of(group.atoms, inverted)
    entry = policy.calibrator_of.get(subject)
    usable = [atom for atom in group.atoms if may_certify(atom, fitted.get(entry.name) if entry else None)]
    window = certification_window(usable, group.atoms, strata, alpha=alpha, delta=delta, inverted=inverted)
    newest = max((atom.newest_at for atom in group.atoms if atom.newest_at), default=None)
    state = state_of(
        window.strata,
        alpha=alpha,
        gate=window.sample,
        delta=delta,
        drift_alarm=alarm,
        newest_label_age_days=(now - newest).total_seconds() / 86_400 if newest else 0.0,
        freshness_days=policy.freshness_days,
    )
    if state == State.VALIDATED and entry is None:
        state = State.PROVISIONAL  # bands cut on an uncalibrated score are measured, but decide nothing
    return Measured(
        subject=subject,
        segment=segment,
        band=key,
        claims=sum(atom.claims for atom in group.atoms),
        sampled=sum(atom.sampled for atom in group.atoms),
        labelled=sum(atom.labelled for atom in group.atoms),
        right=sum(stratum.right for stratum in strata),
        apart=_apart(group.apart, inverted),
        mean_confidence=_mean_confidence(group.atoms),
        estimate=band_accuracy(window.strata if unlabelled_share(strata) else strata),
        unlabelled_share=unlabelled_share(strata),
        gate=window.sample,
        error_upper=float(cp_upper(window.sample.errors, window.sample.labels, delta=delta)),
        required=band.required_accuracy if band else None,
        state=state.value,
        newest_at=newest,
    )


def _apart(atoms: Sequence[Atom], inverted: bool) -> Apart:
    labelled = sum(atom.labelled for atom in atoms)
    right = sum(atom.right for atom in atoms)
    return Apart(sum(atom.claims for atom in atoms), labelled, labelled - right if inverted else right)


def strata_of(atoms: Sequence[Atom], inverted: bool = False) -> list[Stratum]:
    """One per audit rate: claims are known, labels are sampled, and the sizes do the weighting."""
    by_rate: dict[float, list[Atom]] = defaultdict(list)
    for atom in atoms:
        by_rate[atom.audit_rate].append(atom)
    return [_stratum(rate, by_rate[rate], inverted) for rate in sorted(by_rate)]


def _stratum(rate: float, atoms: Sequence[Atom], inverted: bool) -> Stratum:
    sampled, labelled = sum(atom.sampled for atom in atoms), sum(atom.labelled for atom in atoms)
    right = sum(atom.right for atom in atoms)
    return Stratum(
        claims=sum(atom.claims for atom in atoms),
        sampled=sampled,
        labelled=labelled,
        right=labelled - right if inverted else right,
        pending=sampled - labelled,
        rate=rate,
    )


def may_certify(atom: Atom, fitted_at: datetime | None) -> bool:
    """Labels of the certification half, and whatever came in after the fit: an era begins with it."""
    return fitted_at is None or not atom.fit_half or atom.era >= fitted_at


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of claims that were drawn alike: its equal-probability sample, and the strata it spans."""

    atoms: Sequence[Atom]
    strata: list[Stratum]
    inverted: bool = False

    @property
    def sample(self) -> GateSample:
        labels, right = sum(atom.labelled for atom in self.atoms), sum(atom.right for atom in self.atoms)
        return GateSample(labels=labels, errors=right if self.inverted else labels - right)

    @property
    def complete(self) -> bool:
        """Whether its sample is in: no stratum without a label, and hardly anything pending."""
        pending = sum(stratum.pending for stratum in self.strata)
        sampled = sum(stratum.sampled for stratum in self.strata)
        return not unlabelled_share(self.strata) and pending <= LARGEST_PENDING_SHARE * sampled

    def fails(self, alpha: float, delta: float) -> bool:
        return float(cp_lower(self.sample.errors, self.sample.labels, delta=delta)) > alpha


def certification_window(
    labels: Sequence[Atom],
    atoms: Sequence[Atom],
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
    for rate, first_at in _rates_and_their_beginnings(atoms):
        spanned = [stratum for stratum in strata if stratum.rate >= rate]
        windows.append(Window(_thinned(labels, rate, until), spanned, inverted))
        until = first_at if until is None else min(until, first_at)
    usable = [window for window in windows if window.complete] or windows
    broken = [window for window in usable if alpha is not None and window.fails(alpha, delta)]
    return max(broken or usable, key=lambda window: window.sample.labels, default=Window([], []))


def _rates_and_their_beginnings(atoms: Sequence[Atom]) -> list[tuple[float, datetime]]:
    """Every audit rate in use, lowest first, with the time it was first used."""
    began: dict[float, datetime] = {}
    for atom in atoms:
        began[atom.audit_rate] = min(atom.first_at, began.get(atom.audit_rate, atom.first_at))
    return sorted(began.items())


def _thinned(labels: Sequence[Atom], rate: float, until: datetime | None) -> list[Atom]:
    """The first label of every input, of claims that this rate would have drawn."""
    return [
        atom
        for atom in labels
        if atom.fresh
        and atom.level is not None
        and atom.level <= rate
        and (until is None or (atom.first_at < until and atom.last_at < until + IN_FLIGHT))
    ]


def _mean_confidence(atoms: Sequence[Atom]) -> float | None:
    """To the last digit the same whatever order the atoms come in: a count from nothing gives what is stored."""
    claims = sum(atom.claims for atom in atoms)
    return fsum(atom.claims * atom.place.confidence for atom in atoms) / claims if claims else None
