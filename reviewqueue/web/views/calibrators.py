"""Every calibrator there was: what it is, what it was judged by, when it was in use; and the way back to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from calibration import drafting
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy.rights import PROPOSE
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.calibrators import calibrator_named, history_figures, history_of
from reviewqueue.web.access import action, page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.evidence import evidence_tables
from reviewqueue.web.map_shown import map_curve, shown_parameters
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.reports.calibrators import Kept


@page
def calibrators(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    history = history_of(pipeline)
    if wants_file(request):
        return file_of(request, history_figures(history), name=f"{slug}-calibrators")
    active = active_policy(pipeline.pk)
    shown = [_shown(kept) for kept in history.kept]
    context = {
        "pipeline": pipeline,
        "history": history,
        "in_use": [each for each in shown if each["kept"].in_use],
        "past": [each for each in shown if not each["kept"].in_use],
        "may_propose": active is not None and has_role(request.user, PROPOSE, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/calibrators.html", context)


def _shown(kept: Kept) -> dict[str, Any]:
    parameters, more = shown_parameters(kept.map)
    return {
        "kept": kept,
        "curve": map_curve(kept.map),
        "parameters": parameters,
        "more": more,
        "evidence": evidence_tables(kept.figures),
    }


@action
def roll_back(request: PersonRequest, slug: str) -> HttpResponse:
    """Drafts the active policy with a calibrator that was in use before. Somebody else approves it, as always."""
    pipeline = pipeline_for(request.user, slug, PROPOSE)
    calibrator = calibrator_named(pipeline, request.POST.get("name", "")[:80])
    draft = drafting.roll_back(pipeline=pipeline, calibrator=calibrator, by=request.user)
    messages.success(request, f"Version {draft.number} is proposed. It decides nothing until somebody approves it.")
    return go(request, "web:policy", slug=slug, number=draft.number)
