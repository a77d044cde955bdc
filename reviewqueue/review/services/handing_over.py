"""Giving a task in hand to a colleague."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import WORKING_ROLES, people_of, skills_of
from reviewqueue.review.answers import text_problems
from reviewqueue.review.comments import masked_comment
from reviewqueue.review.models import HandOver, Label, Lease, LeaseEnd, ReviewSlot, Skip
from reviewqueue.review.resolution import BY_SENIORS
from reviewqueue.review.services import gold
from reviewqueue.review.services.holding import Held, end_lease, hold, lease_lost, record
from reviewqueue.review.services.tasks import SYSTEM
from reviewqueue.transactions import service

KEPT: Final = timedelta(hours=24)


@service
def hand_over(*, reviewer: User, lease_id: UUID, to: str, note: str = "") -> None:
    """Ends the lease and keeps the slot for the person with the username `to`, for a day; then it is anybody's again.

    Doing so twice is once.

    Raises:
        Invalid: nobody of that name reviews here, or that person may not have this task; a note that cannot be stored.
        LeaseLost: the slot was answered, given back or taken over.
    """
    problems = list(text_problems("/note", note))
    if problems:
        raise Invalid(problems)
    held = hold(reviewer=reviewer, lease_id=lease_id)
    if HandOver.objects.filter(lease=held.lease, to__username=to).exists():
        return
    if held.unkeepable:
        raise lease_lost(held)
    person = _colleague(held, reviewer, to)
    until = held.now + KEPT
    note = masked_comment(note, held.claim.pipeline_id)
    commitment = claims.payload_commitment(bytes(held.claim.payload.salt), {"lease": str(held.lease.pk), "note": note})
    record(
        held,
        reviewer,
        "lease.handed_over",
        reviewer=person.pseudonym,
        until_us=microseconds(until),
        note_commitment=commitment,
    )
    over = HandOver(lease=held.lease, slot=held.lease.slot, to=person, created_at=held.now)
    over.note = note
    over.save(force_insert=True)
    end_lease(held.lease, LeaseEnd.HANDED, held.now)
    ReviewSlot.objects.filter(pk=held.lease.slot_id).update(free_at=Now(), for_reviewer=person, for_until=until)
    gold.ends_with_its_lease(held.lease.task, actor=SYSTEM, now=held.now)


def _colleague(held: Held, reviewer: User, username: str) -> User:
    """Whom `take` would give this slot. Raises Invalid for anybody else."""
    task, slot = held.lease.task, held.lease.slot
    for_seniors = slot.seniors_only or task.purpose in BY_SENIORS
    person = people_of(task.pipeline, {Role.SENIOR} if for_seniors else WORKING_ROLES).filter(username=username).first()
    refusal = None
    if person is None:
        refusal = "Nobody of that name is a senior here." if for_seniors else "Nobody of that name reviews here."
    elif person == reviewer:
        refusal = "You have it already."
    elif not skills_of(person).issuperset(slot.needs):
        refusal = "This person lacks a skill that the task asks for."
    elif Label.objects.filter(claim=held.claim, reviewer=person).exists():
        refusal = "This person has given an answer about this claim."
    elif Skip.objects.filter(task=task, reviewer=person).exists():
        refusal = "This person has passed on the task."
    elif Lease.objects.filter(task=task, reviewer=person, ended_at__isnull=True).exists():
        refusal = "This person has the task already, for an answer of their own."
    if person is None or refusal:
        raise Invalid([FieldProblem("/to", "person", refusal or "")])
    return person
