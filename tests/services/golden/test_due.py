"""Which versions have to be measured, until when, and what happens when they are not."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from reviewqueue.deliveries.services import endpoints, happenings
from reviewqueue.golden.due import due_for, late_counts
from reviewqueue.golden.models import LateNotice, SeenVersion, TrafficMark
from reviewqueue.golden.services import runs, sets, watching
from reviewqueue.ledger.models import Event
from reviewqueue.reports.at_a_glance import glance_at
from tests.services.golden.steps import answer_bodies, answered, finished, golden_set, published, started
from tests.world import MODEL, World

NEW = {**MODEL, "model_version": "2026-11-01"}


def days(number: float) -> datetime:
    return timezone.now() + timedelta(days=number)


def reasons(world: World, now: datetime | None = None) -> list[tuple[str, str, bool]]:
    return [(due.model_version, due.reason, due.late) for due in due_for(world.pipeline, now=now)]


def test_a_version_that_is_new_in_traffic_has_to_be_measured_within_the_time_of_the_set(world: World) -> None:
    made = published(world, within_days=7)
    claim = world.claim()
    assert watching.watch_traffic() == 1
    [due] = due_for(world.pipeline)
    assert (due.reason, due.late, due.owner, due.measured_at) == ("new_version", False, world.olga, None)
    assert due.first_seen_at == claim.received_at
    assert due.due_at - timedelta(days=7) >= claim.received_at
    assert reasons(world, days(7.01)) == [("2026-10-01", "new_version", True)]
    finished(world, made)
    assert reasons(world, days(7.01)) == [("2026-10-01", "schedule", False)]


def test_at_once_is_due_now(world: World) -> None:
    published(world, within_days=0)
    world.claim()
    watching.watch_traffic()
    assert [due.late for due in due_for(world.pipeline)] == [True]


def test_another_prompt_version_is_another_version_to_measure(world: World) -> None:
    made = published(world)
    world.claim()
    finished(world, made)
    world.claim(prompt_version="v15")
    watching.watch_traffic()
    assert [(due.prompt_version, due.reason) for due in due_for(world.pipeline)] == [
        ("v15", "new_version"),
        ("v14", "schedule"),
    ]


def test_versions_in_traffic_are_measured_again_by_schedule(world: World) -> None:
    made = published(world, every_days=30)
    run = finished(world, made)
    world.claim()
    watching.watch_traffic()
    [due] = due_for(world.pipeline)
    assert due.due_at == run.finished_at + timedelta(days=30)
    assert reasons(world, days(29)) == [("2026-10-01", "schedule", False)]
    SeenVersion.objects.update(last_seen_at=days(31))
    assert reasons(world, days(31)) == [("2026-10-01", "schedule", True)]


def test_a_run_from_before_the_first_claim_counts_as_long_as_the_schedule_has_not_run_out(world: World) -> None:
    made = published(world, every_days=30, within_days=7)
    finished(world, made)
    world.claim()
    watching.watch_traffic()
    assert reasons(world) == [("2026-10-01", "schedule", False)]
    SeenVersion.objects.update(first_seen_at=days(40), last_seen_at=days(40))
    [due] = due_for(world.pipeline, now=days(41))
    assert (due.reason, due.late) == ("new_version", False)


def test_a_version_without_claims_for_a_month_is_due_no_more(world: World) -> None:
    published(world)
    world.claim()
    watching.watch_traffic()
    assert len(due_for(world.pipeline, now=days(29))) == 1
    assert due_for(world.pipeline, now=days(31)) == []


def test_a_run_with_more_than_one_answer_in_twenty_missing_is_no_measurement(world: World) -> None:
    made = published(world, 40)
    world.claim()
    watching.watch_traffic()
    poor, fair = started(world, made), started(world, made)
    answered(poor, answer_bodies(37))
    runs.close_run(run=poor, now=timezone.now())
    assert reasons(world) == [("2026-10-01", "new_version", False)]
    answered(fair, answer_bodies(38))
    runs.close_run(run=fair, now=timezone.now())
    assert reasons(world) == [("2026-10-01", "schedule", False)]


def test_nothing_is_due_without_a_published_set_or_by_a_retired_one(world: World) -> None:
    world.claim()
    golden_set(world, "draft-only")
    made = published(world)
    sets.retire_set(golden_set=made, by=world.olga)
    watching.watch_traffic()
    assert due_for(world.pipeline) == []


def test_each_set_demands_its_own_run(world: World) -> None:
    finished(world, published(world, name="first"))
    published(world, name="second")
    world.claim()
    watching.watch_traffic()
    assert [(due.golden_set.name, due.reason) for due in due_for(world.pipeline)] == [
        ("second", "new_version"),
        ("first", "schedule"),
    ]


def test_time_for_a_new_version_begins_with_the_publication_where_the_set_is_newer(world: World) -> None:
    claim = world.claim()
    made = published(world, within_days=7)
    SeenVersion.objects.create(
        pipeline=world.pipeline, **MODEL, first_seen_at=days(-20), last_seen_at=claim.received_at
    )
    [due] = due_for(world.pipeline)
    assert due.due_at > days(6.9)
    assert due.golden_set == made


# --- what is in traffic ---------------------------------------------------------------------------------------------


def test_versions_seen_are_the_same_however_often_one_looks_and_when_all_is_lost(world: World) -> None:
    published(world)
    for number in range(3):
        world.claim(model_version=f"v{number % 2}")
    assert watching.watch_traffic() == 2
    seen = SeenVersion.objects.order_by("model_version").values_list("model_version", "first_seen_at", "last_seen_at")
    before = list(seen.all())
    assert watching.watch_traffic() == 0
    SeenVersion.objects.all().delete()
    TrafficMark.objects.all().delete()
    watching.watch_traffic()
    assert list(seen.all()) == before


def test_traffic_is_looked_at_in_pages_to_the_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "CLAIMS_AT_ONCE", 2)
    published(world)
    claims = [world.claim(model_version=f"v{number}") for number in range(5)]
    assert watching.watch_traffic() == 5
    assert TrafficMark.objects.get().claim_id == claims[-1].pk


def test_who_measures_much_asks_the_database_no_more_often(world: World, django_assert_num_queries) -> None:  # type: ignore[no-untyped-def]
    made = published(world)
    for number in range(10):
        world.claim(model_version=f"v{number}")
        finished(world, made, model_version=f"v{number}")
    watching.watch_traffic()
    with django_assert_num_queries(3):
        assert len(due_for(world.pipeline)) == 10


def test_names_without_end_are_asked_about_up_to_a_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from reviewqueue.golden import due

    monkeypatch.setattr(due, "MOST_VERSIONS", 3)
    published(world)
    for number in range(5):
        world.claim(model_version=f"v{number}")
    watching.watch_traffic()
    assert {each.model_version for each in due_for(world.pipeline)} == {"v2", "v3", "v4"}


# --- alarms ---------------------------------------------------------------------------------------------------------


def late(world: World) -> None:
    published(world, within_days=0)
    world.claim()
    watching.watch_traffic()


def test_what_is_late_is_told_once_until_it_is_measured(world: World) -> None:
    late(world)
    assert (watching.watch_due(), watching.watch_due()) == (1, 1)
    [event] = Event.objects.filter(kind="golden.overdue")
    body = json.loads(event.leaf)["body"]
    assert (body["golden_set"], body["model_version"], body["reason"]) == ("prices", "2026-10-01", "new_version")
    assert body["owner"] == str(world.olga.pseudonym)
    assert late_counts([world.pipeline]) == {world.pipeline.pk: 1}
    finished(world, world.pipeline.golden_sets.get())
    assert watching.watch_due() == 0
    assert late_counts([world.pipeline]) == {}
    SeenVersion.objects.update(last_seen_at=days(31))
    assert watching.watch_due(now=days(31)) == 1
    assert LateNotice.objects.filter(ended_at__isnull=True).count() == 1
    assert Event.objects.filter(kind="golden.overdue").count() == 2


def test_sources_that_asked_are_told_of_what_is_late_and_of_what_is_worse_than_promised(
    world: World,
) -> None:
    events = ["golden.overdue", "golden.worse_than_promised"]
    endpoints.create_endpoint(source=world.source, url="https://hooks.example.com/", events=events, by=world.adam)
    late(world)
    watching.watch_due()
    made = world.pipeline.golden_sets.get()
    finished(world, made)
    assert [happenings.find_recent(), happenings.find_recent()] == [1, 0]
    finished(world, published(world, 60, name="hard"), 60, right=lambda _: False, confidence=0.95)
    assert [happenings.find_recent(), happenings.find_overlooked()] == [1, 0]


def test_what_is_late_and_what_is_worse_than_promised_is_to_be_looked_at_now(world: World) -> None:
    late(world)
    finished(world, published(world, 60, name="hard"), 60, right=lambda _: False, confidence=0.95)
    found = {alarm.code: alarm for alarm in glance_at(world.pipeline, days=1, now=timezone.now()).alarms}
    assert found["golden_overdue"].title == "acme-lm 2026-10-01, prompt v14, is not measured by the golden set prices."
    assert "Olga sees to it." in found["golden_overdue"].text
    assert (found["golden_overdue"].tone, found["golden_worse"].tone) == ("late", "warning")
    assert "than is promised for 0.90-1.00" in found["golden_worse"].title
    finished(world, world.pipeline.golden_sets.get(name="hard"), 60, confidence=0.95)
    finished(world, world.pipeline.golden_sets.get(name="prices"))
    again = {alarm.code for alarm in glance_at(world.pipeline, days=1, now=timezone.now()).alarms}
    assert not again & {"golden_overdue", "golden_worse"}
