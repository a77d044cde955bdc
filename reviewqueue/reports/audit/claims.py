"""What came in, where it was sent and what became of it."""

from __future__ import annotations

from typing import Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import CLAIMS, DRAWN, OUTCOME, RECEIVED, Scope, share

_N: Final = Kind.COUNT
_OUTCOMES = f"""
    SELECT p.slug, count(*), count(o.id), count(*) FILTER (WHERE o.correct), count(*) FILTER (WHERE NOT o.correct),
           count(*) FILTER (WHERE o.id IS NOT NULL AND o.correct IS NULL), count(*) FILTER (WHERE o.id IS NULL)
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} GROUP BY p.slug ORDER BY p.slug"""
_BASES = f"""
    SELECT p.slug, o.basis, count(*), count(*) FILTER (WHERE o.correct), count(*) FILTER (WHERE NOT o.correct)
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} AND o.id IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2"""
_OVER_TIME = f"""
    SELECT to_char(date_trunc(%(step)s, c.received_at AT TIME ZONE 'UTC'), 'YYYY-MM-DD'), count(*), count(o.id)
      FROM {CLAIMS} {OUTCOME} WHERE {RECEIVED} GROUP BY 1 ORDER BY 1"""
_ROUTES = f"""
    SELECT p.slug, d.route, count(*) FROM {CLAIMS} WHERE {RECEIVED} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2"""
_REROUTED = """
    SELECT p.slug, before.route, d.route, count(*) FROM claims_decision d
      JOIN claims_decision before ON before.claim_id = d.claim_id AND before.number = d.number - 1
      JOIN claims_claim c ON c.id = d.claim_id JOIN pipelines_pipeline p ON p.id = c.pipeline_id
     WHERE d.number > 1 AND c.pipeline_id = ANY(%(pipelines)s) AND d.decided_at >= %(since)s
       AND d.decided_at < %(until)s GROUP BY 1, 2, 3 ORDER BY 1, 4 DESC, 2, 3"""
_COVERAGE = f"""
    SELECT p.slug, c.model, c.model_version, c.prompt_version, count(*),
           count(*) FILTER (WHERE d.route IN ('accept', 'accept_flagged')),
           count(*) FILTER (WHERE d.route IN ('review', 'escalate')), count(*) FILTER (WHERE {DRAWN})
      FROM {CLAIMS} WHERE {RECEIVED} GROUP BY 1, 2, 3, 4 ORDER BY 1, 5 DESC, 2, 3, 4"""


def claims_and_outcomes(scope: Scope) -> Section:
    found = scope.rows(_OUTCOMES)
    received, settled = sum(row[1] for row in found), sum(row[2] for row in found)
    return Section(
        "claims",
        "Claims and outcomes",
        [
            f"{several(received, 'claim was', 'claims were')} received; {settled:,} of them had an outcome by the end "
            "of the period."
        ],
        tables=[
            table(
                "outcomes",
                "Outcomes at the end of the period",
                columns(
                    "pipeline: Pipeline; claims: Claims; settled: With an outcome; right: Right; wrong: Wrong; "
                    "unknown: Nobody could tell; open: Without an outcome",
                    claims=_N, settled=_N, right=_N, wrong=_N, unknown=_N, open=_N,
                ),
                found,
            ),
            table(
                "bases",
                "Who settled them",
                columns(
                    "pipeline: Pipeline; basis: Basis; claims: Claims; right: Right; wrong: Wrong",
                    claims=_N, right=_N, wrong=_N,
                ),
                scope.rows(_BASES),
            ),
            table(
                "over_time",
                "Over time",
                columns("from: From (UTC); received: Received; settled: Settled by the end", received=_N, settled=_N),
                scope.rows(_OVER_TIME, step=_step(scope)),
                chart="columns",
            ),
        ],
    )  # fmt: skip


def _step(scope: Scope) -> str:
    days = (scope.until - scope.since).days
    return "day" if days <= 62 else "week" if days <= 400 else "month"


def routes(scope: Scope) -> Section:
    found = scope.rows(_ROUTES)
    every: dict[str, int] = {}
    for slug, _, count in found:
        every[slug] = every.get(slug, 0) + count
    return Section(
        "routes",
        "Routes",
        ["A route is what the policy in force said when a claim came in."],
        tables=[
            table(
                "routes",
                "First decisions",
                columns("pipeline: Pipeline; route: Route; claims: Claims; share: Share", claims=_N, share=Kind.SHARE),
                [[*row, share(row[2], every[row[0]])] for row in found],
                chart="shares",
            ),
            table(
                "rerouted",
                "Decided again later",
                columns("pipeline: Pipeline; from: From; to: To; claims: Claims", claims=_N),
                scope.rows(_REROUTED),
            ),
        ],
    )


def coverage(scope: Scope) -> Section:
    found = scope.rows(_COVERAGE)
    claims, accepted = sum(row[4] for row in found), sum(row[5] for row in found)
    words = f"{accepted:,} of {claims:,} claims were accepted without a person" if claims else "No claim was received"
    if claims:
        words += f": {accepted / claims:.1%}"
    return Section(
        "coverage",
        "Coverage",
        [f"{words}."],
        tables=[
            table(
                "coverage",
                "By model and prompt",
                columns(
                    "pipeline: Pipeline; model: Model; model_version: Version; prompt_version: Prompt; claims: Claims; "
                    "accepted: Accepted; held: To people; drawn: To be labelled; coverage: Coverage",
                    claims=_N, accepted=_N, held=_N, drawn=_N, coverage=Kind.SHARE,
                ),
                [[*row, share(row[5], row[4])] for row in found],
            )
        ],
    )  # fmt: skip
