"""What a webhook says. The body is written once, with the delivery, and sent unchanged at every attempt."""

from __future__ import annotations

import json
from uuid import UUID

from reviewqueue.claims.models import Outcome
from reviewqueue.claims.selectors import instant
from reviewqueue.deliveries.models import EventType, Payload


def event_type(replaced: UUID | None) -> EventType:
    """`replaced` is the outcome that the source could know of before, if any."""
    return EventType.OUTCOME_SETTLED if replaced is None else EventType.OUTCOME_SUPERSEDED


def outcome_body(outcome: Outcome, *, replaced: UUID | None, payload: str) -> str:
    """Expects the outcome with its claim and pipeline. In ASCII, so that no receiver can read it in two ways."""
    claim = outcome.claim
    data = {
        "claim": str(claim.id),
        "external_id": claim.external_id,
        "pipeline": claim.pipeline.slug,
        "outcome": str(outcome.id),
        "number": outcome.number,
        "correct": outcome.correct,
        "basis": outcome.basis,
        "supersedes": str(replaced) if replaced else None,
        "links": {"claim": f"/api/v1/claims/{claim.id}"},
    }
    if payload == Payload.FULL:
        data["output"] = outcome.output
    event = {"type": event_type(replaced).value, "timestamp": instant(outcome.created_at), "data": data}
    return json.dumps(event, separators=(",", ":"))
