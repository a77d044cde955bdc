"""Confidences that move stop automation for their model, and only a person allows it again."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from calibration.evidence import Subject
from calibration.watching import Confidences, drifts, watch_drift, watch_pipeline
from reviewqueue import intake
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import Breaker
from tests.services.policy.steps import CALIBRATED, last_entry
from tests.world import MODEL, World

SUBJECT = Subject(**MODEL)
NOW = timezone.now()
LAST_WEEK = NOW - timedelta(days=5)


def usual(dice: random.Random) -> float:
    return round(dice.betavariate(8, 2), 3)


def shifted(dice: random.Random) -> float:
    return round(dice.betavariate(4, 3), 3)


def post(world: World, count: int, confidence: Any, *, at: datetime, seed: int = 1, **changes: Any) -> None:
    dice = random.Random(seed)
    bodies = [world.claim_body(confidence=confidence(dice), **changes) for _ in range(count)]
    results = intake.submit_batch(source=world.source, bodies=bodies, now=at)
    assert {result.status for result in results} == {201}


@pytest.fixture
def automated(world: World) -> World:
    world.activate(CALIBRATED)
    return world


def test_confidences_that_move_stop_automation_for_their_model(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 250, shifted, at=NOW)
    assert watch_drift() == 1
    breaker = Breaker.objects.get()
    assert (breaker.model, breaker.model_version, breaker.prompt_version) == SUBJECT
    assert breaker.figures["claims_before"] == 600
    assert breaker.figures["claims_now"] == 250
    assert last_entry("breaker.tripped")["distance_ppm"] > 20_000
    assert breaker.figures["suspected_swap"], "values that were never stated before"


def test_a_stopped_model_is_not_stopped_again(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 250, shifted, at=NOW)
    assert [watch_drift(), watch_drift()] == [1, 0]


def test_confidences_as_they_always_were_stop_nothing(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 250, usual, at=NOW, seed=2)
    assert watch_drift() == 0


def test_a_handful_of_claims_proves_nothing(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 150, shifted, at=NOW)
    assert watch_drift() == 0


def test_where_a_day_brings_too_few_claims_a_week_is_looked_at(automated: World) -> None:
    post(automated, 600, usual, at=NOW - timedelta(days=20))
    for days in (1, 3, 5):
        post(automated, 80, shifted, at=NOW - timedelta(days=days, hours=1), seed=days)
    assert watch_pipeline(automated.pipeline, now=NOW) == 1


def test_a_model_that_decides_nothing_is_not_watched(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK, model_version="2026-11-01")
    post(automated, 250, shifted, at=NOW, model_version="2026-11-01")
    assert watch_drift() == 0


def test_once_a_person_has_looked_what_is_now_is_what_is_compared_with(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 250, shifted, at=NOW)
    watch_drift()
    policies.reset_breaker(breaker=Breaker.objects.get(), by=automated.olga, reason="examined")
    assert watch_drift() == 0
    later = timezone.now()
    post(automated, 600, shifted, at=later + timedelta(minutes=1), seed=2)
    post(automated, 250, shifted, at=later + timedelta(days=2), seed=3)
    assert watch_pipeline(automated.pipeline, now=later + timedelta(days=2)) == 0
    post(automated, 250, usual, at=later + timedelta(days=4), seed=4)
    assert watch_pipeline(automated.pipeline, now=later + timedelta(days=4)) == 1


def test_a_pipeline_that_is_stopped_as_a_whole_is_not_watched(automated: World) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    post(automated, 250, shifted, at=NOW)
    policies.stop_automation(pipeline=automated.pipeline, by=automated.sam, reason="incident")
    assert watch_drift() == 0


def test_without_change_the_alarm_is_silent_all_quarter() -> None:
    """90 days of looks, none of them an alarm; each at an exact size that adds up to less than one in ten."""
    dice = np.random.default_rng(7)
    for _ in range(90):
        values = dice.beta(8, 2, size=1_500).round(2)
        age = np.repeat([2, 0], [1_200, 300])
        found = drifts({SUBJECT: Confidences(values, np.ones(1_500, dtype=int), age)})
        assert not any(finding.drift.page for finding in found)


def test_one_statement_reads_a_pipeline(automated: World, django_assert_max_num_queries: Any) -> None:
    post(automated, 600, usual, at=LAST_WEEK)
    with django_assert_max_num_queries(4):
        watch_pipeline(automated.pipeline)
