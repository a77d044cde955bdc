"""What waits for people in a pipeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.counting import COUNTED, Count, counts
from reviewqueue.review.models import ReviewTask


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
