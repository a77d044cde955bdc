"""Until when versions in traffic are to be measured again: by golden sets, or by labels where there is none."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calibration.services import measure_bands
from reviewqueue.golden.services import watching
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.reports.at_a_glance import glance_at
from reviewqueue.reports.remeasurement import Remeasurement, remeasurements
from tests.services.golden.steps import finished, published
from tests.services.review.steps import label_next
from tests.world import POLICY, SETUP, World


def days(number: float) -> datetime:
    return timezone.now() + timedelta(days=number)


def again(world: World, now: datetime | None = None) -> list[Remeasurement]:
    return remeasurements([world.pipeline], now=now or timezone.now()).get(world.pipeline.pk, [])


def test_without_a_golden_set_a_new_version_has_the_time_of_the_policy(world: World) -> None:
    claim = world.claim(confidence=0.3)
    watching.watch_traffic()
    [due] = again(world)
    assert (due.golden_set, due.reason, due.measured_at, due.owner) == ("", "new_version", None, world.olga)
    assert due.due_at == claim.received_at + timedelta(days=30)
    assert [each.late for each in again(world, days(29.9))] == [False]
    assert [each.late for each in again(world, days(30.1))] == []  # no claim for 30 days: in traffic no more
    world.activate({**POLICY, "freshness_days": 5})
    assert [each.late for each in again(world, days(5.1))] == [True]


def test_each_label_sets_it_off_anew(world: World) -> None:
    world.claim(confidence=0.3)
    label_next(world.rita)
    measure_bands()
    watching.watch_traffic()
    [due] = again(world)
    assert due.reason == "schedule"
    assert due.measured_at is not None
    assert due.due_at == due.measured_at + timedelta(days=30)


def test_a_golden_set_in_use_says_it_instead(world: World) -> None:
    made = published(world, every_days=10)
    world.claim()
    finished(world, made)
    watching.watch_traffic()
    [due] = again(world)
    assert (due.golden_set, due.reason) == ("prices", "schedule")
    assert [each.late for each in again(world, days(10.1))] == [True]


def test_a_late_one_is_an_alarm_with_the_name_of_who_sees_to_it(world: World) -> None:
    world.activate({**POLICY, "freshness_days": 5})
    world.claim(confidence=0.3)
    watching.watch_traffic()
    found = {alarm.code: alarm for alarm in glance_at(world.pipeline, days=1, now=days(6)).alarms}
    assert found["measurement_overdue"].title == "acme-lm 2026-10-01, prompt v14, was never measured."
    assert "Olga sees to it." in found["measurement_overdue"].text
    assert found["measurement_overdue"].tone == "late"
    assert "measurement_overdue" not in {alarm.code for alarm in glance_at(world.pipeline, days=1, now=days(1)).alarms}


def more_pipelines(world: World, number: int) -> None:
    for place in range(number):
        pipeline = pipelines.create_pipeline(
            slug=f"more-{place}",
            name=f"More {place}",
            question="Is it right?",
            owner=world.olga,
            deputy=world.otto,
            categories=["general", "pricing", "refunds"],
            segment_values={"workflow": ["qa", "legal"]},
            sources=[world.source],
            actor=SETUP,
        )
        draft = policies.propose(pipeline=pipeline, document=POLICY, proposer=world.olga)
        policies.approve_and_activate(version=draft, approver=world.otto)
        world.claim(pipeline=pipeline.slug)


def test_many_pipelines_cost_no_more_queries(world: World) -> None:
    more_pipelines(world, 3)
    watching.watch_traffic()
    found = list(Pipeline.objects.select_related("owner", "deputy"))
    assert sum(len(each) for each in remeasurements(found, now=timezone.now()).values()) == 3
    with CaptureQueriesContext(connection) as queries:
        remeasurements(found, now=timezone.now())
    assert len(queries) <= 7
