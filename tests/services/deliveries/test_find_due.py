"""Which outcomes a source is told of, and when."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.cascade.services import rerouting
from reviewqueue.claims.models import Outcome
from reviewqueue.deliveries.models import Delivery, EventType, Payload
from reviewqueue.deliveries.services import endpoints, outbox
from reviewqueue.review.services import labels
from tests.services.deliveries.steps import MINUTE, Hook, find, hooked, outlived, reported, settled, the_delivery, told
from tests.services.review.steps import RIGHT, WRONG, label_next, review_terms
from tests.unit.deliveries.receiver import Receiver
from tests.world import POLICY, SETUP, World


def undone(world: World, outcome: Outcome) -> Outcome:
    """Rita changes her mind within the window."""
    revised = labels.revise_label(reviewer=world.rita, label_id=outcome.label_id, answer=WRONG, reason="undo").outcome
    assert revised is not None
    return revised


def test_an_outcome_is_told_once_its_undo_window_is_over(world: World, hook: Hook) -> None:
    outcome = settled(world)
    assert find(timedelta(seconds=9)) == 0
    assert find(timedelta(seconds=11)) == 1
    delivery = the_delivery()
    assert (delivery.outcome_id, delivery.type, delivery.state) == (outcome.pk, "outcome.settled", "pending")


def test_the_undo_window_is_that_of_the_policy(world: World, hook: Hook) -> None:
    world.activate(review_terms(undo_seconds=120))
    settled(world)
    assert find(timedelta(seconds=119)) == 0
    assert find(timedelta(seconds=121)) == 1


def test_a_longer_window_of_the_policy_that_is_active_now_is_kept_to_as_well(world: World, hook: Hook) -> None:
    settled(world)
    world.activate(review_terms(undo_seconds=120))
    assert find(timedelta(seconds=119)) == 0
    assert find(timedelta(seconds=121)) == 1


def test_the_window_in_which_a_claim_was_labelled_is_kept_to_after_it_was_routed_again(
    world: World, hook: Hook
) -> None:
    world.activate(review_terms(undo_seconds=120))
    world.claim(confidence=0.7)
    world.activate({**POLICY, "mandatory": {"categories": ["general"], "segments": {}, "route": "review"}})
    assert rerouting.reroute_open_claims() == 1
    label_next(world.rita)
    assert find(timedelta(seconds=119)) == 0
    assert find(timedelta(seconds=121)) == 1


def test_a_policy_without_an_undo_window_leaves_ten_seconds_all_the_same(world: World, hook: Hook) -> None:
    world.activate(review_terms(undo_seconds=0))
    settled(world)
    assert find(timedelta(seconds=9)) == 0
    assert find(timedelta(seconds=11)) == 1


def test_without_a_moment_given_the_clock_of_the_database_counts(world: World, hook: Hook) -> None:
    settled(world)
    assert outbox.find_due() == 0


def test_an_outcome_taken_back_inside_the_window_is_never_told(world: World, hook: Hook) -> None:
    first = settled(world)
    second = undone(world, first)
    assert find() == 1
    assert outbox.find_overlooked(now=timezone.now() + MINUTE) == 0
    delivery = the_delivery()
    assert (delivery.outcome_id, delivery.type) == (second.pk, "outcome.settled")
    assert json.loads(delivery.body)["data"]["supersedes"] is None


def test_an_outcome_that_replaces_one_that_outlived_its_window_says_so(world: World, hook: Hook) -> None:
    first = settled(world)
    outlived(first)
    second = reported(world, first, correct=False)
    find()
    told = json.loads(the_delivery().body)
    assert told["type"] == "outcome.superseded"
    assert told["data"]["outcome"] == str(second.pk)
    assert told["data"]["supersedes"] == str(first.pk)
    assert told["data"]["number"] == 2


def test_looking_again_finds_nothing_new(world: World, hook: Hook) -> None:
    settled(world)
    assert [find(), find(), outbox.find_overlooked(now=timezone.now() + MINUTE)] == [1, 0, 0]


def test_what_the_frequent_look_missed_is_found_by_the_thorough_one(world: World, hook: Hook) -> None:
    settled(world)
    much_later = timezone.now() + timedelta(days=3)
    assert outbox.find_due(now=much_later) == 0
    assert outbox.find_overlooked(now=much_later) == 1


def test_an_endpoint_is_not_told_what_was_settled_before_it_existed(world: World, receiver: Receiver) -> None:
    settled(world)
    hooked(world, receiver)
    assert find() == 0


def test_another_source_is_told_nothing(world: World, hook: Hook) -> None:
    other = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    endpoints.create_endpoint(source=other, url="https://shop.example.com/", by=other)
    settled(world)
    assert find() == 1
    assert the_delivery().endpoint_id == hook.endpoint.pk


def test_every_endpoint_of_the_source_is_told(world: World, hook: Hook) -> None:
    endpoints.create_endpoint(source=world.source, url="https://second.example.com/", by=world.source)
    settled(world)
    assert find() == 2


@pytest.mark.parametrize(("wanted", "told"), [("outcome.settled", [1]), ("outcome.superseded", [2])])
def test_an_endpoint_is_told_only_what_it_wants(world: World, receiver: Receiver, wanted: str, told: list[int]) -> None:
    hooked(world, receiver, events=[wanted])
    first = settled(world)
    find()
    outlived(first)
    reported(world, first, correct=False)
    find()
    assert [json.loads(delivery.body)["data"]["number"] for delivery in Delivery.objects.all()] == told


def test_a_paused_endpoint_keeps_what_happens_and_a_disabled_one_does_not(world: World, hook: Hook) -> None:
    settled(world)
    type(hook.endpoint).objects.update(state="disabled", state_reason="gone")
    assert find() == 0
    type(hook.endpoint).objects.update(state="paused", state_reason="asked")
    assert find() == 1


def test_a_thin_body_names_the_claim_and_a_full_one_also_the_right_answer(world: World, receiver: Receiver) -> None:
    hooked(world, receiver)
    endpoints.create_endpoint(
        source=world.source, url="https://full.example.com/", by=world.source, payload=Payload.FULL
    )
    outcome = settled(world, WRONG, external_id="ticket-8842/answer-1")
    find()
    thin, full = (json.loads(delivery.text) for delivery in told().order_by("endpoint__created_at"))
    assert thin == {
        "type": EventType.OUTCOME_SETTLED,
        "timestamp": thin["timestamp"],
        "data": {
            "claim": str(outcome.claim_id),
            "external_id": "ticket-8842/answer-1",
            "pipeline": "support-answers",
            "outcome": str(outcome.pk),
            "number": 1,
            "correct": False,
            "basis": "labels",
            "supersedes": None,
            "links": {"claim": f"/api/v1/claims/{outcome.claim_id}"},
        },
    }
    assert full["data"] == thin["data"] | {"output": "15 EUR per seat and month."}


def test_the_body_is_plain_ascii_whatever_the_claim_is_called(world: World, hook: Hook) -> None:
    settled(world, external_id="Anfrage-\u00fc\u4e2d", answer=RIGHT)
    find()
    assert the_delivery().body.isascii()
    assert json.loads(the_delivery().body)["data"]["external_id"] == "Anfrage-\u00fc\u4e2d"
