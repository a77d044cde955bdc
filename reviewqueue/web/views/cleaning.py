"""Labels that deserve a second look: what the last search found, what second looks came to, and the start of more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from calibration import cleaning as service
from reviewqueue.errors import Conflict
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, has_role, people_of, pipeline_for
from reviewqueue.reports.second_looks import second_looks
from reviewqueue.review.services.second_looks import MOST_AT_ONCE, MOST_OPEN
from reviewqueue.web.access import form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

USUAL: Final = 25
OUT_OF_RANGE: Final = f"From 1 to {MOST_AT_ONCE}."


class StartForm(forms.Form):
    wanted = forms.IntegerField(
        min_value=1,
        max_value=MOST_AT_ONCE,
        error_messages={
            "required": "Say how many.",
            "invalid": "This is no whole number.",
            "min_value": OUT_OF_RANGE,
            "max_value": OUT_OF_RANGE,
        },
    )


@form_page
def cleaning(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        return _show(request, pipeline_for(request.user, slug, FIGURES_ROLES))
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    if request.POST.get("do") == "search":
        service.search_again(pipeline)
        messages.success(request, "The next search starts within a minute.")
        return go(request, "web:cleaning", slug=slug)
    return _start(request, pipeline)


def _start(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        return _show(request, pipeline, form=form, status=422)
    try:
        started = service.start(pipeline=pipeline, by=request.user, wanted=form.cleaned_data["wanted"])
    except Conflict as conflict:
        form.add_error("wanted", conflict.detail)
        return _show(request, pipeline, form=form, status=422)
    messages.success(request, f"Round {started.number} is in the queue. The ledger has its seed and its numbers.")
    return go(request, "web:cleaning", slug=pipeline.slug)


def _show(
    request: PersonRequest, pipeline: Pipeline, form: StartForm | None = None, *, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "search": service.last_search(pipeline),
        "looks": second_looks(pipeline),
        "form": form or StartForm(initial={"wanted": USUAL}),
        "may_start": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "people": people_of(pipeline, WORKING_ROLES).count(),
        "most_open": MOST_OPEN,
        "shows_errors": status == 422,
    }
    return show(request, "pipelines/cleaning.html", context, status=status)
