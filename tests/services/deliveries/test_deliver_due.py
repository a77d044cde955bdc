"""Sending what is due to a real receiver."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from reviewqueue.accounts.models import Source
from reviewqueue.deliveries.models import Attempt, Delivery, Endpoint, EndpointSecret
from reviewqueue.deliveries.services import endpoints
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Hook, allow, find, hooked, known, send, settled, the_delivery
from tests.services.review.steps import ledger_kinds
from tests.unit.deliveries.receiver import Connection, Receiver, status
from tests.world import World


def test_a_delivery_arrives_signed_and_the_reference_library_accepts_it(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    outcome = settled(world)
    find()
    assert send() == 1
    (got,) = receiver.received
    told = Webhook(hook.secret).verify(got.body, got.headers)
    delivery = the_delivery()
    assert told["data"]["outcome"] == str(outcome.pk)
    assert got.headers["webhook-id"] == str(delivery.pk)
    assert got.headers["content-type"] == "application/json"
    assert (delivery.state, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    assert delivery.finished_at is not None


def test_a_receiver_that_wants_a_public_key_gets_an_ed25519_signature(world: World, receiver: Receiver) -> None:
    hook = hooked(world, receiver, scheme=Scheme.ED25519)
    settled(world)
    find()
    send()
    assert hook.secret.startswith("whpk_")
    assert receiver.received[0].headers["webhook-signature"].startswith("v1a,")


def test_what_was_delivered_is_not_sent_again(world: World, hook: Hook, receiver: Receiver) -> None:
    settled(world)
    find()
    assert [send(), send(), send(timezone.now() + timedelta(days=9))] == [1, 0, 0]
    assert len(receiver.received) == 1


def test_the_life_of_the_claim_tells_of_the_delivery(world: World, hook: Hook) -> None:
    outcome = settled(world)
    find()
    send()
    assert ledger_kinds(outcome.claim_id)[-1] == "webhook.delivered"
    body = json.loads(Event.objects.get(kind="webhook.delivered").leaf)["body"]
    assert body["delivery"] == str(the_delivery().pk)
    assert body["endpoint"] == str(hook.endpoint.pk)
    assert (body["attempt"], body["status"]) == (1, 200)


def test_the_attempt_is_written_down_before_it_is_made_and_finished_afterwards(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    settled(world)
    find()
    send()
    attempt = Attempt.objects.get()
    assert (attempt.number, attempt.status, attempt.error) == (1, 200, "")
    assert attempt.finished_at is not None
    assert attempt.seconds is not None
    assert 0 < attempt.seconds < 5


def test_all_that_is_due_is_sent_in_one_run_a_few_at_a_time(world: World, hook: Hook, receiver: Receiver) -> None:
    running, most, guard = 0, 0, threading.Lock()

    def counting(held: Connection) -> None:
        nonlocal running, most
        with guard:
            running += 1
            most = max(most, running)
        held.receiver.stopping.wait(0.05)
        with guard:
            running -= 1
        status(200)(held)

    receiver.answers = [counting]
    for _ in range(12):
        settled(world)
    find()
    assert send() == 12
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}
    assert 1 < most <= 4


def test_deliveries_of_one_endpoint_are_begun_in_the_order_of_their_outcomes(world: World, hook: Hook) -> None:
    outcomes = [settled(world) for _ in range(3)]
    find()
    send()
    begun = Attempt.objects.order_by("id").values_list("delivery__outcome", flat=True)
    assert list(begun) == [outcome.pk for outcome in outcomes]


def test_one_receiver_that_hangs_does_not_hold_up_another(world: World, hook: Hook, receiver: Receiver) -> None:
    all_told = threading.Event()

    def slow(held: Connection) -> None:
        all_told.wait(5)
        status(200)(held)

    def quick(held: Connection) -> None:
        status(200)(held)
        if len(second.received) == 6:
            all_told.set()

    receiver.answers = [slow]
    with Receiver(answers=[quick], names=("second.test",)) as second:
        allow(world, second, "second.test")
        known(*endpoints.create_endpoint(source=world.source, url=second.url, by=world.adam))
        for _ in range(6):
            settled(world)
        find()
        assert send() == 12
    assert all_told.is_set()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"delivered"}


def test_nothing_is_sent_for_a_source_that_was_switched_off(world: World, hook: Hook, receiver: Receiver) -> None:
    settled(world)
    find()
    Source.objects.update(is_active=False)
    assert send() == 0


def test_a_secret_that_cannot_be_read_is_a_failed_attempt_and_nothing_is_sent_unsigned(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    EndpointSecret.objects.update(sealed="gAAAAABnonsense")
    settled(world)
    find()
    assert send() == 1
    assert receiver.received == []
    assert the_delivery().last_error == "secret_unreadable"


def test_neither_log_nor_ledger_nor_table_holds_a_secret_or_what_the_receiver_said(
    world: World, hook: Hook, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [status(410, b"canary of the receiver")]
    settled(world)
    find()
    send()
    leaves = " ".join(Event.objects.values_list("leaf", flat=True))
    rows = str([list(model.objects.values()) for model in (Endpoint, EndpointSecret, Delivery, Attempt)])
    for text in (caplog.text, leaves, rows):
        assert hook.secret.removeprefix("whsec_") not in text
        assert "canary" not in text
    assert receiver.url not in leaves + caplog.text
