"""Reports that come by themselves are made once a period, told to who may see them, and loud when they are late."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from reviewqueue.accounts.models import User
from reviewqueue.deliveries.services.happenings import HAPPENINGS
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.reports.at_a_glance import glance_at
from reviewqueue.reports.models import AuditReport, Every, ReportSchedule
from reviewqueue.reports.schedules import (
    NO_MAIL,
    ScheduledAlready,
    end_schedule,
    first_day,
    following,
    late_schedules,
    run_schedules,
    schedule_reports,
)
from reviewqueue.reports.services import make_waiting
from tests.services.reports.steps import made
from tests.services.review.steps import another_pipeline
from tests.world import World

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


def reachable(*people: User) -> list[User]:
    for person in people:
        person.email = f"{person.username}@example.org"
        person.save()
    return list(people)


@pytest.fixture
def monthly(world: World, sealed: VerifierKey, settings: Settings) -> ReportSchedule:
    """Begun before the month that has just ended."""
    settings.EMAIL_BACKEND = LOCMEM
    mail.outbox = []
    before = timezone.now().replace(day=1) - timedelta(days=20)
    recipients = reachable(world.sam, world.ada)
    return schedule_reports(by=world.ada, pipeline=world.pipeline, every="month", recipients=recipients, now=before)


@given(st.sampled_from(Every), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_periods_follow_each_other_without_gap_or_overlap(every: Every, day: date) -> None:
    first = first_day(every, day)
    after = following(every, first)
    assert first <= day < after
    assert first_day(every, after) == after
    assert first_day(every, after - timedelta(days=1)) == first


@pytest.mark.django_db
def test_a_report_is_made_and_mailed_once_with_its_checkpoint_and_paper(world: World, monthly: ReportSchedule) -> None:
    assert run_schedules() == 1
    assert make_waiting() == 1
    assert run_schedules() == 1
    assert run_schedules() == 0
    report = AuditReport.objects.get()
    assert (report.since.day, report.until.day) == (1, 1)
    assert sorted(message.to[0] for message in mail.outbox) == ["ada@example.org", "sam@example.org"]
    text = str(mail.outbox[0].body)
    assert f"/reports/{report.pk}/" in text
    assert report.root in text
    [(name, content, kind)] = mail.outbox[0].attachments
    assert (kind, bytes(content)[:5]) == ("application/pdf", b"%PDF-")
    assert name == f"{report.name}.pdf"
    monthly.refresh_from_db()
    assert monthly.next_from == report.until.date()
    assert report.told_at


@pytest.mark.django_db
def test_who_may_no_longer_see_it_is_not_told(world: World, monthly: ReportSchedule) -> None:
    world.sam.grants.all().delete()
    run_schedules()
    make_waiting()
    run_schedules()
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


@pytest.mark.django_db
def test_nothing_is_made_before_a_period_is_over_and_sealed(world: World, sealed: VerifierKey) -> None:
    [sam] = reachable(world.sam)
    now = datetime(2026, 10, 15, tzinfo=UTC)
    schedule_reports(by=world.ada, pipeline=world.pipeline, every="week", recipients=[sam], now=now)
    assert run_schedules(now=datetime(2026, 10, 19, 0, 59, tzinfo=UTC)) == 0
    assert not AuditReport.objects.exists()
    assert run_schedules(now=datetime(2026, 10, 19, 1, 0, tzinfo=UTC)) == 1


@pytest.mark.django_db
def test_a_mail_that_fails_is_tried_again_and_is_an_alarm_until_it_went_out(
    world: World, monthly: ReportSchedule, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
    run_schedules()
    make_waiting()
    assert run_schedules() == 0
    [late] = late_schedules(world.pipeline, timezone.now())
    assert "could not be sent" in late.failure
    alarms = glance_at(world.pipeline, days=7, now=timezone.now()).alarms
    assert "report_late" in {alarm.code for alarm in alarms}
    settings.EMAIL_BACKEND = LOCMEM
    assert run_schedules() == 1
    assert late_schedules(world.pipeline, timezone.now()) == []


@pytest.mark.django_db
def test_without_mail_the_report_is_made_and_that_nobody_was_told_is_an_alarm(
    world: World, monthly: ReportSchedule, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    run_schedules()
    make_waiting()
    assert run_schedules() == 1
    assert [each.failure for each in late_schedules(world.pipeline, timezone.now())] == [NO_MAIL]


@pytest.mark.django_db
def test_a_schedule_that_nobody_serves_is_late(world: World, monthly: ReportSchedule) -> None:
    assert late_schedules(world.pipeline, timezone.now()) == [monthly]
    assert late_schedules(another_pipeline(world), timezone.now()) == []


@pytest.mark.django_db
def test_schedules_are_for_who_makes_reports_and_go_to_who_may_see_them(world: World, sealed: VerifierKey) -> None:
    sam, rita, olga = reachable(world.sam, world.rita, world.olga)
    other = another_pipeline(world)
    for pipeline, recipients in ((world.pipeline, [rita]), (other, [sam]), (None, [olga]), (other, [])):
        with pytest.raises(Invalid):
            schedule_reports(by=world.ada, pipeline=pipeline, every="week", recipients=recipients)
    with pytest.raises(Forbidden):
        schedule_reports(by=world.olga, pipeline=world.pipeline, every="week", recipients=[sam])
    schedule = schedule_reports(by=world.adam, pipeline=world.pipeline, every="week", recipients=[sam])
    with pytest.raises(ScheduledAlready):
        schedule_reports(by=world.ada, pipeline=world.pipeline, every="week", recipients=[sam])
    end_schedule(by=world.ada, schedule_id=schedule.pk)
    with pytest.raises(NotFound):
        end_schedule(by=world.ada, schedule_id=schedule.pk)
    schedule_reports(by=world.ada, pipeline=world.pipeline, every="week", recipients=[sam])
    assert Event.objects.filter(kind="config.changed", pipeline=world.pipeline.slug).count() == 3


@pytest.mark.django_db
def test_sources_are_told_of_reports_of_one_pipeline_alone(world: World, sealed: VerifierKey) -> None:
    [told] = [each for each in HAPPENINGS if each.type == "report.made"]
    assert told.counts({"format": "report", "pipeline": "support-answers"})
    assert not told.counts({"format": "report", "pipeline": None})
    assert not told.counts({"format": "jsonl", "pipeline": "support-answers"})
    report = made(world.ada, world.pipeline)
    assert Event.objects.filter(kind=told.kind, pk=report.event_id).exists()
