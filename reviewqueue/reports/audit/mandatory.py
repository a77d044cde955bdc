"""That every claim that must be reviewed was: each of them with how people decided it."""

from __future__ import annotations

from typing import Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import CLAIMS, OUTCOME, RECEIVED, Scope

_MANDATORY: Final = "EXISTS (SELECT 1 FROM claims_decision m WHERE m.claim_id = c.id AND m.mandatory)"
_BY_PEOPLE: Final = "EXISTS (SELECT 1 FROM review_label l WHERE l.claim_id = c.id AND l.created_at < %(until)s)"
_BROKEN: Final = f"""(EXISTS (SELECT 1 FROM claims_decision m WHERE m.claim_id = c.id AND m.mandatory
            AND m.route NOT IN ('review', 'escalate')) OR o.basis IN ('labels', 'adjudication') AND NOT {_BY_PEOPLE})"""
_COUNTS: Final = f"""
    SELECT p.slug, count(*), count(*) FILTER (WHERE o.id IS NOT NULL), count(*) FILTER (WHERE o.id IS NULL),
           count(*) FILTER (WHERE {_BROKEN}), count(*) FILTER (WHERE o.basis = 'external' AND NOT {_BY_PEOPLE})
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} AND {_MANDATORY} GROUP BY 1 ORDER BY 1"""
_EACH: Final = f"""
    SELECT p.slug, c.id, c.category, d.route, c.received_at, coalesce(o.basis, 'open'),
           CASE WHEN o.id IS NULL THEN '' WHEN o.correct THEN 'right' WHEN NOT o.correct THEN 'wrong'
                ELSE 'unknown' END,
           o.created_at,
           (SELECT string_agg(DISTINCT u.pseudonym::text, ' ') FROM review_label l
              JOIN accounts_user u ON u.id = l.reviewer_id WHERE l.claim_id = c.id AND l.created_at < %(until)s),
           f.leaf_index
      FROM {CLAIMS} {OUTCOME} LEFT JOIN ledger.leaf f ON f.event_id = o.event_id
     WHERE {RECEIVED} AND {_MANDATORY} ORDER BY {_BROKEN} DESC, o.id IS NULL DESC, c.id LIMIT %(most)s"""


def mandatory_review(scope: Scope) -> Section:
    counts = scope.rows(_COUNTS)
    claims, broken = sum(row[1] for row in counts), sum(row[4] for row in counts)
    settled, unsettled = sum(row[2] for row in counts), sum(row[3] for row in counts)
    outside = sum(row[5] for row in counts)
    each = scope.rows(_EACH)
    said = (
        f"{several(claims, 'claim', 'claims')} had to be reviewed by people; {settled:,} are decided, "
        f"{unsettled:,} wait. "
        f"{several(broken, 'violation', 'violations')} (claims routed past people, or settled without a label). "
        f"{outside:,} have the truth from outside alone, without a label."
    )
    loud = (
        f"{several(broken, 'mandatory claim was', 'mandatory claims were')} routed past people or settled without one."
    )
    n = Kind.COUNT
    return Section(
        "mandatory",
        "Mandatory review",
        [said],
        [loud] if broken else [],
        [
            table(
                "mandatory",
                "Counts",
                columns(
                    "pipeline: Pipeline; claims: Claims; settled: Decided; open: Waiting; violations: Violations; "
                    "outside: From outside alone",
                    claims=n, settled=n, open=n, violations=n, outside=n,
                ),
                counts,
            ),
            table(
                "mandatory_claims",
                "Every one of them",
                columns(
                    "pipeline: Pipeline; claim: Claim; category: Category; route: Route; received: Received; "
                    "basis: Decided by; outcome: Outcome; at: When; people: Labelled by; leaf: Leaf",
                    claim=Kind.CLAIM, received=Kind.TIME, at=Kind.TIME, people=Kind.PSEUDONYM, leaf=Kind.LEAF,
                ),
                each,
                more=max(claims - len(each), 0),
            ),
        ],
    )  # fmt: skip
