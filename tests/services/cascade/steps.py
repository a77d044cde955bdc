"""What callers and time do with next steps, in the words of the tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Value

from reviewqueue.cascade.models import Step
from reviewqueue.claims.models import Claim
from tests.world import IDENTITY, POLICY, World

STEP_MINUTES = 30
UNSURE_BAND = {"low": 0.0, "high": 0.6, "route": "uncertain", "next_step": "retry", "audit_rate": 0.1}


def cascading(next_step: str = "retry", **changes: Any) -> dict[str, Any]:
    """The policy of the tests, with a band that hands claims back."""
    bands = [{**UNSURE_BAND, "next_step": next_step}, *POLICY["bands"][1:]]
    return {**POLICY, "bands": bands, "calibrators": [IDENTITY], "step_minutes": STEP_MINUTES, **changes}


def unsure(world: World, **changes: Any) -> Claim:
    """A claim that is handed back."""
    claim = world.claim(confidence=0.5, **changes)
    assert claim.status == "awaiting_step", claim.status
    return claim


def time_passes(claim: Claim, **passed: float) -> None:
    """For the open step of this claim, as if it had been opened that much earlier."""
    earlier = ExpressionWrapper(Value(timedelta(**passed)), output_field=DurationField())
    Step.objects.filter(claim=claim, closed_at=None).update(
        opened_at=F("opened_at") - earlier, due_at=F("due_at") - earlier
    )


def step_of(claim: Claim) -> Step:
    return Step.objects.get(claim=claim)
