"""The next task, kept for somebody a moment before they are done with the one in hand.

A reservation moves the slot's `free_at`, as a lease does, so whoever takes meanwhile passes it over at no cost. It is
never more than a hint: whether it turns into a lease is decided when its holder moves on.
"""

from __future__ import annotations

from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Reservation, ReviewSlot
from reviewqueue.review.picking import Picked, Work, pick_reserved, reserve_next, work_for
from reviewqueue.review.services import gold
from reviewqueue.transactions import joins_transaction, service


@service
def reserve(
    *, reviewer: User, pipeline: Pipeline | None = None, purpose: str | None = None, category: str | None = None
) -> Reservation | None:
    """Keeps the task that `take` would give this person next, in place of what they had reserved before.

    None when there is no such task at this moment.
    """
    let_go_within(reviewer=reviewer)
    work = work_for(reviewer, pipeline=pipeline, purpose=purpose, category=category)
    reserved = reserve_next(work) if work.pipelines else None
    if reserved is None:
        return None
    slot_id, expires_at = reserved
    try:
        with transaction.atomic():
            reservation = Reservation(reviewer=reviewer, expires_at=expires_at)
            reservation.slot_id = gold.reserved_in_place_of(
                slot_id, reviewer=reviewer, lease_id=reservation.pk, expires_at=expires_at, category=work.category
            )
            reservation.save(force_insert=True)
            return reservation
    except IntegrityError:  # the same person did the same in another window at this very moment
        ReviewSlot.objects.filter(pk=slot_id).update(free_at=Now())
        return None


@service
def let_go(*, reviewer: User, reservation_id: UUID) -> None:
    """Others may have the task again. A reservation that was used, replaced or never made is no error."""
    mine = Reservation.objects.select_for_update().filter(pk=reservation_id, reviewer=reviewer).first()
    if mine:
        _free(mine)


def let_go_within(*, reviewer: User) -> None:
    """Whatever this person has reserved. Joins the caller's transaction."""
    mine = lock(reviewer)
    if mine:
        _free(mine)


def _free(reservation: Reservation) -> None:
    """Not a slot that was given away since: its `free_at` is another one."""
    ReviewSlot.objects.filter(pk=reservation.slot_id, free_at=reservation.expires_at).update(free_at=Now())
    reservation.delete()


def lock(reviewer: User) -> Reservation | None:
    """What this person has reserved. Whoever needs the slot too locks this first. Joins the caller's transaction."""
    joins_transaction()
    return Reservation.objects.select_for_update().filter(reviewer=reviewer).first()


def use(reservation: Reservation, *, work: Work) -> Picked | None:
    """Takes the reserved slot for a lease of the reservation's id, if its holder may still have it.

    Joins the caller's transaction, which locked the reservation.
    """
    picked = pick_reserved(work)
    if picked:
        Reservation.objects.filter(pk=reservation.pk).delete()
    return picked
