"""What a source is told besides outcomes: from one ledger entry, one delivery for each endpoint that asked."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook

from reviewqueue.accounts import services as accounts
from reviewqueue.alarms import services as alarms
from reviewqueue.cascade.services import rerouting, steps
from reviewqueue.deliveries.models import EventType
from reviewqueue.deliveries.services import endpoints, happenings
from reviewqueue.golden.services import watching
from reviewqueue.policy import services as policies
from reviewqueue.reports.alarm import WARNING, Alarm
from tests.services.cascade.steps import cascading, time_passes, unsure
from tests.services.deliveries.steps import Hook, find, hooked, outlived, reported, send, settled, the_delivery, told
from tests.services.golden.steps import finished, published
from tests.services.ledger.cast import prepare_sealing
from tests.services.reports.steps import made
from tests.unit.deliveries.receiver import Receiver
from tests.world import MODEL, SETUP, World

BAND = "0.90-1.00"


@pytest.fixture
def hook(world: World, receiver: Receiver) -> Hook:
    """One that asks for everything there is."""
    return hooked(world, receiver, events=["band.breached", "breaker.tripped", "step.expired"])


@pytest.mark.parametrize("state", ["breach", "failed"])
def test_a_band_that_was_validated_and_no_longer_keeps_its_promise_is_told(
    world: World, hook: Hook, receiver: Receiver, state: str
) -> None:
    world.validate_band(BAND)
    assert happenings.find_recent() == 0
    world.validate_band(BAND, state=state)
    assert [happenings.find_recent(), happenings.find_recent(), happenings.find_overlooked()] == [1, 0, 0]
    send()
    [got] = receiver.received
    event = Webhook(hook.secret).verify(got.body, got.headers)
    assert event == {
        "type": "band.breached",
        "timestamp": event["timestamp"],
        "data": {
            "pipeline": "support-answers",
            "links": {"pipeline": "/api/v1/pipelines/support-answers"},
            **MODEL,
            "band": BAND,
            "state_from": "validated",
            "state_to": state,
            "policy_version": 1,
        },
    }
    assert the_delivery().claim is None


@pytest.mark.parametrize(("before", "after"), [("provisional", "breach"), ("failed", "breach"), ("validated", "stale")])
def test_other_changes_of_a_band_are_not(world: World, hook: Hook, before: str, after: str) -> None:
    world.validate_band(BAND, state=before)
    world.validate_band(BAND, state=after)
    assert happenings.find_recent() == 0


def test_a_band_that_recovers_and_fails_again_is_told_twice(world: World, hook: Hook) -> None:
    for _ in range(2):
        world.validate_band(BAND)
        world.validate_band(BAND, state="failed")
    assert happenings.find_recent() == 2


def test_every_kind_there_is_arrives_signed(
    world: World, receiver: Receiver, settings: Settings, tmp_path: Path
) -> None:
    """An outcome, one that replaces it, a step that ran out, a breaker, a band, a golden run that is late or worse than
    promised, an alarm, a report: the reference library accepts each.
    """
    prepare_sealing(settings, tmp_path)
    hook = hooked(world, receiver, events=list(EventType.values))
    first = settled(world)
    find()
    outlived(first)
    reported(world, first, correct=False)
    find()
    finished(world, published(world, 40), 40, right=lambda _: False, confidence=0.95)
    published(world, name="late", within_days=0)
    watching.watch_traffic()
    watching.watch_due()
    world.activate(cascading())
    time_passes(unsure(world), minutes=31)
    steps.expire_steps()
    policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
    world.validate_band(BAND)
    world.validate_band(BAND, state="breach")
    alarm = Alarm("no_gold", WARNING, "No gold task was answered for a week.", "")
    alarms.keep(pipeline=world.pipeline, alarms=[alarm], now=timezone.now())
    made(world.ada, world.pipeline)
    happenings.find_recent()
    while send():
        pass
    kinds = {Webhook(hook.secret).verify(got.body, got.headers)["type"] for got in receiver.received}
    assert kinds == set(EventType.values)


def test_every_source_that_may_post_to_the_pipeline_is_told_and_no_other(world: World, hook: Hook) -> None:
    told_too = accounts.create_source(slug="chat", name="Chat", actor=SETUP)
    world.pipeline.sources.add(told_too)
    shop = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    asked = {"url": "https://hooks.example.com/", "events": ["band.breached"]}
    second, _ = [endpoints.create_endpoint(source=each, by=each, **asked)[0] for each in (told_too, shop)]
    world.validate_band(BAND)
    world.validate_band(BAND, state="breach")
    assert happenings.find_recent() == 2
    assert {delivery.endpoint_id for delivery in told()} == {hook.endpoint.pk, second.pk}


def test_an_endpoint_that_asks_for_outcomes_hears_of_nothing_else(world: World, receiver: Receiver) -> None:
    hooked(world, receiver)
    world.validate_band(BAND)
    world.validate_band(BAND, state="breach")
    assert happenings.find_recent() == 0


def test_what_happened_before_an_endpoint_asked_is_not_told(world: World, receiver: Receiver) -> None:
    hook = hooked(world, receiver)
    world.validate_band(BAND)
    world.validate_band(BAND, state="breach")
    endpoints.change_endpoint(endpoint=hook.endpoint, by=world.source, events=["band.breached"])
    assert happenings.find_overlooked() == 0


def test_what_the_frequent_look_missed_is_found_by_the_thorough_one(world: World, hook: Hook) -> None:
    world.validate_band(BAND)
    world.validate_band(BAND, state="breach")
    assert happenings.find_recent(now=timezone.now() + timedelta(hours=3)) == 0
    assert happenings.find_overlooked() == 1


def test_many_entries_are_read_page_by_page(world: World, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happenings, "PAGE", 2)
    for _ in range(3):
        world.validate_band(BAND)
        world.validate_band(BAND, state="failed")
    assert happenings.find_recent() == 3
    assert [json.loads(each.body)["type"] for each in told()] == ["band.breached"] * 3


def test_a_step_that_ran_out_is_told_once_also_when_its_claim_is_held_more_strictly_since(
    world: World, hook: Hook
) -> None:
    world.activate(cascading())
    claim = unsure(world)
    time_passes(claim, minutes=31)
    steps.expire_steps()
    assert happenings.find_recent() == 1
    delivery = the_delivery()
    assert (delivery.type, delivery.claim_id) == ("step.expired", claim.pk)
    assert json.loads(delivery.body)["data"]["reasons"] == ["step_timeout"]
    world.activate(cascading(mandatory={"categories": ["general"], "segments": {}, "route": "escalate"}))
    assert rerouting.reroute_open_claims() == 1
    assert happenings.find_recent() == 0
