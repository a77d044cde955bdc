"""Whether whoever proposes a policy may approve it: for teams too small for four eyes, and everything says so."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.rights import SWITCH_ONE_PERSON
from reviewqueue.policy.selectors import one_person_approval
from reviewqueue.web.access import form_page
from reviewqueue.web.policy_fields import beside
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest


@form_page
def one_person(request: PersonRequest, slug: str) -> HttpResponse:
    roles = SWITCH_ONE_PERSON if request.method == "POST" else FIGURES_ROLES
    pipeline = pipeline_for(request.user, slug, roles)
    errors: dict[str, list[str]] = {}
    if request.method == "POST":
        try:
            if "end" in request.POST:
                services.end_one_person_approval(pipeline=pipeline, by=request.user)
                messages.success(request, "It takes two people again.")
            else:
                note = request.POST.get("note", "").replace("\r\n", "\n")
                services.allow_one_person_approval(pipeline=pipeline, by=request.user, note=note)
                messages.success(request, "Whoever proposes a version may approve it. Each such version says so.")
        except Invalid as invalid:
            errors = beside(invalid.problems)
        else:
            return go(request, "web:one_person", slug=slug)
    context = {
        "pipeline": pipeline,
        "allowed": one_person_approval(pipeline),
        "may_switch": has_role(request.user, SWITCH_ONE_PERSON, pipeline_id=pipeline.pk),
        "note": request.POST.get("note", ""),
        "errors": errors,
    }
    return show(request, "policies/one_person.html", context, status=422 if errors else 200)
