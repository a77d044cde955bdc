"""The open tasks of a pipeline as a list, for those who look after it.

Seniors review too, so the list shows no more than a reviewer may know before they answer: an audit sample, a task with
a known answer and a held claim that is judged blind are all called a review, and no row says which claim it is about.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.changing import live_leases_of
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import Blind, Lease, Purpose, ReviewSlot
from reviewqueue.review.picking import SHOWN_WHEN_BLIND
from reviewqueue.review.showing import shown_purpose

STATES: Final = ("free", "held", "kept", "seniors")
Position = tuple[datetime, int]


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks: None and "" ask for nothing. `due_within` and `older_than` are in hours; 0 due is overdue."""

    purpose: str = ""
    category: str = ""
    state: str = ""
    holder: str = ""
    due_within: int | None = None
    older_than: int | None = None


@dataclass(frozen=True, slots=True)
class TaskRow:
    """One label that is still needed, and who has it: `holder` holds it, or it is kept for `holder`, until `until`."""

    slot: ReviewSlot
    purpose: str
    category: str
    state: str
    holder: User | None = None
    until: datetime | None = None

    @property
    def position(self) -> Position:
        return self.slot.turn, self.slot.pk


def tasks_page(pipeline: Pipeline, wanted: TaskFilter, *, after: Position | None, limit: int) -> list[TaskRow]:
    """Up to `limit` rows in queue order, after that position. Four queries, whatever waits.

    What is open to everybody and what is for seniors come from two walks of one index, merged.
    """
    walks = [_found(pipeline, wanted, seniors_only, after)[:limit] for seniors_only in _openness(wanted)]
    merged = heapq.merge(*walks, key=lambda slot: (slot.turn, slot.pk))
    slots = [slot for slot, _ in zip(merged, range(limit), strict=False)]
    return list(_rows(slots))


def _openness(wanted: TaskFilter) -> tuple[bool, ...]:
    return (True,) if wanted.state == "seniors" else (False, True)


def _found(
    pipeline: Pipeline, wanted: TaskFilter, seniors_only: bool, after: Position | None
) -> QuerySet[ReviewSlot, ReviewSlot]:
    slots = ReviewSlot.objects.filter(pipeline=pipeline, seniors_only=seniors_only, done=False)
    for condition in _conditions(wanted):
        slots = slots.filter(condition)
    if after:
        turn, last = after
        slots = slots.filter(Q(turn__gt=turn) | Q(turn=turn, pk__gt=last), turn__gte=turn)
    return slots.select_related("task__claim", "for_reviewer").order_by("turn", "pk")


def _conditions(wanted: TaskFilter) -> Iterator[Q | Exists]:
    if wanted.purpose == SHOWN_WHEN_BLIND:
        yield Q(purpose=wanted.purpose) | ~Q(task__blind=Blind.NONE)
    elif wanted.purpose:
        yield Q(purpose=wanted.purpose, task__blind=Blind.NONE)
    if wanted.category:
        yield Q(task__claim__category=wanted.category)
    if wanted.due_within is not None:
        yield Q(due_at__lte=database_now() + timedelta(hours=wanted.due_within))
    if wanted.older_than is not None:
        yield Q(task__created_at__lte=database_now() - timedelta(hours=wanted.older_than))
    yield from _state_conditions(wanted)


def _state_conditions(wanted: TaskFilter) -> Iterator[Q | Exists]:
    live = Lease.objects.filter(slot=OuterRef("pk"), ended_at__isnull=True, expires_at__gt=Now())
    # A gold task is meant for one person and must not show it; left out, it would tell its holder what they hold.
    kept = Q(for_until__isnull=False, for_until__gt=Now()) & ~Q(purpose=Purpose.GOLD)
    if wanted.holder:
        theirs = live.filter(reviewer__username=wanted.holder)
        yield Q(Exists(theirs)) | kept & Q(for_reviewer__username=wanted.holder)
    if wanted.state == "free":
        yield Q(free_at__lte=Now()) & ~kept
    elif wanted.state == "held":
        yield Exists(live)
    elif wanted.state == "kept":
        yield kept & ~Q(Exists(live))


def _rows(slots: list[ReviewSlot]) -> Iterator[TaskRow]:
    now, in_hand = database_now(), live_leases_of(slots)
    for slot in slots:
        told: dict[str, Any] = {"slot": slot, "purpose": shown_purpose(slot.task), "category": slot.task.claim.category}
        lease = in_hand.get(slot.pk)
        if lease:
            yield TaskRow(**told, state="held", holder=lease.reviewer, until=lease.expires_at)
        elif slot.for_until and slot.for_until > now and slot.purpose != Purpose.GOLD:
            yield TaskRow(**told, state="kept", holder=slot.for_reviewer, until=slot.for_until)
        elif slot.free_at > now:
            yield TaskRow(**told, state="soon", until=slot.free_at)
        else:
            yield TaskRow(**told, state="seniors" if slot.seniors_only else "free")


def rows_of(slots: Iterable[ReviewSlot]) -> list[TaskRow]:
    """The rows of slots that come with their tasks and claims, in their order."""
    return list(_rows(list(slots)))
