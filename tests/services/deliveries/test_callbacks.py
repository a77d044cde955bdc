"""Addresses that single claims name."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from standardwebhooks import Webhook

from reviewqueue.deliveries.models import CHALLENGE, CallbackHost, Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints, replay, verification
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import (
    Hook,
    allow,
    find,
    hooked,
    known,
    said,
    send,
    settled,
    the_challenge,
    the_delivery,
    told,
)
from tests.unit.deliveries.receiver import Receiver, repeat, status
from tests.world import World


def named(receiver: Receiver) -> str:
    """An address that a claim may name: whether it may be called is decided when it is."""
    return f"https://receiver.example.com:{receiver.port}/claims/8842"


def called_back(world: World, receiver: Receiver) -> Endpoint:
    """A claim names an address whose host answered a challenge long ago."""
    allow(world, receiver, "receiver.example.com")
    with transaction.atomic():
        endpoint = endpoints.callback_endpoint(world.source)
    CallbackHost.objects.create(
        endpoint=endpoint, host=f"receiver.example.com:{receiver.port}", verified_at=timezone.now()
    )
    settled(world, callback_url=named(receiver))
    find()
    return endpoint


def test_a_claim_is_answered_at_the_address_it_named_and_no_other_claim_is(world: World) -> None:
    with Receiver(names=("receiver.example.com",)) as receiver:
        called_back(world, receiver)
        settled(world)
        find()
        assert send() == 1
    assert [received.path for received in receiver.received] == ["/claims/8842"]


def test_it_is_signed_with_a_secret_of_the_source_which_a_rotation_shows(world: World) -> None:
    with Receiver(names=("receiver.example.com",)) as receiver:
        endpoint = called_back(world, receiver)
        secret = endpoints.rotate_secret(endpoint=endpoint, by=world.source)
        send()
    (got,) = receiver.received
    assert Webhook(secret).verify(got.body, got.headers)["data"]["claim"] == str(the_delivery().claim_id)


def test_one_endpoint_stands_for_all_such_addresses_of_a_source(world: World) -> None:
    for _ in range(3):
        settled(world, callback_url="https://hooks.example.com/")
        find()
    assert Endpoint.objects.get().url is None
    assert Event.objects.filter(kind="webhook.registered").count() == 1
    assert told().count() == 3


def test_an_endpoint_of_the_source_is_told_as_well(world: World, hook: Hook) -> None:
    settled(world, callback_url="https://hooks.example.com/")
    assert find() == 2


def test_an_address_that_leads_to_a_private_place_is_not_called(world: World) -> None:
    with Receiver(names=("receiver.example.com",)) as receiver:
        settled(world, callback_url="https://receiver.example.com/")
        find()
        send()
        assert receiver.received == []
    assert the_challenge().last_error == "address_refused"
    assert the_delivery().state == "waiting"


def test_a_dead_address_ends_its_own_delivery_and_no_other(world: World) -> None:
    with Receiver(answers=[status(410), status(200)], names=("receiver.example.com",)) as receiver:
        endpoint = called_back(world, receiver)
        send()
        assert the_delivery().state == "dead"
        settled(world, callback_url=named(receiver))
        find()
        assert send() == 1
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["dead", "delivered"]


def test_an_address_that_asks_for_a_pause_slows_nobody_else_down(world: World) -> None:
    with Receiver(answers=[status(429, Retry_After="7200"), status(200)], names=("receiver.example.com",)) as receiver:
        called_back(world, receiver)
        now = timezone.now()
        send(now)
        settled(world, callback_url=named(receiver))
        find()
        assert send(now + timedelta(minutes=1)) == 1
        assert send(now + timedelta(minutes=121)) == 1


def test_a_source_without_such_claims_has_no_such_endpoint(world: World, receiver: Receiver) -> None:
    hooked(world, receiver)
    settled(world)
    find()
    assert not Endpoint.objects.filter(url=None).exists()


def first_call(world: World, receiver: Receiver, count: int = 1) -> None:
    allow(world, receiver, "receiver.example.com")
    for _ in range(count):
        settled(world, callback_url=named(receiver))
        find()


def test_a_host_that_claims_name_answers_a_challenge_before_it_is_told_anything(world: World) -> None:
    with Receiver(answers=[status(200), repeat], names=("receiver.example.com",)) as receiver:
        first_call(world, receiver, count=2)
        now = timezone.now()
        assert send(now) == 1
        assert [told["type"] for told in said(receiver)] == [CHALLENGE]
        assert the_challenge().last_error == "not_repeated"
        assert [each.state for each in told()] == ["waiting", "waiting"]
        assert send(now + timedelta(seconds=7)) == 3
    assert [each.state for each in told()] == ["delivered", "delivered"]
    assert the_challenge().host.host == f"receiver.example.com:{receiver.port}"
    entry = json.loads(Event.objects.get(kind="webhook.verified").leaf)["body"]
    assert entry["host"] == f"receiver.example.com:{receiver.port}"


def test_another_port_is_another_host(world: World) -> None:
    with Receiver(answers=[repeat], names=("receiver.example.com",)) as receiver:
        first_call(world, receiver)
        assert send() == 2
        settled(world, callback_url="https://receiver.example.com/claims")
        find()
    assert the_delivery_of_port(443).state == "waiting"


def the_delivery_of_port(port: int) -> Delivery:
    return told().get(host__host=f"receiver.example.com:{port}")


def test_a_verified_endpoint_of_the_source_vouches_for_its_host(world: World) -> None:
    with Receiver(answers=[status(200)], names=("receiver.example.com",)) as receiver:
        allow(world, receiver, "receiver.example.com")
        known(
            *endpoints.create_endpoint(
                source=world.source, url=receiver.url, by=world.source, events=["outcome.superseded"]
            )
        )
        settled(world, callback_url=named(receiver))
        find()
        assert send() == 1
    assert the_delivery().state == "delivered"


def test_an_endpoint_that_answers_releases_what_waits_for_its_host(world: World) -> None:
    with Receiver(answers=[status(500)], names=("receiver.example.com",)) as receiver:
        first_call(world, receiver)
        send()
        receiver.answers = [repeat]
        endpoints.create_endpoint(source=world.source, url=receiver.url, by=world.source, events=["outcome.superseded"])
        assert send() == 2
    assert the_delivery().state == "delivered"


def test_what_waits_for_a_host_is_not_replayed(world: World) -> None:
    settled(world, callback_url="https://hooks.example.com/")
    find()
    endpoint, now = Endpoint.objects.get(url=None), timezone.now()
    stretch = {"since": now - timedelta(days=1), "until": now + timedelta(days=1)}
    assert replay.replay(endpoint=endpoint, by=world.adam, **stretch) == 0
    with pytest.raises(replay.DeliveryNotReplayable):
        replay.replay_delivery(delivery=the_delivery(), by=world.adam)


def test_claims_that_name_a_street_of_hosts_do_not_make_us_knock_on_every_door(world: World) -> None:
    settled(world, callback_url="https://first.example.com/")
    find()
    endpoint = Endpoint.objects.get()
    for _ in range(verification.MOST_AN_HOUR - 1):
        verification.challenge(endpoint=endpoint, by=world.source)
    settled(world, callback_url="https://second.example.com/")
    assert find() == 1
    assert not Delivery.objects.filter(type=CHALLENGE, host__host="second.example.com:443").exists()


def test_a_person_asks_a_host_again_that_did_not_answer(world: World) -> None:
    with Receiver(answers=[status(410), repeat], names=("receiver.example.com",)) as receiver:
        first_call(world, receiver)
        send()
        assert the_challenge().state == "dead"
        endpoint = Endpoint.objects.get(url=None)
        assert endpoint.state == "active"
        assert verification.challenge(endpoint=endpoint, by=world.adam) == 1
        assert send() == 2
        with pytest.raises(verification.EndpointNotInState):
            verification.challenge(endpoint=endpoint, by=world.adam)
