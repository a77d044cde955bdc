"""The life of one claim."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.http import HttpResponse

from reviewqueue.claims.attachments import attachment_of
from reviewqueue.errors import NotFound
from reviewqueue.pipelines.content_views import ORIGINS
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role
from reviewqueue.reports.claim_life import ClaimLife, claim_life
from reviewqueue.review.selectors import returns_of_claim, why_here
from reviewqueue.review.showing import standing
from reviewqueue.web.access import page
from reviewqueue.web.content import allow_origins, claim_content
from reviewqueue.web.files import file_response
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.review.models import Label, LabelReturn


@page
def claim(request: PersonRequest, claim_id: UUID) -> HttpResponse:
    life = claim_life(request.user, claim_id)
    context = {
        "life": life,
        **(claim_content(request, life.claim, life.content) if life.content else {}),
        "why": why_here(life.decision),
        "labels": _labels(life, request.user),
        "sees_figures": has_role(request.user, FIGURES_ROLES, pipeline_id=life.claim.pipeline_id),
    }
    response = show(request, "claims/claim.html", context)
    if life.content:
        allow_origins(response, context["views"][ORIGINS])
    return response


@page
def file(request: PersonRequest, claim_id: UUID, attachment_id: UUID) -> HttpResponse:
    """A file of a claim whose text this person may read."""
    life = claim_life(request.user, claim_id)
    if not life.content:
        raise NotFound("There is no such file.")
    return file_response(attachment_of(life.claim, attachment_id))


def _labels(life: ClaimLife, user: User) -> list[tuple[Label, bool, LabelReturn | None]]:
    """Each with whether this person may return it, and whether it is out."""
    out = returns_of_claim(life.claim.pk)
    standing_ones = {label.pk for label in standing(life.labels)}
    is_senior = has_role(user, [Role.SENIOR], pipeline_id=life.claim.pipeline_id)
    rows = []
    for label in life.labels:
        returned = out.get(label.slot_id) if label.pk in standing_ones else None
        may_return = is_senior and label.pk in standing_ones and label.reviewer_id != user.pk and not returned
        rows.append((label, may_return and label.task.closed_at is not None, returned))
    return rows
