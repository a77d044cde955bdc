"""An address is told nothing before it has repeated a challenge."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from standardwebhooks import Webhook

from reviewqueue.accounts import services as accounts
from reviewqueue.deliveries.models import CHALLENGE, Delivery, Endpoint
from reviewqueue.deliveries.outgoing import Answer
from reviewqueue.deliveries.services import endpoints, replay, sending, verification
from reviewqueue.errors import Forbidden, NotFound
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import (
    Hook,
    allow,
    find,
    hooked,
    said,
    send,
    settled,
    the_challenge,
    the_delivery,
    told,
)
from tests.unit.deliveries.receiver import Behaviour, Receiver, endless, raw, repeat, status
from tests.world import SETUP, World


@pytest.fixture
def new(world: World, receiver: Receiver) -> Hook:
    """Registered, and asked nothing yet."""
    allow(world, receiver)
    return Hook(*endpoints.create_endpoint(source=world.source, url=receiver.url, by=world.source))


def test_a_new_endpoint_is_told_once_it_has_repeated_the_challenge(world: World, new: Hook, receiver: Receiver) -> None:
    settled(world)
    find()
    assert new.state == ("unverified", "challenge")
    receiver.answers = [repeat]
    assert send() == 2
    assert [event["type"] for event in said(receiver)] == [CHALLENGE, "outcome.settled"]
    assert new.state == ("active", "")
    asked = receiver.received[0]
    assert Webhook(new.secret).verify(asked.body, asked.headers)["data"]["endpoint"] == str(new.endpoint.pk)
    body = json.loads(Event.objects.get(kind="webhook.verified").leaf)["body"]
    assert (body["endpoint"], body["attempt"]) == (str(new.endpoint.pk), 1)


@pytest.mark.parametrize(
    ("answer", "code", "error"),
    [
        (status(200), 200, "not_repeated"),
        (status(204), 204, "not_repeated"),
        (status(200, b"[]"), 200, "not_repeated"),
        (status(200, b'{"challenge": null}'), 200, "not_repeated"),
        (status(200, b'{"challenge": "\\ud800"}'), 200, "not_repeated"),
        (status(200, b"[" * 60_000), 200, "not_repeated"),
        (status(200, b"\xff\xfe"), 200, "not_repeated"),
        (endless(b"HTTP/1.1 200 OK\r\n\r\n", b'{"challenge": "' + b"x" * 1000), 200, "not_repeated"),
        (status(302, Location="https://elsewhere.example.com/"), 302, ""),
        (status(500), 500, ""),
        (raw(b"nonsense\r\n"), None, "broken_answer"),
    ],
)
def test_whatever_does_not_repeat_it_verifies_nothing(
    world: World, new: Hook, receiver: Receiver, answer: Behaviour, code: int | None, error: str
) -> None:
    receiver.answers = [answer]
    settled(world)
    find()
    assert send() == 1
    challenge = the_challenge()
    assert (challenge.state, challenge.last_status, challenge.last_error) == ("pending", code, error)
    assert new.state == ("unverified", "challenge")
    assert the_delivery().attempts == 0


def test_an_address_that_never_answers_hears_five_times_and_no_more(
    world: World, new: Hook, receiver: Receiver
) -> None:
    receiver.answers = [status(404)]
    now, made = timezone.now(), 0
    for _ in range(8):
        made += send(now)
        now += timedelta(hours=3)
    assert made == len(receiver.received) == 5
    assert the_challenge().state == "dead"
    assert new.state == ("unverified", "challenge")
    assert Endpoint.objects.get().failures == 0


def test_a_new_challenge_is_asked_for_and_the_former_one_counts_no_longer(
    world: World, new: Hook, receiver: Receiver
) -> None:
    receiver.answers = [status(404), repeat]
    send()
    verification.challenge(endpoint=new.endpoint, by=world.source)
    assert Delivery.objects.filter(last_error="withdrawn", state="dead").count() == 1
    assert send() == 1
    assert new.state == ("active", "")


def test_the_answer_to_a_challenge_that_was_withdrawn_meanwhile_verifies_nothing(new: Hook, receiver: Receiver) -> None:
    receiver.answers = [repeat]
    [parcel] = sending._take(room=1, busy=Counter(), now=timezone.now())
    Delivery.objects.update(state="dead", last_error="withdrawn")
    sending._record(parcel=parcel, answer=Answer(200, "", None, 0.1), now=timezone.now())
    assert new.state == ("unverified", "challenge")
    assert the_challenge().last_error == "withdrawn"


def test_trying_out_an_endpoint_that_works_changes_nothing(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(500)]
    verification.challenge(endpoint=hook.endpoint, by=world.adam)
    send()
    assert hook.state == ("active", "")
    assert Endpoint.objects.get().failures == 0
    assert the_challenge().last_status == 500


def test_a_paused_endpoint_is_tried_out_before_it_is_resumed(world: World, hook: Hook, receiver: Receiver) -> None:
    endpoints.pause(endpoint=hook.endpoint, by=world.adam)
    settled(world)
    find()
    receiver.answers = [repeat]
    verification.challenge(endpoint=hook.endpoint, by=world.adam)
    assert send() == 1
    assert the_challenge().state == "delivered"
    assert hook.state == ("paused", "asked")


def test_pausing_and_resuming_is_no_way_around_the_challenge(world: World, new: Hook, receiver: Receiver) -> None:
    endpoints.pause(endpoint=new.endpoint, by=world.source)
    endpoints.resume(endpoint=new.endpoint, by=world.source)
    assert new.state == ("unverified", "challenge")
    receiver.answers = [repeat]
    assert send() == 1
    assert new.state == ("active", "")


def test_the_database_refuses_to_send_to_an_address_that_never_answered(world: World, new: Hook) -> None:
    with pytest.raises(IntegrityError, match="endpoint_active_is_verified"), transaction.atomic():
        Endpoint.objects.filter(pk=new.endpoint.pk).update(state="active", state_reason="")


def test_another_address_answers_for_itself(world: World, hook: Hook, receiver: Receiver) -> None:
    endpoints.change_endpoint(endpoint=hook.endpoint, by=world.source, url=f"{receiver.url}&moved=1")
    assert hook.state == ("unverified", "challenge")
    settled(world)
    find()
    receiver.answers = [repeat]
    assert send() == 2
    assert {received.path for received in receiver.received} == {"/hooks?from=queue&moved=1"}


def test_nobody_but_the_source_and_administrators_asks(world: World, new: Hook) -> None:
    shop = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    with pytest.raises(NotFound):
        verification.challenge(endpoint=new.endpoint, by=shop)
    for name in ("rita", "olga", "ada", "nora"):
        with pytest.raises(Forbidden):
            verification.challenge(endpoint=new.endpoint, by=world.people[name])


def test_a_source_cannot_have_one_address_challenged_all_day(world: World, new: Hook) -> None:
    for _ in range(verification.MOST_AN_HOUR - 1):
        verification.challenge(endpoint=new.endpoint, by=world.source)
    with pytest.raises(verification.TooManyChallenges):
        verification.challenge(endpoint=new.endpoint, by=world.source)
    with pytest.raises(verification.TooManyChallenges):
        endpoints.create_endpoint(source=world.source, url="https://other.example.com/", by=world.source)
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=2))
    verification.challenge(endpoint=new.endpoint, by=world.source)


def test_a_challenge_is_not_replayed(world: World, new: Hook) -> None:
    with pytest.raises(replay.DeliveryNotReplayable):
        replay.replay_delivery(delivery=the_challenge(), by=world.adam)


# --- changing and removing ------------------------------------------------------------------------------------------


def test_an_event_that_is_added_is_told_from_then_on(world: World, receiver: Receiver) -> None:
    hook = hooked(world, receiver, events=["outcome.superseded"])
    settled(world)
    endpoints.change_endpoint(endpoint=hook.endpoint, by=world.source, events=["outcome.settled"])
    assert find() == 0
    later = settled(world)
    assert find() == 1
    assert the_delivery().outcome_id == later.pk


def test_what_is_not_mentioned_stays_as_it_is(world: World, hook: Hook, receiver: Receiver) -> None:
    changed = endpoints.change_endpoint(endpoint=hook.endpoint, by=world.adam, events=["outcome.settled"])
    assert (changed.url, changed.payload, changed.state) == (receiver.url, "thin", "active")
    changed = endpoints.change_endpoint(endpoint=hook.endpoint, by=world.adam, url=receiver.url)
    assert (changed.events, changed.state) == (["outcome.settled"], "active")


def test_a_removed_endpoint_is_sent_nothing_and_leaves_its_history_and_its_address(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    settled(world)
    find()
    endpoints.remove_endpoint(endpoint=hook.endpoint, by=world.source)
    endpoints.remove_endpoint(endpoint=hook.endpoint, by=world.source)
    assert send() == 0
    assert (the_delivery().state, the_delivery().last_error) == ("dead", "removed")
    assert not hook.endpoint.secrets.exists()
    assert Event.objects.filter(kind="webhook.removed").count() == 1
    endpoints.create_endpoint(source=world.source, url=receiver.url, by=world.source)
    for action in (endpoints.resume, endpoints.rotate_secret, endpoints.change_endpoint):
        with pytest.raises(NotFound):
            action(endpoint=hook.endpoint, by=world.adam)


def test_the_endpoint_for_callbacks_has_no_address_and_is_not_removed(world: World) -> None:
    settled(world, callback_url="https://hooks.example.com/")
    find()
    endpoint = Endpoint.objects.get()
    with pytest.raises(verification.EndpointNotInState):
        endpoints.remove_endpoint(endpoint=endpoint, by=world.source)
    with pytest.raises(Exception, match="not valid"):
        endpoints.change_endpoint(endpoint=endpoint, by=world.source, url="https://hooks.example.com/")
    assert told().count() == 1


def test_a_source_has_at_most_twenty_endpoints(world: World) -> None:
    for number in range(endpoints.MOST_ENDPOINTS):
        endpoints.create_endpoint(source=world.source, url=f"https://h{number}.example.com/", by=world.source)
    with pytest.raises(endpoints.TooManyEndpoints):
        endpoints.create_endpoint(source=world.source, url="https://hooks.example.com/", by=world.source)
