"""Sending what is due. Taking and recording are short transactions; the network comes between them."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import SystemRandom
from typing import Final
from uuid import UUID

from django.db import OperationalError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from reviewqueue.claims.services import lock_claim
from reviewqueue.deliveries.models import (
    CHALLENGE,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointState,
    StateReason,
)
from reviewqueue.deliveries.outgoing import Answer, Resolver, post
from reviewqueue.deliveries.payloads import repeats_challenge
from reviewqueue.deliveries.schedule import DELAYS, asked_pause, delay_after
from reviewqueue.deliveries.selectors import host_permissions
from reviewqueue.deliveries.services.endpoints import stop
from reviewqueue.deliveries.services.verification import SWEEP, answered
from reviewqueue.deliveries.signing import Scheme, SigningSecret, signature_headers
from reviewqueue.deliveries.targets import HostPermission
from reviewqueue.deliveries.vault import SecretUnreadable, unsealed
from reviewqueue.ledger import services as ledger
from reviewqueue.payloads.words import with_keys
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

AT_ONCE: Final = 16
AT_ONCE_PER_ENDPOINT: Final = 4
"""One, while its last attempt failed: a receiver that hangs must not hold up the others."""
TAKING_SECONDS: Final = 20.0
"""A run takes new work for so long, as it waits for answers anyway, and ends when what it took has come back."""
LOOK_AGAIN_SECONDS: Final = 0.5
IN_FLIGHT: Final = timedelta(seconds=60)
"""After this an attempt that nobody recorded was interrupted, and the delivery is due again."""
SHORT_REST: Final = timedelta(minutes=5)
LONGEST_BREATHER: Final = 60
"""Seconds. An endpoint that fails is left alone for 2, 4, 8 … of them: a dead one with much to come costs little."""
CHALLENGE_ATTEMPTS: Final = 5
"""Of one challenge: a third party that hears from us unasked hears little, and a person can ask again."""
GONE: Final = 410
SLOW_DOWN: Final = frozenset({429, 502, 503, 504})
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "ReviewQueue-Webhooks/1"}

_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Parcel:
    """One attempt, ready to be sent without the database. With a `refusal` nothing is sent: that is its result."""

    delivery_id: UUID
    claim_id: UUID | None
    endpoint_id: UUID
    number: int
    url: str
    body: bytes
    headers: Mapping[str, str]
    permissions: Mapping[str, HostPermission]
    is_challenge: bool
    refusal: str = ""


def deliver_due(*, clock: Callable[[], datetime] = timezone.now, resolve: Resolver | None = None) -> int:
    """Sends what is due and records what came of it; returns the number of attempts.

    A process that dies between sending and recording leaves an attempt without an end, and the delivery is sent again
    with the same id and body. Several may run at once.
    """
    attempts = 0
    in_flight: dict[Future[Answer], Parcel] = {}
    taking_ends = time.monotonic() + TAKING_SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="webhook") as pool:
        while True:
            if time.monotonic() < taking_ends:
                busy = Counter(parcel.endpoint_id for parcel in in_flight.values())
                for parcel in _take(room=AT_ONCE - len(in_flight), busy=busy, now=clock()):
                    in_flight[pool.submit(_send, parcel, resolve)] = parcel
            if not in_flight:
                return attempts
            done, _ = wait(in_flight, LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                _settle(in_flight.pop(future), future, clock())
            attempts += len(done)


def _send(parcel: Parcel, resolve: Resolver | None) -> Answer:
    if parcel.refusal:
        return Answer(None, parcel.refusal, None, 0.0)
    answer = post(parcel.url, body=parcel.body, headers=parcel.headers, permissions=parcel.permissions, resolve=resolve)
    if parcel.is_challenge and answer.accepted and not repeats_challenge(answer.body, asked=parcel.body):
        return replace(answer, error="not_repeated")
    return answer


def _settle(parcel: Parcel, future: Future[Answer], now: datetime) -> None:
    """Records one answer; what cannot be recorded now leaves an interrupted attempt, and does not stop the others."""
    try:
        _record(parcel=parcel, answer=future.result(), now=now)
    except OperationalError:
        log.exception("webhooks: attempt %d of delivery %s could not be recorded", parcel.number, parcel.delivery_id)


# --- taking ---------------------------------------------------------------------------------------------------------


@service
def _take(*, room: int, busy: Counter[UUID], now: datetime) -> list[Parcel]:
    """Up to `room` due deliveries, each with its attempt written down before it is made."""
    parcels: list[Parcel] = []
    permissions = host_permissions()
    for endpoint in _ready_endpoints(now):
        at_once = 1 if endpoint.failures else AT_ONCE_PER_ENDPOINT
        free = min(at_once - busy[endpoint.pk], room - len(parcels))
        if free > 0:
            signers = _signers(endpoint, now)
            parcels += [_begin(delivery, signers, permissions, now) for delivery in _due(endpoint, now)[:free]]
    return parcels


def _ready_endpoints(now: datetime) -> QuerySet[Endpoint]:
    """Those with something due, in random order, so that none is always first.

    A challenge goes also to those that are sent nothing else: it is what may change that.
    """
    due = Delivery.objects.filter(endpoint=OuterRef("pk"), state=DeliveryState.PENDING, next_at__lte=now)
    is_open = Q(state=EndpointState.ACTIVE) & (Q(rests_until=None) | Q(rests_until__lte=now))
    is_asked = ~Q(state=EndpointState.DISABLED) & Exists(due.filter(type=CHALLENGE))
    return Endpoint.objects.filter((is_open & Exists(due)) | is_asked, source__is_active=True).order_by("?")


def _due(endpoint: Endpoint, now: datetime) -> QuerySet[Delivery]:
    is_open = endpoint.state == EndpointState.ACTIVE and (endpoint.rests_until is None or endpoint.rests_until <= now)
    due = endpoint.deliveries.filter(state=DeliveryState.PENDING, next_at__lte=now)
    return (
        with_keys(due if is_open else due.filter(type=CHALLENGE))
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("endpoint")
        .order_by("next_at", "id")
    )


def _signers(endpoint: Endpoint, now: datetime) -> list[SigningSecret]:
    """The current secret, then the one it replaces; without those that cannot be decrypted."""
    signers = []
    for secret in endpoint.secrets.filter(Q(expires_at=None) | Q(expires_at__gt=now)).order_by("-created_at"):
        with suppress(SecretUnreadable):
            signers.append(SigningSecret(Scheme(secret.scheme), unsealed(secret.sealed)))
    return signers


def _begin(
    delivery: Delivery, signers: Sequence[SigningSecret], permissions: Mapping[str, HostPermission], now: datetime
) -> Parcel:
    delivery.attempts += 1
    delivery.next_at = now + IN_FLIGHT
    delivery.save(update_fields=["attempts", "next_at"])
    Attempt.objects.create(delivery=delivery, number=delivery.attempts, started_at=now)
    body = delivery.text.encode()
    signatures = signature_headers(signers, message_id=str(delivery.pk), timestamp=int(now.timestamp()), body=body)
    return Parcel(
        delivery_id=delivery.pk,
        claim_id=delivery.claim_id,
        endpoint_id=delivery.endpoint_id,
        number=delivery.attempts,
        url=_url_of(delivery),
        body=body,
        headers=HEADERS | signatures,
        permissions=permissions,
        is_challenge=delivery.type == CHALLENGE,
        refusal=_refusal(delivery, signers),
    )


def _url_of(delivery: Delivery) -> str:
    named_by_claim = delivery.claim.callback_url if delivery.claim else None
    return delivery.endpoint.url or named_by_claim or ""


def _refusal(delivery: Delivery, signers: Sequence[SigningSecret]) -> str:
    """Nothing goes out unsigned, nor again and again when it may be what brings the process down."""
    if delivery.attempts - delivery.attempts_before > len(DELAYS):
        return "interrupted"
    return "" if signers else "secret_unreadable"


# --- recording ------------------------------------------------------------------------------------------------------


@service
def _record(*, parcel: Parcel, answer: Answer, now: datetime) -> None:
    """What came of an attempt. One that was overtaken counts only when it succeeded."""
    if parcel.claim_id is not None:
        lock_claim(parcel.claim_id)
    delivery = (
        Delivery.objects.select_for_update(of=("self", "endpoint"))
        .select_related("endpoint__source", "host")
        .get(pk=parcel.delivery_id)
    )
    delivery.history.filter(number=parcel.number).update(
        finished_at=now, status=answer.status, error=answer.error, seconds=answer.seconds
    )
    is_current = delivery.state == DeliveryState.PENDING and delivery.attempts == parcel.number
    if delivery.state == DeliveryState.DELIVERED or (parcel.is_challenge and not is_current):
        return  # the answer to a challenge that was withdrawn says nothing about the address of now
    if answer.accepted:
        _delivered(delivery, answer, now)
    elif is_current:
        _failed(delivery, answer, now)


def _delivered(delivery: Delivery, answer: Answer, now: datetime) -> None:
    _finish(delivery, DeliveryState.DELIVERED, answer, now)
    if delivery.type == CHALLENGE:
        answered(delivery, now=now)
        return
    _write(delivery, "webhook.delivered", attempt=delivery.attempts, status=answer.status)
    if delivery.endpoint.failures:
        _update(delivery.endpoint, failures=0, failing_since=None)


def _failed(delivery: Delivery, answer: Answer, now: datetime) -> None:
    pause = _pause_after(delivery)
    if pause is None or answer.status == GONE:
        _give_up(delivery, answer, now)
        return
    asked = asked_pause(answer.retry_after, now=now) if answer.status in SLOW_DOWN else None
    delivery.last_status, delivery.last_error = answer.status, answer.error
    delivery.next_at = now + max(pause, asked or timedelta(0))
    delivery.save(update_fields=["last_status", "last_error", "next_at"])
    if _concerns_endpoint(delivery):
        _count_failure(delivery.endpoint, now)
        wanted = (asked or min(pause, SHORT_REST)) if answer.status in SLOW_DOWN else timedelta(0)
        _update(delivery.endpoint, rests_until=now + max(wanted, _breather(delivery.endpoint.failures)))


def _pause_after(delivery: Delivery) -> timedelta | None:
    failed = delivery.attempts - delivery.attempts_before
    if delivery.type == CHALLENGE and failed >= CHALLENGE_ATTEMPTS:
        return None
    return delay_after(failed, spread=_random.uniform(-1, 1))


def _concerns_endpoint(delivery: Delivery) -> bool:
    """Addresses that single claims name stand for themselves, and a challenge tries an address out."""
    return delivery.endpoint.url is not None and delivery.type != CHALLENGE


def _breather(failures: int) -> timedelta:
    """Shorter than any pause of the schedule, so a delivery that is alone keeps to it."""
    return timedelta(seconds=min(2 ** min(failures, 10), LONGEST_BREATHER))


def _give_up(delivery: Delivery, answer: Answer, now: datetime) -> None:
    """A dead letter. Its endpoint is paused, or disabled when the receiver said that it is gone."""
    _finish(delivery, DeliveryState.DEAD, answer, now)
    _write(
        delivery,
        "webhook.failed",
        attempt=delivery.attempts,
        status=answer.status,
        reason=answer.error or None,
        dead=True,
    )
    endpoint = delivery.endpoint
    if not _concerns_endpoint(delivery):
        log.error("webhooks: %s %s was given up", delivery.type, delivery.pk)
        return
    _count_failure(endpoint, now)
    gone = answer.status == GONE
    state = EndpointState.DISABLED if gone else EndpointState.PAUSED
    reason = StateReason.GONE if gone else StateReason.DEAD_LETTER
    if stop(endpoint, state, reason):
        log.error("webhooks: endpoint %s is %s: %s", endpoint.pk, state.value, reason.value)
        _write(
            delivery,
            "webhook.disabled" if gone else "webhook.paused",
            status=answer.status,
            failures=endpoint.failures,
            reason=reason.value,
        )


def _finish(delivery: Delivery, state: DeliveryState, answer: Answer, now: datetime) -> None:
    delivery.state, delivery.finished_at = state, now
    delivery.last_status, delivery.last_error = answer.status, answer.error
    delivery.save(update_fields=["state", "finished_at", "last_status", "last_error"])


def _count_failure(endpoint: Endpoint, now: datetime) -> None:
    _update(endpoint, failures=endpoint.failures + 1, failing_since=endpoint.failing_since or now)


def _update(endpoint: Endpoint, **changes: object) -> None:
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(changes))


def _write(delivery: Delivery, event: str, **fields: object) -> None:
    """An entry in the life of the claim, if there is one: the caller has locked it."""
    ledger.append(
        event=event,
        actor=SWEEP,
        claim=delivery.claim_id,
        endpoint=delivery.endpoint_id,
        delivery=delivery.pk,
        outcome=delivery.outcome_id,
        **fields,
    )
