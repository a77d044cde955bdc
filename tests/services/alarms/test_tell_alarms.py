"""Alarms that are told: once when they open, daily while they stand, once when they are over; by mail and webhook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail as outbox
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts.models import User
from reviewqueue.alarms import services
from reviewqueue.alarms.models import AlarmNotice, RaisedAlarm
from reviewqueue.alarms.selectors import past_alarms, standing_alarms
from reviewqueue.deliveries.models import Delivery
from reviewqueue.deliveries.services import happenings
from reviewqueue.ledger.selectors import EntryFilter, entries
from reviewqueue.operations import mail
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.alarm import LATE, WARNING, Alarm
from tests.services.deliveries.steps import hooked
from tests.unit.deliveries.receiver import Receiver
from tests.world import World

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
SILENT = Alarm(
    "source_stopped", LATE, "Helpdesk has posted nothing for 3 hours.", "Longest before: 1 hour.", subject="a"
)
GOLD = Alarm("no_gold", WARNING, "No gold task was answered for a week.", "Nothing measures the people.")


@pytest.fixture(autouse=True)
def mail_server(settings: Any, world: World) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    for name in ("olga", "otto", "adam"):
        User.objects.filter(pk=world.people[name].pk).update(email=f"{name}@example.org")


def keep(world: World, *alarms: Alarm, hours: float = 0) -> int:
    now = NOW + timedelta(hours=hours)
    pipeline = Pipeline.objects.select_related("owner", "deputy").get(pk=world.pipeline.pk)
    told = services.keep(pipeline=pipeline, alarms=alarms, now=now)
    services.send_mail(now=now)
    return told


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def told() -> list[tuple[str, str]]:
    found = entries(filters=EntryFilter(kinds=["pipeline.alarm"])).entries
    return [(entry.body["code"], entry.body["state"]) for entry in reversed(found)]


def test_an_alarm_is_told_once_again_after_a_day_and_when_it_is_over(world: World) -> None:
    assert [keep(world, SILENT, hours=hours) for hours in (0, 0.1, 23.9, 24, 25, 48)] == [1, 0, 0, 1, 0, 1]
    assert [keep(world, hours=hours) for hours in (49, 50)] == [1, 0]
    assert told() == [("source_stopped", state) for state in ("opened", "standing", "standing", "ended")]
    assert [message.subject for message in outbox.outbox if message.to == ["olga@example.org"]] == [
        "Alarms: 1 new",
        "Alarms: 1 standing",
        "Alarms: 1 standing",
        "Alarms: 1 over",
    ]


def test_owner_and_deputy_get_one_mail_each_whatever_there_is(world: World) -> None:
    many = [Alarm("webhook_silent", LATE, f"Source {place} waits.", "", subject=str(place)) for place in range(30)]
    keep(world, SILENT, GOLD, *many)
    assert sorted(message.to[0] for message in outbox.outbox) == ["olga@example.org", "otto@example.org"]
    [message, _] = outbox.outbox
    assert message.subject == "Alarms: 32 new"
    assert "- Support answers: Helpdesk has posted nothing for 3 hours. Longest before: 1 hour." in message.body
    assert "/pipelines/support-answers/alarms/" in message.body


def test_where_nobody_answers_administrators_are_told(world: World) -> None:
    User.objects.filter(pk__in=[world.olga.pk, world.otto.pk]).update(is_active=False)
    keep(world, SILENT)
    assert [message.to for message in outbox.outbox] == [["adam@example.org"]]


def test_a_mail_that_could_not_be_sent_is_sent_later_and_given_up_after_days(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(**_: Any) -> int:
        raise OSError("refused")

    with monkeypatch.context() as broken:
        broken.setattr(mail, "send", away)
        keep(world, SILENT)
    assert not AlarmNotice.objects.filter(sent_at__isnull=False).exists()
    assert services.send_mail(now=NOW + timedelta(minutes=5)) == 0
    assert services.send_mail(now=NOW + timedelta(minutes=16)) == 2
    assert services.send_mail(now=NOW + timedelta(minutes=40)) == 0
    AlarmNotice.objects.update(sent_at=None, taken_at=None)
    assert services.send_mail(now=NOW + timedelta(days=4)) == 0


def test_without_a_mail_server_nothing_waits_for_one(world: World, settings: Any) -> None:
    settings.EMAIL_BACKEND = mail.NOWHERE
    keep(world, SILENT)
    assert not AlarmNotice.objects.exists()
    assert told() == [("source_stopped", "opened")]


def test_words_that_change_are_the_same_alarm(world: World) -> None:
    keep(world, SILENT)
    later = Alarm("source_stopped", LATE, "Helpdesk has posted nothing for 4 hours.", "", subject="a")
    assert keep(world, later, hours=1) == 0
    [row] = standing_alarms(world.pipeline)
    assert row.title == "Helpdesk has posted nothing for 4 hours."
    assert row.since == NOW


def test_endpoints_that_asked_hear_of_it(world: World, receiver: Receiver) -> None:
    hooked(world, receiver, events=["pipeline.alarm"])
    keep(world, SILENT)
    happenings.find_recent()
    happenings.find_recent()
    body = json.loads(Delivery.objects.get(type="pipeline.alarm").body)
    assert body["type"] == "pipeline.alarm"
    assert body["data"] == {
        "pipeline": "support-answers",
        "links": {"pipeline": "/api/v1/pipelines/support-answers"},
        "code": "source_stopped",
        "subject": "a",
        "tone": "late",
        "state": "opened",
        "since_us": round(NOW.timestamp() * 1_000_000),
    }


def test_the_sweep_finds_what_the_overview_shows(world: World) -> None:
    Pipeline.objects.update(deputy=None)
    assert services.watch(now=NOW) == 1
    assert services.watch(now=NOW + timedelta(minutes=5)) == 0
    [row] = standing_alarms(world.pipeline)
    assert (row.code, row.title) == ("no_deputy", "This pipeline has no deputy.")
    Pipeline.objects.update(deputy=world.otto)
    assert services.watch(now=NOW + timedelta(minutes=10)) == 1
    assert [each.code for each in past_alarms(world.pipeline)] == ["no_deputy"]


def test_people_who_can_no_longer_log_in_are_an_alarm(world: World) -> None:
    User.objects.filter(pk=world.otto.pk).update(is_active=False)
    services.watch(now=NOW)
    assert [row.code for row in standing_alarms(world.pipeline)] == ["deputy_gone"]
    User.objects.filter(pk=world.otto.pk).update(is_active=True)
    User.objects.filter(pk=world.olga.pk).update(is_active=False)
    services.watch(now=NOW)
    assert [row.code for row in standing_alarms(world.pipeline)] == ["owner_gone"]
    User.objects.filter(pk=world.otto.pk).update(is_active=False)
    services.watch(now=NOW)
    assert [row.code for row in standing_alarms(world.pipeline)] == ["no_owner"]


def test_lists_are_one_query_each(world: World) -> None:
    for place in range(3):
        keep(world, Alarm("no_gold", WARNING, "No gold.", "", subject=str(place)))
    with CaptureQueriesContext(connection) as queries:
        assert len(standing_alarms(world.pipeline)) == 1
        assert len(past_alarms(world.pipeline)) == 2
    assert len(queries) == 2
    assert RaisedAlarm.objects.count() == 3
