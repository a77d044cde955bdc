"""Work that comes in against work that gets done, and when the first due time would be missed at that pace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from calibration.evidence import first_id
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.counting import COUNTED
from reviewqueue.review.models import Purpose, ReviewSlot

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Hour:
    """Labels that claims of this hour asked for, and labels that were given in it."""

    at: datetime
    arrived: int
    done: int


@dataclass(frozen=True, slots=True)
class Forecast:
    """When the first label would come late, at the pace of the last day. `kind`:

    nothing_waits; on_time; late (some are already); will_miss (a waiting one, at `misses_at`); falls_behind (more comes
    in than gets done: what arrives from then on comes too late); nobody_works (labels wait, none was given in a day).
    """

    kind: str
    arrived_per_hour: float
    done_per_hour: float
    misses_at: datetime | None


@dataclass(frozen=True, slots=True)
class Workload:
    hours: tuple[Hour, ...]
    forecast: Forecast

    @property
    def arrived(self) -> int:
        return sum(hour.arrived for hour in self.hours)

    @property
    def done(self) -> int:
        return sum(hour.done for hour in self.hours)


# Ids begin with their time, so both parts read the last day of a primary key and nothing older. Gold tasks are made
# when somebody takes work: they are no work that came in.
_BY_HOUR: Final = """
    SELECT date_trunc('hour', at) AS hour, sum(arrived), sum(done)
      FROM (SELECT created_at AS at, labels_needed AS arrived, 0 AS done
              FROM review_reviewtask
             WHERE id >= %(first)s AND pipeline_id = %(pipeline)s AND purpose <> 'gold'
             UNION ALL
            SELECT label.created_at, 0, 1
              FROM review_label AS label JOIN review_reviewtask AS task ON task.id = label.task_id
             WHERE label.id >= %(first)s AND label.revision = 0 AND task.pipeline_id = %(pipeline)s
               AND task.purpose <> 'gold') AS work
     WHERE at >= %(since)s GROUP BY 1"""


def workload_of(pipeline: Pipeline, *, due_hours: float, now: datetime) -> Workload:
    """`due_hours` is how long a new claim may wait for its label. Three queries, each of bounded size."""
    hours = _hours(pipeline, now)
    waiting = _due_times(pipeline)
    forecast = forecast_of(
        waiting,
        arrived=sum(hour.arrived for hour in hours),
        done=sum(hour.done for hour in hours),
        due_hours=due_hours,
        now=now,
    )
    return Workload(hours, forecast)


def _hours(pipeline: Pipeline, now: datetime) -> tuple[Hour, ...]:
    """The last 24, oldest first, the running one included."""
    running = now.replace(minute=0, second=0, microsecond=0)
    since = running - timedelta(hours=HOURS - 1)
    with connection.cursor() as cursor:
        cursor.execute(_BY_HOUR, {"pipeline": pipeline.pk, "first": first_id(since), "since": since})
        found = {hour: (int(arrived), int(done)) for hour, arrived, done in cursor.fetchall()}
    starts = [since + timedelta(hours=place) for place in range(HOURS)]
    return tuple(Hour(start, *found.get(start, (0, 0))) for start in starts)


def _due_times(pipeline: Pipeline) -> list[datetime]:
    """Of the most urgent waiting slots, in the order they are worked on."""
    found: list[tuple[datetime, datetime]] = []
    for seniors_only in (False, True):
        slots = ReviewSlot.objects.filter(pipeline=pipeline, done=False, seniors_only=seniors_only)
        turns = slots.order_by("turn", "id").values_list("turn", "due_at", "purpose")[:COUNTED]
        found += [(turn, due_at) for turn, due_at, purpose in turns if purpose != Purpose.GOLD]
    return [due_at for _, due_at in sorted(found)]


def forecast_of(
    waiting: Sequence[datetime], *, arrived: int, done: int, due_hours: float, now: datetime, hours: int = HOURS
) -> Forecast:
    """`waiting` holds due times in the order of work; `arrived` and `done` are labels of the last so many hours."""
    arriving, pace = arrived / hours, done / hours
    kind, misses_at = _first_miss(waiting, arriving, pace, due_hours, now)
    return Forecast(kind, arriving, pace, misses_at)


def _first_miss(
    waiting: Sequence[datetime], arriving: float, pace: float, due_hours: float, now: datetime
) -> tuple[str, datetime | None]:
    if any(due_at <= now for due_at in waiting):
        return "late", min(waiting)
    if not pace:
        return ("nobody_works", min(waiting)) if waiting else ("nothing_waits", None)
    missed = [due_at for place, due_at in enumerate(waiting, start=1) if now + timedelta(hours=place / pace) > due_at]
    behind = _falls_behind(len(waiting), arriving, pace, due_hours, now)
    if missed and (behind is None or min(missed) <= behind):
        return "will_miss", min(missed)
    if behind is not None:
        return "falls_behind", behind
    return ("on_time", None) if waiting else ("nothing_waits", None)


FARTHEST: Final = 24 * 30
"""Hours: beyond a month the pace of one day says nothing."""


def _falls_behind(waiting: int, arriving: float, pace: float, due_hours: float, now: datetime) -> datetime | None:
    """When a label comes late that is asked for only later, because the queue grows until it is too long."""
    growth = arriving - pace
    if growth <= 0:
        return None
    room = max(pace * due_hours - waiting, 0.0)
    hours = room / growth + due_hours
    return now + timedelta(hours=hours) if hours <= FARTHEST else None
