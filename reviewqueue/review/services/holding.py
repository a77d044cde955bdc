"""What a reviewer holds, looked at under the lock of its claim: the ground on which leases and labels are written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.review import selectors
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import Lease, LeaseEnd
from reviewqueue.transactions import joins_transaction


class LeaseLost(Conflict):
    """The slot is no longer this lease's. `facts["label"]` is the answer that stands, where the reviewer may see it."""

    code = "lease_lost"


@dataclass(frozen=True, slots=True)
class Held:
    """A lease as it is while its claim is locked, at the database's `now`."""

    lease: Lease
    claim: Claim
    now: datetime

    @property
    def expired(self) -> bool:
        return self.lease.expires_at <= self.now

    @property
    def lost(self) -> bool:
        return self.lease.is_lost

    @property
    def unkeepable(self) -> bool:
        """Lost, or ended by a senior: no page that happens to be open may take it back."""
        return self.lost or self.lease.end_reason == LeaseEnd.FORCED


def hold(*, reviewer: User, lease_id: UUID) -> Held:
    """Locks the claim of this person's lease. Joins the caller's transaction. Raises NotFound."""
    joins_transaction()
    claim = claims.lock_claim(selectors.claim_of_lease(reviewer, lease_id))
    # Only now: what was read before the lock may have changed while this waited for it.
    return Held(selectors.lease_for(reviewer, lease_id), claim, database_now())


def lease_lost(held: Held) -> LeaseLost:
    if not held.lost:
        detail = "A senior put this task back. Your answer still counts as long as nobody else takes it."
        return LeaseLost(detail, label=None)
    return LeaseLost(
        "This task was answered, put back or given to somebody else. Nothing was changed.",
        label=selectors.standing_answer(held.lease),
    )


def actor_of(reviewer: User, pipeline_id: int) -> Actor:
    """The reviewer as the ledger names people: a pseudonym, and the role they act in."""
    is_senior = has_role(reviewer, [Role.SENIOR], pipeline_id=pipeline_id)
    return Actor.user(reviewer.pseudonym, role=(Role.SENIOR if is_senior else Role.REVIEWER).value)


def record(held: Held, reviewer: User, event: str, /, **fields: object) -> None:
    """Writes a ledger entry about the lease itself."""
    lease = held.lease
    ledger.append(
        event=event,
        actor=actor_of(reviewer, lease.task.pipeline_id),
        claim=held.claim.pk,
        lease=lease.pk,
        task=lease.task_id,
        lease_no=lease.lease_no,
        **fields,
    )


def end_lease(lease: Lease, reason: LeaseEnd, now: datetime) -> None:
    """Joins the caller's transaction, which holds the claim."""
    lease.ended_at, lease.end_reason = now, reason
    changed = ["ended_at", "end_reason"]
    if reason == LeaseEnd.LABELLED:
        lease.draft = {}  # what was drafted is the label now; in every other case it is kept
        changed.append("words")
    lease.save(update_fields=changed)
