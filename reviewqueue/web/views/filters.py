"""Working on a part of a pipeline, and keeping that part under a name."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, people_of, pipeline_for
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services import filters
from reviewqueue.web.access import action, page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.task_forms import TaskFilterForm
from reviewqueue.web.wording import PURPOSES

EVERYBODY_HERE = WORKING_ROLES | FIGURES_ROLES


@page
def part(request: PersonRequest, slug: str) -> HttpResponse:
    """Which part of the pipeline's work somebody wants to be given."""
    pipeline = pipeline_for(request.user, slug, WORKING_ROLES)
    context = {
        "pipeline": pipeline,
        "purposes": [(code, PURPOSES[code]) for code in ASKABLE_PURPOSES],
        "filters": filters.filters_of(request.user, pipeline),
    }
    return show(request, "queue/part.html", context)


@action
def save_filter(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, EVERYBODY_HERE)
    form = TaskFilterForm(request.POST, pipeline=pipeline, people=people_of(pipeline, WORKING_ROLES))
    try:
        saved = filters.save_filter(
            user=request.user, pipeline=pipeline, name=request.POST.get("name", ""), asked=form.asked()
        )
        messages.success(request, f"Kept as “{saved.name}”.")
    except Invalid as invalid:
        messages.error(request, " ".join(problem.detail for problem in invalid.problems))
    if request.POST.get("from") == "tasks":
        address = reverse("web:tasks", args=[slug])
        return go(request, f"{address}?{urlencode(form.asked())}")
    return go(request, "web:part", slug=slug)


@action
def forget_filter(request: PersonRequest, filter_id: int) -> HttpResponse:
    filters.forget_filter(user=request.user, filter_id=filter_id)
    messages.success(request, "Forgotten.")
    return go(request, "web:queue")
