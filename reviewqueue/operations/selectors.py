from __future__ import annotations

from dataclasses import dataclass

from django.db.models.functions import Now

from reviewqueue.operations.models import SweepRun


@dataclass(frozen=True, slots=True)
class SweepState:
    """Seconds since a sweep last began and last ended well (None: never), and whether its last run failed."""

    name: str
    began_ago: float
    ended_ago: float | None
    failed: bool


def sweep_states() -> list[SweepState]:
    """Every sweep that ever ran, by name. Ages are by the database's clock."""
    return [_state(run) for run in SweepRun.objects.annotate(now=Now()).order_by("name")]


def _state(run: SweepRun) -> SweepState:
    now = run.now  # type: ignore[attr-defined]  # annotated above
    failed = run.failed_at is not None and (run.finished_at is None or run.failed_at > run.finished_at)
    ended_ago = (now - run.finished_at).total_seconds() if run.finished_at else None
    return SweepState(run.name, (now - run.started_at).total_seconds(), ended_ago, failed)
