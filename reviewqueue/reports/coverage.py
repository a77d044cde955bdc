"""Error against the share that is automated: what is measured, what is guaranteed, and the hours that are left."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast

from calibration.certifying import Certificate
from calibration.core.maps import calibrate, reads_signals
from calibration.core.select import GridPoint
from calibration.evidence import Subject
from calibration.selectors import certificates
from reviewqueue.errors import Conflict
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import CalibratorEntry, Policy, thawed
from reviewqueue.policy.redrafting import USUAL_AUDIT_RATE
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.effort import Effort, effort_of
from reviewqueue.reports.flow import ACCEPTED

MODELS_SHOWN: Final = 8
USUAL_ERROR: Final = 0.05
USUAL_CERTAINTY: Final = 0.95


class NotCertified(Conflict):
    code = "threshold_not_certified"


@dataclass(frozen=True, slots=True)
class Point:
    """What accepting from one threshold on would mean; `coverage` is of all claims, those that rules hold included.

    `upper` is the error that is not exceeded, with the certainty of the page shared between the starts; `hours` what
    people would review in a day; `edge` the calibrated confidence at which a band would be cut, None where none can be.
    """

    threshold: float
    coverage: float
    labels: int
    errors: int
    measured: float | None
    upper: float
    certified: bool
    hours: float
    edge: float | None


@dataclass(frozen=True, slots=True)
class Rejection:
    """What refusing everything below one threshold would mean, or in `reason` why there is none to be certified.

    `coverage` is of all claims, `right` how many of the labels there say that a right output would be refused, `upper`
    the share of them that is not exceeded, `edge` the calibrated confidence at which a band would end.
    """

    threshold: float | None
    coverage: float
    labels: int
    right: int
    upper: float | None
    edge: float | None
    reason: str | None
    labels_missing: int


@dataclass(frozen=True, slots=True)
class Curve:
    """One subject, strictest threshold first. `threshold` is the loosest certified one, or `reason` says why not.

    `all_hours` is what people would review in a day if nothing were automated.
    """

    model: str
    model_version: str
    prompt_version: str
    calibrator: str | None
    treats_segments_apart: bool
    claims: int
    claims_a_day: float
    all_hours: float
    decidable_share: float
    labels: int
    threshold: float | None
    reason: str | None
    labels_missing: int
    points: tuple[Point, ...]
    rejection: Rejection

    @property
    def subject(self) -> Subject:
        return Subject(self.model, self.model_version, self.prompt_version)

    @property
    def chosen(self) -> Point | None:
        return next((point for point in self.points if point.threshold == self.threshold), None)


@dataclass(frozen=True, slots=True)
class CoveragePage:
    max_error: float
    certainty: float
    policy_version: int | None
    seconds_a_label: float
    is_measured: bool
    labels_each: int
    minutes_a_day: float
    audit_rate: float
    not_shown: int
    results: tuple[Curve, ...]


def usual_error(policy: Policy | None) -> float:
    """The error the accepting bands of a policy allow, the strictest of them."""
    allowed = [
        1 - band.required_accuracy
        for band in (policy.bands if policy else ())
        if band.route in ACCEPTED and band.required_accuracy is not None
    ]
    return round(min(allowed), 6) if allowed else USUAL_ERROR


def coverage_page(
    pipeline: Pipeline, *, max_error: float | None, certainty: float | None, now: datetime
) -> CoveragePage:
    """Left out, error and certainty are those of the active policy."""
    active = active_policy(pipeline.pk)
    policy = active.policy if active else None
    max_error = max_error or usual_error(policy)
    certainty = certainty or (policy.certainty if policy else USUAL_CERTAINTY)
    found = certificates(pipeline, max_error=max_error, certainty=certainty, now=now)
    effort = effort_of(pipeline, now)
    labels_each, audit_rate = policy.review.labels_needed if policy else 1, audit_rate_of(policy)
    return CoveragePage(
        max_error=max_error,
        certainty=certainty,
        policy_version=active.number if active else None,
        seconds_a_label=effort.seconds,
        is_measured=effort.is_measured,
        labels_each=labels_each,
        minutes_a_day=effort.minutes_a_day,
        audit_rate=audit_rate,
        not_shown=max(len(found) - MODELS_SHOWN, 0),
        results=tuple(_curve(each, policy, effort, labels_each, audit_rate) for each in found[:MODELS_SHOWN]),
    )


def audit_rate_of(policy: Policy | None) -> float:
    """What share of the accepted would go to people for measuring: as in the band that accepts now."""
    rates = [band.audit_rate for band in (policy.bands if policy else ()) if band.route == "accept"]
    return rates[-1] if rates else USUAL_AUDIT_RATE


def _curve(
    certificate: Certificate, policy: Policy | None, effort: Effort, labels_each: int, audit_rate: float
) -> Curve:
    entry = policy.calibrator_of.get(certificate.subject) if policy else None
    a_day = effort.claims_a_day.get(certificate.subject, 0.0)
    hours_a_claim = effort.seconds * labels_each / 3600
    selection = certificate.selection
    return Curve(
        **certificate.subject._asdict(),
        calibrator=entry.name if entry else None,
        treats_segments_apart=bool(entry and entry.map.get("offsets")),
        claims=certificate.claims,
        claims_a_day=a_day,
        all_hours=a_day * hours_a_claim,
        decidable_share=certificate.decidable_share,
        labels=certificate.labels,
        threshold=selection.threshold,
        reason=selection.reason,
        labels_missing=selection.labels_missing,
        points=tuple(
            _point(each, entry, certificate.decidable_share, a_day * hours_a_claim, audit_rate)
            for each in selection.tested
        ),
        rejection=_rejection(certificate, entry),
    )


def _rejection(certificate: Certificate, entry: CalibratorEntry | None) -> Rejection:
    found = certificate.rejection
    return Rejection(
        threshold=found.threshold,
        coverage=found.coverage * certificate.decidable_share,
        labels=found.n,
        right=found.errors,
        upper=found.upper,
        edge=None if found.threshold is None else _cut(min, found.threshold, entry),
        reason=found.reason,
        labels_missing=found.labels_missing,
    )


def _point(
    point: GridPoint, entry: CalibratorEntry | None, decidable: float, all_hours: float, audit_rate: float
) -> Point:
    """Below the threshold people see everything, above it the audit sample."""
    coverage = point.coverage * decidable
    return Point(
        threshold=point.threshold,
        coverage=coverage,
        labels=point.n,
        errors=point.errors,
        measured=point.errors / point.n if point.n else None,
        upper=point.upper,
        certified=point.certified,
        hours=all_hours * (1 - coverage + coverage * audit_rate),
        edge=edge_of(point.threshold, entry),
    )


def edge_of(threshold: float, entry: CalibratorEntry | None) -> float | None:
    """Where a band is cut so that whatever lies in it stated at least `threshold`: the highest of all segments.

    A map of more than the confidence is certified on what it gives, so its threshold is an edge as it is.
    """
    return _cut(max, threshold, entry)


def _cut(
    outermost: Callable[[Iterable[float]], float], threshold: float, entry: CalibratorEntry | None
) -> float | None:
    edge = threshold
    params = cast("Mapping[str, Any]", thawed(entry.map)) if entry else {"kind": "identity"}
    if not reads_signals(params):
        segments = [None, *params.get("offsets", {})]
        edge = outermost(calibrate(params, threshold, segment=segment) for segment in segments)
    return edge if 0 < edge < 1 else None


def certified_point(page: CoveragePage, subject: Subject, threshold: float) -> tuple[Curve, Point]:
    """What somebody chose on the page, if it is still certified. Raises NotCertified."""
    for curve in page.results:
        for point in curve.points:
            if curve.subject == subject and abs(point.threshold - threshold) < SAME and point.certified:
                return curve, point
    raise NotCertified("That threshold is not certified any more: labels have come in since. Look at the page again.")


SAME: Final = 5e-9
