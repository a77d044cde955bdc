"""What is to be told, found in the outcomes themselves: nobody enqueues a webhook (docs/decisions/0008)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.deliveries.models import Delivery, DeliveryState, Endpoint, Payload
from reviewqueue.deliveries.payloads import event_type, outcome_body
from reviewqueue.deliveries.services.endpoints import callback_endpoint
from reviewqueue.deliveries.services.verification import callback_host
from reviewqueue.payloads.words import with_keys
from reviewqueue.transactions import service

LEAST_UNDO_SECONDS: Final = 10
RECENT: Final = timedelta(minutes=20)
"""The longest undo window a policy can have, and as much again for late commits and clocks that differ."""
PAGE: Final = 1_000
"""Outcomes looked at in one transaction, and so the most claims whose locks it holds."""

# Standing outcomes of one page that somebody wants to be told of and nobody was, past their undo window. Times are
# those of the ledger, written by the database: the clock of a web server neither shortens nor lengthens the window.
# `replaced` is the last earlier outcome that outlived its window, so that the source could know of it.
_UNTOLD: Final = """
    SELECT endpoint.id, outcome.id, replaced.id
      FROM claims_outcome AS outcome
      JOIN ledger.event AS written ON written.id = outcome.event_id
      JOIN claims_claim AS claim ON claim.id = outcome.claim_id
      JOIN deliveries_endpoint AS endpoint ON endpoint.source_id = claim.source_id
      LEFT JOIN policy_policyversion AS active ON active.pipeline_id = outcome.pipeline_id AND active.status = 'active'
      -- A claim that was routed again may still be labelled in the window that its first policy gave its task.
     CROSS JOIN LATERAL (
           SELECT max((policy.document #>> '{review,undo_seconds}')::bigint) AS seconds
             FROM claims_decision AS decision
             JOIN policy_policyversion AS policy ON policy.id = decision.policy_version_id
            WHERE decision.claim_id = claim.id) AS decided
     CROSS JOIN LATERAL (
           SELECT 1000000 * greatest(%(least)s, decided.seconds,
                                                (active.document #>> '{review,undo_seconds}')::bigint) AS us) AS undo
      LEFT JOIN LATERAL (
           SELECT former.id
             FROM claims_outcome AS former
             JOIN claims_outcome AS next ON next.claim_id = former.claim_id AND next.number = former.number + 1
             JOIN ledger.event AS began ON began.id = former.event_id
             JOIN ledger.event AS ended ON ended.id = next.event_id
            WHERE former.claim_id = outcome.claim_id AND former.number < outcome.number
              AND ended.recorded_us - began.recorded_us >= undo.us
            ORDER BY former.number DESC LIMIT 1) AS replaced ON TRUE
     CROSS JOIN LATERAL (
           SELECT CASE WHEN replaced.id IS NULL THEN 'outcome.settled' ELSE 'outcome.superseded' END AS type) AS told
     WHERE outcome.standing AND outcome.id BETWEEN %(first)s AND %(last)s
       AND written.recorded_us + undo.us
           <= extract(epoch FROM coalesce(%(now)s::timestamptz, clock_timestamp())) * 1000000
       AND endpoint.state <> 'disabled'
       AND CASE WHEN endpoint.url IS NULL THEN claim.callback_url IS NOT NULL
                                          ELSE outcome.event_id > coalesce((endpoint.asked_at ->> told.type)::bigint,
                                                                           endpoint.event_id) END
       AND told.type = ANY (endpoint.events)
       AND NOT EXISTS (SELECT FROM deliveries_delivery AS delivery
                        WHERE delivery.endpoint_id = endpoint.id AND delivery.event_id = outcome.event_id)"""


def find_due(*, now: datetime | None = None) -> int:
    """Writes a delivery for each recent outcome that an endpoint is to be told of; returns how many.

    Looking twice changes nothing. `now` is the database's unless given.
    """
    moment = now or timezone.now()
    return _find(after=_first_id_at(moment - RECENT), now=now)


def find_overlooked(*, now: datetime | None = None) -> int:
    """As `find_due`, for all outcomes there are: nothing is lost when sweeps stood still or a clock was wrong."""
    return _find(after=UUID(int=0), now=now)


def _first_id_at(moment: datetime) -> UUID:
    """Below every UUIDv7 made at or after that moment: they begin with milliseconds."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _find(*, after: UUID, now: datetime | None) -> int:
    found = 0
    for first, last in _pages(after):
        found += _tell(first=first, last=last, now=now)
    return found


def _pages(after: UUID) -> Iterator[tuple[UUID, UUID]]:
    while page := list(Outcome.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True)[:PAGE]):
        yield page[0], page[-1]
        after = page[-1]


@service
def _tell(*, first: UUID, last: UUID, now: datetime | None) -> int:
    for source in _sources_without_callback_endpoint(first, last):
        callback_endpoint(source)
    with connection.cursor() as cursor:
        cursor.execute(_UNTOLD, {"least": LEAST_UNDO_SECONDS, "first": first, "last": last, "now": now})
        untold = cursor.fetchall()
    deliveries = list(_deliveries(untold, _still_standing({outcome for _, outcome, _ in untold})))
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)  # the other sweep may have found the same
    return len(deliveries)


def _sources_without_callback_endpoint(first: UUID, last: UUID) -> QuerySet[Source]:
    naming = Outcome.objects.filter(id__range=(first, last), claim__callback_url__isnull=False)
    served = Endpoint.objects.filter(url=None)
    return Source.objects.filter(pk__in=naming.values("claim__source")).exclude(pk__in=served.values("source"))


def _still_standing(outcomes: set[UUID]) -> dict[UUID, Outcome]:
    """Those whose claims nobody is writing about, looked at again under the lock of their claims.

    A change of mind that began inside its window may commit after it; its claim is locked until then. The next run
    finds what is left out here.
    """
    asked = Claim.objects.filter(outcomes__in=outcomes)
    quiet = Claim.objects.select_for_update(no_key=True, skip_locked=True).filter(pk__in=asked.values("pk"))
    standing = Outcome.objects.filter(standing=True, claim__in=list(quiet.values_list("pk", flat=True)))
    return with_keys(standing.select_related("claim__pipeline")).in_bulk(outcomes)


def _deliveries(untold: list[tuple[UUID, UUID, UUID | None]], standing: dict[UUID, Outcome]) -> Iterator[Delivery]:
    """In the order of the outcomes' ids."""
    endpoints = Endpoint.objects.select_related("source").in_bulk({endpoint for endpoint, _, _ in untold})
    for endpoint_id, outcome_id, replaced in sorted(untold, key=lambda row: row[1]):
        endpoint, outcome = endpoints[endpoint_id], standing.get(outcome_id)
        if outcome is None:
            continue
        host = callback_host(endpoint, outcome.claim) if endpoint.url is None else None
        delivery = Delivery(
            endpoint=endpoint,
            event_id=outcome.event_id,
            claim=outcome.claim,
            outcome=outcome,
            host=host,
            state=DeliveryState.WAITING if host and host.verified_at is None else DeliveryState.PENDING,
            type=event_type(replaced),
            body=outcome_body(outcome, replaced=replaced, payload=Payload.THIN),
        )
        if endpoint.payload == Payload.FULL:
            _add_output(delivery, outcome, replaced)
        yield delivery


def _add_output(delivery: Delivery, outcome: Outcome, replaced: UUID | None) -> None:
    text = outcome_body(outcome, replaced=replaced, payload=Payload.FULL)
    if outcome.output is None:
        delivery.body = text
    else:
        delivery.full = text
        delivery.close_words()
