"""Addresses that single claims name."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from standardwebhooks import Webhook

from reviewqueue.deliveries.models import Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Hook, allow, find, hooked, send, settled, the_delivery
from tests.unit.deliveries.receiver import Receiver, status
from tests.world import World


def named(receiver: Receiver) -> str:
    """An address that a claim may name: whether it may be called is decided when it is."""
    return f"https://receiver.example.com:{receiver.port}/claims/8842"


def called_back(world: World, receiver: Receiver) -> Endpoint:
    allow(world, receiver, "receiver.example.com")
    settled(world, callback_url=named(receiver))
    find()
    return Endpoint.objects.get(url=None)


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
    assert Delivery.objects.count() == 3


def test_an_endpoint_of_the_source_is_told_as_well(world: World, hook: Hook) -> None:
    settled(world, callback_url="https://hooks.example.com/")
    assert find() == 2


def test_an_address_that_leads_to_a_private_place_is_not_called(world: World) -> None:
    with Receiver(names=("receiver.example.com",)) as receiver:
        settled(world, callback_url="https://receiver.example.com/")
        find()
        send()
        assert receiver.received == []
    assert the_delivery().last_error == "address_refused"


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
