"""The answers about webhooks as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from reviewqueue.api.answers import Count, Id, Instant, Next


class Signature(Struct, frozen=True, kw_only=True):
    scheme: Annotated[Literal["v1", "v1a"], Meta(description="`v1`: HMAC-SHA256, `v1a`: Ed25519.")]
    public_key: str | None
    expires_at: Annotated[Instant | None, Meta(description="For the one that is on its way out.")]


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where a source is told what happened."""

    id: Id
    url: Annotated[str | None, Meta(description="Null: the addresses that single claims name.")]
    events: list[str]
    payload: Literal["thin", "full"]
    state: Annotated[
        Literal["unverified", "active", "paused", "disabled"],
        Meta(description="`unverified` until its address has answered a challenge."),
    ]
    state_reason: str | None
    verified_at: Instant | None
    failures: Annotated[Count, Meta(description="Attempts in a row that failed.")]
    rests_until: Instant | None
    signatures: list[Signature]
    created_at: Instant


class NewEndpoint(Endpoint, frozen=True, kw_only=True):
    secret: Annotated[
        str | UnsetType,
        Meta(description="What signatures are checked with. In the first answer alone: a repetition does not have it."),
    ] = UNSET


class EndpointList(Struct, frozen=True, kw_only=True):
    results: list[Endpoint]


class Sent(Struct, frozen=True, kw_only=True):
    """How many are sent now."""

    sent: Count


class Attempt(Struct, frozen=True, kw_only=True):
    number: int
    started_at: Instant
    finished_at: Annotated[Instant | None, Meta(description="Null: under way, or interrupted.")]
    status: Annotated[int | None, Meta(description="What the receiver answered.")]
    error: Annotated[str | None, Meta(description="Why there was no answer that counts, as a code.")]
    seconds: float | None


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one endpoint. Its `id` is the `webhook-id` of every attempt."""

    id: Id
    endpoint: Id
    claim: Id | None
    outcome: Id | None
    type: str
    state: Literal["waiting", "pending", "delivered", "dead"]
    attempts: Count
    next_at: Instant | None
    last_status: int | None
    last_error: str | None
    created_at: Instant
    finished_at: Instant | None
    history: list[Attempt]


class DeliveryPage(Struct, frozen=True, kw_only=True):
    results: list[Delivery]
    next: Next
