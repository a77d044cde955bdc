"""Next steps: opened when a claim is handed back to its caller, closed by an answer or when their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from reviewqueue.cascade.models import Step, StepEnd
from reviewqueue.cascade.services.separately import separately
from reviewqueue.claims.copying import copy_rows
from reviewqueue.claims.models import ClaimStatus, Decision
from reviewqueue.claims.recording import NewClaim
from reviewqueue.claims.rerouting import Rerouted, record_rerouted
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.services import Appended
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.rerouting import rerouted
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import ActivePolicy, policy_of
from reviewqueue.review.services import tasks
from reviewqueue.transactions import joins_transaction, service

SYSTEM: Final = Actor.system("cascade")
SWEEP_BATCH: Final = 200
RUN_SECONDS: Final = 20.0
"""Of one pipeline in one run; the next run goes on."""


def open_for_decisions(claims: Sequence[NewClaim], events: Sequence[Appended], *, now: datetime) -> None:
    """The steps that callers are asked for: none for a claim that is routed anywhere else. Joins the transaction.

    `events` are the ledger entries of the decisions, in the same order.
    """
    copy_rows(
        Step,
        (_row(claim, event.id, now) for claim, event in zip(claims, events, strict=True) if _is_handed_back(claim)),
    )


def _is_handed_back(claim: NewClaim) -> bool:
    return claim.routing.route == "uncertain"


def _row(claim: NewClaim, event_id: int, now: datetime) -> dict[str, Any]:
    assert claim.terms.policy is not None  # without a policy everything is held
    return {
        "claim_id": claim.id,
        "pipeline_id": claim.terms.pipeline_id,
        "kind": claim.routing.next_step,
        "attempt": claim.facts.attempt,
        "opened_at": now,
        "due_at": now + timedelta(minutes=claim.terms.policy.policy.step_minutes),
        "closed_how": "",
        "event_id": event_id,
    }


def close(claims: Collection[UUID], how: StepEnd, *, now: datetime) -> None:
    """Ends the open steps of claims that the caller has locked. Joins the caller's transaction."""
    joins_transaction()
    Step.objects.filter(claim__in=claims, closed_at=None).update(closed_at=now, closed_how=how)


def expire_steps(*, clock: Callable[[], datetime] = timezone.now) -> int:
    """Sends claims to people for which no next step came in time; returns how many.

    A step of any kind ends here, `abstain` too: "not sure" is an answer for the caller, and not yet an end.
    """
    over = Step.objects.filter(closed_at=None, due_at__lte=clock())
    pipelines = list(over.order_by("pipeline").values_list("pipeline", flat=True).distinct())
    return separately(lambda pipeline: sum(_batches(pipeline, clock)), pipelines)


def _batches(pipeline_id: int, clock: Callable[[], datetime]) -> Iterator[int]:
    found, ends = SWEEP_BATCH, time.monotonic() + RUN_SECONDS
    while found == SWEEP_BATCH and time.monotonic() < ends:
        found, expired = _expire_batch(pipeline_id=pipeline_id, now=clock())
        yield expired


@service
def _expire_batch(*, pipeline_id: int, now: datetime) -> tuple[int, int]:
    """How many steps were over, and how many of them were still waited for."""
    over = _locked_over(pipeline_id, now)
    waiting = [step for step in over if step.claim.status == ClaimStatus.AWAITING_STEP]
    close([step.claim_id for step in over if step not in waiting], StepEnd.SETTLED, now=now)
    close([step.claim_id for step in waiting], StepEnd.EXPIRED, now=now)
    if waiting:
        expired = _timed_out(waiting)
        events = record_rerouted(expired, actor=SYSTEM, now=now)
        tasks.open_for_rerouted(expired, events, now=now)
    return len(over), len(waiting)


def _locked_over(pipeline_id: int, now: datetime) -> list[Step]:
    """Open steps whose time is over, with their claims locked; what somebody works on is left for the next run."""
    over = Step.objects.filter(pipeline=pipeline_id, closed_at=None, due_at__lte=now).select_related(
        "claim__pipeline__form"
    )
    return list(
        over.select_for_update(skip_locked=True, no_key=True, of=("self", "claim")).order_by("due_at")[:SWEEP_BATCH]
    )


def _timed_out(steps: Sequence[Step]) -> list[Rerouted]:
    decisions = Decision.objects.filter(claim__in=[step.claim_id for step in steps], standing=True)
    standing = {decision.claim_id: decision for decision in decisions.select_related("policy_version")}
    return [_rerouted(step, standing[step.claim_id]) for step in steps]


def _rerouted(step: Step, standing: Decision) -> Rerouted:
    """By the version that asked for the step, on the facts it knew and the one that came to them."""
    policy = policy_that_decided(standing)
    facts = replace(facts_from_json(standing.facts), step_expired=True)
    routing = rerouted(standing, route(facts, policy.policy))
    if routing is None:
        raise RuntimeError(f"the step of claim {step.claim_id} ran out and routing still does not hold it")
    return Rerouted(step.claim, standing, facts, routing, policy)


def policy_that_decided(decision: Decision) -> ActivePolicy:
    """Expects a decision with its policy version, which there is for every claim that was handed back."""
    version = decision.policy_version
    assert version is not None
    return ActivePolicy(version.pk, version.number, version.document_hash, policy_of(version.pk, version.document_hash))
