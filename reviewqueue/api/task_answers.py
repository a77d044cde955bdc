"""The answers about open tasks and changes of them as types, like those of `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from reviewqueue.api.answers import Id, Instant

State = Literal["free", "held", "kept", "seniors", "soon"]
WhyNot = Literal[
    "done",
    "not_held",
    "same",
    "in_their_hands",
    "for_seniors",
    "labelled",
    "no_skill",
    "passed",
    "same_task",
    "not_found",
]
KeptBecause = Literal["answered", "taken", "given_back", "moved", "hands_full"]
Slot = Annotated[int, Meta(ge=1, description="Names one answer that is still needed; for changes.")]


class OpenTask(Struct, frozen=True, kw_only=True):
    """One answer that is still needed. No more than a reviewer may know before they answer."""

    slot: Slot
    purpose: Annotated[str, Meta(description="What is judged blind is always called `review`.")]
    category: str | None
    due_at: Instant
    hours: Annotated[int, Meta(description="Priority: it comes as if it were due so much earlier.")]
    opened_at: Instant
    answer: Annotated[int, Meta(ge=1, description="Of the answers the task needs, the how manieth.")]
    answers_needed: Annotated[int, Meta(ge=1)]
    for_seniors: bool
    skills: Annotated[list[str], Meta(description="What it asks of its reviewer.")]
    state: Annotated[State, Meta(description="`soon`: free in a moment.")]
    person: Annotated[str | None, Meta(description="Who holds it, or for whom it is kept.")]
    until: Annotated[Instant | None, Meta(description="Until when they do.")]


class OpenTaskPage(Struct, frozen=True, kw_only=True):
    results: list[OpenTask]
    next: str | None


class Unchanged(Struct, frozen=True, kw_only=True):
    slot: Slot
    why: WhyNot


class TaskChanged(Struct, frozen=True, kw_only=True):
    """`id` is null when nothing was changed, or was not to be yet."""

    id: Id | None
    undo_until: Instant | None
    changed: Annotated[list[Slot], Meta(description="With `preview`, what would change.")]
    unchanged: list[Unchanged]


class NotRestored(Struct, frozen=True, kw_only=True):
    slot: Slot
    why: KeptBecause


class TaskChangeUndone(Struct, frozen=True, kw_only=True):
    restored: list[Slot]
    unchanged: list[NotRestored]


class PersonSkills(Struct, frozen=True, kw_only=True):
    person: Annotated[str, Meta(description="A username.")]
    skills: Annotated[list[str], Meta(description="Of those that the pipeline asks for.")]


class QueueRules(Struct, frozen=True, kw_only=True):
    rules: Annotated[dict[str, Any], Meta(description="`working_time`, `due` and `skills`; each may be missing.")]
    revision: Annotated[str, Meta(description="Names this state of the settings.")]
    people: list[PersonSkills]
