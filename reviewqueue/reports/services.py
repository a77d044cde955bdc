"""Audit reports: asked for by people or a schedule, made by a sweep, kept for ever unless a setting says otherwise."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, DomainError, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.reports.audit.building import STEPS, Built, build
from reviewqueue.reports.models import AuditReport, ReportState
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

MAKERS: Final = frozenset({Role.AUDITOR, Role.ADMIN})
LONGEST: Final = timedelta(days=5 * 366)
MOST_WAITING: Final = 20
LOST_AFTER: Final = timedelta(minutes=10)
"""A report that has told nothing for so long was killed with its worker."""
MOST_TRIES: Final = 3
AT_ONCE: Final = 10
"""Reports of one sweep; the next begins ten seconds later."""


class TooManyReports(Conflict):
    code = "too_many_reports"


@service
def ask_for_report(*, by: User, pipeline: Pipeline | None, since: datetime, until: datetime) -> AuditReport:
    """Asks for a report over a time, which the next sweep begins; the future is cut off.

    Raises:
        Forbidden: only auditors and administrators make reports.
        Invalid: no time in the past, or too long a one.
        TooManyReports: enough of this person's reports wait.
    """
    if not has_role(by, MAKERS):
        raise Forbidden("Reports are made by auditors and administrators.")
    until = min(until, timezone.now())
    if since >= until:
        raise Invalid([FieldProblem("/until", "period", "The period must begin before it ends, and before now.")])
    if until - since > LONGEST:
        raise Invalid([FieldProblem("/since", "period", "A report covers at most five years.")])
    if AuditReport.objects.filter(asked_by=by, schedule=None, state__in=AuditReport.OPEN).count() >= MOST_WAITING:
        raise TooManyReports(f"{MOST_WAITING} of your reports wait already.")
    return AuditReport.objects.create(pipeline=pipeline, since=since, until=until, asked_by=by, expected=STEPS)


def make_waiting() -> int:
    """The sweep: takes up again what a killed worker left, and makes the reports that wait."""
    _take_up_again(timezone.now())
    made = 0
    while made < AT_ONCE and (report := _next()) is not None:
        _make(report)
        made += 1
    return made


def _take_up_again(now: datetime) -> None:
    lost = AuditReport.objects.filter(state=ReportState.RUNNING, heard_at__lt=now - LOST_AFTER)
    lost.filter(tries__lt=MOST_TRIES).update(state=ReportState.WAITING)
    failure = f"its worker was stopped {MOST_TRIES} times"
    lost.filter(tries__gte=MOST_TRIES).update(state=ReportState.FAILED, finished_at=now, failure=failure)


@service
def _next() -> AuditReport | None:
    """The oldest that waits, which is now ours: another worker skips it."""
    waiting = AuditReport.objects.filter(state=ReportState.WAITING).order_by("asked_at")
    report = waiting.select_for_update(skip_locked=True).first()
    if report is None:
        return None
    now = timezone.now()
    report.state, report.started_at, report.heard_at, report.done = ReportState.RUNNING, now, now, 0
    report.tries, report.expected = report.tries + 1, STEPS
    report.save(update_fields=["state", "started_at", "heard_at", "done", "tries", "expected"])
    return report


def _make(report: AuditReport) -> None:
    try:
        with _telling(report) as tell:
            period = {"since": report.since, "until": report.until}
            built = build(report=report.pk, pipeline=report.pipeline, **period, tell=tell)
        _finish(report=report, built=built, stored_as=_store(report, built))
    except DomainError as error:
        _fail(report, error.detail)
    except Exception as error:
        _fail(report, f"{type(error).__name__}: see the log of the worker")
        raise


@contextmanager
def _telling(report: AuditReport) -> Iterator[Callable[[int], None]]:
    """Says how far a report is, over a connection of its own: the report itself reads one unchanging state."""
    aside = connection.copy()

    def tell(done: int) -> None:
        with aside.cursor() as cursor:
            cursor.execute(
                "UPDATE reports_auditreport SET done = %s, heard_at = clock_timestamp() WHERE id = %s",
                [done, report.pk],
            )

    try:
        yield tell
    finally:
        aside.close()


def _store(report: AuditReport, built: Built) -> str:
    return str(default_storage.save(f"reports/{report.pk}.json", ContentFile(built.text)))


@service
def _finish(*, report: AuditReport, built: Built, stored_as: str) -> None:
    """File and ledger entry together; not where the report was given up or taken up by another in the meantime."""
    running = AuditReport.objects.select_for_update().filter(
        pk=report.pk, state=ReportState.RUNNING, tries=report.tries
    )
    if not running:
        default_storage.delete(stored_as)
        return
    digest = hashlib.sha256(built.text).hexdigest()
    entry = ledger.append(
        event="export.created",
        actor=_actor(report),
        pipeline=report.pipeline.slug if report.pipeline else None,
        format="report",
        export=report.pk,
        payloads=False,
        rows=built.size - built.first,
        since_us=microseconds(report.since),
        until_us=microseconds(report.until),
        leaf_from=built.first,
        leaf_to=built.size - 1,
        tree_size=built.size,
        manifest_hash=digest,
    )
    running.update(
        state=ReportState.DONE,
        finished_at=timezone.now(),
        done=STEPS,
        first=built.first,
        tree_size=built.size,
        root=built.root,
        digest=digest,
        size=len(built.text),
        stored_as=stored_as,
        failure="",
        event_id=entry.id,
    )


def _actor(report: AuditReport) -> Actor:
    if report.schedule_id is not None:
        return Actor.system("reports")
    role = Role.AUDITOR if has_role(report.asked_by, [Role.AUDITOR]) else Role.ADMIN
    return Actor.user(report.asked_by.pseudonym, role=role.value)


def _fail(report: AuditReport, failure: str) -> None:
    log.error("report %s could not be made: %s", report.pk, failure)
    still = AuditReport.objects.filter(pk=report.pk, state=ReportState.RUNNING, tries=report.tries)
    still.update(state=ReportState.FAILED, finished_at=timezone.now(), failure=failure)


def forget_old() -> int:
    """The sweep: takes away the files of reports that are older than the setting allows. Rows and entries stay."""
    if not settings.REPORTS_KEPT_DAYS:
        return 0
    before = timezone.now() - timedelta(days=settings.REPORTS_KEPT_DAYS)
    old = AuditReport.objects.filter(state=ReportState.DONE, finished_at__lt=before).order_by("finished_at")
    return sum(_forget(report=report) for report in old[:200])


@service
def _forget(*, report: AuditReport) -> bool:
    done = AuditReport.objects.filter(pk=report.pk, state=ReportState.DONE)
    changed = done.update(state=ReportState.EXPIRED, stored_as="")
    if changed:
        default_storage.delete(report.stored_as)
    return bool(changed)
