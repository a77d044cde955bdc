"""What the codes on the owner's pages are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ROUTES_SHORT: Final = {
    "accept": "accepted",
    "accept_flagged": "accepted, flagged",
    "review": "held",
    "escalate": "held, for a senior",
    "reject": "rejected",
    "uncertain": "next step asked",
}

ENDS: Final = {
    "right": "right",
    "wrong": "wrong",
    "not_judged": "not to be judged",
    "with_people": "with people",
    "with_caller": "with its caller",
    "not_looked_at": "not looked at",
}

ENDS_LONG: Final = {
    "right": "The output was right",
    "wrong": "The output was wrong",
    "not_judged": "People looked and could not tell",
    "with_people": "Waits for people",
    "with_caller": "Waits for its caller's next step",
    "not_looked_at": "Let go, and nobody looked",
}

FORECASTS: Final = {
    "nothing_waits": "Nothing waits, and work is done as fast as it comes in.",
    "on_time": "At this pace everything that waits is done in time.",
    "late": "Some of it is late already.",
    "will_miss": "At this pace the first due time is missed",
    "falls_behind": "More comes in than gets done: at this pace the first claim is late",
    "nobody_works": "Nobody has labelled in 24 hours. The next due time is",
}

NO_THRESHOLD: Final = {
    "too_few_labels": "There are too few labels to promise anything.",
    "no_threshold_meets_target": "Labels are enough for a test, but wherever one begins, too many are wrong.",
    "score_not_informative": "Its confidence is not shown to tell right from wrong: accepting from some value on helps"
    " nothing.",
    "all_wrong": "Every label says that the output was wrong.",
}

NO_REJECTION: Final = {
    "too_few_labels": "there are too few labels to promise anything.",
    "no_threshold_meets_target": "wherever it ends, too many of those below are right.",
    "score_not_informative": "its confidence is not shown to tell right from wrong.",
    "all_right": "every label says that the output was right.",
}

PLANS: Final = {
    "nothing": "nothing but the audit sample",
    "cost": "what pays",
    "capacity": "as much as the minutes allow",
    "certified": "what the promise asks for",
    "effective": "the stricter of cost and promise",
    "everything": "everything",
}

METRICS: Final = {
    "accuracy": "Right",
    "mean_confidence": "Mean confidence",
    "ece_mass": "Calibration error (ECE), equal-mass bins",
    "ece_width": "Calibration error (ECE), equal-width bins",
    "smooth_ece": "Calibration error, smooth",
    "ce2_debiased": "Squared calibration error, debiased",
    "mce": "Largest gap of a bin",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "mcb": "Brier: part lost by miscalibration",
    "dsc": "Brier: part won by telling apart",
    "unc": "Brier: part of the task itself",
    "auroc": "Telling right from wrong (AUROC)",
    "aurc": "Area under risk and coverage",
}

METRIC_NOTES: Final = {
    "no_labels": "no label yet",
    "too_few_labels": "too few labels",
    "one_class": "all right, or all wrong",
    "no_full_bin": "no bin with 30 labels",
    "not_distinguishable": "not to be told from calibrated",
}

FINDINGS: Final = {
    "confidence": "The confidences moved",
    "outcome": "A promise is broken",
    "calibration": "The calibrator does not hold",
    "reverse": "The calibrator before would do better",
}

MONITORS: Final = {
    "outcome": "Promise of a band",
    "calibration": "Calibrator",
    "quiet": "quiet",
    "warning": "warning",
    "alarm": "alarm",
}

MAPS: Final = {
    "identity": "As stated: nothing is changed",
    "platt": "Logistic curve (Platt)",
    "beta": "Beta curve",
    "isotonic": "Rising steps, joined (isotonic)",
    "histogram": "Ten steps (histogram)",
}

CALIBRATOR_STATUS: Final = {
    "fitted": "undecided",
    "shadow": "on trial beside the one in use",
    "proposed": "proposed",
    "rejected": "rejected",
}

VERDICT_REASONS: Final = {
    "better": "better beyond doubt",
    "worse": "worse beyond doubt",
    "undecided": "more labels will tell",
    "label_limit": "not shown to be better after 2,000 labels",
    "error_rises": "its calibration error is higher",
    "threshold_not_certified": "a threshold is not certified for it",
    "stated_confidence_holds": "the stated confidence is good as it is",
    "segment_worse": "worse in the segment",
}


def verdict_reason(code: str) -> str:
    """A reason for a verdict; one about a segment carries its name after a colon."""
    kind, _, name = code.partition(":")
    said = VERDICT_REASONS.get(kind) or kind.replace("_", " ")
    return f"{said} {name}" if name else said


KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "route_short": ROUTES_SHORT,
    "end": ENDS,
    "end_long": ENDS_LONG,
    "forecast": FORECASTS,
    "plan": PLANS,
    "finding": FINDINGS,
    "monitor": MONITORS,
    "metric": METRICS,
    "metric_note": METRIC_NOTES,
    "no_rejection": NO_REJECTION,
    "no_threshold": NO_THRESHOLD,
    "map": MAPS,
    "calibrator": CALIBRATOR_STATUS,
}
