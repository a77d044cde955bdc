"""Open tasks of claims about which a stricter decision was taken. These join their caller's transaction.

Whoever has a task in hand may finish it: their answer counts, and what is stricter is asked for beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Max, QuerySet

from reviewqueue.claims.models import Claim
from reviewqueue.review.models import FOR_ANYBODY, STILL_ANSWERABLE, Label, Lease, Purpose, ReviewSlot, ReviewTask
from reviewqueue.review.resolution import BY_SENIORS
from reviewqueue.review.services.tasks import needs_of
from reviewqueue.transactions import joins_transaction

TIGHTENED = (Purpose.REVIEW, Purpose.ESCALATION)


def open_reviews(claims: Collection[Claim]) -> dict[UUID, ReviewTask]:
    """The tasks that held claims wait for, by claim; without those that have gone on to an adjudication."""
    waiting = ReviewTask.objects.filter(claim__in=claims, purpose__in=TIGHTENED, closed_at=None)
    return {task.claim_id: task for task in waiting.order_by("created_at")}


@dataclass(frozen=True, slots=True)
class Tighter:
    """What an open task is to ask for from now on, where it does not do so yet."""

    task: ReviewTask
    for_seniors: bool
    labels_needed: int


def tighten(wanted: Sequence[Tighter], *, now: datetime) -> None:
    """Asks for seniors and for more labels. The claims are locked; a few statements for all that nobody has touched."""
    joins_transaction()
    for_seniors = [each.task for each in wanted if each.for_seniors and each.task.purpose not in BY_SENIORS]
    _give_to_seniors(for_seniors, now)
    for each in wanted:
        if each.labels_needed > each.task.labels_needed:
            _ask_for_labels(each.task, each.labels_needed, now)


def _give_to_seniors(given: Sequence[ReviewTask], now: datetime) -> None:
    """An untouched task becomes an escalation. One that somebody has worked on stays what it is, for its holder's sake,
    and a senior gives its next label: a free slot there is, or one more.
    """
    in_hand, labelled = _in_hand(given), _labelled(given)
    untouched = [task for task in given if task.pk not in in_hand and task.pk not in labelled]
    ReviewSlot.objects.filter(task__in=given, done=False).update(seniors_only=True, **FOR_ANYBODY)
    ReviewSlot.objects.filter(task__in=untouched, done=False).update(purpose=Purpose.ESCALATION)
    ReviewTask.objects.filter(pk__in=[task.pk for task in untouched]).update(purpose=Purpose.ESCALATION)
    for task in untouched:
        task.purpose = Purpose.ESCALATION
    for task in given:
        held = in_hand.get(task.pk, ())
        if task not in untouched and not _waiting(task).exclude(pk__in=held).exists():
            _add_slots(task, 1, now)
            _need_labels(task, task.labels_needed + 1)


def _in_hand(tasks: Sequence[ReviewTask]) -> dict[UUID, list[int]]:
    """By task, the slots whose last holder may still answer, also when the hold ran out."""
    leases = Lease.objects.filter(task__in=tasks, lease_no=F("slot__lease_no"), slot__done=False)
    held: dict[UUID, list[int]] = {}
    for task_id, slot_id in leases.filter(end_reason__in=STILL_ANSWERABLE).values_list("task_id", "slot_id"):
        held.setdefault(task_id, []).append(slot_id)
    return held


def _labelled(tasks: Sequence[ReviewTask]) -> set[UUID]:
    return set(Label.objects.filter(task__in=tasks).values_list("task_id", flat=True))


def _waiting(task: ReviewTask) -> QuerySet[ReviewSlot]:
    return ReviewSlot.objects.filter(task=task, done=False)


def _ask_for_labels(task: ReviewTask, labels_needed: int, now: datetime) -> None:
    missing = labels_needed - ReviewSlot.objects.filter(task=task).count()
    if missing > 0:
        _add_slots(task, missing, now)
    _need_labels(task, labels_needed)


def _need_labels(task: ReviewTask, labels_needed: int) -> None:
    task.labels_needed = labels_needed
    task.save(update_fields=["labels_needed"])


def _add_slots(task: ReviewTask, count: int, now: datetime) -> None:
    slots = ReviewSlot.objects.filter(task=task)
    last = slots.aggregate(last=Max("number"))["last"] or 0
    seniors_only = task.purpose in BY_SENIORS or slots.filter(seniors_only=True).exists()
    needs = needs_of(task)
    ReviewSlot.objects.bulk_create(
        ReviewSlot(
            task=task,
            pipeline_id=task.pipeline_id,
            purpose=task.purpose,
            number=last + place,
            seniors_only=seniors_only,
            due_at=task.due_at,
            free_at=now,
            needs=needs,
        )
        for place in range(1, count + 1)
    )
