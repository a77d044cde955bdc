"""What golden sets do by themselves: see which versions are in traffic, tell what is late, add intervals to figures."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.utils import timezone

from reviewqueue.golden import measuring
from reviewqueue.golden.due import TRAFFIC_DAYS, Due, due_for, sets_in_use
from reviewqueue.golden.models import GoldenRun, LateNotice, TrafficMark
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

CLAIMS_AT_ONCE: Final = 20_000
MOST_PAGES: Final = 10
OVERLAP: Final = timedelta(minutes=2)
"""Longer than the transaction of a batch, so that claims that were committed late are seen all the same."""

# Ids begin with their time, and the index goes by pipeline and id: a page is one range of it, whatever there is beyond.
_SEE: Final = """
    WITH page AS (
        SELECT id, model, model_version, prompt_version, received_at FROM claims_claim
         WHERE pipeline_id = %(pipeline)s AND id > %(after)s ORDER BY id LIMIT %(limit)s),
    seen AS (
        INSERT INTO golden_seenversion AS known
               (pipeline_id, model, model_version, prompt_version, first_seen_at, last_seen_at)
        SELECT %(pipeline)s, model, model_version, prompt_version, min(received_at), max(received_at)
          FROM page GROUP BY model, model_version, prompt_version ORDER BY model, model_version, prompt_version
        ON CONFLICT (pipeline_id, model, model_version, prompt_version) DO UPDATE
           SET first_seen_at = least(known.first_seen_at, excluded.first_seen_at),
               last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at)
         WHERE (known.first_seen_at, known.last_seen_at) <> (least(known.first_seen_at, excluded.first_seen_at),
                                                             greatest(known.last_seen_at, excluded.last_seen_at))
        RETURNING 1)
    SELECT (SELECT count(*) FROM page), (SELECT id FROM page ORDER BY id DESC LIMIT 1), (SELECT count(*) FROM seen)"""


def watch_traffic(*, now: datetime | None = None) -> int:
    """Sees which versions came in since the last look, where something says until when they are to be measured: an
    active policy or a golden set in use. Returns how many moved.
    """
    now = now or timezone.now()
    pipelines = {each.pipeline_id: each.pipeline for each in sets_in_use(_watched())}
    active = Pipeline.objects.filter(policies__status=PolicyStatus.ACTIVE)
    pipelines |= {each.pk: each for each in active.order_by("pk")}
    return sum(_see(pipeline, now) for pipeline in pipelines.values())


def _watched() -> list[Pipeline]:
    return list(Pipeline.objects.filter(golden_sets__isnull=False).distinct().order_by("pk"))


def _see(pipeline: Pipeline, now: datetime) -> int:
    mark = TrafficMark.objects.filter(pipeline=pipeline).first()
    after = _id_at(now - timedelta(days=TRAFFIC_DAYS)) if mark is None else _earlier(mark.claim_id)
    moved = 0
    for _ in range(MOST_PAGES):
        number, last, seen = _see_page(pipeline, after)
        moved += seen
        if last is not None:
            after = last
        if number < CLAIMS_AT_ONCE:
            break
    return moved


@service
def _see_page(pipeline: Pipeline, after: UUID) -> tuple[int, UUID | None, int]:
    with connection.cursor() as cursor:
        cursor.execute(_SEE, {"pipeline": pipeline.pk, "after": after, "limit": CLAIMS_AT_ONCE})
        number, last, seen = cursor.fetchone()
    if last is not None:
        TrafficMark.objects.update_or_create(pipeline=pipeline, defaults={"claim_id": last})
    return number, last, seen


def _id_at(moment: datetime) -> UUID:
    """Below every id that was made then or later."""
    return UUID(int=max(int(moment.timestamp() * 1_000), 0) << 80)


def _earlier(claim_id: UUID) -> UUID:
    return _id_at(datetime.fromtimestamp((claim_id.int >> 80) / 1_000, UTC) - OVERLAP)


def watch_due(*, now: datetime | None = None) -> int:
    """Tells what is late, once until it is measured: an entry in the ledger, from which webhooks go out; returns how
    many are late.
    """
    now = now or timezone.now()
    late = 0
    for pipeline in _watched():
        found = [due for due in due_for(pipeline, now=now) if due.late]
        late += len(found)
        for due in found:
            log.error(
                "golden sets: %s of %s is due to be measured by %s since %s",
                *(due.model_version, pipeline.slug, due.golden_set.name, due.due_at.isoformat(timespec="minutes")),
            )
        _tell(pipeline, found, now)
    return late


@service
def _tell(pipeline: Pipeline, late: list[Due], now: datetime) -> None:
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)  # two looks at once would tell it twice
    open_notices = {
        (notice.golden_set_id, notice.model, notice.model_version, notice.prompt_version): notice
        for notice in LateNotice.objects.filter(golden_set__pipeline=pipeline, ended_at__isnull=True)
    }
    for due in late:
        if open_notices.pop((due.golden_set.pk, *due.subject), None) is None:
            _raise(due, now)
    for notice in open_notices.values():
        notice.ended_at = now
        notice.save(update_fields=["ended_at"])


def _raise(due: Due, now: datetime) -> None:
    entry = ledger.append(
        event="golden.overdue",
        actor=Actor.system("golden"),
        pipeline=due.golden_set.pipeline.slug,
        golden_set=due.golden_set.name,
        model=due.model,
        model_version=due.model_version,
        prompt_version=due.prompt_version,
        reason=due.reason,
        due_us=microseconds(due.due_at),
        owner=str(due.owner.pseudonym),
    )
    LateNotice.objects.create(
        golden_set=due.golden_set,
        model=due.model,
        model_version=due.model_version,
        prompt_version=due.prompt_version,
        due_at=due.due_at,
        raised_at=now,
        event_id=entry.id,
    )


RUNS_AT_ONCE: Final = 5


def measure_runs() -> int:
    """Adds bootstrap intervals to the figures of finished runs, a few at a time; returns how many."""
    waiting = GoldenRun.objects.filter(exact_report=False, finished_at__isnull=False).order_by("finished_at")
    runs = list(waiting[:RUNS_AT_ONCE])
    for run in runs:
        _keep_report(run, measuring.with_intervals(measuring.answers_of(run)))
    return len(runs)


@service
def _keep_report(run: GoldenRun, report: dict[str, object]) -> None:
    """What the policy of its time promised stays as it was."""
    of_its_time = {name: (run.report or {}).get(name) for name in ("promises", "policy_version")}
    GoldenRun.objects.filter(pk=run.pk, exact_report=False).update(report={**of_its_time, **report}, exact_report=True)
