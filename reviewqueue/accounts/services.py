from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from reviewqueue.accounts.key_bindings import bindings
from reviewqueue.accounts.keys import KeyText, new_key, parse_key
from reviewqueue.accounts.limits import forget_full_buckets
from reviewqueue.accounts.models import ApiKey, IdempotentRequest, Source, User
from reviewqueue.accounts.naming import name_problems, slug_problems
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.times import microseconds
from reviewqueue.transactions import joins_transaction, service

DEFAULT_LIFETIME = timedelta(days=365)
MOST_REQUESTS = 1_000_000  # a minute


@service
def create_source(*, slug: str, name: str, actor: Actor) -> Source:
    """Raises Invalid for a slug that is taken or none, and a name that cannot be read."""
    problems = slug_problems(slug, Source.objects.all(), "source") + name_problems(name)
    if problems:
        raise Invalid(problems)
    entry = ledger.append(event="source.created", actor=actor, source=slug)
    return Source.objects.create(slug=slug, name=name, event_id=entry.id)


@service
def set_source_active(*, source: Source, active: bool, actor: Actor) -> None:
    """Keys of a source that is not active open nothing, from the next request on; they work again once it is."""
    changed = Source.objects.filter(pk=source.pk, is_active=not active).update(is_active=active)
    if changed:
        ledger.append(event="source.changed", actor=actor, source=source.slug, changed=["active"], active=active)


@service
def set_password(*, user: User, password: str) -> None:
    """What this person chose. Whoever is logged in as them elsewhere is logged out."""
    user.set_password(password)
    user.save(update_fields=["password"])
    ledger.append(event="password.changed", actor=Actor.user(user.pseudonym), user=user.pseudonym)


@service
def set_key_bindings(*, user: User, keys: Mapping[str, str], off: bool, taken: Collection[str] = ()) -> None:
    """Which keys do what for this person. Of no consequence for anything on record, so the ledger has no entry of it.

    Raises Invalid, as `key_bindings.bindings`.
    """
    user.key_bindings = bindings(keys, off=off, taken=taken)
    user.save(update_fields=["key_bindings"])


@service
def issue_key(
    *,
    holder: Source | User,
    name: str,
    scopes: Collection[str],
    actor: Actor,
    lifetime: timedelta | None = DEFAULT_LIFETIME,
    requests_per_minute: int | None = None,
) -> tuple[ApiKey, str]:
    """A new key and its text, which exists nowhere else and is shown once.

    `requests_per_minute` None: the limits of this instance. Raises Invalid where that is no limit.
    """
    _check_limit(requests_per_minute)
    text = new_key(environment=settings.API_KEY_ENVIRONMENT)
    limited: dict[str, Any] = {"requests_per_minute": requests_per_minute} if requests_per_minute else {}
    entry = ledger.append(
        event="apikey.created",
        actor=actor,
        key=text.prefix,
        scopes=sorted(scopes),
        owner=_holder_name(holder),
        **limited,
    )
    return _stored(text, holder, name, scopes, lifetime, requests_per_minute, entry.id), text.text


def _stored(
    text: KeyText,
    holder: Source | User,
    name: str,
    scopes: Collection[str],
    lifetime: timedelta | None,
    limit: int | None,
    event_id: int,
) -> ApiKey:
    now = timezone.now()
    return ApiKey.objects.create(
        public_id=text.public_id,
        prefix=text.prefix,
        secret_hash=text.secret_hash(pepper=settings.API_KEY_PEPPER),
        name=name,
        scopes=sorted(scopes),
        source=holder if isinstance(holder, Source) else None,
        user=holder if isinstance(holder, User) else None,
        created_at=now,
        expires_at=now + lifetime if lifetime else None,
        requests_per_minute=limit,
        event_id=event_id,
    )


class KeyEnded(Conflict):
    """The key is revoked or has run out: there is nothing to take over from."""


@service
def rotate_key(*, key: ApiKey, actor: Actor, overlap: timedelta) -> tuple[ApiKey, str]:
    """Another key of the same holder, name, scopes and limit; the old one still works for `overlap`, then it ends.

    The new one lives as long as the old one did when it was made. Raises KeyEnded.
    """
    old = ApiKey.objects.select_for_update(of=("self",)).select_related("source", "user").get(pk=key.pk)
    now = timezone.now()
    if old.revoked_at or (old.expires_at and old.expires_at <= now):
        raise KeyEnded("This key opens nothing any more. Issue a new one.")
    until = min(now + overlap, old.expires_at or now + overlap)
    text, holder = new_key(environment=settings.API_KEY_ENVIRONMENT), _holder_of(old)
    entry = ledger.append(
        event="apikey.rotated",
        actor=actor,
        key=text.prefix,
        replaces=old.prefix,
        scopes=old.scopes,
        owner=_holder_name(holder),
        overlap_until_us=microseconds(until),
    )
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    new = _stored(text, holder, old.name, old.scopes, lifetime, old.requests_per_minute, entry.id)
    ended = {"expires_at": until} if overlap else {"expires_at": until, "revoked_at": now}
    ApiKey.objects.filter(pk=old.pk).update(**ended)
    return new, text.text


def _holder_of(key: ApiKey) -> Source | User:
    holder = key.source or key.user
    assert holder is not None  # a constraint of the table
    return holder


def _holder_name(holder: Source | User) -> str:
    return f"source:{holder.slug}" if isinstance(holder, Source) else f"user:{holder.pseudonym}"


@service
def revoke_key(*, key: ApiKey, actor: Actor, reason: str = "") -> None:
    """Effective at the next request. Revoking twice is one revocation."""
    revoked = ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())
    if revoked:
        ledger.append(event="apikey.revoked", actor=actor, key=key.prefix, reason=reason or None)


@service
def limit_key(*, key: ApiKey, requests_per_minute: int | None, actor: Actor) -> None:
    """Gives one key a limit of its own, from its next request on; None gives it the limits of this instance again."""
    _check_limit(requests_per_minute)
    ApiKey.objects.filter(pk=key.pk).update(requests_per_minute=requests_per_minute)
    ledger.append(event="apikey.limited", actor=actor, key=key.prefix, requests_per_minute=requests_per_minute)


def _check_limit(requests_per_minute: int | None) -> None:
    if requests_per_minute is not None and not 1 <= requests_per_minute <= MOST_REQUESTS:
        detail = f"This is a whole number from 1 to {MOST_REQUESTS:,}; a key can also be revoked."
        raise Invalid([FieldProblem("/requests_per_minute", "range", detail)])


def key_of(text: str) -> ApiKey | None:
    """The usable key behind `text`, or None: unknown, wrong, expired, revoked and inactive look the same."""
    parsed = parse_key(text)
    if parsed is None or parsed.environment != settings.API_KEY_ENVIRONMENT:
        return None
    key = ApiKey.objects.select_related("source", "user").filter(public_id=parsed.public_id).first()
    if key is None or not _secret_matches(key, parsed):
        return None
    now = timezone.now()
    if key.revoked_at or (key.expires_at and key.expires_at <= now) or not _holder_is_active(key):
        return None
    _note_use(key, now)
    return key


def _secret_matches(key: ApiKey, parsed: KeyText) -> bool:
    expected = parsed.secret_hash(pepper=settings.API_KEY_PEPPER)
    return secrets.compare_digest(bytes(key.secret_hash), expected)


def _holder_is_active(key: ApiKey) -> bool:
    holder = key.source or key.user
    return holder is not None and holder.is_active


def _note_use(key: ApiKey, now: datetime) -> None:
    """Minute precision, at most one write a minute."""
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now.replace(second=0, microsecond=0))


class KeyReused(Invalid):
    """The Idempotency-Key was used for another request."""

    code = "idempotency_key_reused"


class TwinRunning(Conflict):
    """The same request is being worked on at this moment."""

    code = "request_in_progress"


def stored_answer(*, holder: str, key: str, request: str, body: bytes) -> IdempotentRequest | None:
    """The stored answer to this very request, or None when it is new.

    Joins the caller's transaction. A concurrent twin is recognised without waiting for it.

    Raises:
        TwinRunning: the same key is in use by a request that has not finished.
        KeyReused: the key belongs to another request or another body.
    """
    joins_transaction()
    digest = hashlib.sha256(f"{holder}\0{key}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], "big", signed=True)])
        if not cursor.fetchone()[0]:
            raise TwinRunning("A request with this Idempotency-Key is still running. Try again in a moment.")
    stored = IdempotentRequest.objects.filter(holder=holder, key=key).first()
    if stored is None:
        return None
    if stored.request != request or bytes(stored.body_hash) not in _body_hashes(body):
        problem = FieldProblem("", "idempotency_key_reused", "This Idempotency-Key was used for a different request.")
        raise KeyReused([problem], problem.detail)
    return stored


def _body_hashes(body: bytes) -> tuple[bytes, bytes]:
    """Under a key that is not in the database, as bodies hold what is masked before it is stored; and the plain one."""
    keyed = hmac.new(settings.API_KEY_PEPPER.encode(), b"reviewqueue bodies 1\0" + body, hashlib.sha256)
    return keyed.digest(), hashlib.sha256(body).digest()


def store_answer(*, holder: str, key: str, request: str, body: bytes, status: int, answer: bytes) -> None:
    """Joins the caller's transaction: the answer is stored with its effect or not at all."""
    joins_transaction()
    IdempotentRequest.objects.create(
        holder=holder,
        key=key,
        request=request,
        body_hash=_body_hashes(body)[0],
        status=status,
        body=answer,
    )


@service
def forget_old_requests() -> int:
    """Idempotency keys are honoured for 48 hours, and rate limits look back a window."""
    forget_full_buckets()
    return IdempotentRequest.objects.filter(created_at__lt=timezone.now() - timedelta(hours=48)).delete()[0]
