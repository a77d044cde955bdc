"""A pipeline at a glance: what went where, and what waits for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min, Q

from reviewqueue.claims.models import Decision, Route
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Label, ReviewSlot


@dataclass(frozen=True, slots=True)
class Depth:
    """Labels still wanted: how many, how many of them are late, when the next is due, how old the oldest is."""

    open: int
    overdue: int
    next_due_at: datetime | None
    oldest_at: datetime | None


def routes_since(pipeline: Pipeline, since: datetime) -> dict[str, int]:
    """Standing decisions by route, in the order of the routes, zero included."""
    rows = Decision.objects.filter(pipeline=pipeline, standing=True, decided_at__gte=since)
    counts = dict(rows.values_list("route").annotate(n=Count("id")))
    return {route.value: counts.get(route.value, 0) for route in Route}


def labels_since(pipeline: Pipeline, since: datetime) -> int:
    return Label.objects.filter(task__pipeline=pipeline, revision=0, created_at__gte=since).count()


def depth(pipeline: Pipeline, now: datetime) -> Depth:
    rows = ReviewSlot.objects.filter(pipeline=pipeline, done=False)
    return Depth(
        **rows.aggregate(
            open=Count("id"),
            overdue=Count("id", filter=Q(due_at__lt=now)),
            next_due_at=Min("due_at"),
            oldest_at=Min("task__created_at"),
        )
    )


def depths(pipelines: list[Pipeline]) -> dict[int, int]:
    """Labels still wanted by pipeline id; those with none are left out."""
    rows = ReviewSlot.objects.filter(pipeline__in=pipelines, done=False)
    return dict(rows.values_list("pipeline_id").annotate(n=Count("id")))
