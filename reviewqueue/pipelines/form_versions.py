"""Changing what reviewers of a pipeline are asked: always a further version, for tasks that are opened from then on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline, ReviewForm, Role
from reviewqueue.pipelines.review_form import asks_the_same, document_text, form_hash, form_problems, keys_of
from reviewqueue.pipelines.selectors import WORKING_ROLES, has_role, pipelines_for
from reviewqueue.transactions import service


class FormOutdated(Conflict):
    """Somebody else changed the form since it was read."""

    code = "form_outdated"


@service
def change_form(
    *, pipeline: Pipeline, document: Mapping[str, Any], by: User, expected: int | None = None
) -> ReviewForm:
    """The next version of the form, or the present one where `document` is what it says already.

    Tasks that are open keep the version they were opened with, and so do their labels.

    Raises:
        Forbidden: neither an owner of the pipeline nor an admin.
        FormOutdated: `expected` is not the number of the version that is asked now.
        Invalid: every problem of the document, with JSON Pointers.
    """
    role = Role.ADMIN if has_role(by, {Role.ADMIN}) else Role.OWNER
    if not has_role(by, {role}, pipeline_id=pipeline.pk):
        raise Forbidden("The review form is changed by an owner of the pipeline or by an admin.")
    locked = Pipeline.objects.select_for_update(of=("self",), no_key=True).select_related("form").get(pk=pipeline.pk)
    now = locked.form
    if expected is not None and now.number != expected:
        raise FormOutdated("Somebody else changed this form while you were at it.")
    if problems := form_problems(document):
        raise Invalid(problems)
    if asks_the_same(document, now.document):
        return now
    return _next(locked, now.number + 1, document, by, Actor.user(by.pseudonym, role=role.value))


def _next(pipeline: Pipeline, number: int, document: Mapping[str, Any], by: User, actor: Actor) -> ReviewForm:
    hashed = form_hash(document)
    entry = ledger.append(event="form.changed", actor=actor, pipeline=pipeline.slug, form=number, form_hash=hashed)
    form = ReviewForm.objects.create(
        pipeline=pipeline,
        number=number,
        document_text=document_text(document),
        document_hash=hashed,
        made_by=by,
        event_id=entry.id,
    )
    pipeline.form = form
    pipeline.save(update_fields=["form"])
    return form


def form_versions(pipeline: Pipeline) -> list[ReviewForm]:
    """Newest first."""
    return list(pipeline.forms.select_related("made_by").order_by("-number"))


def form_keys(user: User) -> set[str]:
    """The letters that the forms use which this person gets from now on. One query."""
    pipelines = pipelines_for(user, WORKING_ROLES).select_related("form")
    return {key for pipeline in pipelines for key in keys_of(pipeline.review_form)}
