"""Watching the confidences themselves: when they move beyond doubt, people decide until a person has looked.

Drift of the score says nothing of accuracy, and it is what can be seen before labels come in (docs/calibration.md).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import connection
from django.db.models import Max
from django.utils import timezone

from calibration.core.drift import ConfidenceDrift, confidence_drift
from calibration.evidence import Subject, first_id
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import Breaker, BreakerCause
from reviewqueue.policy.selectors import EVERY_MODEL, active_policy
from reviewqueue.policy.services import trip_breaker
from reviewqueue.transactions import service

WINDOWS: Final = (timedelta(days=1), timedelta(days=7))
"""What is compared with everything before it: the last day, or the last week where a day brings too few claims."""
MEMORY: Final = timedelta(days=28)
FEWEST_NOW: Final = 200
FEWEST_BEFORE: Final = 500
LOOKS_A_DAY: Final = 144
"""How often the sweep runs: the chance of a false alarm is kept below 1 in 1,000 per day and pipeline."""


@dataclass(frozen=True, slots=True)
class Confidences:
    """Of one subject: values, how many claims stated each, and how many windows each group is too old for."""

    values: npt.NDArray[np.float64]
    claims: npt.NDArray[np.int64]
    age: npt.NDArray[np.int64]

    def now(self, window: int) -> npt.NDArray[np.float64]:
        return self._of(self.age <= window)

    def before(self, window: int) -> npt.NDArray[np.float64]:
        return self._of(self.age > window)

    def _of(self, chosen: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        return np.repeat(self.values[chosen], self.claims[chosen])


@dataclass(frozen=True, slots=True)
class Finding:
    subject: Subject
    window: timedelta
    claims_before: int
    claims_now: int
    drift: ConfidenceDrift


def watch_drift() -> int:
    """Returns how many breakers were tripped."""
    return sum(watch_pipeline(pipeline) for pipeline in Pipeline.objects.order_by("id"))


def watch_pipeline(pipeline: Pipeline, *, now: datetime | None = None) -> int:
    now = now or timezone.now()
    found = [each for each in drifts(_confidences(pipeline, _watched(pipeline), now)) if each.drift.page]
    for finding in found:
        _stop(pipeline, finding, now)
    return len(found)


def drifts(by_subject: Mapping[Subject, Confidences]) -> list[Finding]:
    """One comparison per subject that has claims enough, in the shortest window that has. Pure."""
    findings = []
    for subject, confidences in by_subject.items():
        for place, window in enumerate(WINDOWS):
            now, before = confidences.now(place), confidences.before(place)
            if len(now) >= FEWEST_NOW and len(before) >= FEWEST_BEFORE:
                drift = confidence_drift(before, now, segments=len(by_subject) * LOOKS_A_DAY)
                findings.append(Finding(subject, window, len(before), len(now), drift))
                break
    return findings


def _watched(pipeline: Pipeline) -> set[Subject]:
    """Models that may decide by themselves: calibrated by the active policy, and not stopped already."""
    active = active_policy(pipeline.pk)
    if active is None:
        return set()
    names = Breaker.objects.filter(pipeline=pipeline, reset_at__isnull=True)
    stopped = {Subject(*each) for each in names.values_list("model", "model_version", "prompt_version")}
    if Subject(*EVERY_MODEL) in stopped:
        return set()
    return {Subject(*each) for each in active.policy.calibrator_of} - stopped


_CONFIDENCES = """
    SELECT c.model, c.model_version, c.prompt_version, c.confidence,
           CASE WHEN c.received_at >= %(now)s - %(day)s::interval THEN 0
                WHEN c.received_at >= %(now)s - %(week)s::interval THEN 1 ELSE 2 END AS age,
           count(*)
      FROM unnest(%(models)s::text[], %(versions)s::text[], %(prompts)s::text[], %(since)s::timestamptz[])
           AS watched (model, model_version, prompt_version, since)
      JOIN claims_claim c ON c.model = watched.model AND c.model_version = watched.model_version
                         AND c.prompt_version = watched.prompt_version AND c.received_at >= watched.since
     WHERE c.pipeline_id = %(pipeline)s AND c.id >= %(first)s
     GROUP BY 1, 2, 3, 4, 5"""


def _confidences(pipeline: Pipeline, subjects: Collection[Subject], now: datetime) -> dict[Subject, Confidences]:
    """Since MEMORY, or since a person said that what is now is as good as what was before."""
    if not subjects:
        return {}
    watched = sorted(subjects)
    looked = _last_resets(pipeline)
    day, week = WINDOWS
    named: dict[str, Any] = {
        "pipeline": pipeline.pk,
        "now": now,
        "day": day,
        "week": week,
        "models": [each.model for each in watched],
        "versions": [each.model_version for each in watched],
        "prompts": [each.prompt_version for each in watched],
        "since": [max(now - MEMORY, looked.get(each, now - MEMORY)) for each in watched],
        "first": first_id(now - MEMORY),
    }
    rows: dict[Subject, list[tuple[float, int, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_CONFIDENCES, named)
        for model, model_version, prompt_version, confidence, age, claims in cursor.fetchall():
            rows.setdefault(Subject(model, model_version, prompt_version), []).append((confidence, claims, age))
    return {subject: _columns(each) for subject, each in rows.items()}


def _columns(rows: list[tuple[float, int, int]]) -> Confidences:
    values, claims, age = zip(*rows, strict=True)
    return Confidences(np.array(values, dtype=float), np.array(claims), np.array(age))


def _last_resets(pipeline: Pipeline) -> dict[Subject, datetime]:
    resets = Breaker.objects.filter(pipeline=pipeline, cause=BreakerCause.DRIFT, reset_at__isnull=False)
    by_name = resets.values_list("model", "model_version", "prompt_version").annotate(last=Max("reset_at"))
    return {Subject(*each[:3]): each[3] for each in by_name}


@service
def _stop(pipeline: Pipeline, finding: Finding, now: datetime) -> None:
    trip_breaker(pipeline=pipeline, subject=finding.subject, figures=_figures(finding, now), now=now)


def _figures(finding: Finding, now: datetime) -> dict[str, Any]:
    """As the ledger holds them: whole numbers. Confidences that moved and have values never seen before hint at a swap
    that nobody declared."""
    return {
        "claims_before": finding.claims_before,
        "claims_now": finding.claims_now,
        "psi_thousandths": round(finding.drift.psi.value * 1000),
        "distance_ppm": round(finding.drift.distance * 1_000_000),
        "suspected_swap": finding.drift.new_values,
        "window_from_us": round((now - finding.window).timestamp() * 1_000_000),
        "window_to_us": round(now.timestamp() * 1_000_000),
    }
