"""Webhooks over the API: a source looks after its own endpoints, and after nobody else's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import IdempotentRequest
from reviewqueue.deliveries.models import Attempt, Delivery, Endpoint
from reviewqueue.ledger.models import Event
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import SETUP, World

URL = "https://hooks.example.com/review-queue"


@pytest.fixture
def source(world: World) -> Caller:
    return Caller(key_for(world.source, "webhooks"))


@pytest.fixture
def stranger(world: World) -> Caller:
    return Caller(key_for(accounts.create_source(slug="other", name="Other", actor=SETUP), "webhooks"))


@pytest.fixture
def path(source: Caller) -> str:
    return f"/webhooks/{source.post('/webhooks', {'url': URL}).json()['id']}"


def given_up(count: int = 1) -> list[Delivery]:
    endpoint, now = Endpoint.objects.get(url=URL), timezone.now()
    Delivery.objects.all().delete()
    made = []
    for event in Event.objects.order_by("-id")[:count]:
        delivery = Delivery.objects.create(
            endpoint=endpoint, event=event, type="outcome.settled", body="{}", state="dead", attempts=1, finished_at=now
        )
        Attempt.objects.create(
            delivery=delivery, number=1, started_at=now, finished_at=now, error="timeout", seconds=20
        )
        made.append(delivery)
    return made


def test_an_address_is_registered_and_its_secret_told_once(source: Caller) -> None:
    answer = source.post("/webhooks", {"url": URL})
    assert answer.status_code == 201
    endpoint = answer.json()
    assert endpoint.pop("secret").startswith("whsec_")
    assert (endpoint["state"], endpoint["events"]) == ("unverified", ["outcome.settled", "outcome.superseded"])
    assert source.get(f"/webhooks/{endpoint['id']}").json() == endpoint
    assert source.get("/webhooks").json() == {"results": [endpoint]}


def test_a_repetition_gets_the_endpoint_again_and_not_the_secret(source: Caller) -> None:
    first = source.post("/webhooks", {"url": URL}, Idempotency_Key="one")
    again = source.post("/webhooks", {"url": URL}, Idempotency_Key="one")
    assert again["Idempotent-Replayed"] == "true"
    assert {**again.json(), "secret": first.json()["secret"]} == first.json()
    assert b"whsec_" not in bytes(IdempotentRequest.objects.get().body), "nor is it stored"


def test_ed25519_needs_no_secret(source: Caller) -> None:
    endpoint = source.post("/webhooks", {"url": URL, "scheme": "v1a"}).json()
    assert endpoint["secret"] == endpoint["signatures"][0]["public_key"]
    assert endpoint["secret"].startswith("whpk_")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/url"),
        ({"url": "http://hooks.example.com/"}, "/url"),
        ({"url": "https://169.254.169.254/"}, "/url"),
        ({"url": URL, "events": []}, "/events"),
        ({"url": URL, "events": ["all"]}, "/events"),
        ({"url": URL, "payload": "fat"}, "/payload"),
        ({"url": URL, "secret": "mine"}, "/secret"),
    ],
)
def test_what_is_wrong_is_pointed_at(source: Caller, body: dict[str, Any], pointer: str) -> None:
    problem = assert_problem(source.post("/webhooks", body), 422, "invalid")
    assert [each["pointer"] for each in problem["errors"]] == [pointer]
    assert Endpoint.objects.count() == 0


def test_an_address_is_registered_once(source: Caller, path: str) -> None:
    assert_problem(source.post("/webhooks", {"url": URL}), 409, "endpoint_exists")


def test_it_is_changed_in_part(source: Caller, path: str) -> None:
    changed = source.patch(path, {"events": ["step.expired"]}).json()
    assert (changed["events"], changed["url"], changed["payload"]) == (["step.expired"], URL, "thin")
    assert source.patch(path, {"payload": "full"}).json()["payload"] == "full"
    assert_problem(source.patch(path, {"url": "ftp://x"}), 422, "invalid")
    assert_problem(source.patch(path, {"state": "active"}), 422, "invalid")


def test_it_is_paused_resumed_and_asked_again(source: Caller, path: str) -> None:
    assert source.post(f"{path}/pause").json()["state"] == "paused"
    assert source.post(f"{path}/resume").json()["state"] == "unverified"
    assert source.post(f"{path}/test").json() == {"sent": 1}


def test_a_secret_is_replaced(source: Caller, path: str) -> None:
    rotated = source.post(f"{path}/rotate").json()
    assert rotated["secret"].startswith("whsec_")
    assert [each["expires_at"] is None for each in rotated["signatures"]] == [True, False]
    at_once = source.post(f"{path}/rotate", {"overlap_seconds": 0, "scheme": "v1a"}).json()
    assert [each["scheme"] for each in at_once["signatures"]] == ["v1a"]
    assert_problem(source.post(f"{path}/rotate", {"overlap_seconds": -1}), 422, "invalid")


def test_it_is_removed(source: Caller, path: str) -> None:
    answer = source.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert_problem(source.get(path), 404)
    assert_problem(source.delete(path), 404)
    assert source.get("/webhooks").json() == {"results": []}


def test_deliveries_are_listed_page_by_page_with_their_attempts(world: World, source: Caller, path: str) -> None:
    for _ in range(3):
        world.submit()
    made = given_up(5)
    first = source.get(f"{path}/deliveries?limit=3").json()
    assert [each["error"] for each in first["results"][0]["history"]] == ["timeout"]
    second = source.get(f"{path}/deliveries?limit=3&cursor={first['next']}").json()
    assert second["next"] is None
    listed = [each["id"] for each in (*first["results"], *second["results"])]
    assert listed == sorted((str(each.pk) for each in made), reverse=True)
    assert source.get(f"{path}/deliveries?state=delivered").json()["results"] == []
    assert_problem(source.get(f"{path}/deliveries?state=lost"), 400, "bad_query")
    assert_problem(source.get(f"{path}/deliveries?limit=3&state=dead&cursor={first['next']}"), 400, "bad_query")


def test_deliveries_are_sent_again(world: World, source: Caller, path: str) -> None:
    for _ in range(2):
        world.submit()
    one, *_ = given_up(3)
    assert source.post(f"{path}/replay", {"delivery": str(one.pk)}).json() == {"sent": 1}
    now = timezone.now()
    stretch = {"since": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    assert source.post(f"{path}/replay", {**stretch, "only_dead": True}).json() == {"sent": 2}
    assert source.post(f"{path}/replay", stretch).json() == {"sent": 3}


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/since", "/until"]),
        ({"delivery": "nonsense"}, ["/delivery"]),
        ({"delivery": "0198f0ca-0a4b-7c11-8d22-5e6f7a8b9c0d"}, ["/delivery"]),
        ({"delivery": "0198f0ca-0a4b-7c11-8d22-5e6f7a8b9c0d", "only_dead": True}, ["/delivery"]),
        ({"since": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z"}, ["/until"]),
        ({"since": "2026-11-22T00:00:00", "until": "2026-11-21T00:00:00Z"}, ["/since"]),
    ],
)
def test_a_replay_says_which(source: Caller, path: str, body: dict[str, Any], pointers: list[str]) -> None:
    problem = assert_problem(source.post(f"{path}/replay", body), 422, "invalid")
    assert [each["pointer"] for each in problem["errors"]] == pointers


def test_a_challenge_is_not_replayed(source: Caller, path: str) -> None:
    body = {"delivery": str(Delivery.objects.get().pk)}
    assert_problem(source.post(f"{path}/replay", body), 409, "delivery_not_replayable")


def test_another_source_finds_nothing_of_it(source: Caller, stranger: Caller, path: str) -> None:
    [delivery] = given_up()
    for answer in (
        stranger.get(path),
        stranger.patch(path, {"payload": "full"}),
        stranger.delete(path),
        stranger.get(f"{path}/deliveries"),
        stranger.post(f"{path}/replay", {"delivery": str(delivery.pk)}),
        *(stranger.post(f"{path}/{step}") for step in ("pause", "resume", "test", "rotate")),
    ):
        assert_problem(answer, 404, "not_found")
    assert stranger.get("/webhooks").json() == {"results": []}
    own = stranger.post("/webhooks", {"url": URL}).json()["id"]
    body = {"delivery": str(delivery.pk)}
    assert_problem(stranger.post(f"/webhooks/{own}/replay", body), 422, "invalid")


def test_it_takes_the_scope_and_the_key_of_a_source(world: World, path: str) -> None:
    assert_problem(Caller(world.key).get("/webhooks"), 403)
    assert_problem(Caller(key_for(world.adam, "webhooks", "admin")).get("/webhooks"), 403)
    assert_problem(Caller(None).get("/webhooks"), 401)


def test_the_statements_of_the_history_do_not_grow(
    world: World, source: Caller, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        world.submit()
    given_up(20)
    with django_assert_max_num_queries(9):
        source.get(f"{path}/deliveries")
