"""Which free slot a person gets next: one statement that finds it and marks it taken.

Lock order: who writes about a claim's slots, leases and labels holds the claim's row first (`claims.lock_claim`). This
statement alone starts from the slot, so it waits for neither lock: it skips what somebody else is working on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import WORKING_ROLES, roles_of
from reviewqueue.review.models import Purpose, ReviewerPause

EXPIRIES_BEFORE_SENIORS: Final = 5
RESERVED_SECONDS: Final = 90

# What a blind task is called: audit, gold and held claims must look the same before they are answered.
SHOWN_WHEN_BLIND: Final = Purpose.REVIEW
ASKABLE_PURPOSES: Final = (
    Purpose.REVIEW,
    Purpose.FLAGGED,
    Purpose.ESCALATION,
    Purpose.ADJUDICATION,
    Purpose.RELABEL,
)

# Which slots may be given away: whose lease or reservation is over; or the one that is kept for this very person.
_FREE = "slot.free_at <= statement_timestamp()"
_FOR_ME = f"{_FREE} AND slot.for_reviewer_id = %(me)s AND slot.for_until > statement_timestamp()"
_KEPT = """slot.id = (SELECT kept.slot_id FROM review_reservation AS kept WHERE kept.reviewer_id = %(me)s)
           AND (slot.free_at <= statement_timestamp()
                OR slot.free_at = (SELECT kept.expires_at FROM review_reservation AS kept
                                    WHERE kept.reviewer_id = %(me)s))"""
_CANDIDATES = """
        SELECT slot.id, task.claim_id, task.lease_seconds
          FROM review_reviewslot AS slot
          JOIN review_reviewtask AS task ON task.id = slot.task_id
          JOIN claims_claim AS claim ON claim.id = task.claim_id
         WHERE NOT slot.done
           AND slot.free_at <= statement_timestamp()
           AND (slot.for_until IS NULL OR slot.for_until <= statement_timestamp() OR slot.for_reviewer_id = %(me)s)
           -- A gold task is meant for one person, whatever became of their lease.
           AND (slot.purpose <> 'gold'
                OR EXISTS (SELECT FROM review_golddraw AS drawn
                            WHERE drawn.task_id = slot.task_id AND drawn.reviewer_id = %(me)s))
           AND slot.pipeline_id = ANY(%(pipelines)s)
           AND (%(any_skill)s OR slot.needs <@ (SELECT COALESCE(array_agg(mine.name), '{}')
                                                  FROM pipelines_skill AS mine WHERE mine.user_id = %(me)s))
           AND (slot.pipeline_id = ANY(%(senior_in)s)
                OR NOT slot.seniors_only
                   -- The lease that expires with this take may be the last that anybody but a senior could have.
                   AND (slot.expiries < %(last_expiry)s
                        OR NOT EXISTS (SELECT FROM review_lease AS expired
                                        WHERE expired.slot_id = slot.id AND expired.ended_at IS NULL)))
           AND (%(purpose)s::text IS NULL
                OR CASE WHEN task.blind = 'none' THEN slot.purpose ELSE %(shown_when_blind)s END = %(purpose)s)
           AND (%(category)s::text IS NULL OR claim.category = %(category)s)
           -- Follows from the line on purposes, and keeps other purposes out before their tasks are looked up.
           AND (%(purpose)s::text IS NULL OR %(purpose)s = %(shown_when_blind)s OR slot.purpose = %(purpose)s)
           AND NOT EXISTS (SELECT FROM review_lease AS mine
                            WHERE mine.task_id = slot.task_id AND mine.reviewer_id = %(me)s AND mine.ended_at IS NULL)
           AND NOT EXISTS (SELECT FROM review_skip AS mine
                            WHERE mine.task_id = slot.task_id AND mine.reviewer_id = %(me)s)
           -- Nobody is asked twice, and nobody decides about a label of their own.
           AND NOT EXISTS (SELECT FROM review_label AS mine
                            WHERE mine.claim_id = task.claim_id AND mine.reviewer_id = %(me)s
                              AND (mine.task_id = task.id
                                   OR slot.purpose IN ('escalation', 'adjudication', 'relabel')))
"""
_FIRST = "".join(
    (
        "WITH picked AS MATERIALIZED (",
        _CANDIDATES,
        """
         ORDER BY slot.turn, slot.id
         LIMIT 1
           FOR UPDATE OF slot SKIP LOCKED
           FOR NO KEY UPDATE OF claim SKIP LOCKED)
    UPDATE review_reviewslot AS slot""",
    )
)
_PICK = "".join(
    (
        _FIRST,
        """
       SET lease_no = slot.lease_no + 1,
           free_at = statement_timestamp() + picked.lease_seconds * interval '1 second'
      FROM picked
     WHERE slot.id = picked.id
    RETURNING slot.id, slot.task_id, picked.claim_id, slot.pipeline_id, slot.lease_no,
              statement_timestamp(), slot.free_at""",
    )
)
_PICK_RESERVED = _PICK.replace(_FREE, _KEPT)
_PICK_FLAGGED = _PICK.replace(_FREE, f"{_FREE} AND slot.id = %(slot)s AND slot.purpose = 'flagged'")
_RESERVE = "".join(
    (
        _FIRST,
        f"""
       SET free_at = statement_timestamp() + interval '{RESERVED_SECONDS} seconds'
      FROM picked
     WHERE slot.id = picked.id
    RETURNING slot.id, slot.free_at""",
    )
)
_IS_ANY_FOR_ME = "".join(("SELECT TRUE FROM review_reviewslot AS slot WHERE NOT slot.done AND ", _FOR_ME, " LIMIT 1"))
_IS_ANY_FREE = "".join(("SELECT EXISTS (", _CANDIDATES, ")"))


@dataclass(frozen=True, slots=True)
class Work:
    """What a person may be given: the pipelines they work in, and those in which they are senior."""

    reviewer_id: int
    pipelines: tuple[int, ...]
    senior_in: tuple[int, ...]
    purpose: str | None = None
    category: str | None = None
    any_skill: bool = False  # as if this person had every skill


@dataclass(frozen=True, slots=True)
class Picked:
    """A slot that is taken now, its claim locked."""

    slot_id: int
    task_id: UUID
    claim_id: UUID
    pipeline_id: int
    lease_no: int
    granted_at: datetime
    expires_at: datetime


def work_for(
    user: User, *, pipeline: Pipeline | None = None, purpose: str | None = None, category: str | None = None
) -> Work:
    """Raises Invalid for a purpose that cannot be asked for: asking for audits would tell them from other claims."""
    if purpose is not None and purpose not in ASKABLE_PURPOSES:
        known = ", ".join(ASKABLE_PURPOSES)
        raise Invalid([FieldProblem("/purpose", "choice", f"The purpose is one of: {known}.")])
    paused = paused_in(user)
    mine = [
        (role, where)
        for role, where in roles_of(user)
        if role in WORKING_ROLES
        and where is not None
        and where not in paused
        and (pipeline is None or where == pipeline.pk)
    ]
    return Work(
        reviewer_id=user.pk,
        pipelines=tuple(sorted({where for _, where in mine})),
        senior_in=tuple(sorted(where for role, where in mine if role == Role.SENIOR)),
        purpose=purpose,
        category=category,
    )


def paused_in(user: User) -> set[int]:
    """Where this person gets no tasks for now. One look at an index."""
    return set(ReviewerPause.objects.filter(reviewer=user, ended_at__isnull=True).values_list("pipeline_id", flat=True))


def pick(work: Work) -> Picked | None:
    """Joins the caller's transaction, in which the slot's claim stays locked."""
    row = _next_row(_PICK, work)
    return Picked(*row) if row else None


def pick_reserved(work: Work) -> Picked | None:
    """What this person has reserved, if they may still have it. Joins the caller's transaction, like `pick`.

    A reservation that is over still counts as long as nobody else was given the slot, or reserved it.
    """
    row = _first_row(_PICK_RESERVED, work)
    return Picked(*row) if row else None


def pick_flagged(work: Work, slot_id: int) -> Picked | None:
    """This slot of a flagged claim, if it is free and this person may have it. Joins the transaction, like `pick`."""
    row = _first_row(_PICK_FLAGGED, work, slot=slot_id)
    return Picked(*row) if row else None


def reserve_next(work: Work) -> tuple[int, datetime] | None:
    """Keeps the slot that `pick` would give out from everybody else: its id, and until when. Joins the transaction."""
    return _next_row(_RESERVE, work)


def is_any_free(work: Work) -> bool:
    """Whether `pick` would find something if nobody else were working on it at this very moment."""
    row = _first_row(_IS_ANY_FREE, work)
    return bool(row and row[0])


def _next_row(statement: str, work: Work) -> tuple[Any, ...] | None:
    """What is kept for this very person comes before the queue's order, or they might never get to it."""
    mine = _first_row(_IS_ANY_FOR_ME, work) and _first_row(statement.replace(_FREE, _FOR_ME), work)
    return mine or _first_row(statement, work)


def _first_row(statement: str, work: Work, **more: int) -> tuple[Any, ...] | None:
    values: dict[str, Any] = {
        **more,
        "me": work.reviewer_id,
        "pipelines": list(work.pipelines),
        "senior_in": list(work.senior_in),
        "purpose": work.purpose,
        "category": work.category,
        "any_skill": work.any_skill,
        "shown_when_blind": SHOWN_WHEN_BLIND.value,
        "last_expiry": EXPIRIES_BEFORE_SENIORS - 1,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return row
