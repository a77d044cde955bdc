"""A band that breaks its promise stops deciding at once; what is hidden upstream shows in the labels."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calibration import services
from calibration.models import Finding, Monitor, MonitorCursor
from calibration.monitoring import watch_labels, watch_labels_of
from calibration.selectors import band_table
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Outcome, OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, Breaker
from reviewqueue.transactions import one_transaction
from tests.services.policy.steps import CALIBRATED, last_entry
from tests.world import MODEL, World

BAND = "0.90-1.00"
REVIEWERS = Actor.system("tests")
AUDITED = {**CALIBRATED, "bands": [*CALIBRATED["bands"][:2], {**CALIBRATED["bands"][2], "audit_rate": 1.0}]}


def answered(world: World, count: int, wrong: Callable[[int], bool], **changes: Any) -> None:
    """Claims with their truth, as reviews would leave it."""
    for number in range(count):
        answer = world.submit(**changes).answer
        with one_transaction():
            claim = claims.lock_claim(answer["id"])
            claims.settle(
                claim=claim, correct=not wrong(number), output=None, basis=OutcomeBasis.LABELS, actor=REVIEWERS
            )


@pytest.fixture
def deciding(world: World) -> World:
    """A band that was measured and decides, every claim of it audited."""
    world.activate(AUDITED)
    answered(world, 80, lambda number: number % 40 == 3)
    services.measure_pipeline(world.pipeline)
    assert state(world) == "validated"
    return world


def state(world: World) -> str:
    return BandState.objects.get(policy_version=world.policy, band=BAND, **MODEL).state


def shown(world: World) -> str:
    return band_table(world.pipeline)[0].rows[-1].state


def monitor(kind: str = "outcome") -> Monitor:
    return Monitor.objects.get(kind=kind)


def states() -> list[tuple[object, ...]]:
    fields = ["kind", "band", "rule", "state", "labels", "wrong", "statistic", "threshold", "signal", "newest_at"]
    return sorted(Monitor.objects.values_list(*fields), key=repr)


def test_a_swap_that_nobody_declared_is_named_and_its_band_stops_deciding(deciding: World) -> None:
    watch_labels()
    assert monitor().signal == "quiet"
    answered(deciding, 60, lambda number: number % 2 == 0)
    assert watch_labels() == 2, "the promise is broken, and the calibrated confidence does not hold"
    assert state(deciding) == "breach"
    breaker = Breaker.objects.get()
    assert (breaker.cause, breaker.model_version) == ("outcome", MODEL["model_version"])
    assert breaker.figures["band"] == BAND
    assert breaker.figures["recent_wrong"] >= 30
    named = last_entry("breaker.tripped")
    assert (named["band"], named["labelled"], named["allowed_ppm"]) == (BAND, 140, 100_000)
    assert {"band_unvalidated", "drift_breaker"} <= set(deciding.submit().answer["decision"]["reasons"])
    assert {(each.kind, each.breaker_id) for each in Finding.objects.all()} == {
        ("outcome", breaker.pk),
        ("calibration", None),
    }


def test_a_swap_that_was_declared_begins_with_a_band_that_may_decide_nothing(deciding: World) -> None:
    decision = deciding.submit(model_version="2026-11-01").answer["decision"]
    assert (decision["route"], decision["reasons"]) == ("review", ["band_unvalidated", "uncalibrated_model"])
    assert deciding.submit().answer["decision"]["route"] == "accept"


def test_labels_as_promised_raise_nothing(deciding: World) -> None:
    dice = random.Random(3)
    answered(deciding, 200, lambda _: dice.random() < 0.05)
    assert watch_labels() == 0
    assert state(deciding) == "validated"


def test_an_alarm_is_raised_once_and_measuring_does_not_undo_it(deciding: World) -> None:
    answered(deciding, 60, lambda number: number % 2 == 0)
    assert [watch_labels(), watch_labels()] == [2, 0]
    assert shown(deciding) == "breach"
    services.measure_pipeline(deciding.pipeline)
    assert state(deciding) == shown(deciding) == "breach"
    assert Breaker.objects.count() == 1


def test_a_band_that_decides_nothing_has_nothing_to_lose(world: World) -> None:
    world.activate(AUDITED)
    answered(world, 80, lambda number: number % 2 == 0)
    watch_labels()
    assert monitor().signal == "alarm"
    assert not Breaker.objects.exists()


def test_a_person_who_allows_automation_again_lets_the_watch_begin_anew(deciding: World) -> None:
    answered(deciding, 60, lambda number: number % 2 == 0)
    watch_labels()
    policies.reset_breaker(breaker=Breaker.objects.get(), by=deciding.olga, reason="cause_removed")
    assert state(deciding) == "provisional"
    assert watch_labels() == 0
    assert (monitor().labels, monitor().signal) == (0, "quiet")


def test_carried_on_in_steps_or_replayed_from_nothing_the_states_are_the_same(deciding: World) -> None:
    start = timezone.now()
    for step in range(4):
        answered(deciding, 10, lambda number: number % 7 == 0, confidence=0.91 + step / 50)
        watch_labels_of(deciding.pipeline, now=start + timedelta(minutes=5, seconds=step))
    watch_labels_of(deciding.pipeline, now=start + timedelta(hours=1))
    carried = states()
    assert monitor().labels == 120
    for derived in (Monitor, MonitorCursor):
        derived.objects.all().delete()
    watch_labels_of(deciding.pipeline)
    assert states() == carried


def test_a_label_counts_once_however_often_the_sweep_runs(deciding: World) -> None:
    later = timezone.now() + timedelta(hours=1)
    for moment in (None, None, later, later):
        watch_labels_of(deciding.pipeline, now=moment)
    assert monitor().labels == 80


def test_a_verdict_that_was_taken_back_leaves_the_state(deciding: World) -> None:
    watch_labels_of(deciding.pipeline, now=timezone.now() + timedelta(hours=1))
    assert (monitor().labels, monitor().wrong) == (80, 2)
    Outcome.objects.filter(correct=False).update(standing=False, measures=False)
    watch_labels_of(deciding.pipeline, now=timezone.now() + timedelta(hours=2))
    assert (monitor().labels, monitor().wrong) == (78, 0)


def test_complaints_never_move_a_monitor(deciding: World) -> None:
    answer = deciding.submit().answer
    with one_transaction():
        claims.settle(
            claim=claims.lock_claim(answer["id"]),
            correct=False,
            output=None,
            basis=OutcomeBasis.EXTERNAL,
            actor=REVIEWERS,
        )
    watch_labels()
    assert monitor().labels == 80


def test_a_burst_of_one_input_is_one_label(deciding: World) -> None:
    answered(deciding, 30, lambda number: True, input="The same question again and again")
    watch_labels()
    assert (monitor().labels, monitor().wrong) == (81, 3)


def test_another_calibrator_is_watched_from_its_activation_on(deciding: World) -> None:
    watch_labels()
    other = {**MODEL, "name": "platt-9", "map": {"kind": "platt", "slope": 1.2, "intercept": 0.1, "eps": 0.02}}
    deciding.activate({**AUDITED, "calibrators": [other]})
    watch_labels()
    assert (monitor().calibrator, monitor().labels) == ("platt-9", 0)


def test_a_policy_that_changes_something_else_keeps_what_was_seen(deciding: World) -> None:
    deciding.activate({**AUDITED, "freshness_days": 60})
    watch_labels()
    assert monitor().labels == 80


def test_watching_takes_few_statements_however_many_labels(deciding: World, django_assert_max_num_queries: Any) -> None:
    watch_labels_of(deciding.pipeline)
    with django_assert_max_num_queries(16):
        watch_labels_of(deciding.pipeline)
