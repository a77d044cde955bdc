"""Confidence and accuracy over time, with what changed meanwhile: model versions, prompt versions, policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, cast

import numpy as np
from django.db import connection

from calibration.core.bands import Stratum, band_accuracy
from calibration.core.calibrators import predict
from calibration.core.cells import binned, cells_of_counts, quantile_places
from calibration.core.drift import BINS, PAGE_P, PAGE_PSI, psi_of_counts
from calibration.core.intervals import FloatArray
from calibration.core.maps import map_problems
from calibration.evidence import UNITS, Subject
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Policy, thawed
from reviewqueue.policy.selectors import active_policy

WINDOWS: Final = (14, 30, 90)
USUAL: Final = 30
WEEKS_FROM: Final = 90
"""In windows this long a stretch is a week, else a day."""
REFERENCE_CLAIMS: Final = 200
MOST_MODELS: Final = 12
MOST_CHANGES: Final = 40


class Count(NamedTuple):
    """Claims of one stretch, subject and audit rate, and what was drawn, labelled and right of them."""

    start: date
    subject: Subject
    audit_rate: float
    claims: int
    sampled: int
    labelled: int
    right: int
    confidence: float


class Height(NamedTuple):
    """How many claims of a stretch and subject stated a confidence within one hundredth, and their mean."""

    start: date
    subject: Subject
    names: tuple[str, ...]
    claims: int
    confidence: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day or a week. `accuracy` has its 95 % interval, None without labels of every audit rate.

    `expected` is what the calibrators in use say of these claims: it assumes that they still hold. `psi` compares the
    stated confidences with those of the reference, `moved` where the difference is large and beyond doubt.
    """

    start: date
    claims: int
    mean_confidence: float | None
    labels: int
    accuracy: float | None
    low: float
    high: float
    expected: float | None
    most_common_share: float | None
    distinct: int
    psi: float | None
    moved: bool


@dataclass(frozen=True, slots=True)
class Change:
    """`kind`: model (a model or prompt version posted for the first time in this window) or policy.

    `short` is its model version alone.
    """

    at: date
    kind: str
    name: str
    short: str


@dataclass(frozen=True, slots=True)
class DriftSeries:
    """`reference_until` is the last day of what PSI compares with."""

    days: int
    stretch_days: int
    model: str
    models: tuple[str, ...]
    reference_until: date | None
    stretches: tuple[Stretch, ...]
    changes: tuple[Change, ...]


_OF_PIPELINE: Final = """
      FROM (SELECT cell.*, %(since)s::date + (cell.day - %(since)s::date) / %(step)s * %(step)s AS start
              FROM calibration_cell AS cell
             WHERE cell.pipeline_id = %(pipeline)s AND cell.day >= %(since)s AND cell.scored_by = ''
               AND (%(model)s = '' OR cell.model = %(model)s)) AS cell"""
_COUNTS: Final = (
    """
    SELECT start, model, model_version, prompt_version, audit_rate, sum(claims), sum(sampled), sum(labelled),
           sum("right"), sum(sum_confidence), min(day)"""
    + _OF_PIPELINE
    + " GROUP BY 1, 2, 3, 4, 5 ORDER BY 1"
)
_HEIGHTS: Final = (
    """
    SELECT start, model, model_version, prompt_version,
           CASE WHEN %(apart)s THEN category ELSE '' END, CASE WHEN %(apart)s THEN segments ELSE '{}' END,
           sum(claims), sum(sum_confidence)"""
    + _OF_PIPELINE
    + " GROUP BY 1, 2, 3, 4, 5, 6, confidence / 100 ORDER BY 1"
)
_COMMON: Final = "".join(
    (
        "SELECT start, max(claims), count(*) FROM (SELECT start, confidence, sum(claims) AS claims",
        _OF_PIPELINE,
        " GROUP BY 1, 2) AS value GROUP BY 1",
    )
)


def drift_series(pipeline: Pipeline, *, days: int, model: str = "", now: datetime) -> DriftSeries:
    """Of cells alone, so that it does not grow with the number of claims; `model` narrows it to that one's versions."""
    step = 7 if days >= WEEKS_FROM else 1
    today = now.astimezone(UTC).date()
    since = today - timedelta(days=-(-days // step) * step - 1)
    active = active_policy(pipeline.pk)
    policy = active.policy if active else None
    named: dict[str, Any] = {"pipeline": pipeline.pk, "since": since, "step": step, "model": model}
    named["apart"] = _is_apart(policy)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, named)
        rows = cursor.fetchall()
        cursor.execute(_HEIGHTS, named)
        heights = [_height(row) for row in cursor.fetchall()]
        cursor.execute(_COMMON, named)
        common = {start: (int(most), int(distinct)) for start, most, distinct in cursor.fetchall()}
    counts = [_count(row) for row in rows]
    starts = [since + timedelta(days=place) for place in range(0, (today - since).days + 1, step)]
    stretches, until = stretches_of(starts, counts, heights, common, policy)
    return DriftSeries(
        days=days,
        stretch_days=step,
        model=model,
        models=_models(pipeline),
        reference_until=until + timedelta(days=step - 1) if until else None,
        stretches=stretches,
        changes=tuple(_changes(pipeline, rows, since)),
    )


def _is_apart(policy: Policy | None) -> bool:
    return any(entry.map.get("offsets") for entry in (policy.calibrators if policy else ()))


def _count(row: Sequence[Any]) -> Count:
    start, model, model_version, prompt_version, rate, claims, sampled, labelled, right, confidence, _ = row
    subject = Subject(model, model_version, prompt_version)
    sums = int(claims), int(sampled), int(labelled), int(right)
    return Count(start, subject, rate, *sums, float(confidence) / UNITS)


def _height(row: Sequence[Any]) -> Height:
    start, model, model_version, prompt_version, category, segments, claims, confidence = row
    pairs = segments.items() if isinstance(segments, dict) else ()
    names = ((f"category={category}",) if category else ()) + tuple(f"{key}={value}" for key, value in sorted(pairs))
    mean = min(max(float(confidence) / UNITS / int(claims), 0.0), 1.0)
    return Height(start, Subject(model, model_version, prompt_version), names, int(claims), mean)


def _models(pipeline: Pipeline) -> tuple[str, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT model FROM calibration_cell WHERE pipeline_id = %s AND scored_by = ''"
            " GROUP BY model ORDER BY sum(claims) DESC, model LIMIT %s",
            [pipeline.pk, MOST_MODELS],
        )
        return tuple(row[0] for row in cursor.fetchall())


def _changes(pipeline: Pipeline, rows: Sequence[Sequence[Any]], since: date) -> list[Change]:
    """Versions that first came up after the window's first day with claims, and policies that began to decide."""
    first: dict[Subject, date] = {}
    for row in rows:
        subject = Subject(*row[1:4])
        first[subject] = min(first.get(subject, row[10]), row[10])
    begun = min(first.values(), default=since)
    found = [
        Change(day, "model", " ".join(filter(None, subject)), subject.model_version)
        for subject, day in first.items()
        if day > begun
    ]
    beginning = datetime(since.year, since.month, since.day, tzinfo=UTC)
    versions = pipeline.policies.filter(activated_at__gte=beginning).order_by("-activated_at")
    for number, at in versions.values_list("number", "activated_at")[:MOST_CHANGES]:
        if at:
            found.append(Change(at.astimezone(UTC).date(), "policy", str(number), f"policy {number}"))
    return sorted(found, key=lambda change: (change.at, change.kind, change.name))[-MOST_CHANGES:]


# --- from counts to stretches. Pure -----------------------------------------------------------------------------------


def stretches_of(
    starts: Sequence[date],
    counts: Sequence[Count],
    heights: Sequence[Height],
    common: Mapping[date, tuple[int, int]],
    policy: Policy | None,
) -> tuple[tuple[Stretch, ...], date | None]:
    """One for every start, and the start of the last one of the reference: the first ones with claims enough."""
    counted: dict[date, list[Count]] = defaultdict(list)
    drawn: dict[date, list[Height]] = defaultdict(list)
    for count in counts:
        counted[count.start].append(count)
    for height in heights:
        drawn[height.start].append(height)
    reference, until = _reference(starts, drawn)
    edges = _edges(reference)
    known = _binned(reference, edges)
    return (
        tuple(
            _stretch(
                start,
                counted[start],
                drawn[start],
                common.get(start, (0, 0)),
                policy,
                _moved(drawn[start], edges, known) if until and start > until else (None, False),
            )
            for start in starts
        ),
        until,
    )


def _reference(starts: Sequence[date], drawn: Mapping[date, list[Height]]) -> tuple[list[Height], date | None]:
    """The first stretches that together hold claims enough to compare with."""
    found: list[Height] = []
    for start in starts:
        found += drawn.get(start, [])
        if sum(height.claims for height in found) >= REFERENCE_CLAIMS:
            return found, start
    return [], None


def _edges(reference: Sequence[Height]) -> FloatArray:
    """Between tenths of the reference; equal confidences stay together."""
    if not reference:
        return np.empty(0)
    n = [height.claims for height in reference]
    cells = cells_of_counts([height.confidence for height in reference], n, np.zeros(len(n)))
    edges: FloatArray = np.unique(cells.confidence[quantile_places(cells.n, np.arange(1, BINS) / BINS)])
    below: FloatArray = edges[edges < cells.confidence[-1]]
    return below


def _binned(heights: Sequence[Height], edges: FloatArray) -> FloatArray:
    place = np.searchsorted(edges, [height.confidence for height in heights])
    claims = np.array([height.claims for height in heights], dtype=np.float64)
    return binned(claims, place, len(edges) + 1)


def _moved(heights: Sequence[Height], edges: FloatArray, known: FloatArray) -> tuple[float | None, bool]:
    if not heights:
        return None, False
    found = psi_of_counts(known, _binned(heights, edges))
    return found.value, found.value > PAGE_PSI and found.p < PAGE_P


def _stretch(
    start: date,
    counts: Sequence[Count],
    heights: Sequence[Height],
    common: tuple[int, int],
    policy: Policy | None,
    moved: tuple[float | None, bool],
) -> Stretch:
    claims = sum(count.claims for count in counts)
    measured = band_accuracy(_strata(counts))
    return Stretch(
        start=start,
        claims=claims,
        mean_confidence=sum(count.confidence for count in counts) / claims if claims else None,
        labels=measured.n,
        accuracy=measured.est,
        low=measured.lo,
        high=measured.hi,
        expected=_expected(heights, policy),
        most_common_share=common[0] / claims if claims else None,
        distinct=common[1],
        psi=moved[0],
        moved=moved[1],
    )


def _strata(counts: Sequence[Count]) -> list[Stratum]:
    """One per audit rate."""
    by_rate: dict[float, list[Count]] = defaultdict(list)
    for count in counts:
        by_rate[count.audit_rate].append(count)
    return [
        Stratum(
            claims=sum(count.claims for count in group),
            sampled=sum(count.sampled for count in group),
            labelled=sum(count.labelled for count in group),
            right=sum(count.right for count in group),
            pending=sum(count.sampled - count.labelled for count in group),
            rate=rate,
        )
        for rate, group in sorted(by_rate.items())
    ]


def _expected(heights: Sequence[Height], policy: Policy | None) -> float | None:
    """Mean calibrated confidence of the claims whose model has a calibrator of confidence alone; None without one."""
    by_subject: dict[Subject, list[Height]] = defaultdict(list)
    for height in heights:
        by_subject[height.subject].append(height)
    total, claims = 0.0, 0
    for subject, group in by_subject.items():
        entry = policy.calibrator_of.get(subject) if policy else None
        params = cast("dict[str, Any]", thawed(entry.map)) if entry else {}
        if map_problems(params):
            continue
        offsets = params.get("offsets") or {}
        segments = [next((name for name in height.names if name in offsets), None) for height in group]
        p = predict(params, [height.confidence for height in group], segments if offsets else None)
        n = np.array([height.claims for height in group], dtype=float)
        total, claims = total + float(p @ n), claims + int(n.sum())
    return total / claims if claims else None
