"""The append-only ledger, to be read."""

from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.ledger import selectors
from reviewqueue.web.access import page
from reviewqueue.web.forms import LedgerFilter
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role

PAGE_SIZE = 50


@page
def ledger(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, "The ledger is for auditors and admins.")
    form = LedgerFilter(request.GET)
    found = selectors.entries(filters=form.wanted(), before=form.before(), limit=PAGE_SIZE) if form.is_valid() else None
    context = {
        "form": form,
        "entries": found.entries if found else [],
        "older": form.address_of_next(found.next) if found else None,
        "is_filtered": form.is_valid() and form.is_filtered(),
        "is_first": form.is_valid() and form.before() is None,
        "checkpoint": selectors.latest_checkpoint(),
        "sealing": selectors.sealing_state(),
    }
    return show(request, "ledger/ledger.html", context)
