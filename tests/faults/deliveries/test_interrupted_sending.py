"""A sender that dies, or is not alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from reviewqueue.deliveries.models import Attempt, Delivery
from reviewqueue.deliveries.services import sending
from tests.running import ROOT, RunningStack
from tests.services.deliveries.steps import Clock, Hook, find, settled, the_delivery
from tests.unit.deliveries.receiver import Connection, Receiver, status
from tests.world import World

SENDER = "import django; django.setup(); from reviewqueue.deliveries.services.sending import deliver_due; deliver_due()"


def send(after: timedelta = timedelta(0)) -> int:
    return sending.deliver_due(clock=Clock(timezone.now() + after))


def test_a_sender_killed_between_sending_and_recording_sends_the_same_again(
    committed_world: World, hook: Hook, receiver: Receiver, tmp_path: Path
) -> None:
    settled(committed_world)
    find()
    environment = RunningStack(directory=tmp_path).environment | {
        "DJANGO_SETTINGS_MODULE": "reviewqueue.settings",
        "SECRET_KEY": settings.SECRET_KEY,
    }
    receiver.answers = [lambda _: os.kill(sender.pid, signal.SIGKILL), status(200)]
    sender = subprocess.Popen([sys.executable, "-c", SENDER], cwd=ROOT, env=environment)
    assert sender.wait(20) == -signal.SIGKILL
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert Attempt.objects.get().finished_at is None

    assert send() == 0, "the first attempt may still be on its way"
    assert send(after=sending.IN_FLIGHT) == 1
    assert the_delivery().state == "delivered"
    first, second = receiver.received
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(delivery.pk)
    assert list(Attempt.objects.order_by("number").values_list("status", flat=True)) == [None, 200]


def test_a_delivery_that_always_brings_its_sender_down_is_given_up(
    committed_world: World, hook: Hook, receiver: Receiver
) -> None:
    settled(committed_world)
    find()
    Delivery.objects.update(attempts=10)
    assert send() == 1
    assert receiver.received == []
    delivery = the_delivery()
    assert (delivery.state, delivery.last_error) == ("dead", "interrupted")
    assert hook.state == ("paused", "dead_letter")


def test_senders_that_run_at_once_share_the_work(committed_world: World, hook: Hook, receiver: Receiver) -> None:
    for _ in range(8):
        settled(committed_world)
    find()

    def sender() -> int:
        try:
            return send()
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        attempts = [future.result(20) for future in [pool.submit(sender) for _ in range(3)]]
    assert sum(attempts) == 8
    assert len({received.headers["webhook-id"] for received in receiver.received}) == len(receiver.received) == 8


def test_while_a_receiver_thinks_no_transaction_is_open(committed_world: World, hook: Hook, receiver: Receiver) -> None:
    seen: list[tuple[int, int]] = []

    def look(held: Connection) -> None:
        with transaction.atomic():
            free = Delivery.objects.select_for_update(nowait=True).count()
            seen.append((free, Attempt.objects.filter(finished_at=None).count()))
        connection.close()
        status(200)(held)

    receiver.answers = [look]
    settled(committed_world)
    find()
    send()
    assert seen == [(1, 1)]


@pytest.mark.parametrize(("code", "state"), [(500, "pending"), (200, "delivered")])
def test_an_attempt_that_was_overtaken_counts_only_when_it_succeeded(
    committed_world: World, hook: Hook, receiver: Receiver, code: int, state: str
) -> None:
    """A sender that stood still for longer than an attempt may take, while another one went on."""

    def overtaken(held: Connection) -> None:
        Delivery.objects.update(attempts=5)
        connection.close()
        status(code)(held)

    receiver.answers = [overtaken]
    settled(committed_world)
    find()
    send()
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts) == (state, 5)
    assert delivery.last_status == (200 if state == "delivered" else None)
    assert delivery.endpoint.failures == 0
    assert Attempt.objects.get().status == code
