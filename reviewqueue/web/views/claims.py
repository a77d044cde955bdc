"""The life of one claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse

from reviewqueue.claims.attachments import attachment_of
from reviewqueue.claims.selectors import redacted_when_recorded
from reviewqueue.erasure.selectors import ASKERS
from reviewqueue.errors import Invalid, NotFound
from reviewqueue.pipelines.content_views import ORIGINS
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role
from reviewqueue.reports.claim_bundles import bundle_of
from reviewqueue.reports.claim_life import ClaimLife, claim_life
from reviewqueue.reports.claim_proof import proof_of
from reviewqueue.review.selectors import returns_of_claim, why_here
from reviewqueue.review.showing import standing
from reviewqueue.viewing import services as viewing
from reviewqueue.viewing.services import record_views
from reviewqueue.web.access import action, page
from reviewqueue.web.content import allow_origins, claim_content
from reviewqueue.web.entry_facts import facts_of
from reviewqueue.web.files import file_response
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import LEDGER_ROLES

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.review.models import Label, LabelReturn


@page
def claim(request: PersonRequest, claim_id: UUID) -> HttpResponse:
    life = claim_life(request.user, claim_id)
    _record(request, life, "claim_page")
    context = {
        "life": life,
        **(claim_content(request, life.claim, life.content) if life.content else {}),
        "why": why_here(life.decision),
        "redacted": redacted_when_recorded(life.claim),
        "labels": _labels(life, request.user),
        **_proven(life, request.user),
        "may_erase": not life.erasure and has_role(request.user, ASKERS),
        "sees_figures": has_role(request.user, FIGURES_ROLES, pipeline_id=life.claim.pipeline_id),
    }
    response = show(request, "claims/claim.html", context)
    if life.content:
        allow_origins(response, context["views"][ORIGINS])
    return response


@page
def bundle(request: PersonRequest, claim_id: UUID) -> HttpResponse:
    """All entries of the claim with their proofs; `?text=yes` puts its text and salt beside them."""
    life, with_text = claim_life(request.user, claim_id), request.GET.get("text") == "yes"
    if with_text:
        _record(request, life, "bundle")
    made = bundle_of(life, with_text=with_text)
    response = JsonResponse(made, json_dumps_params={"ensure_ascii": False, "indent": 1})
    response["Content-Disposition"] = f'attachment; filename="claim-{claim_id}.json"'
    return response


@page
def file(request: PersonRequest, claim_id: UUID, attachment_id: UUID) -> HttpResponse:
    """A file of a claim whose text this person may read."""
    life = claim_life(request.user, claim_id)
    if not life.content:
        raise NotFound("There is no such file.")
    _record(request, life, "file")
    return file_response(attachment_of(life.claim, attachment_id))


def _proven(life: ClaimLife, user: User) -> dict[str, Any]:
    """The timeline with the checkpoint that sealed each entry, and what all entries together prove."""
    proof = proof_of(life.entries)
    steps = [
        (entry, facts_of(entry), None if entry.index is None else proof.seals.get(entry.index))
        for entry in life.entries
    ]
    may_prove = bool(life.entries) and not life.hides_entries
    return {"steps": steps, "proof": proof if may_prove else None, "reads_ledger": has_role(user, LEDGER_ROLES)}


def _record(request: PersonRequest, life: ClaimLife, purpose: str) -> None:
    if life.content:
        record_views(viewer=request.user, claims=[life.claim], purpose=purpose, glass=life.glass)


@action
def break_glass(request: PersonRequest, claim_id: UUID) -> HttpResponse:
    """An administrator reads one claim for a while, with a reason; the owner is told."""
    claim_life(request.user, claim_id)
    try:
        viewing.break_glass(admin=request.user, claim_id=claim_id, reason=request.POST.get("reason", ""))
    except Invalid as invalid:
        for problem in invalid.problems:
            messages.error(request, problem.detail)
    return go(request, "web:claim", claim_id=claim_id)


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
