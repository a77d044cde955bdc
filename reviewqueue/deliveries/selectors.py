"""Questions about webhooks. Fetching is authorising; what is shown holds no secret and nothing a receiver said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Prefetch, QuerySet, prefetch_related_objects

from reviewqueue.accounts.models import Source, User
from reviewqueue.claims.models import Claim
from reviewqueue.claims.selectors import instant
from reviewqueue.deliveries.models import (
    CHALLENGE,
    Attempt,
    CallbackHost,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointSecret,
    NamedHost,
)
from reviewqueue.deliveries.outgoing import ERRORS
from reviewqueue.deliveries.targets import HostPermission
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role, pipelines_for

READERS = frozenset({Role.ADMIN, Role.AUDITOR})
"""Who may see everything about webhooks."""
STATE_READERS = READERS | {Role.OWNER}
"""Owners see how the endpoints of their pipelines' sources are doing, and not what was sent to them."""

ERROR_TEXTS: Final[Mapping[str, str]] = {
    **ERRORS,
    "secret_unreadable": "The signing secret cannot be decrypted. Rotate it.",
    "interrupted": "The sender went down at every attempt.",
    "withdrawn": "Another challenge took the place of this one.",
    "removed": "The endpoint was removed.",
}
"""Every code that an attempt without a status can have, for people."""


def host_permissions() -> dict[str, HostPermission]:
    return {named.host: named.permission for named in NamedHost.objects.all()}


def endpoints_for(reader: User | Source) -> QuerySet[Endpoint]:
    """Newest first, without those that were removed: a source's own; all for administrators and auditors; for owners
    those of the sources of their pipelines. Raises Forbidden for others.
    """
    endpoints = (
        Endpoint.objects.filter(removed_at=None)
        .select_related("source", "created_by")
        .prefetch_related(Prefetch("secrets", EndpointSecret.objects.order_by("-created_at")))
        .order_by("-id")
    )
    if isinstance(reader, Source):
        return endpoints.filter(source=reader)
    if has_role(reader, READERS):
        return endpoints
    if not has_role(reader, STATE_READERS):
        raise Forbidden("Webhooks are the business of administrators, and of the owners of pipelines.")
    return endpoints.filter(source__in=Source.objects.filter(pipelines__in=pipelines_for(reader, STATE_READERS)))


def sees_deliveries(reader: User | Source) -> bool:
    return isinstance(reader, Source) or has_role(reader, READERS)


def endpoint_for(reader: User | Source, endpoint_id: UUID) -> Endpoint:
    """Raises NotFound, also for an endpoint of another source; Forbidden for people without the role."""
    endpoint = endpoints_for(reader).filter(pk=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such endpoint.")
    return endpoint


def delivery_for(reader: User | Source, delivery_id: UUID) -> Delivery:
    """Raises NotFound, also for a delivery to another source; Forbidden for people without the role."""
    if not sees_deliveries(reader):
        raise Forbidden("What was sent is shown to administrators and auditors.")
    delivery = (
        Delivery.objects.select_related("endpoint__source")
        .filter(pk=delivery_id, endpoint__in=endpoints_for(reader))
        .first()
    )
    if delivery is None:
        raise NotFound("There is no such delivery.")
    return delivery


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    state: str | None = None
    type: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def deliveries_page(endpoint: Endpoint, *, wanted: DeliveryFilter, before: UUID | None, limit: int) -> list[Delivery]:
    """Up to `limit` deliveries of an endpoint, newest first, older than `before`."""
    columns = {
        "state": wanted.state,
        "type": wanted.type,
        "created_at__gte": wanted.since,
        "created_at__lt": wanted.until,
        "id__lt": before,
    }
    given = {column: value for column, value in columns.items() if value is not None}
    return list(endpoint.deliveries.filter(**given).order_by("-id")[:limit])


def with_history(deliveries: list[Delivery]) -> list[Delivery]:
    """Fills in the attempts of all of them, oldest first, by one query."""
    prefetch_related_objects(deliveries, Prefetch("history", Attempt.objects.order_by("number")))
    return deliveries


def last_challenge(endpoint: Endpoint) -> Delivery | None:
    """The one whose answer counts, of the endpoint itself."""
    return endpoint.deliveries.filter(type=CHALLENGE, host=None).order_by("-created_at").first()


def callback_hosts(endpoint: Endpoint, *, limit: int) -> list[CallbackHost]:
    """Those that have not answered first, then the newest."""
    return list(endpoint.callback_hosts.order_by(F("verified_at").asc(nulls_first=True), "-id")[:limit])


def attempts_of(delivery: Delivery) -> list[Attempt]:
    """Oldest first."""
    return list(delivery.history.order_by("number"))


def deliveries_of_claim(claim: Claim) -> list[Delivery]:
    """For the life of a claim, oldest first. Whoever may read the claim may read these."""
    return list(claim.deliveries.select_related("endpoint").order_by("id"))


def named_hosts(reader: User) -> list[NamedHost]:
    """Raises Forbidden."""
    if not has_role(reader, READERS):
        raise Forbidden("Webhooks are the business of administrators.")
    return list(NamedHost.objects.select_related("created_by").order_by("host"))


def endpoint_answer(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as its source may see it. Signing secrets are not in it, only public keys."""
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "events": list(endpoint.events),
        "payload": endpoint.payload,
        "state": endpoint.state,
        "state_reason": endpoint.state_reason or None,
        "verified_at": instant(endpoint.verified_at) if endpoint.verified_at else None,
        "failures": endpoint.failures,
        "rests_until": instant(endpoint.rests_until) if endpoint.rests_until else None,
        "signatures": [
            {
                "scheme": secret.scheme,
                "public_key": secret.public_key or None,
                "expires_at": instant(secret.expires_at) if secret.expires_at else None,
            }
            for secret in endpoint.secrets.all()
        ],
        "created_at": instant(endpoint.created_at),
    }


def delivery_answer(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": str(delivery.id),
        "endpoint": str(delivery.endpoint_id),
        "claim": str(delivery.claim_id) if delivery.claim_id else None,
        "outcome": str(delivery.outcome_id) if delivery.outcome_id else None,
        "type": delivery.type,
        "state": delivery.state,
        "attempts": delivery.attempts,
        "next_at": instant(delivery.next_at) if delivery.state == DeliveryState.PENDING else None,
        "last_status": delivery.last_status,
        "last_error": delivery.last_error or None,
        "created_at": instant(delivery.created_at),
        "finished_at": instant(delivery.finished_at) if delivery.finished_at else None,
    }


def attempt_answer(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started_at": instant(attempt.started_at),
        "finished_at": instant(attempt.finished_at) if attempt.finished_at else None,
        "status": attempt.status,
        "error": attempt.error or None,
        "seconds": attempt.seconds,
    }
