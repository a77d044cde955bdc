"""Reports that come by themselves: made when a week, month or quarter (UTC) is over, and told to who may see them.

Whoever gets one is told by mail at least once: a worker that is killed between sending and noting it sends it again.
Webhooks are told of every report by its ledger entry (deliveries/services/happenings.py).
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.operations import mail
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.reports.audit.building import STEPS
from reviewqueue.reports.forms import pdf
from reviewqueue.reports.models import AuditReport, Every, ReportSchedule, ReportState
from reviewqueue.reports.selectors import ALL_READERS, READERS
from reviewqueue.reports.services import MAKERS
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

SETTLED_AFTER: Final = timedelta(hours=1)
"""After its end a period is left alone for so long, that all of it is sealed."""
LATE_AFTER: Final = timedelta(days=1)
AGAIN_AFTER: Final = timedelta(hours=1)
LARGEST_ATTACHED: Final = 2 * 1024 * 1024
MOST_RECIPIENTS: Final = 30
NO_MAIL: Final = "This instance sends no mail: set EMAIL_URL, or look for the report on the page."


class ScheduledAlready(Conflict):
    code = "scheduled_already"


# --- periods, pure ----------------------------------------------------------------------------------------------------


def first_day(every: str, day: date) -> date:
    """Of the week (from Monday), month or quarter that `day` is in."""
    if every == Every.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1, month=day.month if every == Every.MONTH else 3 * ((day.month - 1) // 3) + 1)


def following(every: str, first: date) -> date:
    """The first day of the period after the one that begins on `first`."""
    return first_day(every, first + timedelta(days={Every.WEEK: 7, Every.MONTH: 31, Every.QUARTER: 92}[Every(every)]))


def begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


# --- what people say --------------------------------------------------------------------------------------------------


def possible_recipients(pipeline: Pipeline | None) -> QuerySet[User]:
    """Active people with an address who may see the reports of a pipeline, or of all."""
    may_see = Q(grants__role__in=ALL_READERS)
    if pipeline is not None:
        may_see |= Q(grants__role__in=READERS, grants__pipeline=pipeline)
    return User.objects.filter(may_see, is_active=True).exclude(email="").distinct().order_by("username")


def all_possible_recipients() -> QuerySet[User]:
    """Who may see the reports of any pipeline, and has an address."""
    readers = User.objects.filter(grants__role__in=READERS, is_active=True).exclude(email="")
    return readers.distinct().order_by("username")


@service
def schedule_reports(
    *, by: User, pipeline: Pipeline | None, every: str, recipients: Collection[User], now: datetime | None = None
) -> ReportSchedule:
    """The first report is that of the period that is running now.

    Raises:
        Forbidden: only auditors and administrators make reports.
        Invalid: nobody, too many, or somebody who may not see them or has no address.
        ScheduledAlready: the pipeline has this rhythm; end it first.
    """
    if not has_role(by, MAKERS):
        raise Forbidden("Reports are made by auditors and administrators.")
    allowed = set(possible_recipients(pipeline).filter(pk__in=[each.pk for each in recipients]))
    if not 1 <= len(recipients) <= MOST_RECIPIENTS or set(recipients) - allowed:
        detail = f"Name up to {MOST_RECIPIENTS} people who may see these reports and have an address."
        raise Invalid([FieldProblem("/recipients", "recipients", detail)])
    today = (now or timezone.now()).astimezone(UTC).date()
    try:
        with transaction.atomic():
            schedule = ReportSchedule.objects.create(
                pipeline=pipeline, every=every, next_from=first_day(every, today), made_by=by
            )
    except IntegrityError as error:
        raise ScheduledAlready("These reports come by themselves already. End that schedule first.") from error
    schedule.recipients.set(recipients)
    _record(by, schedule)
    return schedule


@service
def end_schedule(*, by: User, schedule_id: int) -> ReportSchedule:
    """Raises Forbidden, NotFound."""
    if not has_role(by, MAKERS):
        raise Forbidden("Reports are made by auditors and administrators.")
    schedule = ReportSchedule.objects.select_for_update().filter(pk=schedule_id, ended_at=None).first()
    if schedule is None:
        raise NotFound("There is no such schedule.")
    schedule.ended_at = timezone.now()
    schedule.save(update_fields=["ended_at"])
    _record(by, schedule)
    return schedule


def _record(by: User, schedule: ReportSchedule) -> None:
    role = "auditor" if has_role(by, ["auditor"]) else "admin"
    slug = schedule.pipeline.slug if schedule.pipeline else None
    word = "ended" if schedule.ended_at else "begun"
    actor = Actor.user(by.pseudonym, role=role)
    ledger.append(
        event="config.changed", actor=actor, pipeline=slug, changed=[f"report_schedule.{schedule.every}.{word}"]
    )


def schedules() -> QuerySet[ReportSchedule]:
    found = ReportSchedule.objects.filter(ended_at=None).select_related("pipeline", "made_by")
    return found.prefetch_related("recipients").order_by("pipeline__slug", "every")


def late_schedules(pipeline: Pipeline, now: datetime) -> list[ReportSchedule]:
    """Those of a pipeline, and of all, whose report is late or was told to nobody."""
    found = ReportSchedule.objects.filter(Q(pipeline=pipeline) | Q(pipeline=None), ended_at=None)
    return [each for each in found.select_related("pipeline").order_by("pk") if is_late(each, now)]


def is_late(schedule: ReportSchedule, now: datetime) -> bool:
    due = begin_of(following(schedule.every, schedule.next_from)) + LATE_AFTER
    return bool(schedule.failure) or due < now


# --- the sweep --------------------------------------------------------------------------------------------------------


def run_schedules(*, now: datetime | None = None) -> int:
    """Asks for the reports that are due, and tells of those that were made; returns how many of both."""
    now = now or timezone.now()
    return sum(_run(schedule, now) for schedule in schedules())


def _run(schedule: ReportSchedule, now: datetime) -> int:
    until = begin_of(following(schedule.every, schedule.next_from))
    if until + SETTLED_AFTER > now:
        return 0
    report, is_new = _report_of(schedule=schedule, until=until)
    if report.state == ReportState.FAILED:
        return _try_again(schedule=schedule, report=report, now=now)
    if report.state != ReportState.DONE:
        return int(is_new)
    failure = _tell(schedule, report)
    if failure and failure != NO_MAIL:
        ReportSchedule.objects.filter(pk=schedule.pk).update(failure=failure[:300], tries=F("tries") + 1)
        return 0
    _move_on(schedule=schedule, report=report, until=until, failure=failure)
    return 1


@service
def _report_of(*, schedule: ReportSchedule, until: datetime) -> tuple[AuditReport, bool]:
    return AuditReport.objects.get_or_create(
        schedule=schedule,
        since=begin_of(schedule.next_from),
        defaults={
            "pipeline": schedule.pipeline,
            "until": until,
            "asked_by": schedule.made_by,
            "expected": STEPS,
        },
    )


@service
def _try_again(*, schedule: ReportSchedule, report: AuditReport, now: datetime) -> int:
    schedule.failure = f"The report could not be made: {report.failure}"[:300]
    schedule.save(update_fields=["failure"])
    rested = AuditReport.objects.filter(pk=report.pk, state=ReportState.FAILED, finished_at__lt=now - AGAIN_AFTER)
    return rested.update(state=ReportState.WAITING, tries=0)


def _tell(schedule: ReportSchedule, report: AuditReport) -> str:
    """Why it could not be told; nothing when it was."""
    if not mail.mail_is_set_up():
        return NO_MAIL
    named = schedule.recipients.values("pk")
    people = possible_recipients(schedule.pipeline).filter(pk__in=named)
    paper = pdf(report)
    attached = [mail.Attached(f"{report.name}.pdf", paper, "application/pdf")] if len(paper) <= LARGEST_ATTACHED else []
    try:
        mail.send(
            subject=f"Audit report {report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}: {_whose(schedule)}",
            text=_letter(schedule, report),
            to=[person.email for person in people],
            attached=attached,
        )
    except OSError as error:
        log.error("reports: the mail about %s could not be sent: %s", report.pk, error)
        return f"The mail could not be sent: {type(error).__name__}"
    return ""


@service
def _move_on(*, schedule: ReportSchedule, report: AuditReport, until: datetime, failure: str) -> None:
    AuditReport.objects.filter(pk=report.pk).update(told_at=timezone.now())
    schedule.next_from, schedule.failure, schedule.tries = until.date(), failure, 0
    schedule.save(update_fields=["next_from", "failure", "tries"])


def _whose(schedule: ReportSchedule) -> str:
    return schedule.pipeline.name if schedule.pipeline else "all pipelines"


def _letter(schedule: ReportSchedule, report: AuditReport) -> str:
    return "\n".join(
        [
            f"The audit report of {_whose(schedule)}, {report.since:%Y-%m-%d} to before {report.until:%Y-%m-%d} (UTC):",
            f"{settings.PUBLIC_URL}/reports/{report.pk}/",
            "",
            f"SHA-256 of report.json: {report.digest}",
            f"It rests on {report.entries:,} entries under this checkpoint of {settings.LEDGER_ORIGIN}:",
            f"size {report.tree_size}",
            f"root {report.root}",
            "",
            "Keep this mail: a ledger that is changed later no longer leads to this root.",
            "",
        ]
    )
