"""What was said is kept for as long as the pipeline says, and then goes by itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from reviewqueue.claims.models import Claim
from reviewqueue.claims.selectors import contents_of
from reviewqueue.claims.submission import parse_submission
from reviewqueue.erasure import services
from reviewqueue.erasure.models import Erasure
from reviewqueue.erasure.retention import set_retention
from reviewqueue.erasure.selectors import retention_of
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.intake import submit
from reviewqueue.ledger.models import Event
from tests.services.review.steps import submit as label
from tests.services.review.steps import taken
from tests.world import World

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(days=40)


def old_claim(world: World, **changes: Any) -> Claim:
    then = timezone.now() - LONG_AGO
    submission = parse_submission(world.claim_body(confidence=0.95, **changes), now=then)
    done = submit(source=world.source, submission=submission, now=then)
    return Claim.objects.get(pk=done.answer["id"])


def at_rest(world: World, **changes: Any) -> Claim:
    """Held, and labelled by rita."""
    claim = old_claim(world, **changes)
    label(taken(world.rita))
    return claim


def test_what_is_older_goes_and_what_is_younger_stays(world: World) -> None:
    old, young = at_rest(world), world.claim()
    label(taken(world.rita))
    set_retention(pipeline=world.pipeline, days={"": 30}, by=world.olga)
    assert services.sweep_retention() == 1
    assert set(contents_of([old.pk, young.pk])) == {young.pk}
    assert services.sweep_retention() == 0


def test_the_ledger_says_that_the_time_was_over(world: World) -> None:
    claim = at_rest(world)
    set_retention(pipeline=world.pipeline, days={"": 30}, by=world.olga)
    services.sweep_retention()
    erasure = Erasure.objects.get(claim=claim)
    assert erasure.event_id
    body = json.loads(Event.objects.get(pk=erasure.event_id).leaf)["body"]
    assert (body["basis"], body["second_approver"]) == ("retention", None)
    assert body["actor"] == {"kind": "system", "id": "retention", "role": None}


def test_a_claim_that_somebody_has_to_judge_is_left_alone(world: World) -> None:
    open_one = old_claim(world)
    set_retention(pipeline=world.pipeline, days={"": 30}, by=world.olga)
    assert services.sweep_retention() == 0
    assert contents_of([open_one.pk])
    label(taken(world.rita))
    assert services.sweep_retention() == 1


def test_a_category_has_its_own_time(world: World) -> None:
    pricing, general = at_rest(world, category="pricing"), at_rest(world)
    set_retention(pipeline=world.pipeline, days={"": 30, "pricing": 60}, by=world.adam)
    assert services.sweep_retention() == 1
    assert set(contents_of([pricing.pk, general.pk])) == {pricing.pk}
    set_retention(pipeline=world.pipeline, days={"pricing": 35}, by=world.adam)
    assert services.sweep_retention() == 1


def test_without_a_rule_everything_is_kept(world: World) -> None:
    claim = at_rest(world)
    assert services.sweep_retention() == 0
    assert contents_of([claim.pk])


def test_a_run_erases_a_few_and_the_next_one_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "ERASED_AT_ONCE", 2)
    for _ in range(3):
        at_rest(world)
    set_retention(pipeline=world.pipeline, days={"": 30}, by=world.olga)
    assert [services.sweep_retention() for _ in range(3)] == [2, 1, 0]


def test_an_owner_and_an_admin_set_it_and_it_is_an_event(world: World) -> None:
    for person in (world.rita, world.sam, world.ada, world.nora):
        with pytest.raises(Forbidden):
            set_retention(pipeline=world.pipeline, days={"": 30}, by=person)
    set_retention(pipeline=world.pipeline, days={"": 30, "pricing": 10}, by=world.olga)
    set_retention(pipeline=world.pipeline, days={"": 30, "pricing": 10}, by=world.olga)
    set_retention(pipeline=world.pipeline, days={}, by=world.adam)
    assert retention_of(world.pipeline) == {}
    bodies = [json.loads(leaf)["body"] for leaf in
              Event.objects.filter(kind="retention.changed").order_by("id").values_list("leaf", flat=True)]  # fmt: skip
    assert [(body["days"], body["days_from"]) for body in bodies] == [
        ({"": 30, "pricing": 10}, {}),
        ({}, {"": 30, "pricing": 10}),
    ]


def test_what_makes_no_sense_is_refused(world: World) -> None:
    for days in ({"": 0}, {"": 40_000}, {"unheard of": 10}):
        with pytest.raises(Invalid):
            set_retention(pipeline=world.pipeline, days=days, by=world.olga)
