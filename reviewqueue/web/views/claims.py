"""The life of one claim."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse

from reviewqueue.pipelines.content_views import with_every_view
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role
from reviewqueue.reports.claim_life import claim_life
from reviewqueue.review.selectors import why_here
from reviewqueue.web.access import page
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest


@page
def claim(request: PersonRequest, claim_id: UUID) -> HttpResponse:
    life = claim_life(request.user, claim_id)
    context = {
        "life": life,
        "views": with_every_view(life.claim.pipeline.content_views),
        "why": why_here(life.decision),
        "sees_figures": has_role(request.user, FIGURES_ROLES, pipeline_id=life.claim.pipeline_id),
    }
    return show(request, "claims/claim.html", context)
