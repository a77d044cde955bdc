"""Which tier each recent claim of a pipeline went through, what that took, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection

from calibration.evidence import first_id
from reviewqueue.pipelines.costs import Costs, costs_of
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import VERIFIED
from reviewqueue.policy.selectors import active_policy
from reviewqueue.reports.tier_costs import Passage, TierReport, tier_report

NEWEST: Final = 20_000
"""How many claims the figures rest on at most."""

AUTOMATED: Final = ("accept", "accept_flagged", "reject")


@dataclass(frozen=True, slots=True)
class TierPage:
    """`is_cut`: the window holds more claims than are looked at; `since` is then the time of the oldest of them."""

    report: TierReport
    costs: Costs | None
    since: datetime
    is_cut: bool


def tiers_since(pipeline: Pipeline, *, days: int, now: datetime) -> TierPage:
    """Two queries: the ways of the newest claims in the window, and the active policy."""
    rows = _rows(pipeline.pk, first_id(now - timedelta(days=days)))
    costs = costs_of(pipeline.costs)
    active = active_policy(pipeline.pk)
    labels_needed = active.policy.review.labels_needed if active else 1
    is_cut = len(rows) == NEWEST
    return TierPage(
        report=tier_report([_passage(row) for row in rows], costs, labels_needed=labels_needed),
        costs=costs,
        since=rows[-1][0] if is_cut else now - timedelta(days=days),
        is_cut=is_cut,
    )


# The draw is that of the first decision, and who was handed back was not drawn: see calibration.evidence. A second
# look at a settled claim is no part of its way, which is over when its first truth is in.
_ROWS: Final = """
    SELECT c.received_at, c.supersedes_id IS NULL, c.fingerprint,
           d.route, d.next_step, d.band, COALESCE((d.facts ->> 'attempt')::int, 1),
           CASE WHEN first.audit_sampled OR first.inclusion_probability = 1 AND first.route <> 'uncertain'
                THEN first.inclusion_probability END,
           first.decided_at,
           step.kinds, step.answered_at, outcome.settled_at, outcome.right,
           (SELECT count(*) FROM review_label WHERE claim_id = c.id AND revision = 0),
           EXISTS (SELECT 1 FROM review_reviewtask AS task
                    WHERE task.claim_id = c.id AND task.purpose = 'adjudication' AND NOT EXISTS (
                          SELECT 1 FROM review_relabel AS again
                            JOIN review_reviewtask AS look ON look.id = again.task_id
                           WHERE again.claim_id = c.id AND look.event_id < task.event_id))
      FROM (SELECT id, received_at, supersedes_id, fingerprint FROM claims_claim
             WHERE pipeline_id = %s AND id >= %s ORDER BY id DESC LIMIT %s) AS c
      JOIN claims_decision AS d ON d.claim_id = c.id AND d.standing
      JOIN claims_decision AS first ON first.claim_id = c.id AND first.number = 1
      LEFT JOIN LATERAL (
           SELECT array_agg(kind) FILTER (WHERE closed_how = 'answered' OR kind = 'abstain') AS kinds,
                  max(closed_at) FILTER (WHERE closed_how = 'answered') AS answered_at
             FROM cascade_step WHERE claim_id = c.id) AS step ON true
      LEFT JOIN LATERAL (
           SELECT COALESCE((SELECT doubted.created_at FROM review_relabel AS again
                              JOIN claims_outcome AS doubted ON doubted.id = again.outcome_id
                             WHERE again.claim_id = c.id AND again.result = 'overturned'),
                           max(created_at) FILTER (WHERE standing)) AS settled_at,
                  bool_or(correct) FILTER (WHERE measures) AS right
             FROM claims_outcome WHERE claim_id = c.id) AS outcome ON true
     ORDER BY c.id DESC"""


def _rows(pipeline_id: int, first: UUID) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, [pipeline_id, first, NEWEST])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _passage(row: Sequence[Any]) -> Passage:
    received_at, is_first, fingerprint, route, next_step, band, attempt, inclusion = row[:8]
    decided_at, steps, answered_at, settled_at, right, labels, is_adjudicated = row[8:]
    tier = tier_of(route, next_step, band, is_adjudicated=is_adjudicated)
    end = decided_at if route in AUTOMATED else answered_at if route == "uncertain" else settled_at
    return Passage(
        tier=tier,
        attempt=attempt,
        is_first=is_first,
        labels=labels,
        steps=steps or (),
        seconds=None if end is None else max((end - received_at).total_seconds(), 0.0),
        right=right if inclusion else None,
        weight=1 / inclusion if inclusion else 0.0,
        fingerprint=bytes(fingerprint),
    )


def tier_of(route: str, next_step: str | None, band: str, *, is_adjudicated: bool) -> str:
    """The last tier a claim reached: who decided about it, or what its caller was asked to do."""
    if route in AUTOMATED:
        return "verified" if band.endswith(VERIFIED) and route != "reject" else route
    if route == "uncertain":
        return next_step or "abstain"
    return "adjudication" if is_adjudicated else route
