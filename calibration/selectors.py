"""The numbers as pages and the REST edge ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import QuerySet, Sum

from calibration.certifying import Certificate, certify
from calibration.core.bands import SLACK_ERRORS
from calibration.core.intervals import labels_needed
from calibration.core.report import HISTOGRAM_BINS, calibration_report
from calibration.evidence import Atom, Subject, atoms, fitting_times
from calibration.findings import drift_findings
from calibration.models import BandStat, Calibrator, Cell, MonthCell
from calibration.sample import Slice, Weighted, active_of, weighted_cells
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import VERIFIED, Policy
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of

__all__ = ["drift_findings"]


@dataclass(frozen=True, slots=True)
class BandRow:
    """One band of one subject. `labels_missing` is how many more labels would certify it if they held few errors."""

    band: str
    low_edge: float
    high_edge: float
    route: str
    n_routed: int
    n_sampled: int
    n_labelled: int
    n_right: int
    mean_confidence: float | None
    accuracy: float | None
    low: float
    high: float
    level: float
    unlabelled_share: float
    pending_low: float
    pending_high: float
    error_upper: float
    gate_labels: int
    labels_missing: int
    required: float | None
    state: str
    n_apart: int
    apart_labelled: int
    apart_right: int

    @property
    def n_pending(self) -> int:
        """Drawn for a label that is not in yet; all wrong and all right, they would give the pending ends."""
        return max(self.n_sampled - self.n_labelled, 0)

    @property
    def is_released(self) -> bool:
        """Whether it holds what verifiers passed of another band."""
        return self.band.endswith(VERIFIED)


@dataclass(frozen=True, slots=True)
class ModelBands:
    model: str
    model_version: str
    prompt_version: str
    calibrator: str | None
    rows: list[BandRow]


def band_table(pipeline: Pipeline, *, version: PolicyVersion | None = None) -> list[ModelBands]:
    """Bands by subject under one policy version (the active one unless told otherwise), most claims first."""
    version = version or _active(pipeline)
    if version is None:
        return []
    policy = policy_of(version.pk, version.document_hash)
    by_subject: dict[Subject, dict[str, BandStat]] = {}
    for stat in BandStat.objects.filter(policy_version=version, segment="").exclude(band=""):
        subject = Subject(stat.model, stat.model_version, stat.prompt_version)
        by_subject.setdefault(subject, {})[stat.band] = stat
    tables = [model_bands(policy, subject, stats) for subject, stats in by_subject.items()]
    return sorted(tables, key=lambda table: -sum(row.n_routed for row in table.rows))


def _active(pipeline: Pipeline) -> PolicyVersion | None:
    return pipeline.policies.filter(status=PolicyStatus.ACTIVE).first()


def model_bands(policy: Policy, subject: Subject, stats: dict[str, BandStat]) -> ModelBands:
    """The rows of one subject, in the order of the policy's bands."""
    entry = policy.calibrator_of.get(subject)
    rows = [
        BandRow(
            band=band.key,
            low_edge=band.low,
            high_edge=band.high,
            route=band.route,
            n_routed=stat.n_routed,
            n_sampled=stat.n_sampled,
            n_labelled=stat.n_labelled,
            n_right=stat.n_right,
            mean_confidence=stat.mean_confidence,
            accuracy=stat.accuracy,
            low=stat.low,
            high=stat.high,
            level=stat.level,
            unlabelled_share=stat.unlabelled_share,
            pending_low=stat.pending_low,
            pending_high=stat.pending_high,
            error_upper=stat.error_upper,
            gate_labels=stat.gate_labels,
            labels_missing=_labels_missing(stat, 1 - policy.certainty),
            required=stat.required,
            state=stat.state,
            n_apart=stat.n_apart,
            apart_labelled=stat.apart_labelled,
            apart_right=stat.apart_right,
        )
        for band in policy.measured_bands
        if (stat := stats.get(band.key)) is not None
    ]
    return ModelBands(**subject._asdict(), calibrator=entry.name if entry else None, rows=rows)


def _labels_missing(stat: BandStat, delta: float) -> int:
    if stat.required is None:
        return 0
    return max(labels_needed(1 - stat.required, delta=delta, errors=SLACK_ERRORS) - stat.gate_labels, 0)


@dataclass(frozen=True, slots=True)
class SegmentRow:
    """A segment over all bands. Overconfident: even the upper end of its accuracy lies below its mean confidence."""

    segment: str
    model: str
    model_version: str
    prompt_version: str
    n_labelled: int
    accuracy: float | None
    low: float
    high: float
    mean_confidence: float | None
    gap: float | None
    overconfident: bool


def segment_table(pipeline: Pipeline, *, version: PolicyVersion | None = None) -> list[SegmentRow]:
    """Segments of every subject, widest gap between confidence and accuracy first."""
    version = version or _active(pipeline)
    stats = BandStat.objects.filter(policy_version=version, band="").exclude(segment="") if version else []
    rows = [_segment_row(stat) for stat in stats if stat.n_labelled]
    return sorted(rows, key=lambda row: -(row.gap if row.gap is not None else -1.0))


def _segment_row(stat: BandStat) -> SegmentRow:
    gap = None
    if stat.accuracy is not None and stat.mean_confidence is not None:
        gap = stat.mean_confidence - stat.accuracy
    return SegmentRow(
        segment=stat.segment,
        model=stat.model,
        model_version=stat.model_version,
        prompt_version=stat.prompt_version,
        n_labelled=stat.n_labelled,
        accuracy=stat.accuracy,
        low=stat.low,
        high=stat.high,
        mean_confidence=stat.mean_confidence,
        gap=gap,
        overconfident=stat.accuracy is not None and (stat.mean_confidence or 0.0) > stat.high,
    )


@dataclass(frozen=True, slots=True)
class Bin:
    """An equal-mass bin with the accuracy measured in it and its 95 % interval."""

    low: float
    high: float
    n: int
    mean_confidence: float
    accuracy: float
    ci_low: float
    ci_high: float


@dataclass(frozen=True, slots=True)
class HistogramBar:
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well a confidence is calibrated, on labels that fitted nothing. Metrics are None where they mean nothing."""

    n: int
    held_out: bool
    ece: float | None
    ece_debiased: float | None
    smooth_ece: float | None
    mce: float | None
    brier: float | None
    log_loss: float | None
    auroc: float | None
    aurc: float | None
    bins: list[Bin]
    histogram: list[HistogramBar]


def calibrators(pipeline: Pipeline) -> list[Calibrator]:
    """Newest first, with the draft each one went into."""
    return list(Calibrator.objects.filter(pipeline=pipeline).select_related("proposed_in").order_by("-number"))


def reliability(
    pipeline: Pipeline,
    *,
    model: str,
    model_version: str,
    prompt_version: str,
    segment: str = "",
    elicitation: str = "",
    calibrated: bool,
    version: PolicyVersion | None = None,
    since: datetime | None = None,
) -> Reliability:
    """Stated (or, with the calibrator of a policy version, calibrated) confidence against measured truth.

    Where there is a calibrator, both use only the labels that did not fit it, so that the two can be compared. `since`
    leaves out claims received before that day (UTC).
    """
    subject = Subject(model, model_version, prompt_version)
    version = version or _active(pipeline)
    entry = policy_of(version.pk, version.document_hash).calibrator_of.get(subject) if version else None
    chosen = Slice(subject, segment, elicitation, since=since.astimezone(UTC).date() if since else None)
    return _reliability(
        weighted_cells(pipeline, chosen, calibrated_by=entry if calibrated else None, held_out_of=entry)
    )


def _reliability(weighted: Weighted) -> Reliability:
    """Every label stands for the claims it was drawn from, whatever the audit rate was then."""
    cells = weighted.cells
    report = calibration_report(cells.confidence, cells.rate, w=cells.n, inputs=weighted.inputs, draws=0)
    value = {name: measure.value for name, measure in report.measures.items()}
    width = 1 / HISTOGRAM_BINS
    return Reliability(
        n=weighted.labels,
        held_out=True,
        ece=value["ece_mass"],
        ece_debiased=value["ce2_debiased"],
        smooth_ece=value["smooth_ece"],
        mce=value["mce"],
        brier=value["brier"],
        log_loss=value["log_loss"],
        auroc=value["auroc"],
        aurc=value["aurc"],
        bins=[
            Bin(each.low, each.high, round(each.n), each.mean_confidence, each.accuracy, each.lo, each.hi)
            for each in report.reliability
        ],
        histogram=[
            HistogramBar(round(place * width, 4), round((place + 1) * width, 4), round(n))
            for place, n in enumerate(report.histogram)
        ],
    )


def subjects(pipeline: Pipeline, *, since: datetime | None = None) -> list[Subject]:
    """Every model, model version and prompt version with a label, most labels first. `since` counts whole days."""
    by_day = Cell.objects.filter(day__gte=since.astimezone(UTC).date()) if since else None
    cells: QuerySet[Any] = MonthCell.objects.all() if by_day is None else by_day
    labelled = cells.filter(pipeline=pipeline, scored_by="", labelled__gt=0)
    counted = labelled.values_list("model", "model_version", "prompt_version").annotate(labels=Sum("labelled"))
    return [Subject(*row[:3]) for row in sorted(counted, key=lambda row: (-row[3], row[:3]))]


def certificates(pipeline: Pipeline, *, max_error: float, certainty: float, now: datetime) -> list[Certificate]:
    """For each subject, most claims first, the lowest threshold that keeps the error rate, or why there is none."""
    by_subject: dict[Subject, list[Atom]] = {}
    for atom in atoms(pipeline.pk):
        by_subject.setdefault(atom.place.subject, []).append(atom)
    policy, fitted = active_of(pipeline), fitting_times(pipeline)
    entries = policy.calibrator_of if policy else {}
    found = [
        certify(
            subject,
            own,
            policy=policy,
            alpha=max_error,
            delta=1 - certainty,
            fitted_at=fitted.get(entries[subject].name) if subject in entries else None,
            now=now,
        )
        for subject, own in by_subject.items()
    ]
    return sorted(found, key=lambda each: (-each.claims, each.subject))
