"""Where a pipeline asks for a second opinion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.cascade.selectors import handler_of, last_calls, waiting_for_opinions
from reviewqueue.cascade.services.handlers import (
    LONGEST_MODEL,
    LONGEST_SECONDS,
    register_handler,
    renew_secret,
    switch_handler,
)
from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.web.access import form_page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

SECONDS: Final = 20


class HandlerForm(forms.Form):
    url = forms.CharField(max_length=2_000, error_messages={"required": "Say which address is asked."})
    model = forms.CharField(max_length=LONGEST_MODEL, error_messages={"required": "Say which model answers there."})
    timeout_seconds = forms.IntegerField(
        min_value=1, max_value=LONGEST_SECONDS, error_messages={"required": "Say how long an answer may take."}
    )


@form_page
def second_opinion(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        return _show(request, pipeline_for(request.user, slug, FIGURES_ROLES))
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    match request.POST.get("do"):
        case "renew":
            secret = renew_secret(pipeline=pipeline, by=request.user)
            return _show(request, pipeline, secret=secret)
        case "on" | "off" as wanted:
            switch_handler(pipeline=pipeline, enabled=wanted == "on", by=request.user)
            messages.success(
                request, "Switched on." if wanted == "on" else "Switched off: steps wait for their callers."
            )
            return go(request, "web:second_opinion", slug=slug)
    return _save(request, pipeline)


def _save(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    form = HandlerForm(request.POST)
    if not form.is_valid():
        return _show(request, pipeline, form=form, status=422)
    try:
        secret = register_handler(pipeline=pipeline, by=request.user, **form.cleaned_data)
    except Invalid as invalid:
        for problem in invalid.problems:
            form.add_error(problem.pointer.removeprefix("/"), problem.detail)
        return _show(request, pipeline, form=form, status=422)
    if secret is None:
        messages.success(request, "Saved. The change is in the ledger.")
        return go(request, "web:second_opinion", slug=pipeline.slug)
    return _show(request, pipeline, secret=secret)


def _show(
    request: PersonRequest, pipeline: Pipeline, form: HandlerForm | None = None, *, secret: str = "", status: int = 200
) -> HttpResponse:
    """The page. A secret is shown here and never again."""
    handler = handler_of(pipeline)
    initial: dict[str, Any] = {"timeout_seconds": SECONDS}
    if handler:
        initial = {name: getattr(handler, name) for name in ("url", "model", "timeout_seconds")}
    context = {
        "pipeline": pipeline,
        "handler": handler,
        "form": form or HandlerForm(initial=initial),
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "waiting": waiting_for_opinions(pipeline),
        "calls": last_calls(pipeline),
        "secret": secret,
        "shows_errors": status == 422,
    }
    return show(request, "pipelines/second_opinion.html", context, status=status)
