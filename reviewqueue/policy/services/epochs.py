"""The keys of the audit sample turn over by themselves: committed to a month ahead, revealed when out of use."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.times import microseconds
from reviewqueue.policy.epochs import Month, this_and_next
from reviewqueue.policy.keys import sampling_key
from reviewqueue.policy.models import PolicyVersion, SamplingEpoch
from reviewqueue.policy.sampling import commitment
from reviewqueue.policy.services.held import active_version, hold_pipeline
from reviewqueue.transactions import joins_transaction, service

log = logging.getLogger(__name__)

GRACE: Final = timedelta(hours=1)
"""How long a key stays secret after intake has begun to use another: far longer than any request that took the old."""
ACTOR: Final = Actor.system("policy")
_COUNTS: Final = """
    SELECT round(audit_rate * 1000000)::int, count(*), count(*) FILTER (WHERE audit_sampled)
      FROM claims_decision
     WHERE pipeline_id = %s AND number = 1 AND route IN ('accept', 'reject') AND facts ->> 'epoch' = %s
     GROUP BY 1 ORDER BY 1"""


def commit_epochs(version: PolicyVersion, now: datetime) -> int:
    """Before the first claim is drawn under a key, its commitment stands in the ledger: for this month and the next.

    Joins the caller's transaction, which holds the pipeline.
    """
    joins_transaction()
    base = version.document["sampling"]["epoch"]
    months = {month.name(base): month for month in this_and_next(now)}
    known = SamplingEpoch.objects.filter(pipeline=version.pipeline_id, name__in=months)
    for name in (missing := months.keys() - set(known.values_list("name", flat=True))):
        _commit(version, base, name, months[name], now)
    return len(missing)


def _commit(version: PolicyVersion, base: str, name: str, month: Month, now: datetime) -> None:
    fixed = commitment(sampling_key(version.pipeline.slug, name))
    entry = ledger.append(
        event="sample.epoch_committed",
        actor=ACTOR,
        pipeline=version.pipeline.slug,
        epoch=name,
        commitment=fixed,
        **_span(month.start, month.end),
    )
    SamplingEpoch.objects.create(
        pipeline_id=version.pipeline_id,
        base=base,
        name=name,
        commitment=fixed,
        starts_at=month.start,
        ends_at=month.end,
        committed_at=now,
        event_id=entry.id,
    )


def turn_epochs(now: datetime | None = None) -> int:
    """The sweep: commits ahead, counts what was drawn, and reveals the keys that nothing is drawn with any more."""
    pipelines = SamplingEpoch.objects.values_list("pipeline", flat=True)
    active = PolicyVersion.objects.filter(status="active").values_list("pipeline", flat=True)
    moment = now or timezone.now()
    return sum(_turn(pipeline_id=pipeline_id, now=moment) for pipeline_id in sorted({*pipelines, *active}))


@service
def _turn(*, pipeline_id: int, now: datetime) -> int:
    hold_pipeline(pipeline_id)
    active = active_version(pipeline_id)
    turned = commit_epochs(active, now) if active else 0
    for epoch in SamplingEpoch.objects.filter(pipeline=pipeline_id, revealed_at=None, starts_at__lte=now):
        if epoch.ends_at + GRACE <= now and not _in_use(epoch, active, now):
            turned += _reveal(epoch, now)
        elif epoch.counted_at is None or epoch.counted_at <= now - timedelta(days=1):
            _count(epoch, now)
    return turned


def _in_use(epoch: SamplingEpoch, active: PolicyVersion | None, now: datetime) -> bool:
    """Whether intake may draw with its key, or has only just stopped to."""
    before = now - GRACE
    if active is None:
        return False
    if active.document["sampling"]["epoch"] != epoch.base:
        return active.activated_at is None or active.activated_at > before
    newer = SamplingEpoch.objects.filter(pipeline=epoch.pipeline_id, base=epoch.base, committed_at__lte=before)
    after = Q(starts_at__gt=epoch.starts_at) | Q(starts_at=epoch.starts_at, pk__gt=epoch.pk)
    return not newer.filter(after, starts_at__lte=before).exists()


def _reveal(epoch: SamplingEpoch, now: datetime) -> int:
    key = sampling_key(epoch.pipeline.slug, epoch.name)
    if commitment(key) != epoch.commitment:
        log.error("the sampling secret is not the one that epoch %s was committed with: not revealed", epoch.pk)
        return 0
    _count(epoch, now)
    entry = ledger.append(
        event="sample.epoch_revealed",
        actor=ACTOR,
        pipeline=epoch.pipeline.slug,
        epoch=epoch.name,
        secret=key.hex(),
        commitment=epoch.commitment,
        **_span(epoch.starts_at, epoch.ends_at),
    )
    epoch.revealed_at, epoch.revealed_event_id = now, entry.id
    epoch.save(update_fields=["revealed_at", "revealed_event"])
    return 1


def _count(epoch: SamplingEpoch, now: datetime) -> None:
    """What the page of epochs shows; the ledger proves it."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [epoch.pipeline_id, epoch.name])
        epoch.counts = {str(rate): [claims, drawn] for rate, claims, drawn in cursor.fetchall()}
    epoch.counted_at = now
    epoch.save(update_fields=["counts", "counted_at"])


def _span(start: datetime, end: datetime) -> dict[str, Any]:
    return {"from_us": microseconds(start), "to_us": microseconds(end)}
