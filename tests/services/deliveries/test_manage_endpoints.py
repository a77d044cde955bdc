"""Who may register an endpoint, and how its secret is replaced, paused and resumed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Source
from reviewqueue.deliveries.models import Delivery, Endpoint, EndpointSecret
from reviewqueue.deliveries.services import endpoints
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from tests.services.deliveries.steps import Hook, find, send, settled
from tests.unit.deliveries.receiver import Receiver, status
from tests.world import SETUP, World

URL = "https://hooks.example.com/queue"


@pytest.fixture
def shop(world: World) -> Source:
    return accounts.create_source(slug="shop", name="Shop", actor=SETUP)


def last_entry(kind: str) -> dict[str, object]:
    body: dict[str, object] = json.loads(Event.objects.filter(kind=kind).latest("id").leaf)["body"]
    return body


def test_a_source_registers_an_endpoint_of_its_own(world: World) -> None:
    endpoint, secret = endpoints.create_endpoint(source=world.source, url=URL, by=world.source)
    assert (endpoint.url, endpoint.state, endpoint.created_by) == (URL, "unverified", None)
    assert secret.startswith("whsec_")
    entry = last_entry("webhook.registered")
    assert entry["actor"] == {"kind": "source", "id": "helpdesk", "role": None}
    assert entry["endpoint"] == str(endpoint.pk)
    assert URL not in str(entry)


def test_an_administrator_registers_one_for_any_source(world: World) -> None:
    endpoint, _ = endpoints.create_endpoint(source=world.source, url=URL, by=world.adam)
    assert endpoint.created_by == world.adam
    assert last_entry("webhook.registered")["actor"]["role"] == "admin"  # type: ignore[index]  # a mapping


def test_nobody_else_may(world: World) -> None:
    for name in ("rita", "sam", "olga", "ada", "nora"):
        with pytest.raises(Forbidden):
            endpoints.create_endpoint(source=world.source, url=URL, by=world.people[name])


def test_a_source_can_do_nothing_to_the_endpoint_of_another(world: World, shop: Source) -> None:
    endpoint, _ = endpoints.create_endpoint(source=world.source, url=URL, by=world.source)
    for action in (endpoints.rotate_secret, endpoints.pause, endpoints.resume):
        with pytest.raises(NotFound):
            action(endpoint=endpoint, by=shop)
    with pytest.raises(NotFound):
        endpoints.create_endpoint(source=world.source, url=URL + "/2", by=shop)


@pytest.mark.parametrize(
    ("url", "events", "pointer"),
    [
        ("http://hooks.example.com/", ["outcome.settled"], "/url"),
        ("https://127.0.0.1/", ["outcome.settled"], "/url"),
        (URL, [], "/events"),
        (URL, ["outcome.settled", "outcome.guessed"], "/events"),
    ],
)
def test_what_is_wrong_with_a_wish_is_said_with_its_place(
    world: World, url: str, events: list[str], pointer: str
) -> None:
    with pytest.raises(Invalid) as invalid:
        endpoints.create_endpoint(source=world.source, url=url, by=world.source, events=events)
    assert [problem.pointer for problem in invalid.value.problems] == [pointer]
    assert not Endpoint.objects.exists()


def test_one_address_of_a_source_is_registered_once(world: World, shop: Source) -> None:
    endpoints.create_endpoint(source=world.source, url=URL, by=world.source)
    endpoints.create_endpoint(source=shop, url=URL, by=shop)
    with pytest.raises(endpoints.EndpointExists):
        endpoints.create_endpoint(source=world.source, url=URL, by=world.source)


def test_the_database_keeps_no_secret_in_the_clear(world: World) -> None:
    _, secret = endpoints.create_endpoint(source=world.source, url=URL, by=world.source)
    stored = EndpointSecret.objects.get()
    assert secret.removeprefix("whsec_") not in stored.sealed
    assert stored.public_key == ""


def accepted(receiver: Receiver, secret: str) -> bool:
    got = receiver.received[-1]
    try:
        Webhook(secret).verify(got.body, got.headers)
    except WebhookVerificationError:
        return False
    return True


def test_after_a_rotation_both_secrets_sign_and_a_day_later_the_new_one_alone(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    new = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source)
    settled(world)
    find()
    send()
    assert [accepted(receiver, secret) for secret in (hook.secret, new)] == [True, True]
    EndpointSecret.objects.exclude(expires_at=None).update(expires_at=timezone.now())
    settled(world)
    find()
    send()
    assert [accepted(receiver, secret) for secret in (hook.secret, new)] == [False, True]


def test_two_rotations_in_a_row_leave_two_secrets(world: World, hook: Hook, receiver: Receiver) -> None:
    second = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source)
    third = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source)
    settled(world)
    find()
    send()
    assert [accepted(receiver, secret) for secret in (hook.secret, second, third)] == [False, True, True]


def test_a_leaked_secret_can_be_replaced_without_overlap(world: World, hook: Hook, receiver: Receiver) -> None:
    new = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.adam, overlap=timedelta(0))
    settled(world)
    find()
    send()
    assert [accepted(receiver, secret) for secret in (hook.secret, new)] == [False, True]


def test_a_rotation_can_change_the_kind_of_signature(world: World, hook: Hook, receiver: Receiver) -> None:
    public = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source, scheme=Scheme.ED25519)
    settled(world)
    find()
    send()
    signatures = receiver.received[0].headers["webhook-signature"].split(" ")
    assert [signature.partition(",")[0] for signature in signatures] == ["v1a", "v1"]
    assert EndpointSecret.objects.get(expires_at=None).public_key == public


def test_secrets_outlive_a_rotation_of_the_key_they_are_encrypted_under(
    world: World, hook: Hook, receiver: Receiver, settings: Settings
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-of-this-instance-0123456789012345678901"
    settled(world)
    find()
    send()
    assert accepted(receiver, hook.secret)


@pytest.mark.parametrize("constraint", ["endpoint_secret_one_current", "endpoint_secret_one_expiring"])
def test_the_database_refuses_a_third_secret(world: World, hook: Hook, constraint: str) -> None:
    endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source)
    expires_at = timezone.now() if constraint.endswith("expiring") else None
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        EndpointSecret.objects.create(endpoint=hook.endpoint, scheme="v1", sealed="x", expires_at=expires_at)


def test_a_paused_endpoint_gets_nothing_and_everything_once_it_is_resumed(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    endpoints.pause(endpoint=hook.endpoint, by=world.source)
    endpoints.pause(endpoint=hook.endpoint, by=world.source)
    for _ in range(2):
        settled(world)
    find()
    assert send(timezone.now() + timedelta(days=9)) == 0
    endpoints.resume(endpoint=hook.endpoint, by=world.source)
    endpoints.resume(endpoint=hook.endpoint, by=world.source)
    assert send() == 2
    kinds = Event.objects.filter(kind__in=["webhook.paused", "webhook.resumed"]).values_list("kind", flat=True)
    assert list(kinds.order_by("id")) == ["webhook.paused", "webhook.resumed"]


def test_an_endpoint_that_said_it_is_gone_is_not_paused_but_can_be_resumed(
    world: World, hook: Hook, receiver: Receiver
) -> None:
    receiver.answers = [status(410), status(200)]
    settled(world)
    find()
    send()
    with pytest.raises(endpoints.EndpointNotInState):
        endpoints.pause(endpoint=hook.endpoint, by=world.adam)
    endpoints.resume(endpoint=hook.endpoint, by=world.adam)
    assert hook.state == ("active", "")
    settled(world)
    find()
    assert send() == 1


def test_resuming_ends_a_rest(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(429, Retry_After="7200"), status(200)]
    settled(world)
    find()
    send()
    endpoints.pause(endpoint=hook.endpoint, by=world.adam)
    endpoints.resume(endpoint=hook.endpoint, by=world.adam)
    settled(world)
    find()
    assert send() == 1
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered", "pending"]
