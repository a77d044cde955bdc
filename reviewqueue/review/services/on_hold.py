"""Keeping a task for later: a lease that lasts until a time its holder names, and still takes one of their hands."""

from __future__ import annotations

from datetime import timedelta
from typing import Final
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger.times import microseconds
from reviewqueue.review.models import Lease
from reviewqueue.review.services.holding import hold, lease_lost, record
from reviewqueue.review.services.leases import LeaseAtLimit, revive
from reviewqueue.transactions import service

LONGEST_HOLD: Final = timedelta(hours=24)
MOST_MINUTES: Final = int(LONGEST_HOLD.total_seconds()) // 60


@service
def put_on_hold(*, reviewer: User, lease_id: UUID, minutes: int) -> Lease:
    """Keeps the task for this person for `minutes` from now, 24 hours after it was granted at the longest.

    Nobody else gets it before. Afterwards it is like any lease that ran out. Holding again names another time, also
    an earlier one. A lease that ran out is held too, as long as nobody else was given the slot.

    Raises:
        Invalid: `minutes` is not a whole number from 1 to 1,440.
        LeaseLost: the slot is not this person's any more.
        LeaseAtLimit: 24 hours are over.
        TooManyLeases: the lease had ended, and five others are in this person's hands.
    """
    if not 1 <= minutes <= MOST_MINUTES:
        raise Invalid([FieldProblem("/minutes", "range", f"Minutes are a whole number from 1 to {MOST_MINUTES:,}.")])
    held = hold(reviewer=reviewer, lease_id=lease_id)
    lease = held.lease
    if held.unkeepable:
        raise lease_lost(held)
    limit = lease.granted_at + LONGEST_HOLD
    if held.now >= limit:
        raise LeaseAtLimit("A day is over. Submit your answer, or put the task back.")
    until = min(held.now + timedelta(minutes=minutes), limit)
    record(held, reviewer, "lease.held", expires_us=microseconds(until))
    if lease.ended_at is not None:
        revive(held, reviewer)
    lease.held_until = lease.expires_at = lease.slot.free_at = until
    lease.save(update_fields=["held_until", "expires_at"])
    lease.slot.save(update_fields=["free_at"])
    return lease
