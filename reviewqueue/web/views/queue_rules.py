"""When the tasks of a pipeline are due, which skills they ask for, and who has those."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.errors import NotFound
from reviewqueue.pipeline_settings import settings_hash
from reviewqueue.pipelines.queue_rules import rules_of
from reviewqueue.pipelines.selectors import (
    FIGURES_ROLES,
    WORKING_ROLES,
    has_role,
    people_of,
    pipeline_for,
    skills_of_many,
)
from reviewqueue.pipelines.services import set_skills
from reviewqueue.web.access import action, form_page
from reviewqueue.web.changed_settings import saved
from reviewqueue.web.queue_rules_form import QueueRulesForm, initial_rules
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline


@form_page
def queue_rules(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method != "POST":
        pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
        form = QueueRulesForm(initial=initial_rules(pipeline, settings_hash(pipeline)), pipeline=pipeline)
        return _show(request, pipeline, form)
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    form = QueueRulesForm(request.POST, pipeline=pipeline)
    if not form.is_valid() or not saved(form, {"queue_rules": form.rules()}, pipeline=pipeline, by=request.user):
        return _show(request, pipeline, form, status=422)
    messages.success(request, "Saved. They hold for tasks that are opened from now on.")
    return go(request, "web:queue_rules", slug=slug)


def _show(request: PersonRequest, pipeline: Pipeline, form: QueueRulesForm, *, status: int = 200) -> HttpResponse:
    skills = rules_of(pipeline.queue_rules).skills()
    people = list(people_of(pipeline, WORKING_ROLES))
    theirs = skills_of_many(people) if skills else {}
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "form": form,
        "shows_errors": form.is_bound,
        "may_change": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "skills": skills,
        "people": [
            {"person": person, "skills": [(skill, skill in theirs[person.pk]) for skill in skills]}
            for person in (people if skills else ())
        ],
    }
    return show(request, "pipelines/queue_rules.html", context, status=status)


@action
def skills(request: PersonRequest, slug: str) -> HttpResponse:
    """Which of the skills that the pipeline asks for one person has."""
    pipeline = pipeline_for(request.user, slug, SETTING_ROLES)
    person = people_of(pipeline, WORKING_ROLES).filter(username=request.POST.get("person", "")).first()
    if person is None:
        raise NotFound("Nobody of that name reviews here.")
    set_skills(pipeline=pipeline, user=person, skills=set(request.POST.getlist("skill")), by=request.user)
    messages.success(request, f"Saved for {person.shown_name}. It is in the ledger.")
    return go(request, "web:queue_rules", slug=slug)
