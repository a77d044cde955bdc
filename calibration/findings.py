"""What the monitors found, and how they stand: of the confidences, of the promises, and of the calibration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from calibration.evidence import Subject
from calibration.models import Finding, FindingKind, Monitor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import Breaker, BreakerCause
from reviewqueue.policy.selectors import active_policy

MOST_FINDINGS: Final = 200
MOST_MONITORS: Final = 500

CONFIDENCE: Final = "confidence"
"""The kind of what is seen in the confidences alone, before any label."""


@dataclass(frozen=True, slots=True)
class Found:
    """One finding. `is_open`: nobody has reset its breaker yet, or the calibrator it speaks of is still in use."""

    kind: str
    subject: Subject
    band: str | None
    calibrator: str | None
    found_at: datetime
    figures: Mapping[str, Any]
    breaker: int | None
    is_open: bool


def drift_findings(pipeline: Pipeline) -> list[Found]:
    """The last 200 of every kind together, newest first."""
    moved = pipeline.breakers.filter(cause=BreakerCause.DRIFT).order_by("-tripped_at", "-pk")[:MOST_FINDINGS]
    seen = pipeline.findings.select_related("breaker").order_by("-found_at", "-pk")[:MOST_FINDINGS]
    active = active_policy(pipeline.pk)
    in_use = {entry.name for entry in active.policy.calibrators} if active else set()
    found = [*map(_of_breaker, moved), *(_of_finding(each, in_use) for each in seen)]
    return sorted(found, key=lambda each: each.found_at, reverse=True)[:MOST_FINDINGS]


def _of_breaker(breaker: Breaker) -> Found:
    return Found(
        kind=CONFIDENCE,
        subject=Subject(breaker.model, breaker.model_version, breaker.prompt_version),
        band=None,
        calibrator=None,
        found_at=breaker.tripped_at,
        figures=breaker.figures,
        breaker=breaker.pk,
        is_open=breaker.is_open,
    )


def _of_finding(finding: Finding, in_use: set[str]) -> Found:
    return Found(
        kind=finding.kind,
        subject=Subject(finding.model, finding.model_version, finding.prompt_version),
        band=finding.band or None,
        calibrator=finding.calibrator,
        found_at=finding.found_at,
        figures=finding.figures,
        breaker=finding.breaker_id,
        is_open=finding.breaker.is_open if finding.breaker else finding.calibrator in in_use,
    )


def monitors(pipeline: Pipeline) -> list[Monitor]:
    """How every stream under watch stands, the closest to an alarm first."""
    rows = list(Monitor.objects.filter(pipeline=pipeline).order_by("pk")[:MOST_MONITORS])
    return sorted(rows, key=lambda row: -row.statistic / row.threshold)


def calibrators_in_doubt(pipeline: Pipeline) -> dict[Subject, datetime]:
    """Where labels have shown that the calibrator in use does not hold: when that was last seen.

    Its numbers are stale, and another one is to be fitted.
    """
    active = active_policy(pipeline.pk)
    if active is None:
        return {}
    found = Finding.objects.filter(
        pipeline=pipeline,
        kind=FindingKind.CALIBRATION,
        calibrator__in=[entry.name for entry in active.policy.calibrators],
    )
    rows = found.order_by("found_at").values_list("model", "model_version", "prompt_version", "found_at")
    return {Subject(*row[:3]): row[3] for row in rows}
