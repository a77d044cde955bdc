"""The answers about calibration, thresholds and drift as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count, Instant, Share, Subject


class ReliabilityBin(Struct, frozen=True, kw_only=True):
    """Equal shares of the labels, equal confidences together."""

    low: Share
    high: Share
    n: Annotated[Count, Meta(description="Labels; drawn at unequal rates, as many equal ones as they are worth.")]
    mean_confidence: Share
    accuracy: Share
    ci_low: Share
    ci_high: Share


class HistogramBar(Struct, frozen=True, kw_only=True):
    low: Share
    high: Share
    n: Count


class Calibration(Subject, frozen=True, kw_only=True):
    """A confidence against measured truth. A figure is null where it would mean nothing."""

    confidence: Annotated[
        Literal["stated", "calibrated"],
        Meta(description="Whether it is of the confidence as stated, or after the calibrator in use."),
    ]
    calibrator: Annotated[str | None, Meta(description="The one in use, if there is one.")]
    n: Annotated[Count, Meta(description="Labels of known chance that fitted nothing.")]
    ece: Annotated[Share | None, Meta(description="Calibration error over 15 bins of equal mass. From 200 inputs on.")]
    ece_debiased: Annotated[
        Share | None,
        Meta(description="Squared error less its sampling variance; 0: it cannot be told from calibrated."),
    ]
    smooth_ece: Annotated[Share | None, Meta(description="Calibration error without bins.")]
    mce: Annotated[Share | None, Meta(description="The largest gap of a bin with at least 30 labels.")]
    brier: Share | None
    log_loss: Annotated[float, Meta(ge=0)] | None
    auroc: Annotated[Share | None, Meta(description="Null when all were right, or all wrong.")]
    aurc: Annotated[Share | None, Meta(description="Area under risk and coverage.")]
    reliability: list[ReliabilityBin]
    histogram: Annotated[list[HistogramBar], Meta(description="20 bars of equal width; `n` as in `reliability`.")]
    held_out: bool


class CalibrationList(Struct, frozen=True, kw_only=True):
    results: Annotated[
        list[Calibration],
        Meta(description="Per model, model version and prompt version: stated, then calibrated where that is in use."),
    ]


class ReviewerLoad(Struct, frozen=True, kw_only=True):
    """What people would still have to review; the audit sample of what is accepted comes on top."""

    share: Share
    claims_per_day: Annotated[float, Meta(ge=0)]


class Threshold(Subject, frozen=True, kw_only=True):
    threshold: Annotated[Share | None, Meta(description="Of stated confidence: accept at or above it.")]
    reason: Annotated[
        Literal["too_few_labels", "no_threshold_meets_target", "score_not_informative", "all_wrong"] | None,
        Meta(description="Why there is none."),
    ]
    labels_missing: Annotated[Count, Meta(description="With `too_few_labels`: how many more the first test needs.")]
    n_labelled: Annotated[Count, Meta(description="Labels of the equal-probability sample, one per input.")]
    n_accepted: Annotated[Count, Meta(description="Those at or above the threshold.")]
    n_errors: Annotated[Count, Meta(description="The wrong ones among these.")]
    error_upper: Annotated[Share | None, Meta(description="Upper limit of the error rate among the accepted.")]
    coverage: Annotated[Share, Meta(description="The share of all claims it would accept.")]
    reviewer_load: ReviewerLoad


class ThresholdList(Struct, frozen=True, kw_only=True):
    max_error: Share
    confidence: Share
    results: Annotated[list[Threshold], Meta(description="One per model, model version and prompt version.")]


Measure = Annotated[Count | None, Meta(description="Null where nothing of the kind was counted.")]


class DriftFinding(Subject, frozen=True, kw_only=True):
    """What a monitor found. Figures that belong to another kind of finding are null."""

    kind: Annotated[
        Literal["confidence", "outcome", "calibration", "reverse"],
        Meta(
            description="The confidences moved; a band broke its promise; outputs are not right as often as the "
            "calibrated confidence says; the calibrator that was replaced would have done better."
        ),
    ]
    found_at: Instant
    band: str | None
    calibrator: str | None
    claims_before: Measure
    claims_now: Measure
    psi: Annotated[float, Meta(ge=0, description="Population stability index over tenths of what was before.")] | None
    distance: Annotated[Share | None, Meta(description="How far confidence moved on the whole (Wasserstein).")]
    suspected_swap: Annotated[bool, Meta(description="Values never seen before: was another model put in its place?")]
    labelled: Annotated[Count | None, Meta(description="Labels of the equal-probability sample since watching began.")]
    wrong: Annotated[Count | None, Meta(description="Those of them that break the promise.")]
    recent_labelled: Annotated[Count | None, Meta(description="The newest of these labels, at most 100.")]
    recent_wrong: Measure
    allowed_error: Annotated[Share | None, Meta(description="The error rate that the band promises not to exceed.")]
    direction: Annotated[
        Literal["over", "under"] | None, Meta(description="Of `calibration`: the confidence is too high, or too low.")
    ]
    window_from: Instant
    window_to: Instant
    breaker: Annotated[int | None, Meta(description="The breaker it tripped: see `list_breakers`.")]
    open: Annotated[bool, Meta(description="Nobody has reset that breaker, or the calibrator is still in use.")]


class LabelMonitor(Subject, frozen=True, kw_only=True):
    """A stream of labels under watch. Its statistic reaches the threshold with probability 0.05 at most within 90 days
    (and 1,800 labels) while all is well, however often one looks."""

    kind: Annotated[Literal["outcome", "calibration"], Meta(description="As in findings.")]
    band: Annotated[str | None, Meta(description="Null: all bands together.")]
    calibrator: str
    labels: Count
    wrong: Count
    allowed_error: Share | None
    statistic: Annotated[float, Meta(ge=0)]
    threshold: Annotated[float, Meta(ge=0)]
    signal: Annotated[
        Literal["quiet", "warning", "alarm"],
        Meta(description="A warning, from a quarter of the threshold on, does nothing."),
    ]
    direction: Literal["over", "under"] | None
    since: Instant
    newest_label_at: Instant | None


class DriftList(Struct, frozen=True, kw_only=True):
    results: Annotated[list[DriftFinding], Meta(description="The last 200, newest first.")]
    monitors: Annotated[list[LabelMonitor], Meta(description="How they stand, the closest to an alarm first.")]
