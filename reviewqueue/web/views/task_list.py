"""The open tasks of a pipeline, and moving many of them at once: seen before it is done, undone for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.forms import ValidationError
from django.http import HttpResponse

from reviewqueue.errors import Conflict, Invalid
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, has_role, people_of, pipeline_for
from reviewqueue.review.models import ChangeKind
from reviewqueue.review.services import changes, filters
from reviewqueue.review.task_list import rows_of, tasks_page
from reviewqueue.web.access import action, form_page, page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.task_forms import ChangeForm, TaskFilterForm, slots_in
from reviewqueue.web.task_wording import CHANGES, KEEPS, MOVES

if TYPE_CHECKING:
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.review.changing import Wanted

PAGE_SIZE: Final = 50
MOVERS: Final = frozenset({Role.SENIOR, Role.ADMIN})


@page
def tasks(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    return _show_list(request, pipeline)


def _show_list(request: PersonRequest, pipeline: Pipeline, *, refused: str = "", status: int = 200) -> HttpResponse:
    people = list(people_of(pipeline, WORKING_ROLES))
    form = TaskFilterForm(request.GET if request.method == "GET" else request.POST, pipeline=pipeline, people=people)
    found = tasks_page(pipeline, form.wanted(), after=form.after_position(), limit=PAGE_SIZE + 1)
    is_senior = has_role(request.user, [Role.SENIOR], pipeline_id=pipeline.pk)
    context = {
        "pipeline": pipeline,
        "form": form,
        "rows": found[:PAGE_SIZE],
        "next": form.address_after(found[PAGE_SIZE - 1].position) if len(found) > PAGE_SIZE else None,
        "first": form.address_of_first(),
        "asked": form.asked(),
        "is_first": form.after_position() is None,
        "people": people,
        "filters": [
            {"name": each.name, "address": "?" + urlencode(each.asked)}
            for each in filters.filters_of(request.user, pipeline)
        ],
        "is_senior": is_senior,
        "may_move": is_senior or has_role(request.user, [Role.ADMIN], pipeline_id=pipeline.pk),
        "moves": MOVES.items(),
        "keeps": KEEPS.items(),
        "at_once": changes.AT_ONCE,
        "refused": refused,
    }
    return show(request, "queue/tasks.html", context, status=status)


@action
def tasks_change(request: PersonRequest, slug: str) -> HttpResponse:
    """Shows what a change would do; with `sure` it is done."""
    pipeline = pipeline_for(request.user, slug, MOVERS)
    form = ChangeForm(request.POST)
    if not form.is_valid():
        return _show_list(request, pipeline, refused="Say what to do with the tasks.", status=422)
    try:
        wanted = form.wanted(pipeline)
        chosen = _chosen(request, pipeline, form)
        if request.POST.get("sure"):
            return _do(request, pipeline, chosen, wanted)
        return _preview(request, pipeline, chosen, wanted)
    except ValidationError as invalid:
        return _show_list(request, pipeline, refused=" ".join(invalid.messages), status=422)
    except Invalid as invalid:
        said = " ".join(problem.detail for problem in invalid.problems)
        return _show_list(request, pipeline, refused=said, status=422)


def _chosen(request: PersonRequest, pipeline: Pipeline, form: ChangeForm) -> list[int]:
    if not form.cleaned_data["all"]:
        return slots_in(request.POST.getlist("slot"))
    filtered = TaskFilterForm(request.POST, pipeline=pipeline, people=people_of(pipeline, WORKING_ROLES))
    return [row.slot.pk for row in tasks_page(pipeline, filtered.wanted(), after=None, limit=changes.AT_ONCE)]


def _preview(request: PersonRequest, pipeline: Pipeline, chosen: list[int], wanted: Wanted) -> HttpResponse:
    planned = changes.preview(by=request.user, pipeline=pipeline, slot_ids=chosen, wanted=wanted)
    rows = [
        {"row": row, "why_not": each.why_not}
        for row, each in zip(rows_of([each.slot for each in planned]), planned, strict=True)
    ]
    context = {
        "pipeline": pipeline,
        "wanted": wanted,
        "title": CHANGES[wanted.kind],
        "changing": [each["row"] for each in rows if not each["why_not"]],
        "staying": [each for each in rows if each["why_not"]],
        "until": wanted.until.strftime("%Y-%m-%dT%H:%M:%S.%f%z") if wanted.until else "",
    }
    return show(request, "queue/tasks_preview.html", context)


def _do(request: PersonRequest, pipeline: Pipeline, chosen: list[int], wanted: Wanted) -> HttpResponse:
    done = changes.change_tasks(by=request.user, pipeline=pipeline, slot_ids=chosen, wanted=wanted)
    if done.change is None:
        messages.info(request, "Nothing was left to change: somebody was faster.")
        return go(request, "web:tasks", slug=pipeline.slug)
    return go(request, "web:task_change", slug=pipeline.slug, change_id=done.change.pk)


@form_page
def task_change(request: PersonRequest, slug: str, change_id: UUID) -> HttpResponse:
    """What was changed; and undoing it."""
    roles = MOVERS if request.method == "POST" else FIGURES_ROLES
    pipeline = pipeline_for(request.user, slug, roles)
    change = changes.change_for(pipeline=pipeline, change_id=change_id)
    if request.method == "POST":
        try:
            changes.undo_change(by=request.user, change=change)
        except Conflict as refused:
            messages.error(request, refused.detail)
        return go(request, "web:task_change", slug=slug, change_id=change_id)
    return show(request, "queue/task_change.html", _change_context(request, pipeline, change))


def _change_context(request: PersonRequest, pipeline: Pipeline, change: Any) -> dict[str, Any]:
    found = changes.slots_of(change)
    stayed = [each for each in found if each.kept_because]
    return {
        "pipeline": pipeline,
        "change": change,
        "title": CHANGES[change.kind],
        "count": len(found),
        "stayed": stayed,
        "restored": len(found) - len(stayed),
        "may_undo": changes.may_undo(request.user, change),
        "takes_out_of_hands": change.kind != ChangeKind.PRIORITISE and any(each.lease_id for each in found),
    }
