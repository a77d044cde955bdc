from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import uuid4

from reviewqueue.accounts import naming
from reviewqueue.accounts.models import Source, User
from reviewqueue.errors import FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.content_views import declared_views, view_problems
from reviewqueue.pipelines.costs import cost_problems, with_every_amount
from reviewqueue.pipelines.models import Grant, Pipeline, ReviewForm, Role, Skill
from reviewqueue.pipelines.names import name_problems
from reviewqueue.pipelines.queue_rules import rules_of
from reviewqueue.pipelines.review_form import document_text, form_hash, form_problems
from reviewqueue.pipelines.selectors import WORKING_ROLES, has_role, people_of
from reviewqueue.pipelines.signals import signal_problems, with_every_field
from reviewqueue.transactions import joins_transaction, service


@service
def create_pipeline(
    *,
    slug: str,
    name: str,
    question: str,
    owner: User,
    actor: Actor,
    deputy: User | None = None,
    description: str = "",
    guideline: str = "",
    categories: Sequence[str] = (),
    segment_values: Mapping[str, Sequence[str]] | None = None,
    review_form: Mapping[str, Any] | None = None,
    signals: Mapping[str, Mapping[str, Any]] | None = None,
    costs: Mapping[str, Any] | None = None,
    content_views: Mapping[str, Any] | None = None,
    sources: Sequence[Source] = (),
) -> Pipeline:
    """A pipeline with its owner, who is granted the owner's role in it.

    Raises:
        Invalid: the slug is taken or none, the name cannot be read, or the review form, the enumerated names, the
            signals, the costs or the views are not usable.
    """
    form = dict(review_form or {"kind": "judgement"})
    problems = form_problems(form) + signal_problems(signals or {}) + cost_problems(costs or {})
    problems += view_problems(content_views or {}) + _naming_problems(slug, name, categories, segment_values or {})
    if problems:
        raise Invalid(problems)
    entry = ledger.append(
        event="pipeline.created",
        actor=actor,
        pipeline=slug,
        owner=str(owner.pseudonym),
        form=1,
        form_hash=form_hash(form),
    )
    form_id = uuid4()
    pipeline = Pipeline.objects.create(
        slug=slug,
        name=name,
        question=question,
        description=description,
        guideline=guideline,
        owner=owner,
        deputy=deputy,
        categories=list(categories),
        segment_values={key: list(values) for key, values in (segment_values or {}).items()},
        form_id=form_id,
        signals=with_every_field(signals or {}),
        costs=with_every_amount(costs or {}),
        content_views=declared_views(content_views or {}),
        event_id=entry.id,
    )
    ReviewForm.objects.create(
        id=form_id,
        pipeline=pipeline,
        number=1,
        document_text=document_text(form),
        document_hash=form_hash(form),
        event_id=entry.id,
    )
    pipeline.sources.set(sources)
    for person in (owner, deputy):
        if person is not None:
            _grant(user=person, role=Role.OWNER, pipeline=pipeline, actor=actor)
    return pipeline


def _naming_problems(
    slug: str, name: str, categories: Sequence[str], segment_values: Mapping[str, Sequence[str]]
) -> list[FieldProblem]:
    problems = naming.slug_problems(slug, Pipeline.objects.all(), "pipeline") + naming.name_problems(name)
    problems += name_problems("/categories", categories)
    for key, values in segment_values.items():
        problems += name_problems(f"/segment_values/{key}", [key, *values])
    return problems


@service
def grant(*, user: User, role: Role, actor: Actor, pipeline: Pipeline | None = None) -> Grant:
    """Granting twice is one grant."""
    return _grant(user=user, role=role, pipeline=pipeline, actor=actor)


def grant_within(*, user: User, role: Role, actor: Actor, pipeline: Pipeline | None = None) -> Grant:
    """`grant` for a caller that changes something together with it. Joins the caller's transaction."""
    joins_transaction()
    return _grant(user=user, role=role, pipeline=pipeline, actor=actor)


def _grant(*, user: User, role: Role, pipeline: Pipeline | None, actor: Actor) -> Grant:
    existing = Grant.objects.filter(user=user, role=role, pipeline=pipeline).first()
    if existing:
        return existing
    entry = ledger.append(
        event="role.changed",
        actor=actor,
        user=str(user.pseudonym),
        role_to=role.value,
        pipeline=pipeline.slug if pipeline else None,
    )
    return Grant.objects.create(user=user, role=role, pipeline=pipeline, event_id=entry.id)


def revoke_within(*, grant: Grant, actor: Actor) -> None:
    """Taking what is not there any more is no error. Joins the caller's transaction."""
    joins_transaction()
    taken, _ = Grant.objects.filter(pk=grant.pk).delete()
    if taken:
        ledger.append(
            event="role.changed",
            actor=actor,
            user=str(grant.user.pseudonym),
            role_from=grant.role,
            pipeline=grant.pipeline.slug if grant.pipeline else None,
        )


@service
def set_skills(*, pipeline: Pipeline, user: User, skills: Collection[str], by: User) -> None:
    """Of the skills that the pipeline asks for, this person has exactly these from now on; others stay as they are.

    Raises:
        Forbidden: `by` is neither an owner of the pipeline nor an administrator.
        Invalid: the pipeline asks for no such skill, or the person does not review in it.
    """
    role = Role.ADMIN if has_role(by, [Role.ADMIN]) else Role.OWNER
    if not has_role(by, [role], pipeline_id=pipeline.pk):
        raise Forbidden("Skills are given by an owner of the pipeline or by an admin.")
    asked = rules_of(pipeline.queue_rules).skills()
    if not set(skills) <= set(asked):
        raise Invalid([FieldProblem("/skills", "choice", "This pipeline asks for no such skill.")])
    if not people_of(pipeline, WORKING_ROLES).filter(pk=user.pk).exists():
        raise Invalid([FieldProblem("/user", "choice", "This is somebody who reviews in this pipeline.")])
    list(User.objects.select_for_update(no_key=True).filter(pk=user.pk))
    before = set(Skill.objects.filter(user=user, name__in=asked).values_list("name", flat=True))
    if before == set(skills):
        return
    Skill.objects.filter(user=user, name__in=before - set(skills)).delete()
    Skill.objects.bulk_create(Skill(user=user, name=name) for name in sorted(set(skills) - before))
    ledger.append(
        event="skills.changed",
        actor=Actor.user(by.pseudonym, role=role.value),
        user=user.pseudonym,
        pipeline=pipeline.slug,
        skills=sorted(skills),
        skills_from=sorted(before),
    )
