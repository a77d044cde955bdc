"""Who may read which reports. Fetching is authorising."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.core.files.storage import default_storage
from django.db.models import Q, QuerySet

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden, NotFound
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role, pipelines_for
from reviewqueue.reports.models import AuditReport, ReportState

READERS: Final = frozenset({Role.SENIOR, Role.OWNER, Role.AUDITOR, Role.ADMIN})
ALL_READERS: Final = frozenset({Role.AUDITOR, Role.ADMIN})
SHOWN: Final = 25


class ReportNotThere(Conflict):
    code = "report_not_there"


class ReportDamaged(Conflict):
    """The file is not what was hashed into the ledger: it is not shown."""

    code = "report_damaged"


def reports_for(user: User) -> QuerySet[AuditReport]:
    """Newest first: all for auditors and administrators, those of their pipelines for owners and seniors.

    Raises Forbidden for everybody else.
    """
    if not has_role(user, READERS):
        raise Forbidden("Reports are read by auditors, administrators, owners and seniors.")
    reports = AuditReport.objects.select_related("pipeline", "asked_by").order_by("-asked_at", "-id")
    if has_role(user, ALL_READERS):
        return reports
    return reports.filter(pipeline__in=pipelines_for(user, READERS))


def report_for(user: User, report_id: UUID) -> AuditReport:
    """Raises NotFound, also for a report of another's pipeline; Forbidden for who reads none."""
    report = reports_for(user).filter(pk=report_id).first()
    if report is None:
        raise NotFound("There is no such report.")
    return report


def report_page(
    user: User, *, before: tuple[datetime, UUID] | None = None, limit: int = SHOWN
) -> tuple[list[AuditReport], tuple[datetime, UUID] | None]:
    """Up to `limit`, older than `before`; and where the next page begins."""
    rows = reports_for(user)
    if before is not None:
        at, last = before
        rows = rows.filter(Q(asked_at__lt=at) | Q(asked_at=at, id__lt=last))
    found = list(rows[: limit + 1])
    more = found[limit - 1] if len(found) > limit else None
    return found[:limit], (more.asked_at, more.pk) if more else None


def text_of(report: AuditReport) -> bytes:
    """The file as it was hashed into the ledger. Raises ReportNotThere, ReportDamaged."""
    if report.state != ReportState.DONE:
        raise ReportNotThere("This report has no file: it is not made yet, could not be made, or is not kept any more.")
    try:
        with default_storage.open(report.stored_as) as file:
            text: bytes = file.read()
    except FileNotFoundError:
        raise ReportNotThere("The storage has lost the file of this report. Make it again.") from None
    if hashlib.sha256(text).hexdigest() != report.digest:
        raise ReportDamaged("The stored file is not the one whose hash is in the ledger: somebody changed it.")
    return text


def document_of(report: AuditReport) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text_of(report))
    return document


def names_in(document: dict[str, Any]) -> dict[str, str]:
    """Names of the people whom the tables name, by "user:<pseudonym>"; reviewers stay pseudonyms."""
    pseudonyms = {
        each.removeprefix("user:")
        for section in document["sections"]
        for table in section["tables"]
        for place, column in enumerate(table["columns"])
        if column["kind"] == "person"
        for row in table["rows"]
        for each in str(row[place] or "").split()
        if each.startswith("user:")
    }
    people = User.objects.filter(pseudonym__in=pseudonyms)
    return {f"user:{user.pseudonym}": user.shown_name for user in people}
