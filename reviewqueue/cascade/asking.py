"""Asking secondary handlers. Taking and recording are short transactions; the network comes between them.

A call that nobody recorded was interrupted, and its step is taken again once the call cannot be running any more. The
answer is submitted like any claim of the same source, under a name that depends on nothing but the step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from secrets import SystemRandom
from typing import Any, Final

from django.db import OperationalError
from django.db.models import Max, Q
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.cascade.models import HandlerCall, SecondaryHandler, Step
from reviewqueue.cascade.opinions import (
    MOST_BYTES,
    AnswerRefused,
    Opinion,
    challenge_body,
    external_id_of,
    opinion_in,
    step_body,
)
from reviewqueue.cascade.services import handlers
from reviewqueue.cascade.services.cases import CaseFull, SupersededAlready
from reviewqueue.claims.submission import parse_submission
from reviewqueue.deliveries.outgoing import MOST_READ, Answer, Resolver, post
from reviewqueue.deliveries.payloads import repeats_challenge
from reviewqueue.deliveries.schedule import delay_after
from reviewqueue.deliveries.selectors import host_permissions
from reviewqueue.deliveries.signing import Scheme, SigningSecret, signature_headers
from reviewqueue.deliveries.targets import HostPermission
from reviewqueue.deliveries.vault import SecretUnreadable, unsealed
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

AT_ONCE: Final = 12
AT_ONCE_PER_PIPELINE: Final = 4
TAKING_SECONDS: Final = 20.0
"""A run takes new steps for so long, and ends when what it took has come back."""
LOOK_AGAIN_SECONDS: Final = 0.5
GRACE: Final = timedelta(seconds=30)
"""A call that is this much over its time is not running any more."""
CHALLENGE_SECONDS: Final = 20.0
CHALLENGE_AGAIN_AFTER: Final = timedelta(minutes=5)
HEADERS: Final = {"Content-Type": "application/json", "User-Agent": "ReviewQueue-Cascade/1"}
_random = SystemRandom()


@dataclass(frozen=True, slots=True)
class Request:
    """Ready to be sent without the database. Without headers it is unsigned, and not sent."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    permissions: Mapping[str, HostPermission]
    seconds: float


@dataclass(frozen=True, slots=True)
class Call:
    """One question about one step, written down already."""

    step: Step
    handler: SecondaryHandler
    number: int
    request: Request


def ask_handlers(*, clock: Callable[[], datetime] = timezone.now, resolve: Resolver | None = None) -> int:
    """Challenges new addresses and asks those that answered for what their pipelines wait for; returns the calls."""
    calls = 0
    in_flight: dict[Future[Answer], Call] = {}
    taking_ends = time.monotonic() + TAKING_SECONDS
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="handler") as pool:
        _challenge_all(pool, clock(), resolve)
        while True:
            if time.monotonic() < taking_ends:
                for call in _take(in_flight=list(in_flight.values()), now=clock()):
                    in_flight[pool.submit(_send, call.request, resolve)] = call
            if not in_flight:
                return calls
            done, _ = wait(in_flight, LOOK_AGAIN_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                _settle(in_flight.pop(future), future.result(), clock())
            calls += len(done)


# --- challenges -----------------------------------------------------------------------------------------------------


def _challenge_all(pool: ThreadPoolExecutor, now: datetime, resolve: Resolver | None) -> None:
    waiting = SecondaryHandler.objects.filter(enabled=True, verified_at=None, next_challenge_at__lte=now)
    asked = list(waiting.select_related("pipeline").order_by("next_challenge_at")[:AT_ONCE])
    requests = [_challenge(handler, host_permissions(), now) for handler in asked]
    for handler, request, answer in zip(
        asked, requests, pool.map(partial(_send, resolve=resolve), requests), strict=True
    ):
        _record_challenge(handler=handler, error=_challenge_error(answer, request.body), now=now)


def _challenge(handler: SecondaryHandler, permissions: Mapping[str, HostPermission], now: datetime) -> Request:
    body = challenge_body(handler.pipeline.slug, handler.challenge, now)
    seconds = min(CHALLENGE_SECONDS, handler.timeout_seconds)
    return Request(handler.url, body, _signed(handler, f"challenge-{handler.pk}", body, now), permissions, seconds)


def _challenge_error(answer: Answer, asked: bytes) -> str:
    if answer.error or not answer.accepted:
        return answer.error or "status"
    return "" if repeats_challenge(answer.body, asked=asked) else "not_repeated"


@service
def _record_challenge(*, handler: SecondaryHandler, error: str, now: datetime) -> None:
    if not error:
        handlers.verify(handler, challenge=handler.challenge, now=now)
        return
    same = SecondaryHandler.objects.filter(pk=handler.pk, challenge=handler.challenge)
    same.update(last_error=error, next_challenge_at=now + CHALLENGE_AGAIN_AFTER)


# --- taking ---------------------------------------------------------------------------------------------------------


@service
def _take(*, in_flight: list[Call], now: datetime) -> list[Call]:
    """Steps whose handlers may be asked now, each with its call written down before it is made."""
    calls: list[Call] = []
    permissions = host_permissions()
    for handler in SecondaryHandler.objects.filter(enabled=True, verified_at__isnull=False).order_by("?"):
        busy = sum(call.handler.pk == handler.pk for call in in_flight)
        free = min(AT_ONCE_PER_PIPELINE - busy, AT_ONCE - len(in_flight) - len(calls))
        calls += [_begin(step, handler, permissions, now) for step in _due(handler, now, free)]
    return calls


def _due(handler: SecondaryHandler, now: datetime, limit: int) -> list[Step]:
    """Not those whose payload was erased: there is nothing left to ask about."""
    waiting = Step.objects.filter(pipeline=handler.pk, kind="secondary", closed_at=None, due_at__gt=now)
    due = waiting.filter(Q(next_try_at=None) | Q(next_try_at__lte=now), claim__payload__isnull=False)
    read = due.select_related("claim__payload__key", "claim__source", "claim__pipeline")
    return list(read.select_for_update(skip_locked=True, no_key=True, of=("self",)).order_by("due_at")[: max(limit, 0)])


def _begin(step: Step, handler: SecondaryHandler, permissions: Mapping[str, HostPermission], now: datetime) -> Call:
    number = (step.calls.aggregate(last=Max("number"))["last"] or 0) + 1
    HandlerCall.objects.create(step=step, pipeline_id=step.pipeline_id, number=number, started_at=now)
    step.next_try_at = now + timedelta(seconds=handler.timeout_seconds) + GRACE
    step.save(update_fields=["next_try_at"])
    body = step_body(_asked(step), now)
    headers = _signed(handler, f"step-{step.claim_id}", body, now)
    return Call(step, handler, number, Request(handler.url, body, headers, permissions, handler.timeout_seconds))


def _asked(step: Step) -> dict[str, Any]:
    claim, content = step.claim, step.claim.payload.content
    return {
        "pipeline": claim.pipeline.slug,
        "claim": str(claim.pk),
        "external_id": claim.external_id,
        "attempt": step.attempt,
        "due_at": step.due_at.isoformat(),
        "category": claim.category or None,
        "segments": claim.segments,
        "input": content["input"],
        "output": content["output"],
        "context": content["context"],
        "confidence": claim.confidence,
        "model": claim.model,
    }


def _signed(handler: SecondaryHandler, message_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """Empty when the secret cannot be decrypted: nothing goes out unsigned."""
    try:
        secret = SigningSecret(Scheme.HMAC_SHA256, unsealed(handler.sealed))
    except SecretUnreadable:
        return {}
    return HEADERS | signature_headers([secret], message_id=message_id, timestamp=int(now.timestamp()), body=body)


def _send(request: Request, resolve: Resolver | None) -> Answer:
    if not request.headers:
        return Answer(None, "secret_unreadable", None, 0.0)
    return post(
        request.url,
        body=request.body,
        headers=request.headers,
        permissions=request.permissions,
        resolve=resolve,
        seconds=request.seconds,
        most_read=MOST_READ + MOST_BYTES,
    )


# --- recording ------------------------------------------------------------------------------------------------------


def _settle(call: Call, answer: Answer, now: datetime) -> None:
    """What cannot be recorded now leaves an interrupted call, and does not stop the others."""
    try:
        _record(call=call, answer=answer, error=_taken_in(call, answer, now), now=now)
    except OperationalError:
        log.exception("cascade: call %d for claim %s could not be recorded", call.number, call.step.claim_id)


def _taken_in(call: Call, answer: Answer, now: datetime) -> str:
    """Makes the answer a claim that supersedes the one asked about; returns why not, or nothing."""
    if not answer.accepted:
        return answer.error or "status"
    if not Step.objects.filter(pk=call.step.pk, closed_at=None).exists():
        return "overtaken"
    try:
        opinion = opinion_in(answer.body, model=call.handler.model)
        intake.submit(
            source=call.step.claim.source,
            submission=parse_submission(_claim_body(call.step, opinion), now=now),
            now=now,
        )
    except AnswerRefused as refused:
        return refused.code
    except Invalid:
        return "refused"
    except (SupersededAlready, CaseFull):
        return "overtaken"
    except Conflict:
        return "name_taken"
    return ""


def _claim_body(step: Step, opinion: Opinion) -> dict[str, Any]:
    claim, content = step.claim, step.claim.payload.content
    return {
        "pipeline": claim.pipeline.slug,
        "external_id": external_id_of(claim.external_id, step.attempt + 1),
        "model": opinion.model,
        "model_version": opinion.model_version,
        "prompt_version": opinion.prompt_version,
        "category": claim.category or None,
        "segments": claim.segments,
        "input": content["input"],
        "output": opinion.output,
        "context": content["context"],
        "confidence": opinion.confidence,
        "signals": opinion.signals,
        "supersedes": str(claim.pk),
        "callback_url": claim.callback_url,
    }


@service
def _record(*, call: Call, answer: Answer, error: str, now: datetime) -> None:
    """After a failure the step is taken again by the schedule of webhooks; after the last one it runs out."""
    HandlerCall.objects.filter(step=call.step, number=call.number).update(
        finished_at=now, status=answer.status, seconds=answer.seconds, error=error
    )
    if error:
        pause = delay_after(call.number, spread=_random.uniform(-1, 1))
        again = call.step.due_at if pause is None else now + pause
        Step.objects.filter(pk=call.step.pk, closed_at=None).update(next_try_at=again)
