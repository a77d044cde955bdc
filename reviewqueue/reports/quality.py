"""How well the confidence of one model version is calibrated, on held-out labels, with bootstrap intervals.

Intervals take seconds to resample and figures change only when a sweep has measured, so a report is kept by the process
for as long as nothing was measured since.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

from calibration.core.report import DRAWS, FEWEST_FOR_ERRORS, HISTOGRAM_BINS, CalibrationReport, calibration_report
from calibration.evidence import Subject
from calibration.models import Measurement
from calibration.sample import Slice, weighted_cells
from calibration.selectors import SegmentRow, segment_table, subjects
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import CalibratorEntry
from reviewqueue.policy.selectors import active_policy

MODELS_LISTED: Final = 40
SEGMENTS_SHOWN: Final = 6
FEWEST_IN_SEGMENT: Final = 30
METRICS: Final = (
    *("accuracy", "mean_confidence", "ece_mass", "ece_width", "smooth_ece", "ce2_debiased", "mce"),
    *("brier", "log_loss", "mcb", "dsc", "unc", "auroc", "aurc"),
)


@dataclass(frozen=True, slots=True)
class Bin:
    """An equal-mass bin. A calibrated confidence would be right between the consistent limits 95 % of the time."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float
    ci_low: float
    ci_high: float
    consistent_low: float
    consistent_high: float


@dataclass(frozen=True, slots=True)
class Bar:
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Metric:
    """None with the reason in `note` where the figure would mean nothing."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    note: str | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One confidence, "stated" or "calibrated". `n` counts labels, `inputs` different inputs."""

    confidence: str
    n: int
    inputs: int
    most_common_share: float | None
    metrics: tuple[Metric, ...]
    bins: tuple[Bin, ...]
    histogram: tuple[Bar, ...]

    def metric(self, name: str) -> Metric | None:
        return next((metric for metric in self.metrics if metric.name == name), None)


@dataclass(frozen=True, slots=True)
class OfSegment:
    segment: str
    gap: float | None
    overconfident: bool
    stated: Measured


@dataclass(frozen=True, slots=True)
class Quality:
    """`segments` are the worst first, at most six; `seed` and `draws` those of the bootstrap."""

    model: str
    model_version: str
    prompt_version: str
    calibrator: str | None
    measured_at: datetime | None
    held_out: bool
    fewest_for_errors: int
    draws: int
    seed: int
    stated: Measured
    calibrated: Measured | None
    segments: tuple[OfSegment, ...]

    @property
    def subject(self) -> Subject:
        return Subject(self.model, self.model_version, self.prompt_version)

    @property
    def too_few(self) -> bool:
        return self.stated.inputs < self.fewest_for_errors


def quality_of(pipeline: Pipeline, subject: Subject) -> Quality:
    """Of the stated confidence and, where the policy has a calibrator, of the calibrated one, on the same labels."""
    active = active_policy(pipeline.pk)
    entry = active.policy.calibrator_of.get(subject) if active else None
    measured_at = Measurement.objects.filter(pipeline=pipeline).values_list("measured_at", flat=True).first()
    asked = _Asked(pipeline.pk, measured_at, subject, "", entry.name if entry else "", False, DRAWS, pipeline, entry)
    return Quality(
        **subject._asdict(),
        calibrator=entry.name if entry else None,
        measured_at=measured_at,
        held_out=True,
        fewest_for_errors=FEWEST_FOR_ERRORS,
        draws=DRAWS,
        seed=0,
        stated=_report(asked),
        calibrated=_report(_with(asked, calibrated=True)) if entry else None,
        segments=tuple(_of_segment(row, asked) for row in _worst(pipeline, subject)),
    )


def subjects_listed(pipeline: Pipeline) -> list[Subject]:
    """Those with labels, most labels first."""
    return subjects(pipeline)[:MODELS_LISTED]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a report depends on; without a measurement nothing is kept, for then `measured_at` says nothing."""

    pipeline_id: int
    measured_at: datetime | None
    subject: Subject
    segment: str
    calibrator: str
    calibrated: bool
    draws: int
    pipeline: Pipeline = field(compare=False)
    entry: CalibratorEntry | None = field(compare=False)


def _with(asked: _Asked, *, segment: str = "", calibrated: bool = False, draws: int = DRAWS) -> _Asked:
    return _Asked(
        asked.pipeline_id,
        asked.measured_at,
        asked.subject,
        segment,
        asked.calibrator,
        calibrated,
        draws,
        asked.pipeline,
        asked.entry,
    )


def _worst(pipeline: Pipeline, subject: Subject) -> list[SegmentRow]:
    """Segments with labels enough to look at, the widest gap first."""
    rows = [row for row in segment_table(pipeline) if (row.model, row.model_version, row.prompt_version) == subject]
    large = [row for row in rows if row.n_labelled >= FEWEST_IN_SEGMENT]
    return sorted(large, key=lambda row: -abs(row.gap or 0.0))[:SEGMENTS_SHOWN]


def _of_segment(row: SegmentRow, asked: _Asked) -> OfSegment:
    return OfSegment(row.segment, row.gap, row.overconfident, _report(_with(asked, segment=row.segment, draws=0)))


def _report(asked: _Asked) -> Measured:
    return _computed(asked) if asked.measured_at is None else _kept(asked)


@lru_cache(maxsize=128)
def _kept(asked: _Asked) -> Measured:
    return _computed(asked)


def _computed(asked: _Asked) -> Measured:
    found = weighted_cells(
        asked.pipeline,
        Slice(asked.subject, asked.segment),
        calibrated_by=asked.entry if asked.calibrated else None,
        held_out_of=asked.entry,
    )
    cells = found.cells
    report = calibration_report(cells.confidence, cells.rate, w=cells.n, inputs=found.inputs, draws=asked.draws)
    return _measured(report, "calibrated" if asked.calibrated else "stated", found.labels)


def _measured(report: CalibrationReport, confidence: str, labels: int) -> Measured:
    width = 1 / HISTOGRAM_BINS
    return Measured(
        confidence=confidence,
        n=labels,
        inputs=report.inputs,
        most_common_share=report.most_common_share,
        metrics=tuple(
            Metric(name, measure.value, measure.lo, measure.hi, measure.note)
            for name, measure in ((name, report.measures[name]) for name in METRICS)
        ),
        bins=tuple(
            Bin(
                low=each.low,
                high=each.high,
                n=round(each.n),
                mean_confidence=each.mean_confidence,
                accuracy=each.accuracy,
                ci_low=each.lo,
                ci_high=each.hi,
                consistent_low=each.consistent_lo,
                consistent_high=each.consistent_hi,
            )
            for each in report.reliability
        ),
        histogram=tuple(
            Bar(round(place * width, 4), round((place + 1) * width, 4), round(n))
            for place, n in enumerate(report.histogram)
        ),
    )
