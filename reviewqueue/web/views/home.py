from __future__ import annotations

from django.http import HttpResponse

from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, has_role
from reviewqueue.web.access import page
from reviewqueue.web.render import go
from reviewqueue.web.request import PersonRequest


@page
def home(request: PersonRequest) -> HttpResponse:
    """Work for those who review, figures for those who answer for them."""
    works = has_role(request.user, WORKING_ROLES)
    return go(request, "web:pipelines" if has_role(request.user, FIGURES_ROLES) and not works else "web:queue")
