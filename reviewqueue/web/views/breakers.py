"""What stops automation, or stopped it; and both switches, of which only one may be pressed by a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.rights import ALLOW_AUTOMATION, STOP_AUTOMATION
from reviewqueue.policy.selectors import breaker_for
from reviewqueue.policy.selectors import breakers as breakers_of
from reviewqueue.web.access import form_page
from reviewqueue.web.policy_fields import beside
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.wording import RESET_REASONS, TRIP_REASONS

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline

NAMES = ("model", "model_version", "prompt_version")


@form_page
def breakers(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method == "POST":
        return _stop(request, pipeline_for(request.user, slug, STOP_AUTOMATION))
    return _show(request, pipeline_for(request.user, slug, FIGURES_ROLES))


def _show(request: PersonRequest, pipeline: Pipeline, *, status: int = 200, **more: Any) -> HttpResponse:
    found = breakers_of(pipeline)
    context = {
        "pipeline": pipeline,
        "open": [each for each in found if each.is_open],
        "past": [each for each in found if not each.is_open],
        "may_stop": has_role(request.user, STOP_AUTOMATION, pipeline_id=pipeline.pk),
        "may_allow": has_role(request.user, ALLOW_AUTOMATION, pipeline_id=pipeline.pk),
        "trip_reasons": TRIP_REASONS,
        "reset_reasons": RESET_REASONS,
        "typed": request.POST,
        **more,
    }
    return show(request, "policies/breakers.html", context, status=status)


def _stop(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    model, model_version, prompt_version = (request.POST.get(name, "").strip() for name in NAMES)
    subject, reason = (model, model_version, prompt_version), request.POST.get("reason", "")
    try:
        services.stop_automation(pipeline=pipeline, by=request.user, reason=reason, subject=subject)
    except Invalid as invalid:
        return _show(request, pipeline, status=422, errors=beside(invalid.problems))
    messages.success(request, "Automation is stopped: from the next claim on, people decide.")
    return go(request, "web:breakers", slug=pipeline.slug)


@form_page
def reset_breaker(request: PersonRequest, slug: str, breaker_id: int) -> HttpResponse:
    """Asks for the reason on a page of its own, so that nobody allows automation by a slip."""
    pipeline = pipeline_for(request.user, slug, ALLOW_AUTOMATION)
    breaker = breaker_for(pipeline, breaker_id)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            services.reset_breaker(breaker=breaker, by=request.user, reason=request.POST.get("reason", ""))
        except Invalid as invalid:
            errors = beside(invalid.problems)
        else:
            messages.success(request, "Automation is allowed again: bands decide what they have earned.")
            return go(request, "web:breakers", slug=slug)
    context = {"pipeline": pipeline, "breaker": breaker, "reasons": RESET_REASONS, "errors": errors}
    return show(request, "policies/reset_breaker.html", context, status=422 if errors else 200)
