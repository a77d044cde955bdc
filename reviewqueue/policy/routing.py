"""Where a claim goes: a pure function of what is known of it and of the policy.

The order of the rules, strongest first: mandatory review; then whatever keeps a band from deciding (its accuracy is
not validated, its model has no calibrator, a breaker, shadow mode, a spent or expired next step); then the strictest of
the band, the rules over signals and the verifiers that failed.
Rules above the band only ever hold a claim for people. Verifiers that passed may put a claim of a gray band into the
band they release, which has to earn its route as every other band does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from calibration.core.maps import calibrate
from calibration.core.segments import offset_name
from reviewqueue.policy.document import (
    AUTOMATING,
    NEXT_STEPS,
    PLACES,
    SEEN_IN_FULL,
    STRICTNESS,
    VERIFIED,
    Band,
    Blind,
    CalibratorEntry,
    Demand,
    HeldRoute,
    Mandatory,
    NextStep,
    Policy,
    ReviewTerms,
    Route,
    band_for,
)
from reviewqueue.policy.facts import Facts

FLAGGED_DUE_MINUTES: Final = 24 * 60
"""Flagged claims are accepted already and looked at within a day."""

WITHOUT_POLICY: Final = ReviewTerms()


@dataclass(frozen=True, slots=True)
class Routing:
    """The answer of `route`.

    `confidence` and `calibrated_confidence` are rounded to eight places, as the band was chosen on them.
    `inclusion_probability` is the chance, fixed here, that the claim gets a label that may enter estimates.
    """

    route: Route
    next_step: NextStep | None
    band: str | None
    band_state: str
    confidence: float | None
    calibrated_confidence: float | None
    calibrator: str | None
    reasons: tuple[str, ...]
    mandatory: bool
    audit_rate: float
    audit_sampled: bool
    inclusion_probability: float
    labels_needed: int
    blind: Blind
    due_minutes: int


@dataclass(frozen=True, slots=True)
class Placement:
    """Which band the claim lies in, and by which probability."""

    confidence: float | None
    calibrated: float | None
    calibrator: CalibratorEntry | None
    band: Band | None
    band_state: str

    @property
    def is_vouched_for(self) -> bool:
        """Whether verifiers have put the claim into the band they release."""
        return self.band is not None and self.band.key.endswith(VERIFIED)


def route(facts: Facts, policy: Policy) -> Routing:
    """Applies every rule. Total: a claim whose confidence is absent or no probability goes to people."""
    placement = place(facts, policy)
    band = placement.band
    rules = [rule.demand for rule in policy.rules if rule.matches(facts.signals)] if policy.rules else []
    failed = [each.demand for each in policy.verifiers if each.fails(facts.checks)] if policy.verifiers else []
    wanted = _wanted(band, [*rules, *failed])
    mandatory = mandatory_reasons(facts, policy.mandatory)
    blockers = _blockers(facts, policy, placement, wanted)
    taken = wanted
    if band is None or mandatory or blockers:
        taken = Demand(_held_route(wanted, policy.mandatory.route if mandatory else "review"), None)
    reasons = [*mandatory, *blockers, *_asked_for(taken, placement, rules=bool(rules), failed=bool(failed))]
    return _routing(facts, policy, placement, taken, reasons, mandatory=bool(mandatory))


def _wanted(band: Band | None, demands: Sequence[Demand]) -> Demand:
    """The strictest of what the band and the rules ask for; the band where a rule asks for no more than it does."""
    own = Demand("review", None) if band is None else Demand(band.route, band.next_step)
    stricter = [demand for demand in demands if STRICTNESS[demand.route] > STRICTNESS[own.route]]
    return max(stricter, key=_urgency, default=own)


def _urgency(demand: Demand) -> tuple[int, int]:
    """Of several next steps the first one in the list of them all, whatever the order of the rules."""
    return STRICTNESS[demand.route], -NEXT_STEPS.index(demand.next_step) if demand.next_step else 0


def _asked_for(taken: Demand, placement: Placement, *, rules: bool, failed: bool) -> list[str]:
    """Who asked for what is taken; whatever else matched is named after it."""
    band, vouched = placement.band, placement.is_vouched_for
    by_band = band is not None and taken.route == band.route
    return [
        *(["verifier_passed"] if vouched and by_band else []),
        *(["band"] if by_band else []),
        *(["signal_rule"] if rules else []),
        *(["verifier_failed"] if failed else []),
        *(["verifier_passed"] if vouched and not by_band else []),
    ]


def no_policy(facts: Facts) -> Routing:
    """A pipeline without an active policy holds everything."""
    return Routing(
        route="review",
        next_step=None,
        band=None,
        band_state="unmeasured",
        confidence=_probability(facts.confidence),
        calibrated_confidence=None,
        calibrator=None,
        reasons=("no_policy",),
        mandatory=False,
        audit_rate=1.0,
        audit_sampled=False,
        inclusion_probability=1.0,
        labels_needed=WITHOUT_POLICY.labels_needed,
        blind=WITHOUT_POLICY.blind,
        due_minutes=WITHOUT_POLICY.due_minutes,
    )


def place(facts: Facts, policy: Policy) -> Placement:
    """Bands are cut on calibrated confidence where the policy has a calibrator for the claim's model, else on raw."""
    entry = policy.calibrator_of.get((facts.model, facts.model_version, facts.prompt_version))
    confidence = _probability(facts.confidence)
    if confidence is None:
        return Placement(None, None, entry, None, "unmeasured")
    calibrated = None if entry is None else _calibrated(entry, confidence, facts)
    own = band_for(policy, confidence if calibrated is None else calibrated)
    band = _vouched_for(own, facts, policy) or own
    return Placement(confidence, calibrated, entry, band, facts.band_states.get(band.key, "unmeasured"))


def _vouched_for(band: Band, facts: Facts, policy: Policy) -> Band | None:
    """The band of the claims that verifiers release from this one, if they passed this claim."""
    return band.released if band.release and policy.passes(band.release, facts.checks) else None


def _calibrated(entry: CalibratorEntry, confidence: float, facts: Facts) -> float:
    segment = _offset_segment(entry, facts)
    return round(calibrate(entry.map, confidence, segment=segment, signals=facts.signals), PLACES)


def _offset_segment(entry: CalibratorEntry, facts: Facts) -> str | None:
    """The one of the claim's segments that the map treats apart, an attribute alone or two together."""
    offsets = entry.map.get("offsets")
    if not isinstance(offsets, Mapping):
        return None
    return offset_name(facts.category, facts.segments, offsets)


def _probability(confidence: float | None) -> float | None:
    """The confidence as the database keeps it, or None for what is no probability (NaN included)."""
    if confidence is None or not 0 <= confidence <= 1:
        return None
    return round(confidence, PLACES) + 0.0


def mandatory_reasons(facts: Facts, mandatory: Mandatory) -> list[str]:
    """A claim that leaves out what a mandatory rule asks about is held as well: silence must not dodge the rule.

    Nor does a further attempt under another name: what was mandatory once in a case stays so.
    """
    reasons = []
    if mandatory.category_set and (not facts.category or facts.category in mandatory.category_set):
        reasons.append("mandatory_category")
    for attribute, values in mandatory.segments.items():
        value = facts.segments.get(attribute)
        if not value or value in values:
            reasons.append("mandatory_segment")
            break
    if facts.case_mandatory:
        reasons.append("mandatory_case")
    return reasons


def _blockers(facts: Facts, policy: Policy, placement: Placement, wanted: Demand) -> list[str]:
    """Why neither the band nor a rule may have its way, most decisive first."""
    band = placement.band
    reasons = []
    if band is None or (band.automates and not _earned(placement, band)):
        reasons.append("band_unvalidated")
        if placement.calibrator is None:
            reasons.append("uncalibrated_model")
    if facts.breaker:
        reasons.append("drift_breaker")
    if policy.mode == "shadow":
        reasons.append("shadow_mode")
    if wanted.route == "uncertain" and facts.attempt >= policy.step_budget:
        reasons.append("step_budget_spent")
    if facts.step_expired:
        reasons.append("step_timeout")
    return reasons


def _earned(placement: Placement, band: Band) -> bool:
    """A band decides by itself only when measured, calibrated and sampled; unsampled bands cannot be measured."""
    return placement.band_state == "validated" and placement.calibrator is not None and band.audit_rate > 0


def _held_route(asked: Demand, held: HeldRoute) -> HeldRoute:
    """The stricter of the two ways to people."""
    return "escalate" if "escalate" in (held, asked.route) else "review"


def _routing(
    facts: Facts, policy: Policy, placement: Placement, demand: Demand, reasons: list[str], *, mandatory: bool
) -> Routing:
    band, terms, taken = placement.band, policy.review, demand.route
    audit_rate = 1.0 if band is None or taken in SEEN_IN_FULL else _audit_rate(facts, policy, band, taken)
    sampled = taken in ("accept", "reject") and facts.audit_u < audit_rate
    labels_needed = policy.labels_needed_in(band)
    return Routing(
        route=taken,
        next_step=demand.next_step,
        band=None if band is None else band.key,
        band_state=placement.band_state,
        confidence=placement.confidence,
        calibrated_confidence=placement.calibrated,
        calibrator=None if placement.calibrator is None else placement.calibrator.name,
        reasons=(*reasons, "audit_sample") if sampled else tuple(reasons),
        mandatory=mandatory,
        audit_rate=audit_rate,
        audit_sampled=sampled,
        inclusion_probability=audit_rate,
        labels_needed=max(labels_needed, terms.labels_needed) if mandatory else labels_needed,
        blind=_blind(taken, terms.blind),
        due_minutes=FLAGGED_DUE_MINUTES if taken == "accept_flagged" else terms.due_minutes,
    )


def _audit_rate(facts: Facts, policy: Policy, band: Band, taken: Route) -> float:
    """That of the band, or a higher one where the terms of sampling ask for it.

    A band for which no rate was worked out yet has only begun to decide: there the ramp holds from its first claim on.
    """
    sampling = policy.sampling
    if taken not in AUTOMATING or not sampling.adapts:
        return band.audit_rate
    first = sampling.ramp.first_rate if sampling.ramp else 0.0
    return max(band.audit_rate, min(facts.audit_rates.get(band.key, first), 1.0))


def _blind(taken: Route, wanted: Blind) -> Blind:
    """Whatever people see after a band decided measures that band, so they never see its score."""
    return "score" if wanted == "none" and taken in ("accept", "accept_flagged", "reject") else wanted
