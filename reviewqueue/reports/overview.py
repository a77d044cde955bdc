"""A pipeline at a glance: what went where, and what waits for people."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Count as Number

from reviewqueue.claims.models import Decision, Route
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.counting import COUNTED, Count, counts
from reviewqueue.review.models import Label, ReviewTask


@dataclass(frozen=True, slots=True)
class Depth:
    """Labels still wanted: how many, how many of them are late, when the next is due, how old the oldest is.

    With `has_more` the numbers are of the most urgent ones only, and there may be more.
    """

    open: int
    overdue: int
    next_due_at: datetime | None
    has_more: bool
    oldest_at: datetime | None = None


def routes_since(pipeline: Pipeline, since: datetime) -> dict[str, int]:
    """Standing decisions by route, in the order of the routes, zero included."""
    rows = Decision.objects.filter(pipeline=pipeline, standing=True, decided_at__gte=since)
    counts = dict(rows.values_list("route").annotate(n=Number("id")))
    return {route.value: counts.get(route.value, 0) for route in Route}


def labels_since(pipeline: Pipeline, since: datetime) -> int:
    return Label.objects.filter(task__pipeline=pipeline, revision=0, created_at__gte=since).count()


def depth(pipeline: Pipeline) -> Depth:
    [found] = depths([pipeline]).values()
    open_tasks = ReviewTask.objects.filter(pipeline=pipeline, closed_at__isnull=True)
    oldest_at = open_tasks.order_by("id").values_list("created_at", flat=True).first()
    return replace(found, oldest_at=oldest_at)


def depths(pipelines: list[Pipeline]) -> dict[int, Depth]:
    """By pipeline id, each of them, in one query, whatever waits; the age of the oldest is not looked up."""
    places = [pipeline.pk for pipeline in pipelines]
    found: dict[int, list[Count]] = {place: [] for place in places}
    for count in counts(None, pipelines=places, seniors_in=places, most=COUNTED):
        found[count.pipeline_id].append(count)
    return {place: _depth(each) for place, each in found.items()}


def _depth(found: list[Count]) -> Depth:
    seen = sum(count.seen for count in found)
    return Depth(
        open=seen,
        overdue=sum(count.overdue for count in found),
        next_due_at=min((count.next_due_at for count in found), default=None),
        has_more=seen >= COUNTED,
    )
