"""Endpoints and their secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import timedelta
from typing import Final

from django.utils import timezone

from reviewqueue.accounts.models import Source, User
from reviewqueue.deliveries.authority import Manager, authorised
from reviewqueue.deliveries.models import (
    OUTCOME_EVENTS,
    DeliveryState,
    Endpoint,
    EndpointSecret,
    EndpointState,
    EventType,
    Payload,
    StateReason,
)
from reviewqueue.deliveries.selectors import host_permissions
from reviewqueue.deliveries.services.verification import (
    SWEEP,
    EndpointNotInState,
    ask,
    refuse_too_many,
    withdraw_challenges,
)
from reviewqueue.deliveries.signing import Scheme, SigningSecret, new_secret
from reviewqueue.deliveries.targets import parse_target
from reviewqueue.deliveries.vault import sealed
from reviewqueue.errors import Conflict, FieldProblem, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.times import microseconds
from reviewqueue.transactions import joins_transaction, service
from reviewqueue.web_addresses import TargetRefused

OVERLAP: Final = timedelta(hours=24)
"""How long the former secret still signs after a rotation."""

MOST_ENDPOINTS: Final = 20
"""Of one source."""


class EndpointExists(Conflict):
    code = "endpoint_exists"


class TooManyEndpoints(Conflict):
    code = "too_many_endpoints"


@service
def create_endpoint(
    *,
    source: Source,
    url: str,
    by: Manager,
    events: Collection[str] = OUTCOME_EVENTS,
    scheme: Scheme = Scheme.HMAC_SHA256,
    payload: Payload = Payload.THIN,
) -> tuple[Endpoint, str]:
    """A new endpoint and what its receiver checks signatures with; a `whsec_` secret is shown here and never again.

    It is told of what happens from now on, once its address has answered the challenge that goes out first.

    Raises:
        Invalid: the address is not one that is called, or `events` names none, or one that does not exist.
        EndpointExists: the source has an endpoint with this address.
        TooManyEndpoints, TooManyChallenges: the source has enough of them.
    """
    actor = authorised(by, source)
    problems = [*_url_problems(url), *_event_problems(events)]
    if problems:
        raise Invalid(problems)
    _lock(source)
    _refuse_taken(source, url)
    if source.endpoints.filter(removed_at=None, url__isnull=False).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"A source has at most {MOST_ENDPOINTS} endpoints.")
    refuse_too_many(source)
    endpoint, secret = _create(
        source=source, url=url, actor=actor, by=by, events=events, scheme=scheme, payload=payload
    )
    ask(endpoint, event_id=endpoint.event_id, now=timezone.now())
    return endpoint, secret.receiver_text


def _refuse_taken(source: Source, url: str) -> None:
    if source.endpoints.filter(url=url, removed_at=None).exists():
        raise EndpointExists("This source has an endpoint with this address.")


@service
def change_endpoint(
    *,
    endpoint: Endpoint,
    by: Manager,
    url: str | None = None,
    events: Collection[str] | None = None,
    payload: Payload | None = None,
) -> Endpoint:
    """What is None stays, and so do secrets. What is added is told of what happens from now on.

    Another address has to answer a challenge before it is told anything.

    Raises:
        Invalid: as in `create_endpoint`, or an address for the endpoint of callbacks, which has none.
        EndpointExists: the source has another endpoint with this address.
        TooManyChallenges: the source has asked enough for this hour.
    """
    actor = authorised(by, endpoint.source)
    problems = [] if url is None else _url_problems(url)
    problems += [] if events is None else _event_problems(events)
    if url is not None and endpoint.url is None:
        problems = [FieldProblem("/url", "callbacks", "The addresses of this endpoint are those that claims name.")]
    if problems:
        raise Invalid(problems)
    _lock(endpoint.source)
    changed = _locked(endpoint)
    moved = url is not None and url != changed.url
    if moved:
        _move(changed, str(url))
    added = set(events or ()) - set(changed.events)
    changed.events = changed.events if events is None else sorted(set(events))
    changed.payload = payload or changed.payload
    entry = _record(
        changed, "webhook.changed", actor, events=changed.events, url_hash=_hash(changed.url), payload=changed.payload
    )
    changed.asked_at |= dict.fromkeys(added, entry)
    changed.save(update_fields=[*_CHANGEABLE])
    if moved and changed.state != EndpointState.DISABLED:
        ask(changed, event_id=entry, now=timezone.now())
    return changed


_CHANGEABLE: Final = (
    "url",
    "events",
    "asked_at",
    "payload",
    "state",
    "state_reason",
    "verified_at",
    "failures",
    "failing_since",
    "rests_until",
)


def _move(endpoint: Endpoint, url: str) -> None:
    """What is known of the former address says nothing about this one."""
    _refuse_taken(endpoint.source, url)
    refuse_too_many(endpoint.source)
    withdraw_challenges(endpoint)
    endpoint.url, endpoint.verified_at = url, None
    endpoint.failures, endpoint.failing_since, endpoint.rests_until = 0, None, None
    if endpoint.state == EndpointState.ACTIVE:
        endpoint.state, endpoint.state_reason = EndpointState.UNVERIFIED, StateReason.CHALLENGE


@service
def remove_endpoint(*, endpoint: Endpoint, by: Manager) -> None:
    """Nothing is sent from now on, and what waits is given up. Its history stays; its secrets go.

    Raises:
        EndpointNotInState: it is the endpoint of callbacks, which claims would call into being again.
    """
    actor = authorised(by, endpoint.source)
    if endpoint.url is None:
        raise EndpointNotInState("The endpoint for callbacks of claims stays; it can be paused.")
    now = timezone.now()
    removed = Endpoint.objects.filter(pk=endpoint.pk, removed_at=None).update(
        removed_at=now, state=EndpointState.DISABLED, state_reason=StateReason.REMOVED
    )
    if removed:
        endpoint.secrets.all().delete()
        given_up = endpoint.deliveries.filter(state=DeliveryState.PENDING).update(
            state=DeliveryState.DEAD, last_error="removed", finished_at=now
        )
        _record(endpoint, "webhook.removed", actor, deliveries=given_up)


def _url_problems(url: str) -> list[FieldProblem]:
    try:
        parse_target(url, host_permissions())
    except TargetRefused as refused:
        return [FieldProblem("/url", refused.code, refused.detail)]
    return []


def _event_problems(events: Collection[str]) -> list[FieldProblem]:
    if events and set(events) <= set(EventType.values):
        return []
    return [FieldProblem("/events", "choice", f"At least one of: {', '.join(EventType.values)}.")]


def _lock(source: Source) -> None:
    Source.objects.select_for_update(no_key=True).get(pk=source.pk)


def callback_endpoint(source: Source) -> Endpoint:
    """The endpoint for the addresses that claims of this source name, made when the first of them does.

    Joins the caller's transaction. Nobody has seen its secret: `rotate_secret` shows one.
    """
    joins_transaction()
    _lock(source)
    known = source.endpoints.filter(url=None).first()
    return known or _create(source=source, url=None, actor=SWEEP, by=None, events=OUTCOME_EVENTS)[0]


def _create(
    *,
    source: Source,
    url: str | None,
    actor: Actor,
    by: Manager | None,
    events: Collection[str],
    scheme: Scheme = Scheme.HMAC_SHA256,
    payload: Payload = Payload.THIN,
) -> tuple[Endpoint, SigningSecret]:
    endpoint = Endpoint(
        source=source,
        url=url,
        events=sorted(set(events)),
        payload=payload,
        state=EndpointState.UNVERIFIED if url else EndpointState.ACTIVE,
        state_reason=StateReason.CHALLENGE if url else "",
        created_by=by if isinstance(by, User) else None,
    )
    entry = ledger.append(
        event="webhook.registered",
        actor=actor,
        source=source.slug,
        endpoint=endpoint.pk,
        events=endpoint.events,
        url_hash=_hash(url),
        scheme=scheme.value,
        payload=payload.value,
    )
    endpoint.event_id = entry.id
    endpoint.save(force_insert=True)
    return endpoint, _new_secret(endpoint, scheme)


def _hash(url: str | None) -> bytes | None:
    """For the ledger: addresses may carry tokens."""
    return hashlib.sha256(url.encode()).digest() if url else None


def _new_secret(endpoint: Endpoint, scheme: Scheme) -> SigningSecret:
    secret = new_secret(scheme)
    EndpointSecret.objects.create(
        endpoint=endpoint,
        scheme=scheme,
        sealed=sealed(secret.key),
        public_key=secret.receiver_text if scheme == Scheme.ED25519 else "",
    )
    return secret


@service
def rotate_secret(
    *, endpoint: Endpoint, by: Manager, scheme: Scheme | None = None, overlap: timedelta = OVERLAP
) -> str:
    """Replaces the secret and returns the new one's receiver text. The former signs beside it for `overlap`.

    Without `scheme` signatures stay of the same kind. A secret that was still on its way out ends at once.
    """
    actor = authorised(by, endpoint.source)
    _locked(endpoint)
    current = endpoint.secrets.get(expires_at=None)
    endpoint.secrets.exclude(pk=current.pk).delete()
    expires_at = timezone.now() + overlap
    if overlap:
        current.expires_at = expires_at
        current.save(update_fields=["expires_at"])
    else:
        current.delete()
    secret = _new_secret(endpoint, scheme or Scheme(current.scheme))
    ledger.append(
        event="webhook.secret_rotated",
        actor=actor,
        source=endpoint.source.slug,
        endpoint=endpoint.pk,
        scheme=secret.scheme.value,
        overlap_until_us=microseconds(expires_at),
    )
    return secret.receiver_text


@service
def pause(*, endpoint: Endpoint, by: Manager) -> None:
    """Nothing is sent until `resume`; what happens meanwhile is kept. Pausing twice is one pause.

    Raises:
        EndpointNotInState: it is disabled.
    """
    actor = authorised(by, endpoint.source)
    if stop(endpoint, EndpointState.PAUSED, StateReason.ASKED):
        _record(endpoint, "webhook.paused", actor, reason=StateReason.ASKED.value)
    elif Endpoint.objects.filter(pk=endpoint.pk, state=EndpointState.DISABLED).exists():
        raise EndpointNotInState("The receiver said that it is gone: nothing is sent to this endpoint.")


def stop(endpoint: Endpoint, state: EndpointState, reason: StateReason) -> bool:
    """Whether it was running until now. Joins the caller's transaction."""
    joins_transaction()
    running = [EndpointState.ACTIVE, EndpointState.UNVERIFIED]
    return bool(Endpoint.objects.filter(pk=endpoint.pk, state__in=running).update(state=state, state_reason=reason))


@service
def resume(*, endpoint: Endpoint, by: Manager) -> None:
    """Sends again, with what has waited; what was given up is replayed separately. Resuming twice is once.

    An address that has not answered a challenge gets another one, and has to answer that first.

    Raises:
        TooManyChallenges: the source has asked enough for this hour.
    """
    actor = authorised(by, endpoint.source)
    locked = _locked(endpoint)
    if locked.state in (EndpointState.ACTIVE, EndpointState.UNVERIFIED):
        return
    is_known = locked.url is None or locked.verified_at is not None
    locked.state = EndpointState.ACTIVE if is_known else EndpointState.UNVERIFIED
    locked.state_reason = "" if is_known else StateReason.CHALLENGE
    locked.failures, locked.failing_since, locked.rests_until = 0, None, None
    locked.save(update_fields=[*_CHANGEABLE])
    entry = _record(locked, "webhook.resumed", actor)
    if not is_known:
        refuse_too_many(locked.source)
        withdraw_challenges(locked)
        ask(locked, event_id=entry, now=timezone.now())


def _locked(endpoint: Endpoint) -> Endpoint:
    """Raises NotFound when it was removed meanwhile."""
    found = (
        Endpoint.objects.select_for_update(of=("self",))
        .select_related("source")
        .filter(pk=endpoint.pk, removed_at=None)
        .first()
    )
    if found is None:
        raise NotFound("There is no such endpoint.")
    return found


def _record(endpoint: Endpoint, event: str, actor: Actor, **fields: object) -> int:
    entry = ledger.append(
        event=event, actor=actor, claim=None, source=endpoint.source.slug, endpoint=endpoint.pk, **fields
    )
    return entry.id
