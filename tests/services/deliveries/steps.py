"""What happens around webhooks, in the words of the tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from reviewqueue.claims.models import Outcome
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.deliveries.models import CHALLENGE, Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints, hosts, outbox, sending
from tests.services.review.steps import RIGHT, label_next
from tests.unit.deliveries.receiver import Receiver, authority, here
from tests.world import World

MINUTE = timedelta(minutes=1)


@dataclass
class Clock:
    """The sender's clock, to be moved by hand."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass(frozen=True)
class Hook:
    """An endpoint of the helpdesk and what its receiver was given to check signatures with."""

    endpoint: Endpoint
    secret: str

    @property
    def state(self) -> tuple[str, str]:
        endpoint = Endpoint.objects.get(pk=self.endpoint.pk)
        return endpoint.state, endpoint.state_reason


def hooked(world: World, receiver: Receiver, **wishes: Any) -> Hook:
    """An administrator names the receiver, which is on this machine, and registers an endpoint for it."""
    allow(world, receiver)
    return known(*endpoints.create_endpoint(source=world.source, url=receiver.url, by=world.adam, **wishes))


def known(endpoint: Endpoint, secret: str) -> Hook:
    """As if it had answered its challenge long ago."""
    endpoint.deliveries.filter(type=CHALLENGE).delete()
    endpoint.state, endpoint.state_reason, endpoint.verified_at = "active", "", timezone.now()
    endpoint.save()
    return Hook(endpoint, secret)


def allow(world: World, receiver: Receiver, host: str = "receiver.test") -> None:
    hosts.name_host(
        host=host,
        by=world.adam,
        ports=[receiver.port],
        plain_http=not receiver.encrypted,
        ca_certificate=authority().pem,
    )


def settled(world: World, answer: Any = RIGHT, **claim: Any) -> Outcome:
    """A claim comes in and rita labels it."""
    world.submit(**claim)
    outcome = label_next(world.rita, answer).outcome
    assert outcome is not None
    return outcome


def reported(world: World, outcome: Outcome, *, correct: bool, told_by: str = "a customer") -> Outcome:
    """The source learns the truth elsewhere."""
    report = Report(correct=correct, told_by=told_by)
    return report_outcome(source=world.source, claim_id=outcome.claim_id, report=report)[0]


def outlived(outcome: Outcome) -> None:
    """As if it had been written a minute earlier, which the ledger allows to nobody but its owner."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        cursor.execute("SET LOCAL ledger.maintenance = 'on'")
        cursor.execute("ALTER TABLE ledger.event DISABLE TRIGGER protect_rows")
        cursor.execute(
            "UPDATE ledger.event SET recorded_us = recorded_us - 60000000,"
            " leaf = replace(leaf, recorded_us::text, (recorded_us - 60000000)::text) WHERE id = %s",
            [outcome.event_id],
        )
        cursor.execute("ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER protect_rows")
        cursor.execute("SET LOCAL ROLE app_web")


def find(after: timedelta = MINUTE) -> int:
    return outbox.find_due(now=timezone.now() + after)


def send(now: datetime | None = None) -> int:
    """One run of the sweep; returns the number of attempts."""
    return sending.deliver_due(clock=Clock(now or timezone.now()), resolve=here)


def told() -> QuerySet[Delivery]:
    """Every delivery that is no challenge, in their order."""
    return Delivery.objects.exclude(type=CHALLENGE).select_related("endpoint").order_by("id")


def the_delivery() -> Delivery:
    return told().get()


def the_challenge() -> Delivery:
    return Delivery.objects.select_related("endpoint", "host").filter(type=CHALLENGE).latest("created_at")


def said(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(received.body) for received in receiver.received]
