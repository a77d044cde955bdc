"""Whether an address wants to hear from us: it has to repeat a challenge before it is told anything.

Without that, whoever may register an endpoint or name a callback could have us post to a third party
(docs/decisions/). A challenge is a delivery like the others, with their signature, schedule and history.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim
from reviewqueue.deliveries.authority import Manager, authorised
from reviewqueue.deliveries.models import (
    CHALLENGE,
    CallbackHost,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
)
from reviewqueue.deliveries.payloads import challenge_body
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.transactions import joins_transaction, service
from reviewqueue.web_addresses import TargetRefused, web_address

SWEEP: Final = Actor.system("deliveries")

HOSTS_AT_ONCE: Final = 20
MOST_AN_HOUR: Final = 60
"""Challenges of one source: nobody can make us knock on every door of a street, or on one all day."""
HOUR: Final = timedelta(hours=1)


class EndpointNotInState(Conflict):
    code = "endpoint_not_in_state"


class TooManyChallenges(Conflict):
    code = "too_many_challenges"


@service
def challenge(*, endpoint: Endpoint, by: Manager) -> int:
    """Asks again, now: the address of the endpoint, or the callback hosts that have not answered; returns how many.

    What comes of it is in the deliveries. Asking an endpoint that has answered before tries it out and changes nothing.

    Raises:
        EndpointNotInState: the receiver said that it is gone, or there is nobody to ask.
        TooManyChallenges: the source has asked enough for this hour.
    """
    actor = authorised(by, endpoint.source)
    locked = Endpoint.objects.select_for_update(of=("self",), no_key=True).select_related("source").get(pk=endpoint.pk)
    if locked.state == EndpointState.DISABLED:
        raise EndpointNotInState("The receiver said that it is gone: resume the endpoint first.")
    refuse_too_many(locked.source)
    withdraw_challenges(locked)
    if locked.url is not None:
        ask(locked, event_id=_challenged(locked, actor), now=timezone.now())
        return 1
    hosts = locked.callback_hosts.filter(verified_at=None).select_related("endpoint__source").order_by("-id")
    asked = sum(_ask_again(host, actor) for host in hosts[:HOSTS_AT_ONCE])
    if not asked:
        raise EndpointNotInState("No host that claims named waits for a challenge.")
    return asked


def refuse_too_many(source: Source) -> None:
    """Raises TooManyChallenges."""
    if _has_asked_enough(source):
        raise TooManyChallenges("This source has sent many challenges within the hour. Try again later.")


def _has_asked_enough(source: Source) -> bool:
    recent = Delivery.objects.filter(
        endpoint__source=source, type=CHALLENGE, created_at__gt=timezone.now() - HOUR
    ).order_by()
    return recent[:MOST_AN_HOUR].count() >= MOST_AN_HOUR


def _challenged(endpoint: Endpoint, actor: Actor, **fields: object) -> int:
    entry = ledger.append(
        event="webhook.challenged",
        actor=actor,
        claim=None,
        source=endpoint.source.slug,
        endpoint=endpoint.pk,
        **fields,
    )
    return entry.id


def ask(
    endpoint: Endpoint,
    *,
    event_id: int,
    now: datetime,
    host: CallbackHost | None = None,
    claim: Claim | None = None,
) -> None:
    """Writes the challenge that the sweep sends next. `event_id` is the entry that made it necessary."""
    joins_transaction()
    Delivery.objects.create(
        endpoint=endpoint,
        event_id=event_id,
        type=CHALLENGE,
        host=host,
        claim=claim,
        body=challenge_body(endpoint.pk, secrets.token_urlsafe(32), now=now),
        next_at=now,
        created_at=now,
    )


def withdraw_challenges(endpoint: Endpoint) -> None:
    """An answer to one that is still on its way counts no longer."""
    joins_transaction()
    endpoint.deliveries.filter(type=CHALLENGE, state=DeliveryState.PENDING).update(
        state=DeliveryState.DEAD, last_error="withdrawn", finished_at=timezone.now()
    )


def answered(delivery: Delivery, *, now: datetime) -> None:
    """A challenge was repeated: what waited for it is due. Expects the locked delivery with its locked endpoint."""
    joins_transaction()
    endpoint = delivery.endpoint
    if delivery.host is not None:
        _verify_hosts([delivery.host], now)
        named: dict[str, Any] = {"host": delivery.host.host}
    else:
        _verify_endpoint(endpoint, now)
        named = {}
    ledger.append(
        event="webhook.verified",
        actor=SWEEP,
        claim=None,
        source=endpoint.source.slug,
        endpoint=endpoint.pk,
        delivery=delivery.pk,
        attempt=delivery.attempts,
        **named,
    )


def _verify_endpoint(endpoint: Endpoint, now: datetime) -> None:
    """Callbacks to the same host are the same receiver."""
    endpoint.verified_at = now
    if endpoint.state == EndpointState.UNVERIFIED:
        endpoint.state, endpoint.state_reason = EndpointState.ACTIVE, ""
    endpoint.save(update_fields=["verified_at", "state", "state_reason"])
    _verify_hosts(
        CallbackHost.objects.filter(
            endpoint__source=endpoint.source_id, host=_host_of(endpoint.url or ""), verified_at=None
        ),
        now,
    )


def _verify_hosts(hosts: Any, now: datetime) -> None:
    """Locked first, so that a delivery written at this moment is either released here or sees that it need not wait."""
    ids = [host.pk for host in hosts]
    locked = list(CallbackHost.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk"))
    CallbackHost.objects.filter(pk__in=[host.pk for host in locked]).update(verified_at=now)
    Delivery.objects.filter(host__in=locked, state=DeliveryState.WAITING).update(
        state=DeliveryState.PENDING, next_at=now
    )


def callback_host(endpoint: Endpoint, claim: Claim) -> CallbackHost | None:
    """The host that this claim wants to be called back at, locked; asked when it is new.

    Joins the caller's transaction. None when the address is not one that is called: sending it will say so.
    """
    joins_transaction()
    try:
        name = _host_of(claim.callback_url or "")
    except TargetRefused:
        return None
    host, is_new = CallbackHost.objects.select_for_update(no_key=True).get_or_create(endpoint=endpoint, host=name)
    if is_new:
        host.verified_at = _verified_elsewhere(endpoint, name)
        host.save(update_fields=["verified_at"])
        if host.verified_at is None and not _has_asked_enough(endpoint.source):
            _ask_host(host, claim, SWEEP)
    return host


def _host_of(url: str) -> str:
    return web_address(url).host_and_port


def _verified_elsewhere(endpoint: Endpoint, name: str) -> datetime | None:
    """Since when an endpoint of the same source at this host is verified."""
    siblings = Endpoint.objects.filter(
        source=endpoint.source_id, url__isnull=False, verified_at__isnull=False, removed_at=None
    )
    return next((each.verified_at for each in siblings if _host_of(each.url or "") == name), None)


def _ask_again(host: CallbackHost, actor: Actor) -> bool:
    """At the address that the last claim of this host named."""
    last = host.deliveries.filter(state=DeliveryState.WAITING, claim__isnull=False).order_by("-id").first()
    if last is None or last.claim is None:
        return False
    _ask_host(host, last.claim, actor)
    return True


def _ask_host(host: CallbackHost, claim: Claim, actor: Actor) -> None:
    event_id = _challenged(host.endpoint, actor, host=host.host)
    ask(host.endpoint, event_id=event_id, now=timezone.now(), host=host, claim=claim)
