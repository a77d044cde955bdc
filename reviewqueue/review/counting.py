"""How much waits, without counting what nobody would: at most so many slots of a queue are looked at, the most urgent.

One index answers it (`slot_turn_in_pipeline`), so the cost does not grow with the queue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection

from reviewqueue.accounts.models import User
from reviewqueue.review.picking import SHOWN_WHEN_BLIND

COUNTED: Final = 1_000
"""Of the slots of a pipeline that are open to everybody, and of those for seniors. Beyond that it is "more than"."""

_FIRST_OF: Final = """
    SELECT slot.pipeline_id, slot.id, slot.task_id, slot.purpose, slot.due_at, slot.free_at, slot.lease_no,
           slot.needs,
           COALESCE(slot.for_until > statement_timestamp() AND slot.for_reviewer_id IS DISTINCT FROM %(me)s, FALSE)
           AS for_another
      FROM unnest(%(pipelines)s::bigint[]) AS pipeline (id)
     CROSS JOIN LATERAL (
           SELECT * FROM review_reviewslot AS slot
            WHERE slot.pipeline_id = pipeline.id AND NOT slot.done AND NOT slot.seniors_only
            ORDER BY slot.turn, slot.id
            LIMIT %(most)s) AS slot"""
_FIRST_FOR_SENIORS: Final = _FIRST_OF.replace("%(pipelines)s", "%(seniors_in)s").replace(
    "NOT slot.seniors_only", "slot.seniors_only"
)
_STATEMENT: Final = "".join(
    (
        "WITH seen AS (",
        _FIRST_OF,
        " UNION ALL ",
        _FIRST_FOR_SENIORS,
        """),
         told AS (
    -- Looked up one by one: joined, all tasks there ever were would be read for these few.
    SELECT seen.*,
           CASE (SELECT task.blind FROM review_reviewtask AS task WHERE task.id = seen.task_id)
                WHEN 'none' THEN seen.purpose ELSE %(shown_when_blind)s END AS shown,
           NOT seen.for_another
           AND (%(me)s::bigint IS NULL
                OR seen.needs <@ (SELECT COALESCE(array_agg(mine.name), '{}')
                                    FROM pipelines_skill AS mine WHERE mine.user_id = %(me)s))
           AND (seen.free_at <= statement_timestamp()
                OR EXISTS (SELECT FROM review_reservation AS kept
                            WHERE kept.reviewer_id = %(me)s AND kept.slot_id = seen.id
                              AND kept.expires_at = seen.free_at))
           AS free
      FROM seen)
    SELECT pipeline_id, shown, count(*),
           count(*) FILTER (WHERE free),
           count(*) FILTER (WHERE NOT free AND (lease_no > 0 OR for_another)),
           count(*) FILTER (WHERE due_at <= statement_timestamp()),
           min(due_at),
           min(due_at) FILTER (WHERE free)
      FROM told GROUP BY pipeline_id, shown ORDER BY pipeline_id, shown""",
    )
)


@dataclass(frozen=True, slots=True)
class Count:
    """Open slots of one pipeline that are shown under one purpose: labels still needed."""

    pipeline_id: int
    shown: str
    seen: int
    open: int
    leased: int
    overdue: int
    next_due_at: datetime
    next_free_due_at: datetime | None


def counts(user: User | None, *, pipelines: Sequence[int], seniors_in: Sequence[int], most: int | None) -> list[Count]:
    """Of `pipelines` what is open to everybody, of `seniors_in` what is for seniors; at most `most` of each, or all.

    What is kept for `user` is free to them, what is kept for others is not.
    """
    values = {
        "me": user.pk if user else None,
        "pipelines": list(pipelines),
        "seniors_in": list(seniors_in),
        "most": most,
        "shown_when_blind": SHOWN_WHEN_BLIND.value,
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        return [Count(*row) for row in cursor.fetchall()]


_OF_ONE: Final = """
    SELECT ARRAY(SELECT lease.id::text FROM review_lease AS lease
                  WHERE lease.reviewer_id = %(me)s AND lease.ended_at IS NULL
                    AND lease.expires_at > statement_timestamp()
                  ORDER BY lease.granted_at),
           ARRAY(SELECT out.id FROM review_labelreturn AS out
                  WHERE out.reviewer_id = %(me)s AND out.answered_at IS NULL ORDER BY out.id LIMIT 20),
           (SELECT count(*) FROM review_reviewslot AS slot
             WHERE slot.for_reviewer_id = %(me)s AND NOT slot.done AND slot.purpose <> 'gold'
               AND slot.for_until > statement_timestamp() AND slot.free_at <= statement_timestamp()),
           last.id::text,
           last.created_at + last.undo_seconds * interval '1 second' > statement_timestamp()
      FROM (SELECT) AS always
      LEFT JOIN (SELECT label.id, label.created_at, task.undo_seconds
                   FROM review_label AS label JOIN review_reviewtask AS task ON task.id = label.task_id
                  WHERE label.reviewer_id = %(me)s ORDER BY label.id DESC LIMIT 1) AS last ON TRUE"""


def own_work(user: User) -> tuple[Any, ...]:
    """What is in this person's hands, what was returned to them, how much is kept for them, their last label, and
    whether it can still be changed: ids and numbers, to tell whether anything moved. One statement, all by indexes."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_ONE, {"me": user.pk})
        row: tuple[Any, ...] = cursor.fetchone()
    return row
