"""A finished run as pages show it: its stored figures in their order, in the types that charts and tables read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from calibration.core.intervals import wilson
from calibration.core.report import HISTOGRAM_BINS
from reviewqueue.golden.models import GoldenRun

MEASURES: Final = {
    "ece_mass": "Calibration error (ECE)",
    "smooth_ece": "Calibration error, smooth",
    "ce2_debiased": "Squared calibration error, debiased",
    "mce": "Largest gap of a bin",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "auroc": "Telling right from wrong (AUROC)",
    "aurc": "Area under risk and coverage",
    "mean_confidence": "Mean confidence",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure with its 95 % limits; `note` says why there is none, or what to think of it."""

    title: str
    value: float | None
    low: float | None
    high: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Bin:
    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class Bar:
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Segment:
    """`overconfident`: even the upper end of its accuracy lies below its mean confidence."""

    segment: str
    n: int
    right: int
    accuracy: float
    low: float
    high: float
    mean_confidence: float

    @property
    def overconfident(self) -> bool:
        return self.mean_confidence > self.high


@dataclass(frozen=True, slots=True)
class Promise:
    band: str
    route: str
    allowed: float
    n: int
    errors: int
    error_lower: float
    error_upper: float
    worse: bool


@dataclass(frozen=True)
class Figures:
    """`accuracy` is of what was answered; the other two count missing answers as wrong and as right."""

    n: int
    accuracy: float | None
    low: float
    high: float
    if_missing_wrong: float
    if_missing_right: float
    inputs: int
    has_intervals: bool
    measures: list[Measure]
    bins: list[Bin]
    histogram: list[Bar]
    segments: list[Segment]
    promises: list[Promise]
    policy_version: int | None

    @property
    def worse(self) -> list[Promise]:
        return [promise for promise in self.promises if promise.worse]


def figures_of(run: GoldenRun) -> Figures | None:
    """None while the run is open."""
    if run.finished_at is None:
        return None
    report: Mapping[str, Any] = run.report or {}
    low, high = wilson(run.right, run.answered)
    width = 1 / HISTOGRAM_BINS
    return Figures(
        n=run.answered,
        accuracy=run.right / run.answered if run.answered else None,
        low=float(low),
        high=float(high),
        if_missing_wrong=run.right / run.size,
        if_missing_right=(run.right + run.missing) / run.size,
        inputs=report.get("inputs", 0),
        has_intervals=bool(report.get("draws")),
        measures=[_measure(title, report.get("measures", {}).get(name)) for name, title in MEASURES.items()],
        bins=[_bin(each) for each in report.get("reliability", ())],
        histogram=[
            Bar(round(place * width, 4), round((place + 1) * width, 4), round(n))
            for place, n in enumerate(report.get("histogram", ()))
        ],
        segments=[Segment(**each) for each in report.get("segments", ())],
        promises=[Promise(**each) for each in report.get("promises", ())],
        policy_version=report.get("policy_version"),
    )


def _measure(title: str, stored: Mapping[str, Any] | None) -> Measure:
    stored = stored or {"value": None, "lo": None, "hi": None, "note": "no_labels"}
    return Measure(title, stored["value"], stored["lo"], stored["hi"], stored["note"])


def _bin(stored: Mapping[str, Any]) -> Bin:
    names = ("low", "high", "mean_confidence", "accuracy")
    return Bin(
        **{name: stored[name] for name in names}, n=round(stored["n"]), ci_low=stored["lo"], ci_high=stored["hi"]
    )


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One finished run in the history of a set."""

    number: int
    run: GoldenRun
    accuracy: float
    low: float
    high: float
    at: datetime
    smooth_ece: float | None
    brier: float | None
    worse: bool
    new_version: bool
    """Whether it is the first one on its version of the set."""


def trend_points(runs: list[GoldenRun]) -> list[TrendPoint]:
    """In the order given, numbered from 1. Runs without an answer are left out."""
    points: list[TrendPoint] = []
    before: object = None
    for run in runs:
        if not run.answered or run.finished_at is None:
            continue
        report: Mapping[str, Any] = run.report or {}
        measures = report.get("measures", {})
        low, high = wilson(run.right, run.answered)
        points.append(
            TrendPoint(
                number=len(points) + 1,
                run=run,
                accuracy=run.right / run.answered,
                low=float(low),
                high=float(high),
                at=run.finished_at,
                smooth_ece=measures.get("smooth_ece", {}).get("value"),
                brier=measures.get("brier", {}).get("value"),
                worse=any(promise["worse"] for promise in report.get("promises", ())),
                new_version=before is not None and run.version_id != before,
            )
        )
        before = run.version_id
    return points
