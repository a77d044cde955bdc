"""Endpoints and their secrets."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from reviewqueue.accounts.models import Source, User
from reviewqueue.deliveries.authority import Manager, authorised
from reviewqueue.deliveries.models import (
    Endpoint,
    EndpointSecret,
    EndpointState,
    EventType,
    Payload,
    StateReason,
)
from reviewqueue.deliveries.selectors import host_permissions
from reviewqueue.deliveries.signing import Scheme, SigningSecret, new_secret
from reviewqueue.deliveries.targets import TargetRefused, parse_target
from reviewqueue.deliveries.vault import sealed
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.transactions import joins_transaction, service

OVERLAP: Final = timedelta(hours=24)
"""How long the former secret still signs after a rotation."""

SWEEP: Final = Actor.system("deliveries")


class EndpointExists(Conflict):
    code = "endpoint_exists"


class EndpointNotInState(Conflict):
    code = "endpoint_not_in_state"


@service
def create_endpoint(
    *,
    source: Source,
    url: str,
    by: Manager,
    events: Collection[str] = tuple(EventType),
    scheme: Scheme = Scheme.HMAC_SHA256,
    payload: Payload = Payload.THIN,
) -> tuple[Endpoint, str]:
    """A new endpoint and what its receiver checks signatures with; a `whsec_` secret is shown here and never again.

    It is told of outcomes that are written from now on.

    Raises:
        Invalid: the address is not one that is called, or `events` names none, or one that does not exist.
        EndpointExists: the source has an endpoint with this address.
    """
    actor = authorised(by, source)
    problems = [*_url_problems(url), *_event_problems(events)]
    if problems:
        raise Invalid(problems)
    _lock(source)
    if source.endpoints.filter(url=url).exists():
        raise EndpointExists("This source has an endpoint with this address.")
    endpoint, secret = _create(
        source=source, url=url, actor=actor, by=by, events=events, scheme=scheme, payload=payload
    )
    return endpoint, secret.receiver_text


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
    return known or _create(source=source, url=None, actor=SWEEP, by=None, events=tuple(EventType))[0]


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
        created_by=by if isinstance(by, User) else None,
    )
    entry = ledger.append(
        event="webhook.registered",
        actor=actor,
        source=source.slug,
        endpoint=endpoint.pk,
        events=endpoint.events,
        url_hash=hashlib.sha256(url.encode()).digest() if url else None,  # addresses may carry tokens
        scheme=scheme.value,
        payload=payload.value,
    )
    endpoint.event_id = entry.id
    endpoint.save(force_insert=True)
    return endpoint, _new_secret(endpoint, scheme)


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
    Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
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
    """Whether it was active until now. Joins the caller's transaction."""
    joins_transaction()
    active = Endpoint.objects.filter(pk=endpoint.pk, state=EndpointState.ACTIVE)
    return bool(active.update(state=state, state_reason=reason))


@service
def resume(*, endpoint: Endpoint, by: Manager) -> None:
    """Sends again, with what has waited; what was given up is replayed separately. Resuming twice is once."""
    actor = authorised(by, endpoint.source)
    resumed = (
        Endpoint.objects.filter(pk=endpoint.pk)
        .exclude(state=EndpointState.ACTIVE)
        .update(state=EndpointState.ACTIVE, state_reason="", failures=0, rests_until=None)
    )
    if resumed:
        _record(endpoint, "webhook.resumed", actor)


def _record(endpoint: Endpoint, event: str, actor: Actor, **fields: object) -> None:
    ledger.append(event=event, actor=actor, claim=None, source=endpoint.source.slug, endpoint=endpoint.pk, **fields)


def microseconds(moment: datetime) -> int:
    """Since 1970, as the ledger writes times."""
    return round(moment.timestamp() * 1_000_000)
