"""How the reviewers judged, each by a pseudonym: what they did, what known answers say, whether it stood."""

from __future__ import annotations

from typing import Any, Final

from calibration.core.intervals import wilson
from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import Scope, share

_N: Final = Kind.COUNT
# A label that was not the only one can differ from what stands; gold is counted apart, as it settles nothing.
_LABELS: Final = """
    SELECT p.slug, u.pseudonym, count(*), count(*) FILTER (WHERE l.verdict = 'correct'),
           count(*) FILTER (WHERE l.verdict = 'cannot_judge'), count(*) FILTER (WHERE l.late),
           count(*) FILTER (WHERE l.revision > 0),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY l.seconds) FILTER (WHERE l.seconds IS NOT NULL),
           count(*) FILTER (WHERE o.correct IS NOT NULL AND l.verdict <> 'cannot_judge' AND t.labels_needed > 1),
           count(*) FILTER (WHERE o.correct = (l.verdict = 'correct') AND l.verdict <> 'cannot_judge'
                              AND t.labels_needed > 1)
      FROM review_label l JOIN review_reviewtask t ON t.id = l.task_id
      JOIN accounts_user u ON u.id = l.reviewer_id JOIN pipelines_pipeline p ON p.id = t.pipeline_id
      LEFT JOIN claims_outcome o ON o.claim_id = l.claim_id AND o.standing AND o.basis <> 'external'
     WHERE t.pipeline_id = ANY(%(pipelines)s) AND t.purpose <> 'gold' AND l.id >= %(first_id)s AND l.id < %(end_id)s
       AND l.created_at >= %(since)s AND l.created_at < %(until)s GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"""
_GOLD: Final = """
    SELECT p.slug, u.pseudonym, count(*), count(*) FILTER (WHERE g.right)
      FROM review_golddraw g JOIN review_golditem i ON i.id = g.item_id AND NOT i.void
      JOIN accounts_user u ON u.id = g.reviewer_id JOIN pipelines_pipeline p ON p.id = g.pipeline_id
     WHERE g.pipeline_id = ANY(%(pipelines)s) AND g.answered_at >= %(since)s AND g.answered_at < %(until)s
       AND g.right IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"""


def reviewers(scope: Scope) -> Section:
    labels, gold = scope.rows(_LABELS), scope.rows(_GOLD)
    people = {row[1] for row in labels}
    return Section(
        "reviewers",
        "Reviewers",
        [
            f"{several(len(people), 'person', 'people')} gave "
            f"{several(sum(row[2] for row in labels), 'label', 'labels')} in the period. "
            "Reviewers are named by their pseudonyms."
        ],
        tables=[
            table(
                "labels",
                "Labels",
                columns(
                    "pipeline: Pipeline; reviewer: Reviewer; labels: Labels; correct: Said correct; unsure: Could not "
                    "judge; late: Late; changed: Changed later; seconds: Median time; shared: With others; "
                    "agreed: As it stands; agreement: Agreement",
                    reviewer=Kind.PSEUDONYM, seconds=Kind.SECONDS, agreement=Kind.SHARE,
                    **dict.fromkeys(("labels", "correct", "unsure", "late", "changed", "shared", "agreed"), _N),
                ),
                [[*row, share(row[9], row[8])] for row in labels],
            ),
            table(
                "gold",
                "Tasks with a known answer",
                columns(
                    "pipeline: Pipeline; reviewer: Reviewer; answered: Answered; right: Right; accuracy: Accuracy; "
                    "low: 95 % from; high: to",
                    reviewer=Kind.PSEUDONYM, answered=_N, right=_N, accuracy=Kind.SHARE, low=Kind.SHARE,
                    high=Kind.SHARE,
                ),
                [[*row, share(row[3], row[2]), *_interval(row[3], row[2])] for row in gold],
                chart="interval",
            ),
        ],
    )  # fmt: skip


def _interval(right: int, answered: int) -> list[Any]:
    low, high = wilson(right, answered)
    return [float(low), float(high)]
