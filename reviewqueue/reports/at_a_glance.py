"""A pipeline at a glance: what went where, what is right of it, what waits, and what to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.queue_rules import rules_of
from reviewqueue.policy.document import ReviewTerms
from reviewqueue.policy.selectors import ActivePolicy, active_policy
from reviewqueue.reports.alarm import Alarm, Seen
from reviewqueue.reports.alarms import alarms_of
from reviewqueue.reports.flow import Flow, flow_since
from reviewqueue.reports.overview import Depth, depth
from reviewqueue.reports.plain import plain
from reviewqueue.reports.remeasurement import Remeasurement, remeasurements
from reviewqueue.reports.workload import Workload, workload_of


@dataclass(frozen=True, slots=True)
class Glance:
    days: int
    active: ActivePolicy | None
    flow: Flow
    depth: Depth
    workload: Workload
    alarms: list[Alarm]
    again: list[Remeasurement]


def glance_at(pipeline: Pipeline, *, days: int, now: datetime) -> Glance:
    active = active_policy(pipeline.pk)
    flow = flow_since(pipeline, active.policy if active else None, days=days, now=now)
    waiting = depth(pipeline)
    workload = workload_of(pipeline, due_hours=_due_hours(pipeline, active, now), now=now)
    again = remeasurements([pipeline], now=now).get(pipeline.pk, [])
    seen = Seen(pipeline, active, flow, waiting, workload, now, again)
    return Glance(days, active, flow, waiting, workload, alarms_of(seen), again)


def _due_hours(pipeline: Pipeline, active: ActivePolicy | None, now: datetime) -> float:
    """How long a claim that came in now could wait for its label, in hours of the clock."""
    minutes = active.policy.review.due_minutes if active else ReviewTerms().due_minutes
    due_at = rules_of(pipeline.queue_rules).due_at(now, minutes)
    return (due_at - now).total_seconds() / 3600


def glance_figures(glance: Glance) -> dict[str, Any]:
    """As JSON values."""
    flow = glance.flow
    return {
        "days": glance.days,
        "since": plain(flow.since),
        "is_cut": flow.is_cut,
        "policy_version": glance.active.number if glance.active else None,
        "claims": flow.claims,
        "coverage": flow.coverage,
        "selective_risk": plain(flow.risk),
        "flow": plain(flow.streams),
        "queue": plain(glance.depth),
        "work": {
            "arrived": glance.workload.arrived,
            "done": glance.workload.done,
            "hours": plain(glance.workload.hours),
            "forecast": plain(glance.workload.forecast),
        },
        "alarms": [
            {"code": alarm.code, "tone": alarm.tone, "title": alarm.title, "text": alarm.text}
            for alarm in glance.alarms
        ],
    }
