"""What a webhook says. The body is written once, with the delivery, and sent unchanged at every attempt."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from reviewqueue.claims.models import Outcome
from reviewqueue.claims.selectors import instant
from reviewqueue.deliveries.models import CHALLENGE, EventType, Payload


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
    return written(event_type(replaced).value, outcome.created_at, data)


def challenge_body(endpoint: UUID, token: str, *, now: datetime) -> str:
    return written(CHALLENGE, now, {"endpoint": str(endpoint), "challenge": token})


def repeats_challenge(answer: bytes, *, asked: bytes) -> bool:
    """Whether an answer is JSON that says the token of the challenge in `asked`."""
    token = json.loads(asked)["data"]["challenge"]
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    given = said.get("challenge") if isinstance(said, dict) else None
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), token.encode())


def written(event: str, moment: datetime, data: Mapping[str, Any]) -> str:
    return json.dumps({"type": event, "timestamp": instant(moment), "data": data}, separators=(",", ":"))
