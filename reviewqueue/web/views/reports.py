"""Audit reports: to be asked for, watched, read and taken along."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Conflict, Forbidden, Invalid
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.reports import bundles, selectors, services
from reviewqueue.reports.forms import FORMS
from reviewqueue.reports.models import AuditReport, ReportState
from reviewqueue.reports.own_entry import own_entry
from reviewqueue.web.access import action, form_page, page
from reviewqueue.web.render import go, show
from reviewqueue.web.report_forms import ReportForm, last_month
from reviewqueue.web.report_tables import shown
from reviewqueue.web.request import PersonRequest

NOT_YOURS: Final = "Reports are made by auditors and administrators."


@form_page
def reports(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return _list(request, ReportForm(initial=last_month()))
    if not has_role(request.user, services.MAKERS):
        raise Forbidden(NOT_YOURS)
    form = ReportForm(request.POST)
    if form.is_valid() and (report := _ask(request, form)):
        messages.success(request, "The report begins within ten seconds.")
        return go(request, "web:report", report_id=report.pk)
    return _list(request, form, status=422)


@page
def report(request: PersonRequest, report_id: UUID) -> HttpResponse:
    found = selectors.report_for(request.user, report_id)
    if (kind := request.GET.get("as")) in FORMS:
        return _file(found, kind)
    context: dict[str, Any] = {"report": found}
    if found.state == ReportState.DONE:
        document = selectors.document_of(found)
        sees_ledger = has_role(request.user, selectors.ALL_READERS)
        context |= {
            "document": document,
            "entry": own_entry(found),
            "may_bundle": has_role(request.user, services.MAKERS),
            "sees_ledger": sees_ledger,
            "sections": shown(document, selectors.names_in(document), sees_ledger=sees_ledger),
        }
    return show(request, "reports/report.html", context)


@action
def report_bundle(request: PersonRequest, report_id: UUID) -> HttpResponse:
    """The report with the entries it rests on, for the offline verifier: an export, and so an entry."""
    found = selectors.report_for(request.user, report_id)
    with bundles.bundle_of(report=found, by=request.user) as file:
        content = file.read()
    return HttpResponse(content, content_type="application/zip", headers=_named(f"{found.name}-bundle.zip"))


def _file(found: AuditReport, kind: str) -> HttpResponse:
    """By a fixed name, to be kept and not shown."""
    form = FORMS[kind]
    return HttpResponse(form.drawn(found), content_type=form.media_type, headers=_named(f"{found.name}{form.ending}"))


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


def _ask(request: PersonRequest, form: ReportForm) -> AuditReport | None:
    since, until = form.period
    try:
        return services.ask_for_report(
            by=request.user, pipeline=form.cleaned_data["pipeline"], since=since, until=until
        )
    except Invalid as invalid:
        form.add_error("last", invalid.problems[0].detail)
    except Conflict as conflict:
        form.add_error(None, conflict.detail)
    return None


def _list(request: PersonRequest, form: ReportForm, status: int = 200) -> HttpResponse:
    rows, older = selectors.report_page(request.user, before=_before(request.GET.get("before", "")))
    context = {
        "form": form,
        "may_ask": has_role(request.user, services.MAKERS),
        "rows": rows,
        "older": f"{older[0].isoformat()}_{older[1]}".replace("+00:00", "Z") if older else "",
        "is_first": "before" not in request.GET,
        "is_open": any(row.is_open for row in rows),
        "shows_errors": status == 422,
    }
    return show(request, "reports/reports.html", context, status=status)


def _before(text: str) -> tuple[datetime, UUID] | None:
    at, _, last = text.partition("_")
    try:
        return datetime.fromisoformat(at), UUID(last)
    except ValueError:
        return None
