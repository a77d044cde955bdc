"""Whoever stops working somewhere leaves nothing behind that nobody else may take."""

from __future__ import annotations

from django.db.models import Q

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import FOR_ANYBODY, Lease, ReviewSlot
from reviewqueue.review.services.reservations import let_go_within
from reviewqueue.transactions import joins_transaction


def let_run_out(*, reviewer: User, pipeline: Pipeline | None = None) -> None:
    """What this person has in hand, on hold or reserved, or what is kept for them, is for others from now on.

    The leases run out, as if their time was over: the sweep ends them on record, and drafts are kept. Joins the
    caller's transaction; waits for a reviewer who is writing.
    """
    joins_transaction()
    let_go_within(reviewer=reviewer)
    mine = Lease.objects.filter(reviewer=reviewer, ended_at__isnull=True)
    kept = ReviewSlot.objects.filter(for_reviewer=reviewer, done=False)
    if pipeline:
        mine, kept = mine.filter(slot__pipeline=pipeline), kept.filter(pipeline=pipeline)
    claims = Q(pk__in=mine.values("task__claim_id"))
    list(Claim.objects.select_for_update(no_key=True).filter(claims).order_by("pk").values_list("pk"))
    now = database_now()  # one time for both: whoever may have the slot must find the lease over
    leases = dict(mine.filter(expires_at__gt=now).values_list("pk", "slot_id"))
    ReviewSlot.objects.filter(pk__in=leases.values()).update(free_at=now)
    Lease.objects.filter(pk__in=leases).update(expires_at=now, held_until=None)
    kept.update(**FOR_ANYBODY)
