"""The answers with the figures of the owner's pages as types, like those of `answers`, each with an example."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Instant, Share, Subject
from reviewqueue.policy.document import Route

Number = Annotated[float, Meta(ge=0)]
Day = Annotated[str, Meta(extra_json_schema={"format": "date"}, description="UTC.")]
NO_THRESHOLD = Literal["too_few_labels", "no_threshold_meets_target", "score_not_informative", "all_wrong"]

NO_REJECTION = Literal["too_few_labels", "no_threshold_meets_target", "score_not_informative", "all_right"]


class SelectiveRisk(Struct, frozen=True, kw_only=True):
    """How often what was accepted is wrong, from labels drawn with a known chance, with the 95 % interval."""

    error: Annotated[Share | None, Meta(description="Null while a part of the accepted has no label yet.")]
    low: Share
    high: Share
    accepted: Count
    labelled: Count
    target: Annotated[Share | None, Meta(description="What the bands they lay in promise.")]


class Stream(Struct, frozen=True, kw_only=True):
    route: Route
    end: Annotated[
        Literal["right", "wrong", "not_judged", "with_people", "with_caller", "not_looked_at"],
        Meta(description="What came of these claims up to now."),
    ]
    claims: Count


class Waiting(Struct, frozen=True, kw_only=True):
    """Labels still wanted; with `has_more` the numbers are of the most urgent ones only."""

    open: Count
    overdue: Count
    next_due_at: Instant | None
    has_more: bool
    oldest_at: Instant | None


class Hour(Struct, frozen=True, kw_only=True):
    at: Instant
    arrived: Count
    done: Count


class Forecast(Struct, frozen=True, kw_only=True):
    """When the first label would come late, at the pace of the last 24 hours."""

    kind: Literal["nothing_waits", "on_time", "late", "will_miss", "falls_behind", "nobody_works"]
    arrived_per_hour: Number
    done_per_hour: Number
    misses_at: Instant | None


class Work(Struct, frozen=True, kw_only=True):
    arrived: Count
    done: Count
    hours: Annotated[list[Hour], Meta(description="The last 24, oldest first.")]
    forecast: Forecast


class Alarm(Struct, frozen=True, kw_only=True):
    code: str
    tone: Annotated[Literal["late", "warning"], Meta(description="`late`: wrong already.")]
    title: str
    text: str


class Overview(Struct, frozen=True, kw_only=True):
    days: Count
    since: Instant
    is_cut: Annotated[bool, Meta(description="There were more claims than the newest 20,000 that are looked at.")]
    policy_version: Count | None
    claims: Count
    coverage: Annotated[Share | None, Meta(description="The share that was accepted before a person saw it.")]
    selective_risk: SelectiveRisk
    flow: list[Stream]
    queue: Waiting
    work: Work
    alarms: Annotated[list[Alarm], Meta(description="What is wrong already comes first.")]


class CoveragePoint(Struct, frozen=True, kw_only=True):
    """What accepting from one threshold of stated confidence on would mean."""

    threshold: Share
    coverage: Annotated[Share, Meta(description="Of all claims, those that rules hold included.")]
    labels: Count
    errors: Count
    measured: Share | None
    upper: Annotated[Share, Meta(description="The error that is not exceeded.")]
    certified: bool
    hours: Annotated[float, Meta(ge=0, description="Hours of review that are left in a day.")]
    edge: Annotated[Share | None, Meta(description="Where a band would be cut, of calibrated confidence.")]


class Rejection(Struct, frozen=True, kw_only=True):
    """What refusing everything below one threshold of stated confidence would mean."""

    threshold: Annotated[Share | None, Meta(description="The highest that is certified.")]
    coverage: Annotated[Share, Meta(description="Of all claims, those that rules hold included.")]
    labels: Count
    right: Annotated[Count, Meta(description="Of those labels, how many say that a right output would be refused.")]
    upper: Annotated[Share | None, Meta(description="The share of right outputs that is not exceeded.")]
    edge: Annotated[Share | None, Meta(description="Where a band would end, of calibrated confidence.")]
    reason: NO_REJECTION | None
    labels_missing: Count


class CoverageCurve(Subject, frozen=True, kw_only=True):
    calibrator: str | None
    treats_segments_apart: bool
    claims: Count
    claims_a_day: Number
    all_hours: Number
    decidable_share: Annotated[Share, Meta(description="Of the claims, those that no rule sends to people anyhow.")]
    labels: Count
    threshold: Annotated[Share | None, Meta(description="The loosest that is certified.")]
    reason: NO_THRESHOLD | None
    labels_missing: Count
    points: Annotated[list[CoveragePoint], Meta(description="Strictest threshold first.")]
    rejection: Rejection


class Coverage(Struct, frozen=True, kw_only=True):
    max_error: Share
    certainty: Share
    policy_version: Count | None
    seconds_a_label: Number
    is_measured: Annotated[bool, Meta(description="Whether enough labels were timed to say how long one takes.")]
    labels_each: Count
    minutes_a_day: Annotated[float, Meta(ge=0, description="What people spent on labels in a day, lately.")]
    audit_rate: Share
    not_shown: Annotated[Count, Meta(description="Model versions beyond the eight with most claims.")]
    results: list[CoverageCurve]


class CalibratorUse(Struct, frozen=True, kw_only=True):
    version: Count
    since: Instant
    until: Instant | None
    approved_by: list[str]


class KeptCalibrator(Subject, frozen=True, kw_only=True):
    name: str
    kind: str
    map: Annotated[dict[str, Any], Meta(description="Its parameters, as a policy document has them.")]
    fit_labels: Count
    judged_labels: Count
    figures: Annotated[dict[str, Any], Meta(description="Of it and of the one before, on labels that did not fit it.")]
    status: str
    fitted_at: Instant
    proposed_in: Count | None
    uses: list[CalibratorUse]
    in_use: bool


class CalibratorHistory(Struct, frozen=True, kw_only=True):
    results: Annotated[list[KeptCalibrator], Meta(description="The newest fifty, newest first.")]
    older: Count
    by_hand: Annotated[list[str], Meta(description="In the active policy, and never fitted here.")]


class Stretch(Struct, frozen=True, kw_only=True):
    """A day or a week. What has no claim or no label of every audit rate is null."""

    start: Day
    claims: Count
    mean_confidence: Share | None
    labels: Count
    accuracy: Share | None
    low: Share
    high: Share
    expected: Annotated[Share | None, Meta(description="What the calibrators in use say, if they still hold.")]
    most_common_share: Share | None
    distinct: Count
    psi: Annotated[Number | None, Meta(description="Distance from the reference.")]
    moved: Annotated[bool, Meta(description="Far from the reference beyond doubt.")]


class Change(Struct, frozen=True, kw_only=True):
    at: Day
    kind: Annotated[Literal["model", "policy"], Meta(description="A version first posted, or a policy activated.")]
    name: str
    short: str


class DriftSeries(Struct, frozen=True, kw_only=True):
    days: Count
    stretch_days: Literal[1, 7]
    model: str
    models: list[str]
    reference_until: Day | None
    stretches: list[Stretch]
    changes: list[Change]


class Terms(Struct, frozen=True, kw_only=True):
    minutes: Number
    minutes_each: Number
    error: Number
    review: Number
    catch: Share
    spoil: Share


class PlanChoice(Struct, frozen=True, kw_only=True):
    """People review below a threshold of calibrated confidence. Wrong: of all claims, if reviews catch every error."""

    code: Literal["nothing", "cost", "capacity", "certified", "effective", "everything"]
    threshold: Share
    reviewed: Share
    hours: Number
    expected_error: Share
    residual: Annotated[Share | None, Meta(description="As labels say, with exact 95 % limits.")]
    low: Share
    high: Share
    cost_a_day: Number


class PlanStep(Struct, frozen=True, kw_only=True):
    threshold: Share
    hours: Number
    cost_a_day: Number


class Plan(Subject, frozen=True, kw_only=True):
    """As if all minutes were for this model version."""

    calibrator: str | None
    claims_a_day: Number
    labels: Count
    by_cost: Annotated[Share, Meta(description="0 where no review pays.")]
    by_capacity: Annotated[Number, Meta(description="Above 1 where the minutes reach for everything.")]
    certified: Share | None
    effective: Annotated[Share | None, Meta(description="The stricter of cost and promise; null: everything is held.")]
    reason: NO_THRESHOLD | None
    hours_for_promise: Number | None
    minutes_short: Number
    choices: list[PlanChoice]
    steps: list[PlanStep]


class PlanList(Struct, frozen=True, kw_only=True):
    terms: Terms
    currency: str
    max_error: Share
    certainty: Share
    not_shown: Count
    results: list[Plan]


class MeasuredMetric(Struct, frozen=True, kw_only=True):
    name: Annotated[str, Meta(description="Such as `ece_mass`, `smooth_ece`, `brier`, `auroc`.")]
    value: float | None
    low: Annotated[float | None, Meta(description="95 % limits, from resampling.")]
    high: float | None
    note: Annotated[str | None, Meta(description="Why there is no value, or what a 0 means.")]


class ConsistentBin(Struct, frozen=True, kw_only=True):
    """An equal-mass bin. Between the consistent limits a calibrated confidence would be right, 95 % of the time."""

    low: Share
    high: Share
    n: Count
    mean_confidence: Share
    accuracy: Share
    ci_low: Share
    ci_high: Share
    consistent_low: Share
    consistent_high: Share


class ConfidenceBar(Struct, frozen=True, kw_only=True):
    low: Share
    high: Share
    n: Count


class MeasuredConfidence(Struct, frozen=True, kw_only=True):
    confidence: Literal["stated", "calibrated"]
    n: Count
    inputs: Count
    most_common_share: Share | None
    metrics: list[MeasuredMetric]
    bins: list[ConsistentBin]
    histogram: list[ConfidenceBar]


class MeasuredSegment(Struct, frozen=True, kw_only=True):
    segment: str
    gap: Annotated[float | None, Meta(description="Mean confidence less accuracy.")]
    overconfident: bool
    stated: MeasuredConfidence


class CalibrationReport(Subject, frozen=True, kw_only=True):
    calibrator: str | None
    measured_at: Instant | None
    held_out: bool
    fewest_for_errors: Annotated[Count, Meta(description="Below so many inputs no calibration error is given.")]
    draws: Count
    seed: Count
    stated: MeasuredConfidence
    calibrated: MeasuredConfidence | None
    segments: Annotated[list[MeasuredSegment], Meta(description="The widest gaps, without intervals of metrics.")]


# --- examples --------------------------------------------------------------------------------------------------------

_SUBJECT: Final = {"model": "acme-lm", "model_version": "2026-10-01", "prompt_version": "v14"}
OVERVIEW: Final[dict[str, Any]] = {
    "days": 1,
    "since": "2026-11-26T12:00:00.000Z",
    "is_cut": False,
    "policy_version": 3,
    "claims": 400,
    "coverage": 0.55,
    "selective_risk": {
        "error": 0.031,
        "low": 0.014,
        "high": 0.068,
        "accepted": 220,
        "labelled": 44,
        "target": 0.05,
    },
    "flow": [
        {"route": "accept", "end": "not_looked_at", "claims": 176},
        {"route": "review", "end": "wrong", "claims": 31},
    ],
    "queue": {
        "open": 12,
        "overdue": 1,
        "next_due_at": "2026-11-27T12:40:00.000Z",
        "has_more": False,
        "oldest_at": "2026-11-27T08:02:10.000Z",
    },
    "work": {
        "arrived": 224,
        "done": 212,
        "hours": [{"at": "2026-11-27T11:00:00.000Z", "arrived": 18, "done": 22}],
        "forecast": {"kind": "late", "arrived_per_hour": 9.3, "done_per_hour": 8.8, "misses_at": None},
    },
    "alarms": [
        {
            "code": "overdue",
            "tone": "late",
            "title": "1 label is late.",
            "text": "Their claims wait longer than the policy allows.",
        }
    ],
}
COVERAGE: Final[dict[str, Any]] = {
    "max_error": 0.05,
    "certainty": 0.95,
    "policy_version": 3,
    "seconds_a_label": 24.5,
    "is_measured": True,
    "labels_each": 1,
    "minutes_a_day": 95.0,
    "audit_rate": 0.2,
    "not_shown": 0,
    "results": [
        {
            **_SUBJECT,
            "calibrator": "platt-2",
            "treats_segments_apart": False,
            "claims": 5210,
            "claims_a_day": 400.0,
            "all_hours": 2.7,
            "decidable_share": 0.95,
            "labels": 640,
            "threshold": 0.92,
            "reason": None,
            "labels_missing": 0,
            "points": [
                {
                    "threshold": 0.92,
                    "coverage": 0.55,
                    "labels": 371,
                    "errors": 8,
                    "measured": 0.0216,
                    "upper": 0.0436,
                    "certified": True,
                    "hours": 1.5,
                    "edge": 0.884,
                }
            ],
            "rejection": {
                "threshold": None,
                "coverage": 0.0,
                "labels": 0,
                "right": 0,
                "upper": None,
                "edge": None,
                "reason": "no_threshold_meets_target",
                "labels_missing": 0,
            },
        }
    ],
}
CALIBRATORS: Final[dict[str, Any]] = {
    "results": [
        {
            **_SUBJECT,
            "name": "platt-2",
            "kind": "platt",
            "map": {"kind": "platt", "slope": 0.97, "intercept": -0.83, "eps": 0.02},
            "fit_labels": 306,
            "judged_labels": 305,
            "figures": {"candidate": {"log_loss": 0.41}, "champion": {"log_loss": 0.5}, "reasons": ["better"]},
            "status": "proposed",
            "fitted_at": "2026-11-20T09:00:00.000Z",
            "proposed_in": 3,
            "uses": [
                {"version": 3, "since": "2026-11-20T10:12:00.000Z", "until": None, "approved_by": ["Otto"]},
            ],
            "in_use": True,
        }
    ],
    "older": 0,
    "by_hand": [],
}
DRIFT_SERIES: Final[dict[str, Any]] = {
    "days": 30,
    "stretch_days": 1,
    "model": "",
    "models": ["acme-lm"],
    "reference_until": "2026-10-31",
    "stretches": [
        {
            "start": "2026-11-26",
            "claims": 402,
            "mean_confidence": 0.91,
            "labels": 120,
            "accuracy": 0.84,
            "low": 0.77,
            "high": 0.9,
            "expected": 0.86,
            "most_common_share": 0.31,
            "distinct": 44,
            "psi": 0.03,
            "moved": False,
        }
    ],
    "changes": [{"at": "2026-11-20", "kind": "policy", "name": "3", "short": "policy 3"}],
}
PLAN: Final[dict[str, Any]] = {
    "terms": {"minutes": 95.0, "minutes_each": 0.41, "error": 20.0, "review": 1.0, "catch": 1.0, "spoil": 0.0},
    "currency": "EUR",
    "max_error": 0.05,
    "certainty": 0.95,
    "not_shown": 0,
    "results": [
        {
            **_SUBJECT,
            "calibrator": "platt-2",
            "claims_a_day": 400.0,
            "labels": 640,
            "by_cost": 0.95,
            "by_capacity": 0.9,
            "certified": 0.884,
            "effective": 0.95,
            "reason": None,
            "hours_for_promise": 1.5,
            "minutes_short": 0.0,
            "choices": [
                {
                    "code": "effective",
                    "threshold": 0.95,
                    "reviewed": 0.6,
                    "hours": 1.8,
                    "expected_error": 0.006,
                    "residual": 0.005,
                    "low": 0.001,
                    "high": 0.014,
                    "cost_a_day": 288.0,
                }
            ],
            "steps": [{"threshold": 0.5, "hours": 0.7, "cost_a_day": 410.0}],
        }
    ],
}
_MEASURED: Final[dict[str, Any]] = {
    "confidence": "stated",
    "n": 640,
    "inputs": 640,
    "most_common_share": 0.31,
    "metrics": [{"name": "smooth_ece", "value": 0.094, "low": 0.064, "high": 0.131, "note": None}],
    "bins": [
        {
            "low": 0.9,
            "high": 0.95,
            "n": 310,
            "mean_confidence": 0.941,
            "accuracy": 0.832,
            "ci_low": 0.786,
            "ci_high": 0.87,
            "consistent_low": 0.915,
            "consistent_high": 0.967,
        }
    ],
    "histogram": [{"low": 0.9, "high": 0.95, "n": 310}],
}
REPORT: Final[dict[str, Any]] = {
    **_SUBJECT,
    "calibrator": None,
    "measured_at": "2026-11-27T11:58:02.120Z",
    "held_out": True,
    "fewest_for_errors": 200,
    "draws": 1000,
    "seed": 0,
    "stated": _MEASURED,
    "calibrated": None,
    "segments": [{"segment": "language=de", "gap": 0.21, "overconfident": True, "stated": _MEASURED}],
}
