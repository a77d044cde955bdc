"""When the tasks of a pipeline are due, which skills they ask for, and who has those."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import task_answers, task_examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.views.policies import ADMIN
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipeline_settings import change_settings, settings_hash
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.queue_rules import rules_of
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, people_of, pipeline_for, skills_of_many
from reviewqueue.pipelines.services import set_skills

SETTERS = frozenset({Role.OWNER, Role.ADMIN})


class RulesBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All the rules; those that are left out are gone."""

    rules: Annotated[
        dict[str, Any],
        Meta(description="`working_time`, `due` and `skills`: each may be missing. docs/api.md shows them."),
    ]
    expected: Annotated[
        str | None, Meta(description="The `revision` that was seen: if the settings moved on, nothing is changed.")
    ] = None


class SkillsBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the skills that the pipeline asks for one person has."""

    person: Annotated[str, Meta(description="The username of somebody who reviews in the pipeline.")]
    skills: Annotated[list[str], Meta(description="All of them.", max_length=100)]


class PipelineQueueRules(Operation):
    @promises(
        "get_queue_rules",
        **ADMIN,
        answers={200: Answer("The rules, and who has which skill.", task_answers.QueueRules, task_examples.RULES)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """Read when tasks are due and which skills they ask for.

        For those who may see the figures of the pipeline.
        """
        return Response(_rules_answer(pipeline_for(person_of(request), slug, FIGURES_ROLES)))

    @promises(
        "change_queue_rules",
        **ADMIN,
        body=Body(RulesBody, {"all of them": {"rules": task_examples.RULES["rules"]}, "none": {"rules": {}}}),
        answers={200: Answer("The rules as they are now.", task_answers.QueueRules, task_examples.RULES)},
        problems=("settings_outdated",),
    )
    def patch(self, request: Request, slug: str) -> HttpResponse:
        """Change when tasks are due and which skills they ask for.

        For owners and administrators. A change holds for tasks that are opened from then on.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, SETTERS)

        def change(body: Any) -> Reply:
            given = read_as(RulesBody, body)
            changed = change_settings(
                pipeline=pipeline, changes={"queue_rules": given.rules}, by=person, expected=given.expected
            )
            return Reply(200, _rules_answer(changed))

        return self.write(change)


def _rules_answer(pipeline: Pipeline) -> dict[str, Any]:
    people = list(people_of(pipeline, WORKING_ROLES))
    theirs, asked = skills_of_many(people), set(rules_of(pipeline.queue_rules).skills())
    return {
        "rules": pipeline.queue_rules,
        "revision": settings_hash(pipeline),
        "people": [{"person": each.username, "skills": sorted(theirs[each.pk] & asked)} for each in people],
    }


class PipelineSkills(Operation):
    @promises(
        "set_skills",
        **ADMIN,
        body=Body(SkillsBody, {"none": task_examples.NO_SKILLS}),
        answers={200: Answer("What they have now.", task_answers.PersonSkills, task_examples.NO_SKILLS)},
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Say which skills somebody has.

        For owners and administrators. Of the skills that the pipeline asks for the person has exactly these; others
        stay as they are.
        """
        by = person_of(request)
        pipeline = pipeline_for(by, slug, SETTERS)

        def say(body: Any) -> Reply:
            given = read_as(SkillsBody, body)
            person = people_of(pipeline, WORKING_ROLES).filter(username=given.person).first()
            if person is None:
                raise Invalid([FieldProblem("/person", "choice", "This is somebody who reviews in this pipeline.")])
            set_skills(pipeline=pipeline, user=person, skills=given.skills, by=by)
            return Reply(200, {"person": person.username, "skills": sorted(set(given.skills))})

        return self.write(say)
