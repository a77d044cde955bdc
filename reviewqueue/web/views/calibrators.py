"""Every calibrator there was: what it is, what it was judged by, when it was in use; and the way back to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Conflict
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.redrafting import with_calibrator
from reviewqueue.policy.rights import PROPOSE
from reviewqueue.policy.selectors import active_policy, version_for
from reviewqueue.reports.calibrators import history_figures, history_of, kept_by_name
from reviewqueue.web.access import action, page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.evidence import evidence_tables
from reviewqueue.web.map_shown import map_curve, shown_parameters
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.reports.calibrators import Kept


class NotUsable(Conflict):
    code = "calibrator_not_usable"


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
        "seen": active.number if active else 0,
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
    kept = kept_by_name(pipeline, request.POST.get("name", "")[:80])
    active = active_policy(pipeline.pk)
    if active is None or not kept.was_in_use:
        raise NotUsable("Only a calibrator that was in use before, and is not now, can be used again.")
    entry = {**kept.subject._asdict(), "name": kept.name, "map": dict(kept.map)}
    seen = request.POST.get("seen", "")
    draft = services.propose(
        pipeline=pipeline,
        document=with_calibrator(version_for(pipeline, active.number).document, entry),
        proposer=request.user,
        note=f"Back to {kept.name} for {kept.model} {kept.model_version}.",
        evidence={**kept.figures, "calibrator": kept.name, "kind": kept.kind, **kept.subject._asdict()},
        on_top_of=int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else active.number,
    )
    messages.success(
        request, f"Version {draft.number} is proposed. It decides nothing until somebody else approves it."
    )
    return go(request, "web:policy", slug=slug, number=draft.number)
