"""How often a caller may come: a token bucket per subject, exact whatever the number of processes.

A bucket holds one window's quota and is refilled evenly. It is one row, read and spent in one statement that is its own
transaction, so nobody waits for another request's work and a refused request has spent nothing. The database's clock
alone counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.db.models.functions import Now

from reviewqueue.accounts.models import Bucket


@dataclass(frozen=True, slots=True)
class Quota:
    """`requests` in every `seconds`. Both are at least 1."""

    name: str
    requests: int
    seconds: int = 60

    @property
    def share(self) -> timedelta:
        """The time in which one request grows back."""
        return timedelta(microseconds=max(1, self.seconds * 1_000_000 // self.requests))


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a quota. `full_in` is when it is whole again, `retry_in` when one more request is let through."""

    quota: Quota
    allowed: bool
    remaining: int
    full_in: float
    retry_in: float


_SPEND: Final = """
WITH spent AS (
    INSERT INTO accounts_bucket AS bucket (subject, full_at)
    VALUES (%(subject)s, clock_timestamp() + %(share)s)
    ON CONFLICT (subject) DO UPDATE SET full_at = greatest(bucket.full_at, clock_timestamp()) + %(share)s
        WHERE greatest(bucket.full_at, clock_timestamp()) + %(share)s <= clock_timestamp() + %(whole)s
    RETURNING full_at
)
SELECT true, full_at - clock_timestamp() FROM spent
UNION ALL
SELECT false, full_at - clock_timestamp() FROM accounts_bucket
WHERE subject = %(subject)s AND NOT EXISTS (SELECT FROM spent)
"""


def spend(*, subject: str, quota: Quota) -> Allowance:
    """Takes one request off the subject's quota, if there is one left."""
    whole = quota.share * quota.requests
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"subject": subject, "share": quota.share, "whole": whole}
        cursor.execute(_SPEND, values)
        # No row: the bucket was filled and emptied by others while this statement looked.
        allowed, missing = cursor.fetchone() or (False, whole)
    return Allowance(
        quota=quota,
        allowed=allowed,
        remaining=max(0, (whole - missing) // quota.share) if allowed else 0,
        full_in=max(0.0, missing.total_seconds()),
        retry_in=max(0.0, (missing + quota.share - whole).total_seconds()),
    )


def forget_full_buckets() -> int:
    """Without effect on anybody: a bucket that is full again is as good as none."""
    return Bucket.objects.filter(full_at__lt=Now()).delete()[0]
