"""Silence: sources that wait to be told and are not, because their endpoint fails, rests or never answered."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Min, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.deliveries.models import CHALLENGE, Delivery, DeliveryState, Endpoint, EndpointState, StateReason

log = logging.getLogger(__name__)

FAILING_TOO_LONG: Final = timedelta(hours=1)
WAITING_TOO_LONG: Final = timedelta(hours=6)
"""Also where somebody paused the endpoint: a pause is easily forgotten."""
DEAD_LETTERS_SHOWN: Final = timedelta(days=7)

CAUSES: Final = {
    "gone": "The receiver said that it is gone: nothing is sent until somebody resumes the endpoint.",
    "dead_letter": "Paused after a delivery was given up: repair the receiver, resume, and replay what is dead.",
    "failing": "Every attempt has failed for more than an hour.",
    "undelivered": "Something has waited for more than six hours to be delivered.",
    "dead_letters": "Deliveries of the last seven days were given up: replay them.",
}
_UNDELIVERED: Final = (DeliveryState.WAITING, DeliveryState.PENDING)


@dataclass(frozen=True, slots=True)
class Alarm:
    endpoint: Endpoint
    cause: str
    dead: int
    oldest_at: datetime | None

    @property
    def meaning(self) -> str:
        return CAUSES[self.cause]


def silent_endpoints(*, sources: Collection[Source] | QuerySet[Source] | None = None) -> list[Alarm]:
    """Every endpoint (of these sources) whose source may be waiting in vain, oldest first."""
    now = timezone.now()
    endpoints = _with_figures(now).filter(removed_at=None)
    if sources is not None:
        endpoints = endpoints.filter(source__in=sources)
    alarms = [
        Alarm(each, _cause(each, now), each.dead, each.oldest_at)  # type: ignore[attr-defined]  # annotated
        for each in endpoints.select_related("source").order_by("id")
    ]
    return [alarm for alarm in alarms if alarm.cause]


def _with_figures(now: datetime) -> QuerySet[Endpoint]:
    """`dead`: what was given up lately; `oldest_at`: since when the oldest waits that is not delivered."""
    own = Delivery.objects.filter(endpoint=OuterRef("pk")).exclude(type=CHALLENGE).order_by()
    dead = own.filter(state=DeliveryState.DEAD, finished_at__gt=now - DEAD_LETTERS_SHOWN)
    waiting = own.filter(state__in=_UNDELIVERED)
    return Endpoint.objects.annotate(
        dead=Subquery(dead.values("endpoint").annotate(n=Count("id")).values("n")),
        oldest_at=Subquery(waiting.order_by("created_at").values("created_at")[:1]),
    )


def _cause(endpoint: Endpoint, now: datetime) -> str:
    """The most telling one; nothing when all is well."""
    oldest_at: datetime | None = endpoint.oldest_at  # type: ignore[attr-defined]  # annotated
    if endpoint.state == EndpointState.DISABLED:
        return "gone"
    if endpoint.state_reason == StateReason.DEAD_LETTER:
        return "dead_letter"
    if endpoint.failing_since and endpoint.failing_since <= now - FAILING_TOO_LONG:
        return "failing"
    if oldest_at and oldest_at <= now - WAITING_TOO_LONG:
        return "undelivered"
    return "dead_letters" if endpoint.dead else ""  # type: ignore[attr-defined]  # annotated


@dataclass(frozen=True, slots=True)
class Backlog:
    undelivered: int
    oldest_at: datetime | None


def backlog() -> Backlog:
    """What is written and not delivered, wherever it is to go."""
    found = Delivery.objects.filter(Q(state__in=_UNDELIVERED), ~Q(type=CHALLENGE)).aggregate(
        undelivered=Count("id"), oldest_at=Min("created_at")
    )
    return Backlog(**found)


def watch() -> int:
    """A line in the log for every alarm; returns how many. Run by a sweep."""
    alarms = silent_endpoints()
    for alarm in alarms:
        log.error(
            "webhooks: endpoint %s of %s is silent: %s", alarm.endpoint.pk, alarm.endpoint.source.slug, alarm.cause
        )
    return len(alarms)
