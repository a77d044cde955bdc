"""Where people found the model wrong, changed their minds, or an outcome gave way to another."""

from __future__ import annotations

from typing import Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import CLAIMS, OUTCOME, RECEIVED, Scope, share

_N: Final = Kind.COUNT
_OVERRIDDEN: Final = f"""
    SELECT p.slug, d.route, CASE WHEN d.band = '' THEN 'none' ELSE d.band END, count(*),
           count(*) FILTER (WHERE NOT o.correct)
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} AND o.correct IS NOT NULL AND o.basis <> 'external'
     GROUP BY 1, 2, 3 ORDER BY 1, 5 DESC, 2, 3"""
_SUPERSEDED: Final = """
    FROM claims_outcome o JOIN claims_outcome before ON before.claim_id = o.claim_id AND before.number = o.number - 1
    JOIN pipelines_pipeline p ON p.id = o.pipeline_id LEFT JOIN ledger.leaf f ON f.event_id = o.event_id
   WHERE o.number > 1 AND o.pipeline_id = ANY(%(pipelines)s) AND o.id >= %(first_id)s AND o.id < %(end_id)s
     AND o.created_at >= %(since)s AND o.created_at < %(until)s"""
_EACH_SUPERSEDED: Final = f"""
    SELECT p.slug, o.claim_id, {{0}}, before.basis, {{1}}, o.basis, o.created_at, f.leaf_index
    {_SUPERSEDED} ORDER BY o.id LIMIT %(most)s"""
_SAID: Final = "CASE WHEN {0}.correct THEN 'right' WHEN NOT {0}.correct THEN 'wrong' ELSE 'unknown' END"
_MINDS: Final = """
    SELECT p.slug, count(*) FILTER (WHERE l.revision > 0), count(*) FILTER (WHERE l.late)
      FROM review_label l JOIN claims_claim c ON c.id = l.claim_id JOIN pipelines_pipeline p ON p.id = c.pipeline_id
     WHERE c.pipeline_id = ANY(%(pipelines)s) AND l.id >= %(first_id)s AND l.id < %(end_id)s
       AND l.created_at >= %(since)s AND l.created_at < %(until)s GROUP BY 1 ORDER BY 1"""
_ADJUDICATED: Final = """
    SELECT p.slug, count(*), count(t.closed_at)
      FROM review_reviewtask t JOIN pipelines_pipeline p ON p.id = t.pipeline_id
     WHERE t.purpose = 'adjudication' AND t.pipeline_id = ANY(%(pipelines)s) AND t.id >= %(first_id)s
       AND t.id < %(end_id)s AND t.created_at >= %(since)s AND t.created_at < %(until)s GROUP BY 1 ORDER BY 1"""


def overrides(scope: Scope) -> Section:
    overridden = scope.rows(_OVERRIDDEN)
    wrong, accepted = sum(row[4] for row in overridden), [row for row in overridden if row[1].startswith("accept")]
    superseded = scope.rows(_EACH_SUPERSEDED.format(_SAID.format("before"), _SAID.format("o")))
    every = scope.rows(f"SELECT count(*) {_SUPERSEDED}")[0][0]
    return Section(
        "overrides",
        "Overrides and superseded outcomes",
        [
            f"People found {several(wrong, 'claim', 'claims')} of the period wrong, "
            f"{sum(row[4] for row in accepted):,} of them accepted without a person before. "
            f"{several(every, 'outcome', 'outcomes')} gave way to a later one in the period."
        ],
        tables=[
            table(
                "overridden",
                "What people found, by the decision before",
                columns(
                    "pipeline: Pipeline; route: Route; band: Band; judged: Judged by people; wrong: Found wrong; "
                    "share: Share",
                    judged=_N, wrong=_N, share=Kind.SHARE,
                ),
                [[*row, share(row[4], row[3])] for row in overridden],
            ),
            table(
                "superseded",
                "Superseded outcomes",
                columns(
                    "pipeline: Pipeline; claim: Claim; before: Before; basis_before: By; after: After; basis: By; "
                    "at: When; leaf: Leaf",
                    claim=Kind.CLAIM, at=Kind.TIME, leaf=Kind.LEAF,
                ),
                superseded,
                more=every - len(superseded),
            ),
            table(
                "minds",
                "Labels changed and late",
                columns("pipeline: Pipeline; changed: Changed later; late: After the lease", changed=_N, late=_N),
                scope.rows(_MINDS),
            ),
            table(
                "adjudications",
                "Adjudications",
                columns("pipeline: Pipeline; opened: Opened; closed: Closed", opened=_N, closed=_N),
                scope.rows(_ADJUDICATED),
            ),
        ],
    )  # fmt: skip
