"""The current checkpoint, what auditors keep of earlier ones, and where checkpoints were handed to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.anchoring.selectors import place_states
from reviewqueue.auditors import selectors, services
from reviewqueue.auditors.trust import known_keys
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.ledger import selectors as ledger
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.web.access import form_page, page
from reviewqueue.web.audit_forms import PinForm, place_before
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, PIN_ROLES, require_role
from reviewqueue.web.views.ledger import NOT_YOURS

if TYPE_CHECKING:
    from reviewqueue.auditors.models import Pin


@form_page
def checkpoints(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    if request.method != "POST":
        return _show(request, PinForm())
    require_role(request.user, PIN_ROLES, "Pins are for auditors: whoever keeps the house does not keep its proofs.")
    form = PinForm(request.POST)
    if form.is_valid() and (kept := _keep(request, form)):
        messages.success(request, f"Kept: the checkpoint of {kept.tree_size:,} entries. Print it, or copy it outside.")
        return go(request, "web:pin", pin_id=kept.pk)
    return _show(request, form, status=422)


@page
def pin(request: PersonRequest, pin_id: int) -> HttpResponse:
    """One pin on a page that prints; `?as=text` is the note alone, as a verifier takes it."""
    require_role(request.user, PIN_ROLES, "Pins are for auditors.")
    shown = selectors.pin_of(request.user, pin_id)
    if request.GET.get("as") == "text":
        response = HttpResponse(shown.pin.note, content_type="text/plain; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="checkpoint-{shown.pin.tree_size}.txt"'
        return response
    return show(request, "ledger/pin.html", {"shown": shown})


def _keep(request: PersonRequest, form: PinForm) -> Pin | None:
    try:
        return services.pin_checkpoint(holder=request.user, **form.cleaned_data)
    except Invalid as invalid:
        form.add_error("note", invalid.problems[0].detail)
    except Conflict as conflict:
        form.add_error("note", conflict.detail)
    return None


def _show(request: PersonRequest, form: PinForm, status: int = 200) -> HttpResponse:
    before = place_before(request.GET.get("before", ""))
    context = {
        "form": form,
        "checkpoint": ledger.latest_checkpoint(),
        "sealing": ledger.sealing_state(),
        "refusal": ledger.refusal(),
        "page": selectors.pins_of(request.user, before=before),
        "places": place_states(timezone.now()),
        "receipts": selectors.receipts(),
        "keys": known_keys(),
        "may_pin": has_role(request.user, PIN_ROLES),
        "shows_errors": status == 422,
    }
    return show(request, "ledger/checkpoints.html", context, status=status)
