"""Gold tasks: what is one, who is given one, and whether the answer was right.

A gold task takes the place of the task that somebody would have got: it is due when that one is, as blind as that one,
and its ids are of that time. Nothing that its reviewer is sent tells the two apart.
"""

from __future__ import annotations

import dataclasses
import hmac
import secrets
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim, new_id
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.review_form import own_answer_agrees, parse_form
from reviewqueue.pipelines.selectors import skills_of
from reviewqueue.review.gold import USUAL_RATE, GoldDraw, GoldItem
from reviewqueue.review.models import Blind, Label, Purpose, ReviewSlot, ReviewTask
from reviewqueue.review.picking import Picked
from reviewqueue.review.services import tasks
from reviewqueue.transactions import joins_transaction

FOR_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)

# The item for this person in place of this slot: first the onboarding ones of somebody new, else when the draw says so.
_ITEM: Final = """
    SELECT item.id
      FROM review_reviewslot AS slot
      JOIN review_golditem AS item ON item.pipeline_id = slot.pipeline_id AND item.retired_at IS NULL
      JOIN claims_claim AS known ON known.id = item.claim_id
      JOIN review_reviewtask AS task ON task.id = slot.task_id
      LEFT JOIN review_goldterms AS terms ON terms.pipeline_id = slot.pipeline_id
     WHERE slot.id = %(slot)s
       AND slot.purpose IN ('review', 'audit', 'relabel') AND slot.for_reviewer_id IS NULL
       AND COALESCE(terms.rate, %(usual)s) > 0
       AND (%(number)s < COALESCE(terms.rate, %(usual)s)
            OR item.onboarding
               AND NOT EXISTS (SELECT FROM review_label AS before
                                 JOIN review_reviewtask AS worked ON worked.id = before.task_id
                                WHERE before.reviewer_id = %(me)s AND worked.pipeline_id = slot.pipeline_id
                                  AND worked.purpose <> 'gold' AND before.created_at < item.added_at))
       AND item.claim_id <> task.claim_id
       AND (%(category)s::text IS NULL OR known.category = %(category)s)
       AND NOT EXISTS (SELECT FROM review_golddraw AS had WHERE had.item_id = item.id AND had.reviewer_id = %(me)s)
       AND NOT EXISTS (SELECT FROM review_label AS knows
                        WHERE knows.claim_id = item.claim_id AND knows.reviewer_id = %(me)s)
     ORDER BY item.onboarding DESC, md5(item.id::text || %(seed)s)
     LIMIT 1"""


def draw_number(lease_id: UUID) -> float:
    """A number in [0, 1) for a lease that its holder cannot foresee, and that whoever holds the secret can work out."""
    digest = hmac.digest(settings.SAMPLING_SECRET.encode(), b"reviewqueue gold 1\0" + lease_id.bytes, "sha256")
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def in_place_of(picked: Picked, *, reviewer: User, lease_id: UUID, category: str | None = None) -> Picked:
    """A gold task instead of what was picked, when the draw says so; the picked slot is then free as before.

    Who works on one category gets gold of that one, and nobody gets what they lack the skills for.

    Joins the caller's transaction.
    """
    slot = _drawn(picked.slot_id, reviewer, lease_id, category, free_at=picked.expires_at, lease_no=1)
    if slot is None:
        return picked
    ReviewSlot.objects.filter(pk=picked.slot_id).update(free_at=Now(), lease_no=picked.lease_no - 1)
    return dataclasses.replace(picked, slot_id=slot.pk, task_id=slot.task_id, claim_id=slot.task.claim_id, lease_no=1)


def reserved_in_place_of(
    slot_id: int, *, reviewer: User, lease_id: UUID, expires_at: datetime, category: str | None = None
) -> int:
    """The slot to reserve: this one, or that of a gold task instead. Joins the caller's transaction."""
    slot = _drawn(slot_id, reviewer, lease_id, category, free_at=expires_at, lease_no=0)
    if slot is None:
        return slot_id
    ReviewSlot.objects.filter(pk=slot_id).update(free_at=Now())
    return slot.pk


def _drawn(
    slot_id: int, reviewer: User, lease_id: UUID, category: str | None, *, free_at: datetime, lease_no: int
) -> ReviewSlot | None:
    joins_transaction()
    item = _item(slot_id, reviewer, lease_id, category)
    if item is None:
        return None
    # Never waited for: whoever waits for one claim while holding another could wait for ever.
    claim = Claim.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=item.claim_id).first()
    if claim is None or not _has_skills_for(claim, reviewer):
        return None
    place = ReviewSlot.objects.select_related("task").get(pk=slot_id)
    task = tasks.open_gold(claim, like=place.task, task_id=_of_the_same_time(place.task_id))
    GoldDraw.objects.create(
        item=item,
        task=task,
        pipeline_id=item.pipeline_id,
        reviewer=reviewer,
        shown_claim_id=_of_the_same_time(place.task.claim_id),
    )
    slot = ReviewSlot.objects.select_related("task").get(task=task)
    slot.for_reviewer, slot.for_until, slot.priority = reviewer, FOR_EVER, place.priority
    slot.free_at, slot.lease_no = free_at, lease_no
    slot.save(update_fields=["for_reviewer", "for_until", "priority", "free_at", "lease_no"])
    return slot


def _has_skills_for(claim: Claim, reviewer: User) -> bool:
    needed = tasks.skills_for(claim)
    return not needed or set(needed) <= skills_of(reviewer)


def _item(slot_id: int, reviewer: User, lease_id: UUID, category: str | None) -> GoldItem | None:
    values: dict[str, Any] = {
        "slot": slot_id,
        "me": reviewer.pk,
        "number": draw_number(lease_id),
        "usual": USUAL_RATE,
        "seed": lease_id.hex,
        "category": category,
    }
    with connection.cursor() as cursor:
        cursor.execute(_ITEM, values)
        row = cursor.fetchone()
    return GoldItem.objects.get(pk=row[0]) if row else None


def _of_the_same_time(other: UUID) -> UUID:
    """A new id that was made, to all appearances, within the same second: ids begin with their milliseconds."""
    milliseconds = (other.int >> 80) - secrets.randbelow(900) - 1
    return UUID(int=milliseconds << 80 | new_id().int & ((1 << 80) - 1))


# --- answers --------------------------------------------------------------------------------------------------------


def score(*, label: Label, actor: Actor) -> None:
    """Compares the standing answer of a gold task with what is known. Joins the caller's transaction."""
    draw = GoldDraw.objects.select_related("item").filter(task=label.task_id, reviewer=label.reviewer_id).first()
    if draw is None:
        return
    draw.right = is_right(draw.item, label)
    draw.answered_at = draw.answered_at or label.created_at
    draw.save(update_fields=["right", "answered_at"])
    ledger.append(
        event="gold.answered",
        actor=actor,
        claim=label.claim_id,
        item=draw.item_id,
        task=label.task_id,
        label=label.pk,
        right=draw.right,
    )


def is_right(item: GoldItem, label: Label) -> bool | None:
    """Whether a label says what is known. None when its reviewer could not judge.

    Where the output is wrong, an answer of their own (blind degree `answer`) must be the right one, if that is known.
    """
    if label.verdict == "cannot_judge":
        return None
    if (label.verdict == "correct") != item.correct:
        return False
    if item.correct or item.output is None or label.blind != Blind.ANSWER:
        return True
    return own_answer_agrees(parse_form(label.task.form.document), label.output, item.output)


def ends_with_its_lease(task: ReviewTask, *, actor: Actor, now: datetime) -> None:
    """A gold task that its reviewer gave away is nobody's: it was meant for them. Joins the caller's transaction."""
    if task.purpose == Purpose.GOLD:
        tasks.close_task(task=task, actor=actor, now=now)
