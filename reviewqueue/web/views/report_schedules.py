"""Reports that come by themselves: who gets which, how often."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.errors import Conflict, Invalid
from reviewqueue.operations.mail import mail_is_set_up
from reviewqueue.reports import schedules
from reviewqueue.web.access import action, form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.report_forms import ScheduleForm
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role
from reviewqueue.web.views.reports import NOT_YOURS


@form_page
def report_schedules(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    if request.method != "POST":
        return _show(request, ScheduleForm())
    form = ScheduleForm(request.POST)
    if form.is_valid() and _schedule(request, form):
        messages.success(request, "These reports come by themselves now.")
        return go(request, "web:report_schedules")
    return _show(request, form, status=422)


@action
def end_schedule(request: PersonRequest, schedule_id: int) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    schedules.end_schedule(by=request.user, schedule_id=schedule_id)
    messages.success(request, "Ended. The reports that were made stay.")
    return go(request, "web:report_schedules")


def _schedule(request: PersonRequest, form: ScheduleForm) -> bool:
    given = form.cleaned_data
    try:
        schedules.schedule_reports(
            by=request.user, pipeline=given["pipeline"], every=given["every"], recipients=given["recipients"]
        )
    except Invalid as invalid:
        form.add_error("recipients", invalid.problems[0].detail)
    except Conflict as conflict:
        form.add_error(None, conflict.detail)
    else:
        return True
    return False


def _show(request: PersonRequest, form: ScheduleForm, status: int = 200) -> HttpResponse:
    now = timezone.now()
    context = {
        "form": form,
        "rows": [(each, schedules.is_late(each, now)) for each in schedules.schedules()],
        "sends_mail": mail_is_set_up(),
        "nobody": not schedules.all_possible_recipients().exists(),
        "shows_errors": status == 422,
    }
    return show(request, "reports/schedules.html", context, status=status)
