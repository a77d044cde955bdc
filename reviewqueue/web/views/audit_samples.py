"""The keys that draw the audit samples: what was committed to, what was revealed, and whether chance was at work."""

from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.reports.sampling import MOST_EPOCHS, epochs_drawn
from reviewqueue.web.access import page
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES, require_role
from reviewqueue.web.views.ledger import NOT_YOURS


@page
def samples(request: PersonRequest) -> HttpResponse:
    require_role(request.user, LEDGER_ROLES, NOT_YOURS)
    return show(request, "ledger/samples.html", {"epochs": epochs_drawn(), "most": MOST_EPOCHS})
