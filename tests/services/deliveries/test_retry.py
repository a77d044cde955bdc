"""What follows when a delivery is not accepted."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from django.db.models import Min
from django.utils import timezone

from reviewqueue.deliveries.models import Attempt, Delivery, Endpoint
from reviewqueue.deliveries.schedule import DELAYS
from reviewqueue.deliveries.services import sending
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Clock, Hook, find, send, settled, the_delivery
from tests.services.review.steps import ledger_kinds
from tests.unit.deliveries.receiver import Receiver, here, raw, reset, status
from tests.world import World


def attempts_over(days: int) -> list[datetime]:
    """When attempts were made, with the sweep running whenever something is due for so many days."""
    clock, made = Clock(timezone.now()), []
    end = clock.now + timedelta(days=days)
    while (due := Delivery.objects.filter(state="pending").aggregate(due=Min("next_at"))["due"]) and due < end:
        clock.now = max(clock.now, due)
        assert sending.deliver_due(clock=clock, resolve=here) == 1
        made.append(clock.now)
    return made


@pytest.fixture
def delivery(world: World, hook: Hook) -> Delivery:
    settled(world)
    find()
    return the_delivery()


def test_an_endpoint_that_is_dead_for_four_days_gets_ten_attempts_on_schedule_and_is_paused(
    delivery: Delivery, hook: Hook, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [status(500)]
    made = attempts_over(4)
    assert len(made) == len(receiver.received) == 10
    for (earlier, later), delay in zip(pairwise(made), DELAYS[1:], strict=True):
        assert delay * 0.8 <= later - earlier <= delay * 1.2
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("dead", 10, 500)
    assert hook.state == ("paused", "dead_letter")
    assert "paused" in caplog.text
    body = json.loads(Event.objects.get(kind="webhook.failed").leaf)["body"]
    assert (body["dead"], body["attempt"], body["status"]) == (True, 10, 500)
    assert ledger_kinds(delivery.claim_id)[-2:] == ["webhook.failed", "webhook.paused"]


def test_id_and_body_are_the_same_at_every_attempt_and_the_timestamp_is_the_attempts(
    delivery: Delivery, receiver: Receiver
) -> None:
    receiver.answers = [status(500), status(500), status(200)]
    attempts_over(1)
    assert [attempt.status for attempt in Attempt.objects.order_by("number")] == [500, 500, 200]
    assert {received.headers["webhook-id"] for received in receiver.received} == {str(delivery.pk)}
    assert len({received.body for received in receiver.received}) == 1
    assert len({received.headers["webhook-timestamp"] for received in receiver.received}) == 3


def test_an_attempt_that_succeeds_ends_the_matter(delivery: Delivery, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(500), status(200)]
    attempts_over(1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("delivered", 2)
    assert Endpoint.objects.get().failures == 0
    assert not Event.objects.filter(kind="webhook.failed").exists()


@pytest.mark.parametrize(
    ("behaviour", "last_status", "last_error"),
    [
        (status(302, Location="https://169.254.169.254/"), 302, ""),
        (status(404), 404, ""),
        (raw(b"HTTP/1.1 103 Early Hints\r\n\r\n"), 103, ""),
        (raw(b"nonsense\r\n"), None, "broken_answer"),
        (reset, None, "connection"),
    ],
    ids=["redirect", "not found", "only a hint", "not http", "reset"],
)
def test_whatever_is_not_a_success_is_noted_by_its_code_and_tried_again(
    delivery: Delivery, receiver: Receiver, behaviour: object, last_status: int | None, last_error: str
) -> None:
    receiver.answers = [behaviour]  # type: ignore[list-item]  # each is a Behaviour
    now = timezone.now()
    send(now)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.last_status, delivery.last_error) == ("pending", last_status, last_error)
    assert timedelta(seconds=4) <= delivery.next_at - now <= timedelta(seconds=6)
    assert send(now + timedelta(seconds=3)) == 0


def test_a_receiver_that_is_gone_is_left_alone_at_once(
    delivery: Delivery, world: World, hook: Hook, receiver: Receiver
) -> None:
    # B80
    receiver.answers = [status(410)]
    send()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("dead", 1)
    assert hook.state == ("disabled", "gone")
    assert ledger_kinds(delivery.claim_id)[-2:] == ["webhook.failed", "webhook.disabled"]
    settled(world)
    find()
    assert send(timezone.now() + timedelta(days=1)) == 0


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_receiver_that_asks_for_a_pause_gets_it_for_all_its_deliveries(
    delivery: Delivery, world: World, hook: Hook, receiver: Receiver, code: int
) -> None:
    receiver.answers = [status(code, Retry_After="7200"), status(200)]
    now = timezone.now()
    send(now)
    settled(world)
    find()
    assert send(now + timedelta(minutes=119)) == 0
    assert send(now + timedelta(minutes=121)) == 2


@pytest.mark.parametrize(("code", "retry_after"), [(429, "1000000000"), (503, "Fri, 31 Dec 9999 23:59:59 GMT")])
def test_nobody_can_ask_for_more_than_a_day(
    delivery: Delivery, receiver: Receiver, code: int, retry_after: str
) -> None:
    # B80
    receiver.answers = [status(code, Retry_After=retry_after), status(200)]
    now = timezone.now()
    send(now)
    assert send(now + timedelta(hours=23, minutes=59)) == 0
    assert send(now + timedelta(hours=24, minutes=1)) == 1


def test_a_pause_that_is_asked_for_by_any_other_answer_changes_nothing(delivery: Delivery, receiver: Receiver) -> None:
    receiver.answers = [status(500, Retry_After="7200"), status(200)]
    now = timezone.now()
    send(now)
    assert send(now + timedelta(seconds=7)) == 1


def test_an_overloaded_receiver_that_names_no_pause_gets_the_schedules(
    delivery: Delivery, world: World, receiver: Receiver
) -> None:
    receiver.answers = [status(503), status(200)]
    now = timezone.now()
    send(now)
    settled(world)
    find()
    assert send(now + timedelta(seconds=3)) == 0
    assert send(now + timedelta(seconds=7)) == 2


def test_an_endpoint_that_fails_is_tried_once_a_minute_however_much_waits_for_it(
    delivery: Delivery, world: World, receiver: Receiver
) -> None:
    receiver.answers = [status(500)]
    Endpoint.objects.update(failures=10)
    for _ in range(3):
        settled(world)
    find()
    now = timezone.now()
    assert [send(now + timedelta(seconds=seconds)) for seconds in (0, 30, 59, 61, 90, 122)] == [1, 0, 0, 1, 0, 1]


def test_deliveries_that_wait_behind_a_dead_letter_are_neither_lost_nor_sent(
    delivery: Delivery, world: World, hook: Hook, receiver: Receiver
) -> None:
    Delivery.objects.update(attempts=9)
    receiver.answers = [status(500)]
    send()
    assert hook.state == ("paused", "dead_letter")
    settled(world)
    find()
    assert send(timezone.now() + timedelta(days=2)) == 0
    assert Delivery.objects.filter(state="pending").count() == 1
