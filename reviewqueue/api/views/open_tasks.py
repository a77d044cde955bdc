"""The open tasks of a pipeline, and moving many of them at once, for those who look after it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from msgspec import Meta
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import bodies, task_answers, task_examples
from reviewqueue.api.authentication import holder_of, person_of
from reviewqueue.api.bodies import read_as
from reviewqueue.api.contract import Answer, Body, Link, promises
from reviewqueue.api.idempotency import Reply
from reviewqueue.api.operation import Operation
from reviewqueue.api.queries import CURSOR, LIMIT, BadQuery, Cursor, choice, limit_in, text, whole
from reviewqueue.api.views.reviews import REVIEW
from reviewqueue.claims.selectors import instant
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, people_of, pipeline_for
from reviewqueue.review.changing import Planned, Wanted
from reviewqueue.review.models import HIGHEST_PRIORITY, ChangeKind
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services import changes
from reviewqueue.review.task_list import STATES, Position, TaskFilter, TaskRow, tasks_page

MOST_HOURS: Final = 24 * 365
KEEP_HOURS: Final = int(changes.LONGEST_KEPT / timedelta(hours=1))
MOVERS: Final = frozenset({Role.SENIOR, Role.ADMIN})
FILTERS: Final = (
    choice("purpose", "Only tasks of this purpose, as reviewers see it.", [str(each) for each in ASKABLE_PURPOSES]),
    text("category", "Only tasks of this category."),
    choice("state", "Only tasks in this state; `seniors` are those for seniors, whoever has them.", STATES),
    text("holder", "Only what the person with this username holds, or what is kept for them."),
    whole("due_within", "Only what is due within so many hours; 0 for what is overdue.", 0, MOST_HOURS),
    whole("older_than", "Only what was opened more than so many hours ago.", 0, MOST_HOURS),
)


class ChangeBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"kind": "do"}):
    """What to do with which tasks."""

    slots: Annotated[
        list[Annotated[int, Meta(ge=1, le=2**63 - 1)]],
        Meta(min_length=1, max_length=changes.AT_ONCE, description="From the list of open tasks."),
    ]
    kind: Annotated[
        Literal["prioritise", "release", "reassign"],
        Meta(description="Move in the queue, take out of hands, or keep for one person."),
    ]
    hours: Annotated[
        int,
        Meta(ge=-HIGHEST_PRIORITY, le=HIGHEST_PRIORITY, description="To prioritise: as if due so much earlier."),
    ] = 0
    to: Annotated[str | None, Meta(description="To reassign: a username; null gives them to everybody.")] = None
    keep_hours: Annotated[int, Meta(ge=1, le=KEEP_HOURS, description="To reassign: for how long.")] = 24
    preview: Annotated[bool, Meta(description="Say what would change, and change nothing.")] = False

    def wanted(self, pipeline: Pipeline) -> Wanted:
        kind = ChangeKind(self.kind)
        if kind == ChangeKind.PRIORITISE:
            return Wanted(kind, hours=self.hours)
        if kind == ChangeKind.RELEASE or self.to is None:
            return Wanted(kind)
        person = people_of(pipeline, WORKING_ROLES).filter(username=self.to).first()
        if person is None:
            raise Invalid([FieldProblem("/to", "choice", "This is somebody who reviews in this pipeline.")])
        return Wanted(kind, person=person, until=timezone.now() + timedelta(hours=self.keep_hours))


class PipelineTasks(Operation):
    @promises(
        "list_tasks",
        **REVIEW,
        parameters=(*FILTERS, CURSOR, LIMIT),
        answers={200: Answer("A page of open tasks.", task_answers.OpenTaskPage, task_examples.OPEN_TASKS)},
    )
    def get(self, request: Request, slug: str) -> Response:
        """List open tasks, in the order in which they are given out.

        For those who may see the figures of the pipeline. One entry for each answer that is still needed. Seniors
        review too, so no entry says which claim it is about. `next` is null on the last page.
        """
        pipeline = pipeline_for(person_of(request), slug, FIGURES_ROLES)
        wanted = TaskFilter(**_asked(request))
        cursor = Cursor(salt="tasks", holder=holder_of(request), wanted={"pipeline": slug, **asdict(wanted)})
        after, limit = _position(cursor.position_in(request.query_params)), limit_in(request.query_params)
        found = tasks_page(pipeline, wanted, after=after, limit=limit + 1)
        page = found[:limit]
        further = cursor.text(_text(page[-1].position)) if len(found) > limit else None
        return Response({"results": [_row_answer(row) for row in page], "next": further})


def _asked(request: Request) -> dict[str, Any]:
    given = {parameter.name: parameter.value_in(request.query_params) for parameter in FILTERS}
    return {name: value for name, value in given.items() if value is not None}


def _text(position: Position) -> str:
    turn, slot = position
    return f"{turn.isoformat()}_{slot}"


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    turn, _, slot = text.partition("_")
    try:
        return datetime.fromisoformat(turn), int(slot)
    except ValueError:
        raise BadQuery(CURSOR.name, "cursor", "This cursor was not made here.") from None


def _row_answer(row: TaskRow) -> dict[str, Any]:
    slot = row.slot
    return {
        "slot": slot.pk,
        "purpose": row.purpose,
        "category": row.category or None,
        "due_at": instant(slot.due_at),
        "hours": slot.priority,
        "opened_at": instant(slot.task.created_at),
        "answer": slot.number,
        "answers_needed": max(slot.number, slot.task.labels_needed),
        "for_seniors": slot.seniors_only,
        "skills": list(slot.needs),
        "state": row.state,
        "person": row.holder.username if row.holder else None,
        "until": instant(row.until) if row.until else None,
    }


class PipelineTaskChanges(Operation):
    @promises(
        "change_tasks",
        **REVIEW,
        body=Body(
            ChangeBody,
            {
                "a day sooner, only looked at": task_examples.SOONER,
                "out of hands": task_examples.RELEASE,
                "to one person": task_examples.TO_RAVI,
                "to everybody": task_examples.TO_ALL,
            },
        ),
        answers={
            200: Answer(
                "What was changed, and what was not and why.",
                task_answers.TaskChanged,
                task_examples.CHANGED,
                links={"undo": Link("undo_task_change", {"change_id": "$response.body#/id"})},
            )
        },
    )
    def post(self, request: Request, slug: str) -> HttpResponse:
        """Move tasks.

        For seniors of the pipeline; administrators may take tasks out of hands. Whoever held one may still answer, as
        long as nobody else was given it.
        """
        person = person_of(request)
        pipeline = pipeline_for(person, slug, MOVERS)

        def change(body: Any) -> Reply:
            given = read_as(ChangeBody, body)
            what: dict[str, Any] = {
                "by": person,
                "pipeline": pipeline,
                "slot_ids": list(dict.fromkeys(given.slots)),
                "wanted": given.wanted(pipeline),
            }
            if given.preview:
                return Reply(200, _changed_answer(given.slots, changes.preview(**what)), effect=False)
            done = changes.change_tasks(**what)
            answer = _changed_answer(given.slots, done.planned)
            if done.change:
                answer |= {"id": str(done.change.pk), "undo_until": instant(done.change.undo_until)}
            return Reply(200, answer)

        return self.write(change)


def _changed_answer(asked: list[int], planned: Any) -> dict[str, Any]:
    found: list[Planned] = list(planned)
    there = {each.slot.pk for each in found}
    left = [{"slot": each.slot.pk, "why": each.why_not} for each in found if each.why_not]
    left += [{"slot": slot, "why": "not_found"} for slot in dict.fromkeys(asked) if slot not in there]
    changed = [each.slot.pk for each in found if not each.why_not]
    return {"id": None, "undo_until": None, "changed": changed, "unchanged": left}


class TaskChangeUndo(Operation):
    @promises(
        "undo_task_change",
        **REVIEW,
        body=Body(bodies.Nothing, {"nothing to say": {}}, required=False),
        answers={200: Answer("What is as it was.", task_answers.TaskChangeUndone, task_examples.UNDONE)},
        problems=("change_stands",),
    )
    def post(self, request: Request, slug: str, change_id: UUID) -> HttpResponse:
        """Undo a change of tasks.

        For half an hour, and once. Every task goes back as it was, its lease included, unless somebody has acted on it
        since.
        """
        person = person_of(request)
        change = changes.change_for(pipeline=pipeline_for(person, slug, MOVERS), change_id=change_id)

        def undo(body: Any) -> Reply:
            read_as(bodies.Nothing, body)
            rows = changes.undo_change(by=person, change=change)
            restored = [row.slot_id for row in rows if not row.kept_because]
            left = [{"slot": row.slot_id, "why": row.kept_because} for row in rows if row.kept_because]
            return Reply(200, {"restored": restored, "unchanged": left})

        return self.write(undo)
