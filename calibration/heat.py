"""Segments by band: what is measured of each, against what the policy requires; and each segment over all bands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from calibration.core.bands import LARGEST_HALF_WIDTH
from calibration.core.intervals import labels_needed
from calibration.evidence import Subject
from calibration.models import BandStat
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Band, Policy
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.selectors import policy_of

Verdict = Literal["kept", "open", "below", "few", "measured", "empty"]
"""kept: the lower bound reaches what is required. below: even the upper end of the interval does not. open: labels
enough to tell, and they do not tell yet. few: too few labels to say anything. measured: nothing is required, and the
figure is known within five points. empty: no claims."""

SORTS: Final = ("worst", "gap", "labels", "name")
_WEIGHT: Final = {"below": 0, "open": 1, "kept": 2, "measured": 2, "few": 3, "empty": 4}
MOST_ROWS: Final = 5_000
"""Rows of statistics that are read at most, those with most claims first."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """A segment in a band. `lower` is the one-sided exact bound of its accuracy on the equal-probability sample;
    `accuracy` with `low` and `high` is the estimate for show. Of a band that rejects, all are the share of wrong ones.
    """

    band: str
    route: str
    verdict: Verdict
    n_routed: int
    n_labelled: int
    accuracy: float | None
    low: float
    high: float
    lower: float
    gate_labels: int
    labels_missing: int
    required: float | None
    state: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A segment in every band, and over all of them."""

    segment: str
    n_routed: int
    n_labelled: int
    accuracy: float | None
    low: float
    high: float
    mean_confidence: float | None
    gap: float | None
    gap_is_shown: bool
    cells: list[HeatCell]

    @property
    def worst(self) -> tuple[int, float]:
        """Smaller is worse: the worst verdict of its bands, then how far below what is required."""
        return min(
            ((_WEIGHT[cell.verdict], cell.lower - (cell.required or 0.0)) for cell in self.cells),
            default=(_WEIGHT["empty"], 0.0),
        )


@dataclass(frozen=True, slots=True)
class HeatTable:
    """Of one model under one policy version; `bands` in order of confidence."""

    model: str
    model_version: str
    prompt_version: str
    calibrator: str | None
    bands: list[Band]
    rows: list[HeatRow]


def heat_tables(pipeline: Pipeline, *, sort: str = "worst", version: PolicyVersion | None = None) -> list[HeatTable]:
    """One per model, most claims first, under the active policy unless told otherwise. Two queries."""
    version = version or pipeline.policies.filter(status=PolicyStatus.ACTIVE).first()
    if version is None:
        return []
    policy = policy_of(version.pk, version.document_hash)
    by_subject: dict[Subject, list[BandStat]] = {}
    for stat in _stats(version):
        by_subject.setdefault(Subject(stat.model, stat.model_version, stat.prompt_version), []).append(stat)
    ordered = sorted(by_subject.items(), key=lambda item: (-max(stat.n_routed for stat in item[1]), item[0]))
    return [_table(policy, subject, stats, sort) for subject, stats in ordered]


def _stats(version: PolicyVersion) -> Sequence[BandStat]:
    stats = BandStat.objects.filter(policy_version=version).exclude(segment="")
    return list(stats.order_by("-n_routed", "segment", "band")[:MOST_ROWS])


def _table(policy: Policy, subject: Subject, stats: Sequence[BandStat], sort: str) -> HeatTable:
    bands = list(policy.measured_bands)
    by_segment: dict[str, dict[str, BandStat]] = {}
    for stat in stats:
        by_segment.setdefault(stat.segment, {})[stat.band] = stat
    rows = [_row(policy, bands, segment, found) for segment, found in by_segment.items()]
    entry = policy.calibrator_of.get(subject)
    return HeatTable(
        **subject._asdict(), calibrator=entry.name if entry else None, bands=bands, rows=in_order(rows, sort)
    )


def in_order(rows: Sequence[HeatRow], sort: str) -> list[HeatRow]:
    keys = {
        "worst": lambda row: (*row.worst, row.segment),
        "gap": lambda row: (-(row.gap if row.gap is not None else -1.0), row.segment),
        "labels": lambda row: (-row.n_labelled, row.segment),
        "name": lambda row: row.segment,
    }
    return sorted(rows, key=keys[sort])


def _row(policy: Policy, bands: Sequence[Band], segment: str, found: dict[str, BandStat]) -> HeatRow:
    whole = found.get("")
    gap = None
    if whole and whole.accuracy is not None and whole.mean_confidence is not None:
        gap = whole.mean_confidence - whole.accuracy
    return HeatRow(
        segment=segment,
        n_routed=whole.n_routed if whole else sum(stat.n_routed for stat in found.values()),
        n_labelled=whole.n_labelled if whole else sum(stat.n_labelled for stat in found.values()),
        accuracy=whole.accuracy if whole else None,
        low=whole.low if whole else 0.0,
        high=whole.high if whole else 1.0,
        mean_confidence=whole.mean_confidence if whole else None,
        gap=gap,
        gap_is_shown=whole is not None
        and gap is not None
        and not whole.low <= (whole.mean_confidence or 0) <= whole.high,
        cells=[_cell(band, found.get(band.key), 1 - policy.certainty) for band in bands],
    )


def _cell(band: Band, stat: BandStat | None, delta: float) -> HeatCell:
    if stat is None or not stat.n_routed:
        return HeatCell(band.key, band.route, "empty", 0, 0, None, 0.0, 1.0, 0.0, 0, 0, band.required_accuracy, "")
    needed = 0 if stat.required is None else labels_needed(1 - stat.required, delta=delta)
    return HeatCell(
        band=band.key,
        route=band.route,
        verdict=_verdict(stat, needed),
        n_routed=stat.n_routed,
        n_labelled=stat.n_labelled,
        accuracy=stat.accuracy,
        low=stat.low,
        high=stat.high,
        lower=1 - stat.error_upper,
        gate_labels=stat.gate_labels,
        labels_missing=max(needed - stat.gate_labels, 0),
        required=stat.required,
        state=stat.state,
    )


def _verdict(stat: BandStat, needed: int) -> Verdict:
    """Too little evidence is never good news: a cell is kept only where the very bound that certifies reaches."""
    if stat.required is None:
        known = stat.accuracy is not None and (stat.high - stat.low) / 2 <= LARGEST_HALF_WIDTH
        return "measured" if known else "few"
    if stat.accuracy is not None and stat.high < stat.required:
        return "below"
    if stat.gate_labels < needed:
        return "few"
    return "kept" if 1 - stat.error_upper >= stat.required else "open"
