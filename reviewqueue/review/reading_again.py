"""A lease that is over still opens what it was about; that is a reading like any other."""

from __future__ import annotations

from reviewqueue.review.models import Lease
from reviewqueue.viewing.services import record_views


def record_past_lease(lease: Lease) -> None:
    """Nothing while the lease lasts, nor for the task that is kept for somebody as their next."""
    if not lease._state.adding and lease.is_lost:
        record_views(viewer=lease.reviewer, claims=[lease.task.claim], purpose="past_lease")
