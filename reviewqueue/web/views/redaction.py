"""What of a pipeline's claims is masked before anything is stored, tried on a sample first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.pipeline_settings import settings_hash
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.redaction.masking import Redaction
from reviewqueue.redaction.rules import redaction_problems, rules_for
from reviewqueue.web.access import form_page
from reviewqueue.web.changed_settings import saved
from reviewqueue.web.redaction_form import RedactionForm, initial_redaction
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline


@form_page
def redaction(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
        return _show(request, pipeline, RedactionForm(initial=initial_redaction(pipeline, settings_hash(pipeline))))
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    form = RedactionForm(request.POST)
    if not _usable(form):
        return _show(request, pipeline, form, status=422)
    if "try" in request.POST:
        return _show(request, pipeline, form, tried=_tried(form))
    if not saved(form, {"redaction": form.rules()}, pipeline=pipeline, by=request.user):
        return _show(request, pipeline, form, status=422)
    messages.success(request, "Saved. They hold for claims that come in from now on.")
    return go(request, "web:redaction", slug=slug)


def _usable(form: RedactionForm) -> bool:
    if form.is_valid():
        form.refuse(redaction_problems(form.rules()))
    return not form.errors


def _tried(form: RedactionForm) -> dict[str, Any]:
    applied = Redaction(rules_for(form.rules()))
    left = applied.content(form.sample_content())
    named = form.cleaned_data["sample"]
    shown = json.dumps({name: left[name] for name in left if name in named}, indent=2, ensure_ascii=False)
    return {"left": shown, "places": sorted(applied.places.items())}


def _show(
    request: PersonRequest, pipeline: Pipeline, form: RedactionForm, *, status: int = 200, tried: Any = None
) -> HttpResponse:
    context = {
        "pipeline": pipeline,
        "form": form,
        "tried": tried,
        "shows_errors": status == 422,
        "may_change": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/redaction.html", context, status=status)
