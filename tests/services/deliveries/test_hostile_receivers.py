"""Receivers and names that mean harm, through the sweep that sends: rows B44-B46 and B80 of the test battery.

What one call makes of them is in tests/unit/deliveries/test_post.py; here is what is noted, and what follows.
"""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from reviewqueue.deliveries.models import Attempt, Delivery, Endpoint
from reviewqueue.deliveries.outgoing import Resolver, post
from reviewqueue.deliveries.services import sending
from tests.services.deliveries.steps import Clock, Hook, allow, find, send, settled, the_delivery
from tests.unit.deliveries.receiver import PATIENCE, Behaviour, Receiver, endless, hang, status
from tests.world import World

OK = b"HTTP/1.1 200 OK\r\n"
METADATA = "169.254.169.254"


@pytest.fixture
def delivery(world: World, hook: Hook) -> Delivery:
    settled(world)
    find()
    return the_delivery()


def send_to(resolve: Resolver) -> None:
    assert sending.deliver_due(clock=Clock(timezone.now()), resolve=resolve) == 1


def noted() -> list[tuple[int | None, str]]:
    return list(Attempt.objects.order_by("id").values_list("status", "error"))


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://[::1]/", "https://0.0.0.0/", "https://169.254.169.254/", "https://2852039166/",
        "https://0xa9fea9fe/", "https://0251.0376.0251.0376/", "https://[::ffff:127.0.0.1]/", "https://localhost./",
        "https://10.1.2.3/", "https://[fc00::1]/", "https://100.64.0.1/", "https://[2002:7f00:1::]/",
        "https://[64:ff9b::7f00:1]/", "http://hooks.example.com/", "https://user@hooks.example.com/",
    ],
)  # fmt: skip
def test_an_address_that_was_stored_all_the_same_is_refused_again_when_something_is_sent(
    delivery: Delivery, receiver: Receiver, url: str
) -> None:
    """Row B44: not only where it is registered."""
    Endpoint.objects.update(url=url)
    assert send() == 1
    assert noted() == [(None, "target_refused")]
    assert receiver.received == []


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1", METADATA], [METADATA, "127.0.0.1"], ["93.184.215.14", "fe80::1"]],
    ids=["the last", "the first", "in IPv6"],
)
def test_one_address_of_several_that_must_not_be_called_is_enough(
    delivery: Delivery, receiver: Receiver, addresses: list[str]
) -> None:
    """Row B45: several A records, one of them the place where clouds keep credentials."""
    send_to(lambda *_: addresses)
    assert noted() == [(None, "address_refused")]
    assert receiver.received == []


def test_a_host_that_nobody_named_is_not_called_when_one_of_its_addresses_is_private(
    delivery: Delivery, receiver: Receiver
) -> None:
    """Row B45: behind a public address that alone would have been called."""
    Endpoint.objects.update(url="https://hooks.example.com/")
    send_to(lambda *_: ["93.184.215.14", "127.0.0.1"])
    assert noted() == [(None, "address_refused")]


def test_a_name_that_leads_elsewhere_since_its_first_delivery_is_not_followed(
    world: World, delivery: Delivery, hook: Hook, receiver: Receiver
) -> None:
    """Row B45: rebinding."""
    send_to(lambda *_: ["127.0.0.1"])
    settled(world)
    find()
    send_to(lambda *_: [METADATA])
    assert noted() == [(200, ""), (None, "address_refused")]
    assert len(receiver.received) == 1
    assert Delivery.objects.filter(state="pending").count() == 1
    assert hook.state == ("active", "")


def test_a_redirect_is_noted_and_goes_nowhere(delivery: Delivery, receiver: Receiver) -> None:
    """Rows B46 and B80: neither to the metadata address nor round and round."""
    receiver.answers = [status(301, Location=f"https://{METADATA}/latest/"), status(308, Location=receiver.url)]
    now = timezone.now()
    assert [send(now), send(now + timedelta(seconds=7))] == [1, 1]
    assert noted() == [(301, ""), (308, "")]
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (hang, (None, "timeout")),
        (endless(b"HTTP/1.1 20", b"0", every=0.05), (None, "timeout")),
        (endless(OK + b"Content-Length: 1000\r\n\r\n", b".", every=0.05), (None, "timeout")),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), (None, "broken_answer")),
        (endless(OK + b"Content-Length: 1000000000\r\n\r\n", b"." * 65536), (200, "")),
    ],
    ids=["hangs", "drips its status", "drips its body", "floods with 100", "answers with a gigabyte"],
)
def test_the_sender_is_free_again_in_time_whatever_the_receiver_does(
    delivery: Delivery,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    behaviour: Behaviour,
    expected: tuple[int | None, str],
) -> None:
    """Rows B46 and B80, with half a second in place of the twenty that `post` takes by default."""
    monkeypatch.setattr(sending, "post", partial(post, seconds=0.5))
    receiver.answers = [behaviour]
    started = time.monotonic()
    assert send() == 1
    assert time.monotonic() - started < PATIENCE, "left long before the twenty seconds of real life"
    assert noted() == [expected]


def test_a_certificate_of_another_name_ends_the_attempt_before_a_word_is_said(
    world: World, delivery: Delivery, receiver: Receiver
) -> None:
    """Row B46."""
    allow(world, receiver, "other.test")
    Endpoint.objects.update(url=receiver.url.replace("receiver.test", "other.test"))
    assert send() == 1
    assert noted() == [(None, "tls")]
    assert receiver.received == []
