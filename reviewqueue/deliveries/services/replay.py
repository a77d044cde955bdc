"""Sending again what was given up, or what a receiver lost. Ids and bodies are the old ones."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, QuerySet
from django.utils import timezone

from reviewqueue.deliveries.authority import Manager, authorised
from reviewqueue.deliveries.models import CHALLENGE, Delivery, DeliveryState, Endpoint
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.times import microseconds
from reviewqueue.transactions import service


class DeliveryNotReplayable(Conflict):
    code = "delivery_not_replayable"


@service
def replay(*, endpoint: Endpoint, by: Manager, since: datetime, until: datetime, only_dead: bool = False) -> int:
    """Sends everything again that was written for the endpoint from `since` until before `until`; returns how many.

    A receiver that knows some of the ids can leave them out. The schedule of attempts begins anew. While the endpoint
    is not active it all waits. With `only_dead` what arrived, or is on its way, is left alone.

    Raises:
        Invalid: `since` is not before `until`.
    """
    actor = authorised(by, endpoint.source)
    again = _begin_anew(_stretch(endpoint, since, until, only_dead=only_dead))
    ledger.append(
        event="webhook.replayed",
        actor=actor,
        source=endpoint.source.slug,
        endpoint=endpoint.pk,
        deliveries=again,
        from_us=microseconds(since),
        to_us=microseconds(until),
    )
    return again


def would_be_replayed(
    *, endpoint: Endpoint, by: Manager, since: datetime, until: datetime, only_dead: bool = False
) -> int:
    """How many `replay` would send again. Raises as it does."""
    authorised(by, endpoint.source)
    return _stretch(endpoint, since, until, only_dead=only_dead).count()


def _stretch(endpoint: Endpoint, since: datetime, until: datetime, *, only_dead: bool) -> QuerySet[Delivery]:
    if since >= until:
        raise Invalid([FieldProblem("/until", "range", "The end lies after the beginning.")])
    written = endpoint.deliveries.filter(created_at__gte=since, created_at__lt=until)
    return _replayable(written.filter(state=DeliveryState.DEAD) if only_dead else written)


@service
def replay_delivery(*, delivery: Delivery, by: Manager) -> None:
    """Sends one delivery again, under its old id and with its old body.

    Raises:
        DeliveryNotReplayable: it is a challenge, or its host has not answered one.
    """
    endpoint = delivery.endpoint
    actor = authorised(by, endpoint.source)
    again = _begin_anew(_replayable(endpoint.deliveries.filter(pk=delivery.pk)))
    if not again:
        raise DeliveryNotReplayable("A challenge is not replayed, nor what waits for the answer to one.")
    ledger.append(
        event="webhook.replayed",
        actor=actor,
        source=endpoint.source.slug,
        endpoint=endpoint.pk,
        delivery=delivery.pk,
        deliveries=again,
    )


def _replayable(deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """A new challenge has a new token, and what waits for a host to answer is released by that alone."""
    return deliveries.exclude(type=CHALLENGE).exclude(state=DeliveryState.WAITING)


def _begin_anew(deliveries: QuerySet[Delivery]) -> int:
    return deliveries.update(
        state=DeliveryState.PENDING, attempts_before=F("attempts"), next_at=timezone.now(), finished_at=None
    )
