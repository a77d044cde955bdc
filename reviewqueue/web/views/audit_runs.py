"""Verifications of the whole ledger: to be started, watched and read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.auditors import selectors, services
from reviewqueue.auditors.trust import known_keys
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.web.access import form_page, page
from reviewqueue.web.audit_forms import VerificationForm, place_before
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role
from reviewqueue.web.views.ledger import NOT_YOURS

if TYPE_CHECKING:
    from reviewqueue.auditors.models import VerificationRun

_LEAF: Final = re.compile(r"leaf ([0-9]{1,18})\b")


@form_page
def verifications(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    if request.method != "POST":
        return _show(request, VerificationForm(initial={"own_pins": True}))
    form = VerificationForm(request.POST)
    if form.is_valid() and (run := _start(request, form)):
        messages.success(request, "The verification begins within ten seconds.")
        return go(request, "web:verification", run_id=run.pk)
    return _show(request, form, status=422)


@page
def verification(request: PersonRequest, run_id: int) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    run = selectors.run_of(run_id)
    found = [(each["message"], _leaf_in(each["message"])) for each in run.findings]
    return show(request, "ledger/verification.html", {"run": run, "found": found})


def _leaf_in(message: str) -> int | None:
    """The leaf that a finding is about, for a link to it."""
    named = _LEAF.match(message)
    return int(named[1]) if named else None


def _start(request: PersonRequest, form: VerificationForm) -> VerificationRun | None:
    given = form.cleaned_data
    own = [pin.note for pin in request.user.pins.order_by("pk")] if given["own_pins"] else []
    try:
        return services.start_verification(by=request.user, keys=given["keys"], pins=[*own, *given["notes"]])
    except Invalid as invalid:
        form.add_error("notes", invalid.problems[0].detail)
    except Conflict as conflict:
        form.add_error(None, conflict.detail)
    return None


def _show(request: PersonRequest, form: VerificationForm, status: int = 200) -> HttpResponse:
    before = place_before(request.GET.get("before", ""))
    rows, older = selectors.verifications(before=before)
    is_first = before is None
    context: dict[str, Any] = {
        "form": form,
        "rows": rows,
        "older": older,
        "is_first": is_first,
        "under_way": selectors.open_run(),
        "failed": selectors.last_failure(),
        "is_late": is_first and selectors.is_late(rows[0].entry if rows else None, timezone.now()),
        "checkpoint": latest_checkpoint(),
        "pins": request.user.pins.count(),
        "knows_keys": bool(known_keys()),
        "shows_errors": status == 422,
    }
    return show(request, "ledger/verifications.html", context, status=status)
