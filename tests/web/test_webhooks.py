"""The pages about webhooks: registering, looking after, and sending again."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviewqueue.deliveries.models import Attempt, Delivery, Endpoint, NamedHost
from reviewqueue.deliveries.services import endpoints
from reviewqueue.ledger.models import Event
from tests.web.visitor import Visitor, text_of
from tests.world import World

URL = "https://hooks.example.com/claims?token=abc"
GOOD: dict[str, Any] = {
    "source": "helpdesk",
    "url": URL,
    "events": ["outcome.settled"],
    "payload": "thin",
    "scheme": "v1",
}


@pytest.fixture
def endpoint(world: World) -> Endpoint:
    found, _ = endpoints.create_endpoint(source=world.source, url=URL, by=world.adam)
    return found


def address_of(endpoint: Endpoint) -> str:
    return f"/webhooks/{endpoint.pk}/"


def do(visitor: Visitor, endpoint: Endpoint, what: str, **fields: Any) -> Any:
    return visitor.post(address_of(endpoint), {"do": what, **fields})


def given_up(endpoint: Endpoint, count: int = 1) -> list[Delivery]:
    """Deliveries with two failed attempts each."""
    Delivery.objects.filter(endpoint=endpoint).delete()
    now, made = timezone.now(), []
    for event in Event.objects.order_by("-id")[:count]:
        delivery = Delivery.objects.create(
            endpoint=endpoint, event=event, type="outcome.settled", body="{}", state="dead", attempts=2,
            last_status=500, finished_at=now,
        )  # fmt: skip
        Attempt.objects.create(
            delivery=delivery, number=1, started_at=now, finished_at=now, error="timeout", seconds=20
        )
        Attempt.objects.create(delivery=delivery, number=2, started_at=now, finished_at=now, status=500, seconds=0.2)
        made.append(delivery)
    return made


def secret_in(page: str) -> str:
    return re.findall(r"(whsec_[A-Za-z0-9+/=]+|whpk_[A-Za-z0-9+/=]+)", page)[0]


def test_without_endpoints_the_page_says_what_to_do(adam: Visitor, olga: Visitor) -> None:
    assert "Register an address to have outcomes sent." in text_of(adam.get("/webhooks/"))
    assert "An administrator can register an address" in text_of(olga.get("/webhooks/"))


def test_an_administrator_registers_an_address_and_sees_its_secret_once(world: World, adam: Visitor) -> None:
    page = text_of(adam.post("/webhooks/new/", GOOD))
    endpoint = Endpoint.objects.get()
    assert (endpoint.url, endpoint.events, endpoint.state) == (URL, ["outcome.settled"], "unverified")
    assert secret_in(page).startswith("whsec_")
    assert "whsec_" not in text_of(adam.get(address_of(endpoint)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": "http://hooks.example.com/"}, "https"),
        ({"url": "https://127.0.0.1/"}, "name"),
        ({"url": ""}, "Say where the source wants to be told."),
        ({"events": []}, "Choose at least one."),
        ({"events": ["everything"]}, "everything is not one of the available choices"),
        ({"source": "nobody"}, "There is no such source."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    world: World, adam: Visitor, change: dict[str, Any], said: str
) -> None:
    response = adam.post("/webhooks/new/", {**GOOD, **change})
    page = text_of(response)
    assert response.status_code == 422
    assert said in page
    assert "Not registered." in page
    assert Endpoint.objects.count() == 0
    if "url" not in change:
        assert "token=abc" in page


def test_one_address_of_a_source_is_registered_once(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    response = adam.post("/webhooks/new/", GOOD)
    assert response.status_code == 422
    assert "has an endpoint with this address" in text_of(response)


def test_addresses_are_for_those_who_manage_and_audit(world: World, endpoint: Endpoint, olga: Visitor) -> None:
    for page in (text_of(olga.get("/webhooks/")), text_of(olga.get(address_of(endpoint)))):
        assert "hooks.example.com" in page
        assert "token=abc" not in page
    assert "token=abc" in text_of(Visitor(world.ada).get(address_of(endpoint)))


def test_an_owner_sees_how_it_is_doing_and_not_what_was_sent(world: World, endpoint: Endpoint, olga: Visitor) -> None:
    given_up(endpoint)
    page = text_of(olga.get(address_of(endpoint)))
    assert "Failures in a row" in page
    assert "deliveries-title" not in page
    assert 'name="do"' not in page


def test_wishes_are_changed(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    changed = {"url": URL, "events": ["step.expired", "breaker.tripped"], "payload": "full"}
    assert do(adam, endpoint, "save", **changed).status_code == 303
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.payload) == (["breaker.tripped", "step.expired"], "full")
    refused = do(adam, endpoint, "save", **{**changed, "url": "ftp://x"})
    assert refused.status_code == 422
    assert "ftp://x" in text_of(refused)


def test_it_is_paused_and_resumed(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    do(adam, endpoint, "pause")
    assert Endpoint.objects.get().state == "paused"
    assert "by a person" in text_of(adam.get(address_of(endpoint)))
    do(adam, endpoint, "resume")
    assert Endpoint.objects.get().state == "unverified"


def test_a_challenge_is_sent_again(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    before = Delivery.objects.filter(type="endpoint.challenge").count()
    do(adam, endpoint, "test")
    assert Delivery.objects.filter(type="endpoint.challenge").count() == before + 1


def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(
    world: World, endpoint: Endpoint, adam: Visitor
) -> None:
    page = text_of(do(adam, endpoint, "rotate"))
    assert secret_in(page)
    assert "on its way out" in page
    assert endpoint.secrets.count() == 2
    do(adam, endpoint, "rotate", leaked="1")
    assert endpoint.secrets.count() == 1


def test_removing_asks_whether_one_is_sure(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    asked = do(adam, endpoint, "remove")
    assert asked.status_code == 422
    assert "Not removed." in text_of(asked)
    assert do(adam, endpoint, "remove", sure="1").status_code == 303
    assert adam.get(address_of(endpoint)).status_code == 404


def test_the_history_shows_every_attempt_and_no_secret(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    given_up(endpoint)
    page = text_of(adam.get(address_of(endpoint)))
    assert "2 attempts, last HTTP 500" in page
    assert "There was no complete answer within 20 seconds." in page
    assert "Given up" in page
    assert "whsec_" not in page


def test_the_history_is_filtered_and_turned_page_by_page(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    for _ in range(15):
        world.submit()
    made = given_up(endpoint, 30)
    assert len(made) == 30
    first = text_of(adam.get(address_of(endpoint)))
    older = re.findall(r"\?before=([0-9a-f-]+)", first)
    second = text_of(adam.get(f"{address_of(endpoint)}?before={older[0]}"))
    assert (first.count("Send again<span"), second.count("Send again<span")) == (25, 5)
    assert "Newest" in second
    assert "No delivery is in this state." in text_of(adam.get(f"{address_of(endpoint)}?state=delivered"))
    assert adam.get(f"{address_of(endpoint)}?state=nonsense&before=nonsense").status_code == 200


def test_one_delivery_is_sent_again(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    [delivery] = given_up(endpoint)
    adam.post(f"/webhooks/deliveries/{delivery.pk}/replay/")
    assert Delivery.objects.get(pk=delivery.pk).state == "pending"


def test_a_challenge_cannot_be_sent_again_like_that(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    response = adam.post(f"/webhooks/deliveries/{Delivery.objects.get().pk}/replay/")
    assert response.status_code == 409


def test_a_stretch_of_time_is_counted_before_it_is_sent_again(world: World, endpoint: Endpoint, adam: Visitor) -> None:
    given_up(endpoint, 3)
    now = timezone.now()
    stretch = {
        "since": (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "until": (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M"),
        "only_dead": "1",
    }
    counted = do(adam, endpoint, "count", **stretch)
    assert "This would send <strong>3</strong> deliveries again." in text_of(counted)
    assert Delivery.objects.filter(state="pending").count() == 0
    do(adam, endpoint, "replay", **stretch)
    assert Delivery.objects.filter(state="pending").count() == 3
    backwards = do(adam, endpoint, "replay", since=stretch["until"], until=stretch["since"])
    assert backwards.status_code == 422
    assert "The end lies after the beginning." in text_of(backwards)
    assert do(adam, endpoint, "count", since="yesterday", until="").status_code == 422


def test_the_overview_of_a_pipeline_alarms_when_a_source_waits_in_vain(
    world: World, endpoint: Endpoint, olga: Visitor
) -> None:
    page = "/pipelines/support-answers/"
    assert "may wait in vain" not in text_of(olga.get(page))
    Endpoint.objects.update(state="disabled", state_reason="gone")
    shown = text_of(olga.get(page))
    assert "Helpdesk may wait in vain to be told." in shown
    assert f'href="{address_of(endpoint)}"' in shown
    assert address_of(endpoint) not in text_of(Visitor(world.sam).get(page))


def test_hosts_are_named_and_withdrawn(world: World, adam: Visitor) -> None:
    response = adam.post("/webhooks/hosts/", {"host": "hooks.internal", "ports": "443, 8443", "plain_http": "1"})
    assert response.status_code == 303
    assert NamedHost.objects.get().ports == [443, 8443]
    assert "hooks.internal" in text_of(Visitor(world.ada).get("/webhooks/hosts/"))
    assert adam.post("/webhooks/hosts/", {"host": "hooks.internal", "ports": "443"}).status_code == 422
    adam.post("/webhooks/hosts/", {"withdraw": "hooks.internal"})
    assert NamedHost.objects.count() == 0
    assert adam.post("/webhooks/hosts/", {"withdraw": "hooks.internal"}).status_code == 404


@pytest.mark.parametrize("change", [{"host": "UPPER"}, {"ports": "no"}, {"ports": "0"}, {"ca_certificate": "no PEM"}])
def test_what_is_no_host_is_refused(world: World, adam: Visitor, change: dict[str, str]) -> None:
    assert adam.post("/webhooks/hosts/", {"host": "hooks.internal", "ports": "443", **change}).status_code == 422
    assert NamedHost.objects.count() == 0


def test_the_statements_of_the_pages_do_not_grow(
    world: World, endpoint: Endpoint, adam: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for place in range(8):
        endpoints.create_endpoint(source=world.source, url=f"https://hooks.example.com/{place}", by=world.adam)
    given_up(endpoint, 20)
    with django_assert_max_num_queries(14):
        adam.get("/webhooks/")
    with django_assert_max_num_queries(20):
        adam.get(address_of(endpoint))
