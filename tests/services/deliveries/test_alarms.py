"""Silence is an alarm."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from reviewqueue.accounts import services as accounts
from reviewqueue.deliveries import alarms
from reviewqueue.deliveries.models import Delivery, Endpoint
from reviewqueue.deliveries.services import endpoints
from tests.services.deliveries.steps import Hook, find, send, settled
from tests.unit.deliveries.receiver import Receiver, status
from tests.world import SETUP, World


def causes() -> list[str]:
    return [alarm.cause for alarm in alarms.silent_endpoints()]


def told_and_waiting(world: World, hours: int) -> None:
    settled(world)
    find()
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=hours))


def test_an_endpoint_that_works_and_one_that_was_just_paused_are_none(world: World, hook: Hook) -> None:
    settled(world)
    find()
    assert causes() == []
    endpoints.pause(endpoint=hook.endpoint, by=world.adam)
    assert causes() == []


def test_one_that_said_it_is_gone_is(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(410)]
    settled(world)
    find()
    send()
    assert causes() == ["gone"]


def test_one_that_a_dead_letter_paused_is(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(500)]
    settled(world)
    find()
    Delivery.objects.update(attempts=9)
    send()
    assert causes() == ["dead_letter"]
    endpoints.resume(endpoint=hook.endpoint, by=world.adam)
    assert causes() == ["dead_letters"]
    Delivery.objects.update(finished_at=timezone.now() - timedelta(days=8))
    assert causes() == []


def test_one_that_fails_is_after_an_hour_and_until_it_succeeds(world: World, hook: Hook, receiver: Receiver) -> None:
    receiver.answers = [status(500), status(200)]
    settled(world)
    find()
    now = timezone.now()
    send(now)
    assert causes() == []
    Endpoint.objects.update(failing_since=now - timedelta(hours=2))
    assert causes() == ["failing"]
    send(now + timedelta(minutes=1))
    assert causes() == []


@pytest.mark.parametrize("paused", [False, True])
def test_one_with_something_that_waits_too_long_is_whoever_paused_it(world: World, hook: Hook, paused: bool) -> None:
    told_and_waiting(world, hours=7)
    if paused:
        endpoints.pause(endpoint=hook.endpoint, by=world.adam)
    assert causes() == ["undelivered"]


def test_a_callback_host_that_never_answered_is(world: World) -> None:
    settled(world, callback_url="https://hooks.example.com/")
    find()
    Delivery.objects.update(created_at=timezone.now() - timedelta(hours=7))
    assert causes() == ["undelivered"]


def test_a_challenge_that_nobody_answered_is_none_before_somebody_waits(world: World) -> None:
    endpoints.create_endpoint(source=world.source, url="https://hooks.example.com/", by=world.source)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=1), state="dead", finished_at=timezone.now())
    assert causes() == []


def test_a_removed_endpoint_is_none(world: World, hook: Hook) -> None:
    told_and_waiting(world, hours=7)
    endpoints.remove_endpoint(endpoint=hook.endpoint, by=world.source)
    assert causes() == []


def test_alarms_of_some_sources_alone_are_asked_for_with_one_query(
    world: World, hook: Hook, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    told_and_waiting(world, hours=7)
    shop = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    with django_assert_num_queries(1):
        assert alarms.silent_endpoints(sources=[shop]) == []
    with django_assert_num_queries(1):
        assert len(alarms.silent_endpoints(sources=[world.source])) == 1


def test_the_sweep_says_so_in_the_log(world: World, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    told_and_waiting(world, hours=7)
    assert alarms.watch() == 1
    assert f"endpoint {hook.endpoint.pk} of helpdesk is silent: undelivered" in caplog.text


def test_what_waits_is_counted(world: World, hook: Hook) -> None:
    assert alarms.backlog() == alarms.Backlog(0, None)
    told_and_waiting(world, hours=7)
    assert alarms.backlog().undelivered == 1
