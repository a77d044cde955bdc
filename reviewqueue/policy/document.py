"""The policy document: every routing rule of one pipeline as frozen values.

A document enters through `parsing.parse_policy` and leaves through `to_document`; the two are exact inverses. Nothing
here reads a database, a clock or a setting. The format is explained for owners in docs/policy.md.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import rfc8785

from reviewqueue.errors import FieldProblem as Problem
from reviewqueue.errors import Invalid
from reviewqueue.verifiers.finding import Finding
from reviewqueue.verifiers.running import Check, digest_of

Route = Literal["accept", "accept_flagged", "review", "escalate", "reject", "uncertain"]
HeldRoute = Literal["review", "escalate"]
Released = Literal["accept", "accept_flagged"]
NextStep = Literal["retry", "ask", "retrieve", "verify", "secondary", "abstain"]
Blind = Literal["none", "score", "answer"]
Mode = Literal["active", "shadow"]
IfMissing = Literal["apply", "skip"]
IfUnknown = Literal["fail", "skip"]

LADDER: Final[tuple[Route, ...]] = ("reject", "uncertain", "escalate", "review", "accept_flagged", "accept")
"""The order routes may appear in as confidence rises."""

AUTOMATING: Final[frozenset[Route]] = frozenset({"accept", "accept_flagged", "reject"})
"""Routes that release or refuse an output before any person has seen it."""

SEEN_IN_FULL: Final[frozenset[Route]] = frozenset({"review", "escalate", "accept_flagged"})
"""Routes where people look at every claim, sooner or later, so that there is nothing to sample."""

HELD: Final[tuple[HeldRoute, ...]] = ("review", "escalate")
GRAY: Final[frozenset[Route]] = frozenset({"review", "uncertain"})
"""Routes of bands from which verifiers may release; what is escalated or refused stays so."""
NEXT_STEPS: Final[tuple[NextStep, ...]] = ("retry", "ask", "retrieve", "verify", "secondary", "abstain")
BLIND_DEGREES: Final[tuple[Blind, ...]] = ("none", "score", "answer")
MODES: Final[tuple[Mode, ...]] = ("active", "shadow")
IF_MISSING: Final[tuple[IfMissing, ...]] = ("apply", "skip")
IF_UNKNOWN: Final[tuple[IfUnknown, ...]] = ("fail", "skip")

VERIFIED: Final = "+verified"
"""How the key of a band ends that holds the claims of another band which its verifiers passed."""

STRICTNESS: Final[Mapping[Route, int]] = {
    "accept": 0,
    "accept_flagged": 0,
    "reject": 0,
    "uncertain": 1,
    "review": 2,
    "escalate": 3,
}
"""How surely a person sees the claim; what is to become stricter moves up."""

SCHEMA: Final = 1
PLACES: Final = 8
"""Decimal places that count: the database stores numeric(9,8), and what is below must not flip a claim."""


class PolicyInvalid(Invalid):
    """A document that is not a policy; `problems` holds everything wrong with it, each with its JSON Pointer."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """What may let a claim of a gray band go: all of these verifiers passed it.

    The claims that pass are a band of their own, which has to earn its route like any other and is held until then.
    """

    verifiers: tuple[str, ...]
    route: Released
    audit_rate: float
    required_accuracy: float


@dataclass(frozen=True, slots=True)
class Band:
    """A half-open interval [low, high) of confidence with one route; the last band of a policy includes 1.

    `required_accuracy` is the share that must be right for the band to decide by itself; in a `reject` band, the share
    that must be wrong. `released` is the band of those claims that the verifiers of `release` passed.
    """

    low: float
    high: float
    route: Route
    next_step: NextStep | None
    audit_rate: float
    required_accuracy: float | None
    labels_needed: int | None
    unaudited_waiver: bool
    release: Release | None = None
    key: str = field(init=False, repr=False, compare=False)
    released: Band | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", band_key(self.low, self.high))
        object.__setattr__(self, "released", _released(self))

    @property
    def automates(self) -> bool:
        return self.route in AUTOMATING


def _released(band: Band) -> Band | None:
    release = band.release
    if release is None:
        return None
    part = Band(
        low=band.low,
        high=band.high,
        route=release.route,
        next_step=None,
        audit_rate=release.audit_rate,
        required_accuracy=release.required_accuracy,
        labels_needed=band.labels_needed,
        unaudited_waiver=False,
    )
    object.__setattr__(part, "key", band.key + VERIFIED)
    return part


@dataclass(frozen=True, slots=True)
class Mandatory:
    """What always goes to a person, whatever its confidence."""

    categories: tuple[str, ...]
    segments: Mapping[str, tuple[str, ...]]
    route: HeldRoute
    category_set: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "category_set", frozenset(self.categories))


@dataclass(frozen=True, slots=True)
class Demand:
    """Where a rule wants a claim to go at least; `next_step` belongs to `uncertain` alone."""

    route: Route
    next_step: NextStep | None


@dataclass(frozen=True, slots=True)
class SignalRule:
    """Makes an outcome stricter by a signal. Exactly one of `at_least` and `below` is a number.

    `if_missing` says what becomes of a claim without the signal: silence does not dodge a rule unless it says so.
    """

    name: str
    signal: str
    at_least: float | None
    below: float | None
    if_missing: IfMissing
    demand: Demand

    def matches(self, signals: Mapping[str, float]) -> bool:
        value = signals.get(self.signal)
        if value is None:
            return self.if_missing == "apply"
        value = round(value, PLACES)
        if self.at_least is not None:
            return value >= self.at_least
        return self.below is not None and value < self.below


@dataclass(frozen=True, slots=True)
class Verifier:
    """Makes an outcome stricter where a check of the claim fails, or could not be made and `if_unknown` says "fail".

    `digest` names what the check does, whatever it is called.
    """

    name: str
    check: Check
    if_unknown: IfUnknown
    demand: Demand
    digest: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", digest_of(self.check))

    def fails(self, checks: Mapping[str, Finding]) -> bool:
        finding = checks.get(self.digest)
        if finding is None or finding.outcome == "unknown":
            return self.if_unknown == "fail"
        return finding.outcome == "fail"

    def passes(self, checks: Mapping[str, Finding]) -> bool:
        """A check that was never made has not passed."""
        finding = checks.get(self.digest)
        return finding is not None and finding.outcome == "pass"


@dataclass(frozen=True, slots=True)
class CalibratorEntry:
    """The calibration map of one model, model version and prompt version."""

    model: str
    model_version: str
    prompt_version: str
    name: str
    map: Mapping[str, object]

    @property
    def subject(self) -> tuple[str, str, str]:
        return (self.model, self.model_version, self.prompt_version)


@dataclass(frozen=True, slots=True)
class ReviewTerms:
    """How people review; `labels_needed` holds where a band does not say otherwise."""

    lease_minutes: int = 10
    labels_needed: int = 1
    max_labels: int = 3
    due_minutes: int = 240
    blind: Blind = "none"
    undo_seconds: int = 10


@dataclass(frozen=True, slots=True)
class Ramp:
    """How much of a band that has just begun to decide is audited, and for how long: until that many audit labels are
    in and that many days are over."""

    first_rate: float
    labels: int
    days: int


@dataclass(frozen=True, slots=True)
class Sampling:
    """Which epoch's key draws the audit sample, and what may raise its rate above that of a band.

    The key itself is never part of a document. `floors` holds, by attribute, how many labels a week each of its values
    is to get in a band that decides; `weekly_minimum` how many such a band is to get; `weekly_extra` how many more go,
    over all bands, where they tighten a certificate most.
    """

    epoch: str
    ramp: Ramp | None = None
    floors: Mapping[str, int] = field(default_factory=dict)
    weekly_minimum: int | None = None
    weekly_extra: int | None = None

    @property
    def adapts(self) -> bool:
        """Whether anything but the bands decides how much is audited."""
        return bool(self.ramp or self.floors or self.weekly_minimum or self.weekly_extra)


@dataclass(frozen=True, slots=True)
class Policy:
    """The complete rules. Built by `parsing.parse_policy`, which alone guarantees that the bands tile [0, 1]."""

    bands: tuple[Band, ...]
    mandatory: Mandatory
    sampling: Sampling
    calibrators: tuple[CalibratorEntry, ...]
    review: ReviewTerms
    certainty: float
    freshness_days: int
    step_minutes: int
    step_budget: int
    mode: Mode
    rules: tuple[SignalRule, ...] = ()
    verifiers: tuple[Verifier, ...] = ()
    lows: tuple[float, ...] = field(init=False, repr=False, compare=False)
    measured_bands: tuple[Band, ...] = field(init=False, repr=False, compare=False)
    """Every band whose accuracy is told apart: those of `bands`, each followed by what its verifiers release."""
    checks: tuple[tuple[str, Check], ...] = field(init=False, repr=False, compare=False)
    """What has to be found out about a claim before it is routed, by digest; equal checks are made once."""
    calibrator_of: Mapping[tuple[str, str, str], CalibratorEntry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lows", tuple(band.low for band in self.bands))
        measured = [each for band in self.bands for each in (band, band.released) if each is not None]
        object.__setattr__(self, "measured_bands", tuple(measured))
        object.__setattr__(self, "checks", tuple({each.digest: each.check for each in self.verifiers}.items()))
        object.__setattr__(self, "calibrator_of", {entry.subject: entry for entry in self.calibrators})

    def passes(self, release: Release, checks: Mapping[str, Finding]) -> bool:
        """Whether every verifier that the release asks for has passed the claim."""
        return all(each.passes(checks) for each in self.verifiers if each.name in release.verifiers)

    def labels_needed_in(self, band: Band | None) -> int:
        if band is None or band.labels_needed is None:
            return self.review.labels_needed
        return band.labels_needed


def band_for(policy: Policy, p: float) -> Band:
    """The band of a probability, compared on eight places. Raises ValueError outside [0, 1] (NaN included)."""
    p = round(p, PLACES)
    if not 0 <= p <= 1:
        raise ValueError(f"a probability must lie in [0, 1], got {p!r}")
    return policy.bands[bisect_right(policy.lows, p) - 1]


def band_key(low: float, high: float) -> str:
    """The name of a band in the API and the database, like "0.90-1.00"; exact, with two decimals at least."""
    return f"{edge_text(low)}-{edge_text(high)}"


def edge_text(edge: float) -> str:
    whole, decimals = f"{edge:.{PLACES}f}".split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def policy_hash(document: Mapping[str, Any]) -> str:
    """ "sha256:" and the hash of the canonical JSON (RFC 8785) of what `to_document` returned."""
    return "sha256:" + hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def to_document(policy: Policy) -> dict[str, object]:
    """The complete document, defaults written out, in plain JSON values.

    Without rules there is no `rules`, and so with verifiers, releases and the terms of sampling: what was approved
    before there were any keeps its hash.
    """
    document: dict[str, object] = {
        "schema": SCHEMA,
        "bands": [_band_document(band) for band in policy.bands],
        "certainty": policy.certainty,
        "mandatory": {
            "categories": list(policy.mandatory.categories),
            "segments": {name: list(values) for name, values in policy.mandatory.segments.items()},
            "route": policy.mandatory.route,
        },
        "calibrators": [_calibrator_document(entry) for entry in policy.calibrators],
        "review": _review_document(policy.review),
        "sampling": _sampling_document(policy.sampling),
        "freshness_days": policy.freshness_days,
        "step_minutes": policy.step_minutes,
        "step_budget": policy.step_budget,
        "mode": policy.mode,
    }
    if policy.rules:
        document["rules"] = [_rule_document(rule) for rule in policy.rules]
    if policy.verifiers:
        document["verifiers"] = [verifier_document(verifier) for verifier in policy.verifiers]
    return document


def _band_document(band: Band) -> dict[str, object]:
    document: dict[str, object] = {
        "low": band.low,
        "high": band.high,
        "route": band.route,
        "next_step": band.next_step,
        "audit_rate": band.audit_rate,
        "required_accuracy": band.required_accuracy,
        "labels_needed": band.labels_needed,
        "unaudited_waiver": band.unaudited_waiver,
    }
    if band.release is not None:
        document["release"] = {
            "verifiers": list(band.release.verifiers),
            "route": band.release.route,
            "audit_rate": band.release.audit_rate,
            "required_accuracy": band.release.required_accuracy,
        }
    return document


def _rule_document(rule: SignalRule) -> dict[str, object]:
    edge = {"below": rule.below} if rule.at_least is None else {"at_least": rule.at_least}
    return {
        "name": rule.name,
        "signal": rule.signal,
        **edge,
        "if_missing": rule.if_missing,
        "route": rule.demand.route,
        "next_step": rule.demand.next_step,
    }


def verifier_document(verifier: Verifier) -> dict[str, object]:
    return {
        "name": verifier.name,
        "kind": verifier.check.kind,
        **verifier.check.terms(),
        "if_unknown": verifier.if_unknown,
        "route": verifier.demand.route,
        "next_step": verifier.demand.next_step,
    }


def _calibrator_document(entry: CalibratorEntry) -> dict[str, object]:
    return {
        "model": entry.model,
        "model_version": entry.model_version,
        "prompt_version": entry.prompt_version,
        "name": entry.name,
        "map": thawed(entry.map),
    }


def _review_document(terms: ReviewTerms) -> dict[str, object]:
    return {
        "lease_minutes": terms.lease_minutes,
        "labels_needed": terms.labels_needed,
        "max_labels": terms.max_labels,
        "due_minutes": terms.due_minutes,
        "blind": terms.blind,
        "undo_seconds": terms.undo_seconds,
    }


def _sampling_document(sampling: Sampling) -> dict[str, object]:
    document: dict[str, object] = {"epoch": sampling.epoch}
    if sampling.ramp:
        ramp = sampling.ramp
        document["ramp"] = {"first_rate": ramp.first_rate, "labels": ramp.labels, "days": ramp.days}
    if sampling.floors:
        document["floors"] = dict(sampling.floors)
    if sampling.weekly_minimum:
        document["weekly_minimum"] = sampling.weekly_minimum
    if sampling.weekly_extra:
        document["weekly_extra"] = sampling.weekly_extra
    return document


def frozen(value: object) -> object:
    """A copy of a JSON value with tuples for lists, so that no caller shares what a policy holds."""
    if isinstance(value, Mapping):
        return {key: frozen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    return value


def thawed(value: object) -> object:
    """The inverse of `frozen`."""
    if isinstance(value, Mapping):
        return {key: thawed(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thawed(item) for item in value]
    return value
