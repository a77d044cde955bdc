"""Automation is stopped by a sweep or a person, and allowed again by a person alone."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, ProgrammingError, transaction
from django.utils import timezone

from reviewqueue.errors import Invalid
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import Breaker
from reviewqueue.policy.selectors import PipelineTerms, breakers, open_breakers, terms_of_source
from reviewqueue.transactions import one_transaction
from tests.services.policy.steps import last_entry
from tests.world import MODEL, World

SUBJECT = (MODEL["model"], MODEL["model_version"], MODEL["prompt_version"])
ANOTHER = ("acme-lm", "2026-11-01", "v14")
FIGURES = {"claims_before": 4000, "claims_now": 600, "psi_thousandths": 412, "distance_ppm": 61_000}


def terms(world: World) -> PipelineTerms:
    return terms_of_source(world.source.pk, pipelines=["support-answers"], subjects=[SUBJECT, ANOTHER])[
        "support-answers"
    ]


def tripped(world: World) -> Breaker:
    with one_transaction():
        return policies.trip_breaker(pipeline=world.pipeline, subject=SUBJECT, figures=FIGURES)


def test_drift_stops_the_model_it_was_seen_in_and_no_other(world: World) -> None:
    assert not terms(world).broken(SUBJECT)
    breaker = tripped(world)
    assert (breaker.cause, breaker.tripped_by) == ("drift", None)
    assert terms(world).broken(SUBJECT)
    assert not terms(world).broken(ANOTHER)
    entry = last_entry("breaker.tripped")
    assert entry["psi_thousandths"] == 412
    assert entry["actor"]["kind"] == "system"


def test_a_tripped_breaker_trips_once(world: World) -> None:
    assert tripped(world) == tripped(world)
    assert Breaker.objects.count() == 1


def test_a_person_stops_every_model_at_once(world: World) -> None:
    breaker = policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
    assert breaker.covers_everything
    assert terms(world).broken(SUBJECT)
    assert terms(world).broken(ANOTHER)
    assert last_entry("breaker.tripped")["actor"]["role"] == "senior"


def test_a_person_allows_automation_again(world: World) -> None:
    breaker = tripped(world)
    reset = policies.reset_breaker(breaker=breaker, by=world.olga, reason="examined")
    assert (reset.reset_by, reset.reset_reason) == (world.olga, "examined")
    assert not terms(world).broken(SUBJECT)
    assert last_entry("breaker.reset")["reason"] == "examined"
    with pytest.raises(policies.BreakerNotOpen):
        policies.reset_breaker(breaker=breaker, by=world.otto, reason="examined")


def test_reasons_are_codes(world: World) -> None:
    with pytest.raises(Invalid):
        policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="because")
    with pytest.raises(Invalid):
        policies.reset_breaker(breaker=tripped(world), by=world.olga, reason="because")


def test_no_breaker_is_reset_without_a_person(world: World) -> None:
    breaker = tripped(world)
    with pytest.raises(IntegrityError, match="breaker_reset_by_a_person"), transaction.atomic():
        Breaker.objects.filter(pk=breaker.pk).update(reset_at=timezone.now())


def test_what_was_stopped_is_neither_rewritten_nor_deleted(world: World) -> None:
    breaker = tripped(world)
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        Breaker.objects.filter(pk=breaker.pk).update(figures={})
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        Breaker.objects.filter(pk=breaker.pk).delete()
    policies.reset_breaker(breaker=breaker, by=world.olga, reason="examined")
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        Breaker.objects.filter(pk=breaker.pk).update(reset_by=world.otto)


def test_breakers_are_listed_open_ones_first(world: World) -> None:
    old = policies.reset_breaker(breaker=tripped(world), by=world.olga, reason="examined")
    new = tripped(world)
    assert breakers(world.pipeline) == [new, old]
    assert open_breakers(world.pipeline) == [new]
