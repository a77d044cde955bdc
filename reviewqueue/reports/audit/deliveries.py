"""What sources were told, and what never reached them."""

from __future__ import annotations

from typing import Final

from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.scope import Scope

_N: Final = Kind.COUNT
_OF_PERIOD: Final = """
    FROM deliveries_delivery v JOIN deliveries_endpoint e ON e.id = v.endpoint_id
    JOIN accounts_source s ON s.id = e.source_id LEFT JOIN claims_claim c ON c.id = v.claim_id
    LEFT JOIN ledger.event n ON n.id = v.event_id LEFT JOIN pipelines_pipeline p
      ON p.id = c.pipeline_id OR c.id IS NULL AND p.slug = n.pipeline
   WHERE v.id >= %(first_id)s AND v.id < %(end_id)s AND v.created_at >= %(since)s AND v.created_at < %(until)s
     AND v.type <> 'endpoint.challenge' AND p.id = ANY(%(pipelines)s)"""
_COUNTS: Final = f"""
    SELECT p.slug, s.slug, v.type, count(*) FILTER (WHERE v.state = 'delivered'),
           count(*) FILTER (WHERE v.state = 'dead'), count(*) FILTER (WHERE v.state IN ('waiting', 'pending')),
           sum(greatest(v.attempts - (v.state = 'delivered')::int, 0))
    {_OF_PERIOD} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""
_DEAD: Final = f"""
    SELECT p.slug, s.slug, v.type, v.id, v.claim_id, v.created_at, v.attempts,
           coalesce(v.last_status::text, v.last_error)
    {_OF_PERIOD} AND v.state = 'dead' ORDER BY v.id LIMIT %(most)s"""
ENDPOINTS: Final = ("webhook.paused", "webhook.disabled", "webhook.resumed", "webhook.replayed")


def deliveries(scope: Scope) -> Section:
    counts = scope.rows(_COUNTS)
    delivered, dead, waiting = (sum(row[place] for row in counts) for place in (3, 4, 5))
    shown = scope.rows(_DEAD) if dead else []
    return Section(
        "deliveries",
        "Deliveries",
        [f"{delivered:,} delivered, {waiting:,} not yet, {dead:,} given up, of what happened in the period."],
        [f"{several(dead, 'delivery was', 'deliveries were')} given up: a source does not know."] if dead else [],
        [
            table(
                "deliveries",
                "By source and kind",
                columns(
                    "pipeline: Pipeline; source: Source; type: Kind; delivered: Delivered; dead: Given up; "
                    "waiting: Not yet; failed: Failed attempts",
                    delivered=_N, dead=_N, waiting=_N, failed=_N,
                ),
                [[*row[:6], int(row[6] or 0)] for row in counts],
            ),
            table(
                "dead",
                "Given up",
                columns(
                    "pipeline: Pipeline; source: Source; type: Kind; delivery: Delivery; claim: Claim; at: When; "
                    "attempts: Attempts; error: Last answer",
                    claim=Kind.CLAIM, at=Kind.TIME, attempts=_N,
                ),
                shown,
                more=dead - len(shown),
            ),
        ],
    )  # fmt: skip
