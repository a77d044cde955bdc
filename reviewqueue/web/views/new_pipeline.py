"""A new pipeline, which opens on its first steps."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.administration.opening import open_pipeline
from reviewqueue.administration.rights import acting_admin
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.web.access import form_page
from reviewqueue.web.administration_forms import NewPipeline
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest


@form_page
def new_pipeline(request: PersonRequest) -> HttpResponse:
    acting_admin(request.user)
    form = NewPipeline(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given = dict(form.cleaned_data)
        try:
            made = open_pipeline(by=request.user, segment_values=given.pop("segments"), **given)
        except Invalid as invalid:
            form.refuse([_beside(problem) for problem in invalid.problems])
        else:
            messages.success(request, "The pipeline is there. What it needs before its first claim stands below.")
            return go(request, "web:pipeline", slug=made.slug)
    status = 422 if form.is_bound else 200
    return show(request, "pipelines/new.html", {"form": form, "shows_errors": form.is_bound}, status=status)


def _beside(problem: FieldProblem) -> FieldProblem:
    """The form asks for segments under another name."""
    is_segment = problem.pointer.startswith("/segment_values")
    return FieldProblem("/segments", problem.code, problem.detail) if is_segment else problem
