"""Who sees what of webhooks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Source
from reviewqueue.deliveries import selectors
from reviewqueue.deliveries.models import Delivery
from reviewqueue.deliveries.selectors import DeliveryFilter
from reviewqueue.deliveries.services import endpoints
from reviewqueue.errors import Forbidden, NotFound
from tests.services.deliveries.steps import Hook, find, send, settled, the_delivery
from tests.unit.deliveries.receiver import Receiver, status
from tests.world import SETUP, World


@pytest.fixture
def shop(world: World) -> Source:
    return accounts.create_source(slug="shop", name="Shop", actor=SETUP)


def test_a_source_sees_its_own_endpoints_and_no_others(world: World, hook: Hook, shop: Source) -> None:
    theirs, _ = endpoints.create_endpoint(source=shop, url="https://shop.example.com/", by=shop)
    assert list(selectors.endpoints_for(world.source)) == [hook.endpoint]
    assert selectors.endpoint_for(shop, theirs.pk) == theirs
    with pytest.raises(NotFound):
        selectors.endpoint_for(world.source, theirs.pk)


def test_administrators_and_auditors_see_all_and_other_people_none(world: World, hook: Hook) -> None:
    for name in ("adam", "ada"):
        assert list(selectors.endpoints_for(world.people[name])) == [hook.endpoint]
        assert selectors.named_hosts(world.people[name])
    for name in ("rita", "sam", "nora"):
        with pytest.raises(Forbidden):
            selectors.endpoints_for(world.people[name])
        with pytest.raises(Forbidden):
            selectors.endpoint_for(world.people[name], hook.endpoint.pk)
        with pytest.raises(Forbidden):
            selectors.named_hosts(world.people[name])


def test_a_delivery_is_found_by_its_source_alone(world: World, hook: Hook, shop: Source) -> None:
    settled(world)
    find()
    delivery = the_delivery()
    assert selectors.delivery_for(world.source, delivery.pk) == delivery
    assert selectors.delivery_for(world.ada, delivery.pk) == delivery
    with pytest.raises(NotFound):
        selectors.delivery_for(shop, delivery.pk)


def test_the_history_of_a_delivery_lists_every_attempt(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(500), status(200)]
    outcome = settled(world)
    find()
    now = timezone.now()
    send(now)
    send(now + timedelta(seconds=7))
    delivery = the_delivery()
    shown = [selectors.attempt_answer(attempt) for attempt in selectors.attempts_of(delivery)]
    assert [(attempt["number"], attempt["status"], attempt["error"]) for attempt in shown] == [
        (1, 500, None),
        (2, 200, None),
    ]
    answer = selectors.delivery_answer(delivery)
    assert (answer["state"], answer["attempts"], answer["next_at"]) == ("delivered", 2, None)
    assert [each.pk for each in selectors.deliveries_of_claim(outcome.claim)] == [delivery.pk]


def test_deliveries_are_listed_newest_first_page_by_page(world: World, hook: Hook, receiver: Receiver) -> None:
    for _ in range(3):
        settled(world)
    find()
    send()
    newest_first = list(Delivery.objects.order_by("-id"))
    everything = DeliveryFilter()
    page = selectors.deliveries_page(hook.endpoint, wanted=everything, before=None, limit=2)
    rest = selectors.deliveries_page(hook.endpoint, wanted=everything, before=page[-1].pk, limit=2)
    assert [*page, *rest] == newest_first
    for nothing in (DeliveryFilter(state="dead"), DeliveryFilter(until=newest_first[-1].created_at)):
        assert selectors.deliveries_page(hook.endpoint, wanted=nothing, before=None, limit=9) == []


def test_what_a_source_is_shown_of_an_endpoint_holds_no_secret(world: World, hook: Hook) -> None:
    new = endpoints.rotate_secret(endpoint=hook.endpoint, by=world.source)
    shown = str(selectors.endpoint_answer(hook.endpoint))
    for secret in (hook.secret, new):
        assert secret.removeprefix("whsec_") not in shown
    assert "sealed" not in shown
    assert [each["scheme"] for each in selectors.endpoint_answer(hook.endpoint)["signatures"]] == ["v1", "v1"]


def test_owners_see_the_endpoints_of_their_sources_and_nothing_of_what_was_sent(
    world: World, hook: Hook, shop: Source
) -> None:
    endpoints.create_endpoint(source=shop, url="https://shop.example.com/", by=shop)
    settled(world)
    find()
    assert list(selectors.endpoints_for(world.olga)) == [hook.endpoint]
    assert not selectors.sees_deliveries(world.olga)
    with pytest.raises(Forbidden):
        selectors.delivery_for(world.olga, the_delivery().pk)


def test_what_was_removed_is_not_there_any_more(world: World, hook: Hook) -> None:
    endpoints.remove_endpoint(endpoint=hook.endpoint, by=world.source)
    assert not selectors.endpoints_for(world.source)
    with pytest.raises(NotFound):
        selectors.endpoint_for(world.adam, hook.endpoint.pk)
