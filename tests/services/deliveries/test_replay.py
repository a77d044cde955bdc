"""Sending again what was given up, or what a receiver lost."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.deliveries.models import Attempt, Delivery
from reviewqueue.deliveries.services import endpoints, replay
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Hook, find, send, settled, the_delivery
from tests.unit.deliveries.receiver import Receiver, status
from tests.world import SETUP, World


def test_a_dead_letter_is_replayed_under_its_id_with_its_body_and_a_new_schedule(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    receiver.answers = [status(500), status(500), status(200)]
    settled(world)
    find()
    Delivery.objects.update(attempts=9)
    send()
    assert the_delivery().state == "dead"
    replay.replay_delivery(delivery=the_delivery(), by=world.source)
    assert send() == 0, "the endpoint is still paused"
    endpoints.resume(endpoint=hook.endpoint, by=world.source)
    now = timezone.now()
    assert send(now) == 1
    delivery = the_delivery()
    assert (delivery.state, delivery.attempts, delivery.attempts_before) == ("pending", 11, 10)
    assert delivery.next_at - now < timedelta(seconds=7)
    assert send(now + timedelta(seconds=7)) == 1
    assert the_delivery().state == "delivered"
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.received}) == 1
    assert list(Attempt.objects.order_by("number").values_list("number", flat=True)) == [10, 11, 12]


def test_a_stretch_of_time_is_replayed_with_what_had_been_delivered(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    for _ in range(3):
        settled(world)
    find()
    send()
    now = timezone.now()
    first, second, third = Delivery.objects.order_by("id")
    Delivery.objects.filter(pk=first.pk).update(created_at=now - timedelta(hours=2))
    Delivery.objects.filter(pk=third.pk).update(created_at=now + timedelta(hours=2))
    hour = timedelta(hours=1)
    assert replay.replay(endpoint=hook.endpoint, by=world.adam, since=now - hour, until=now + hour) == 1
    assert send() == 1
    assert receiver.received[-1].headers["webhook-id"] == str(second.pk)
    body = json.loads(Event.objects.get(kind="webhook.replayed").leaf)["body"]
    assert (body["deliveries"], body["to_us"] - body["from_us"]) == (1, 7_200_000_000)


def test_a_stretch_ends_after_it_begins(world: World, hook: Hook) -> None:
    now = timezone.now()
    with pytest.raises(Invalid):
        replay.replay(endpoint=hook.endpoint, by=world.source, since=now, until=now)


def test_only_the_source_itself_and_administrators_replay(world: World, hook: Hook) -> None:
    settled(world)
    find()
    now, shop = timezone.now(), accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    with pytest.raises(NotFound):
        replay.replay_delivery(delivery=the_delivery(), by=shop)
    with pytest.raises(NotFound):
        replay.replay(endpoint=hook.endpoint, by=shop, since=now - timedelta(days=1), until=now)
    with pytest.raises(Forbidden):
        replay.replay_delivery(delivery=the_delivery(), by=world.ada)


def test_a_replay_of_something_on_its_way_begins_its_schedule_anew(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    receiver.answers = [status(500), status(500), status(200)]
    settled(world)
    find()
    now = timezone.now()
    send(now)
    send(now + timedelta(seconds=7))
    assert the_delivery().next_at > now + timedelta(minutes=3)
    replay.replay_delivery(delivery=the_delivery(), by=world.source)
    assert send(now + timedelta(minutes=1)) == 1
    assert the_delivery().state == "delivered"
