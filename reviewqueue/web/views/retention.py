"""How long a pipeline keeps what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.erasure.retention import set_retention
from reviewqueue.erasure.selectors import retention_of
from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.web.access import form_page
from reviewqueue.web.erasure_forms import RetentionForm, initial_retention
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline


@form_page
def retention(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
        return _show(request, pipeline, RetentionForm(initial=initial_retention(retention_of(pipeline))))
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    form = RetentionForm(request.POST)
    if not form.is_valid() or not _saved(request, pipeline, form):
        return _show(request, pipeline, form, status=422)
    messages.success(request, "Saved. What is older by now goes within the next hours.")
    return go(request, "web:retention", slug=slug)


def _saved(request: PersonRequest, pipeline: Pipeline, form: RetentionForm) -> bool:
    try:
        set_retention(pipeline=pipeline, days=form.days(), by=request.user)
    except Invalid as invalid:
        form.refuse(invalid.problems)
    return not form.errors


def _show(request: PersonRequest, pipeline: Pipeline, form: RetentionForm, *, status: int = 200) -> HttpResponse:
    context = {
        "pipeline": pipeline,
        "form": form,
        "shows_errors": form.is_bound,
        "may_change": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/retention.html", context, status=status)
