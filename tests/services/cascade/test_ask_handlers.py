"""A second opinion is asked for over the network, and nothing that comes back is believed without looking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from threading import Event
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from reviewqueue.cascade import tasks
from reviewqueue.cascade.asking import ask_handlers
from reviewqueue.cascade.models import Attempt, HandlerCall, SecondaryHandler, Step
from reviewqueue.cascade.opinions import MOST_BYTES
from reviewqueue.cascade.services import handlers, steps
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.operations.models import SweepRun
from tests.services.cascade.steps import cascading, step_of, unsure
from tests.services.deliveries.steps import allow
from tests.unit.deliveries.receiver import Receiver, here, repeat, reset, status
from tests.world import World

THE_CALL_IS_ON_ITS_WAY = 3  # for the challenge, for the call, and then
OPINION: dict[str, Any] = {"output": "18 EUR.", "confidence": 0.7, "model": "second-lm", "model_version": "1"}


def said(**changes: Any) -> Any:
    return status(200, json.dumps({**OPINION, **changes}).encode())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(answers=[repeat, said()]) as running:
        yield running


@pytest.fixture
def secret(world: World, receiver: Receiver) -> str:
    """The secret of a handler that the owner has registered, in a pipeline whose unsure claims it is asked about."""
    world.activate(cascading("secondary"))
    allow(world, receiver)
    secret = handlers.register_handler(
        pipeline=world.pipeline, url=receiver.url, model="second-lm", timeout_seconds=5, by=world.olga
    )
    assert secret is not None
    return secret


def ask(after: timedelta = timedelta()) -> int:
    now = timezone.now() + after
    return ask_handlers(clock=lambda: now, resolve=here)


def calls() -> list[tuple[int, int | None, str]]:
    return list(HandlerCall.objects.order_by("step", "number").values_list("number", "status", "error"))


def test_the_answer_becomes_an_attempt_that_supersedes_the_claim(world: World, receiver: Receiver, secret: str) -> None:
    claim = unsure(world, external_id="ticket-8842", context=[{"kind": "document", "text": "18 EUR"}])
    assert ask() == 1
    claim.refresh_from_db()
    second = Claim.objects.get(external_id="ticket-8842/secondary-2")
    assert (claim.status, step_of(claim).closed_how) == ("decided", "answered")
    assert (second.supersedes_id, second.source_id, second.model) == (claim.pk, claim.source_id, "second-lm")
    assert Attempt.objects.get(claim=second).standing
    assert Decision.objects.get(claim=second).facts["attempt"] == 2
    assert second.payload.content["context"] == claim.payload.content["context"]
    assert calls() == [(1, 200, "")]
    assert ask() == 0


def test_the_request_is_signed_and_says_what_is_asked(world: World, receiver: Receiver, secret: str) -> None:
    claim = unsure(world)
    ask()
    challenge, request = receiver.received
    assert json.loads(challenge.body)["type"] == "handler.challenge"
    told = Webhook(secret).verify(request.body, request.headers)
    assert told["type"] == "step.secondary"
    assert told["data"]["claim"] == str(claim.pk)
    assert told["data"]["input"] == claim.payload.content["input"]
    assert request.headers["webhook-id"] == f"step-{claim.pk}"


def test_nothing_is_sent_to_an_address_that_has_not_repeated_the_challenge(
    world: World, receiver: Receiver, secret: str
) -> None:
    receiver.answers[:] = [status(200, b'{"challenge": "guessed"}'), repeat, said()]
    unsure(world)
    assert ask() == 0
    assert SecondaryHandler.objects.get().last_error == "not_repeated"
    assert ask() == 0
    assert len(receiver.received) == 1
    assert ask(timedelta(minutes=6)) == 1
    assert SecondaryHandler.objects.get().verified_at is not None


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (status(200, b"not json"), 200, "bad_answer"),
        (status(200, b'{"output": 1, "output": 2}'), 200, "bad_answer"),
        (said(confidence=1.5), 200, "bad_answer"),
        (said(confidence="0.9"), 200, "bad_answer"),
        (said(category="general"), 200, "bad_answer"),
        (said(model="another-lm"), 200, "wrong_model"),
        (said(model_version="\x07"), 200, "refused"),
        (said(signals={"attempt_agreement": 1}), 200, "refused"),
        (said(output="x" * MOST_BYTES), 200, "too_large"),
        (said(output="x" * 300 * 1024), 200, "refused"),
        (status(500), 500, "status"),
        (status(302, location="https://elsewhere.test/"), 302, "status"),
        (reset, None, "connection"),
    ],
)
def test_a_wrong_answer_is_a_failed_call_and_the_step_goes_on_waiting(
    world: World, receiver: Receiver, secret: str, answer: Any, code: int | None, error: str
) -> None:
    receiver.answers[:] = [repeat, answer]
    claim = unsure(world)
    ask()
    assert calls() == [(1, code, error)]
    claim.refresh_from_db()
    assert claim.status == "awaiting_step"
    assert Claim.objects.count() == 1


def test_a_failed_call_is_repeated_by_schedule_until_the_step_runs_out(
    world: World, receiver: Receiver, secret: str
) -> None:
    receiver.answers[:] = [repeat, status(503)]
    claim = unsure(world)
    for minute in range(0, 40):
        ask(timedelta(minutes=minute))
    assert calls() == [(number, 503, "status") for number in range(1, 4)]
    later = timezone.now() + timedelta(minutes=31)
    assert steps.expire_steps(clock=lambda: later) == 1
    claim.refresh_from_db()
    assert claim.status == "in_review"


def test_a_call_that_was_interrupted_is_made_again_and_is_one_claim(
    world: World, receiver: Receiver, secret: str
) -> None:
    claim = unsure(world)
    ask()
    interrupted = timezone.now() - timedelta(minutes=1)
    Claim.objects.filter(pk=claim.pk).update(status="awaiting_step")
    Step.objects.filter(claim=claim).update(closed_at=None, closed_how="", next_try_at=interrupted)
    HandlerCall.objects.update(finished_at=None)
    assert ask() == 1
    assert Claim.objects.count() == 2
    assert receiver.received[1].body[-200:] == receiver.received[2].body[-200:]
    assert receiver.received[1].headers["webhook-id"] == receiver.received[2].headers["webhook-id"]
    steps.close([claim.pk], steps.StepEnd.ANSWERED, now=interrupted)
    Claim.objects.filter(pk=claim.pk).update(status="decided")


def test_opinions_that_stay_unsure_end_with_people(world: World, receiver: Receiver, secret: str) -> None:
    receiver.answers[:] = [repeat, said(confidence=0.4)]
    unsure(world)
    for _ in range(4):
        ask()
    assert list(Decision.objects.order_by("decided_at").values_list("route", flat=True)) == ["uncertain"] * 2 + [
        "review"
    ]
    assert Claim.objects.order_by("-pk")[0].external_id == "ticket-1/secondary-2/secondary-3"


def test_without_a_handler_or_with_one_that_is_switched_off_steps_wait_for_their_callers(
    world: World, receiver: Receiver, secret: str
) -> None:
    handlers.switch_handler(pipeline=world.pipeline, enabled=False, by=world.olga)
    claim = unsure(world)
    assert ask() == 0
    assert receiver.received == []
    world.submit(confidence=0.7, supersedes=str(claim.pk))
    assert step_of(claim).closed_how == "answered"


def test_an_answer_that_comes_after_the_callers_own_is_dropped(world: World, receiver: Receiver, secret: str) -> None:
    claim, answered = unsure(world), Event()
    receiver.answers[:] = [repeat, lambda connection: answered.wait(10) and said()(connection)]
    looks = count(1)

    def clock() -> datetime:
        if next(looks) == THE_CALL_IS_ON_ITS_WAY:
            world.submit(confidence=0.7, supersedes=str(claim.pk))
            answered.set()
        return timezone.now()

    ask_handlers(clock=clock, resolve=here)
    assert calls() == [(1, 200, "overtaken")]
    assert Claim.objects.count() == 2


def test_the_scheduled_sweep_asks_nobody_where_there_is_nobody(world: World) -> None:
    tasks.ask_handlers()
    assert SweepRun.objects.get(name="cascade.ask_handlers").changed == 0
