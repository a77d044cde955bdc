"""Secondary handlers: who answers, where, and with which secret we sign what we ask."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.cascade.models import SecondaryHandler
from reviewqueue.deliveries.selectors import host_permissions
from reviewqueue.deliveries.signing import Scheme, new_secret
from reviewqueue.deliveries.targets import parse_target
from reviewqueue.deliveries.vault import sealed
from reviewqueue.errors import FieldProblem, Forbidden, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.canonical import canonical
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.transactions import joins_transaction, service
from reviewqueue.web_addresses import TargetRefused

LONGEST_SECONDS: Final = 60
LONGEST_MODEL: Final = 120
SYSTEM: Final = Actor.system("cascade")


@service
def register_handler(*, pipeline: Pipeline, url: str, model: str, timeout_seconds: int, by: User) -> str | None:
    """Where the pipeline asks for a second opinion from now on. Returns the signing secret where it is a new one.

    A new address is sent nothing but a challenge until it has repeated it.

    Raises:
        Forbidden: this person neither owns the pipeline nor administers.
        Invalid: the address is not one that is called, or the model or the time is not usable.
    """
    actor = _authorised(by, pipeline)
    problems = list(_problems(url, model, timeout_seconds))
    if problems:
        raise Invalid(problems)
    handler = _locked(pipeline)
    is_elsewhere = handler is None or handler.url != url
    handler = handler or SecondaryHandler(pipeline=pipeline)
    handler.url, handler.model, handler.timeout_seconds = url, model, timeout_seconds
    secret = _begin_anew(handler) if is_elsewhere else None
    _store(handler, actor, by)
    return secret


@service
def renew_secret(*, pipeline: Pipeline, by: User) -> str:
    """A new secret at once, in the place of the former one. Raises Forbidden, NotFound."""
    actor, handler = _authorised(by, pipeline), _existing(pipeline)
    secret = new_secret(Scheme.HMAC_SHA256)
    handler.sealed = sealed(secret.key)
    _store(handler, actor, by)
    return secret.receiver_text


@service
def switch_handler(*, pipeline: Pipeline, enabled: bool, by: User) -> None:
    """Asks the handler again, or no more: steps then wait for their callers. Raises Forbidden, NotFound."""
    actor, handler = _authorised(by, pipeline), _existing(pipeline)
    if handler.enabled != enabled:
        handler.enabled = enabled
        _store(handler, actor, by)


def verify(handler: SecondaryHandler, *, challenge: str, now: datetime) -> None:
    """It repeated the challenge, so it wants to hear from us. Joins the caller's transaction."""
    joins_transaction()
    locked = _locked(handler.pipeline)
    if locked is not None and locked.challenge == challenge and locked.verified_at is None:
        locked.verified_at, locked.last_error = now, ""
        _store(locked, SYSTEM, None)


def _authorised(by: User, pipeline: Pipeline) -> Actor:
    role = Role.ADMIN if has_role(by, {Role.ADMIN}) else Role.OWNER
    if not has_role(by, {role}, pipeline_id=pipeline.pk):
        raise Forbidden("A secondary handler is for an owner of the pipeline or an admin to set.")
    return Actor.user(by.pseudonym, role=role.value)


def _problems(url: str, model: str, timeout_seconds: int) -> Iterator[FieldProblem]:
    try:
        parse_target(url, host_permissions())
    except TargetRefused as refused:
        yield FieldProblem("/url", refused.code, refused.detail)
    if not (0 < len(model) <= LONGEST_MODEL and model.isprintable() and model.strip()):
        yield FieldProblem("/model", "value", f"A name of 1 to {LONGEST_MODEL} printable characters.")
    if not 1 <= timeout_seconds <= LONGEST_SECONDS:
        yield FieldProblem("/timeout_seconds", "range", f"A whole number from 1 to {LONGEST_SECONDS}.")


def _begin_anew(handler: SecondaryHandler) -> str:
    """Another address has another secret, and has answered nothing yet."""
    secret = new_secret(Scheme.HMAC_SHA256)
    handler.sealed, handler.challenge = sealed(secret.key), secrets.token_urlsafe(32)
    handler.verified_at, handler.last_error, handler.next_challenge_at = None, "", timezone.now()
    return secret.receiver_text


def _locked(pipeline: Pipeline) -> SecondaryHandler | None:
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)
    return SecondaryHandler.objects.filter(pk=pipeline.pk).first()


def _existing(pipeline: Pipeline) -> SecondaryHandler:
    handler = _locked(pipeline)
    if handler is None:
        raise NotFound("This pipeline has no secondary handler.")
    return handler


def _store(handler: SecondaryHandler, actor: Actor, by: User | None) -> None:
    entry = ledger.append(
        event="pipeline.changed",
        actor=actor,
        pipeline=handler.pipeline.slug,
        changed=["secondary_handler"],
        settings_hash=_settings_hash(handler),
        active=handler.enabled and handler.verified_at is not None,
    )
    handler.event_id = entry.id
    if by is not None:
        handler.changed_by, handler.changed_at = by, timezone.now()
    handler.save()


def _settings_hash(handler: SecondaryHandler) -> bytes:
    """Of what was set; addresses may carry tokens, so the ledger does not hold them."""
    names = ("url", "model", "timeout_seconds", "enabled")
    values: dict[str, Any] = {name: getattr(handler, name) for name in names}
    return hashlib.sha256(canonical(values)).digest()
