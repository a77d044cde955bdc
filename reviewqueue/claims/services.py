"""Writes about claims. All of these join their caller's transaction: intake and review call them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, ClaimPayload, ClaimStatus, Decision, Outcome, OutcomeBasis
from reviewqueue.claims.submission import Submission
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.facts import Facts, facts_to_json
from reviewqueue.policy.routing import Routing
from reviewqueue.policy.selectors import ActivePolicy
from reviewqueue.transactions import joins_transaction

HELD_ROUTES = frozenset({"review", "escalate"})


class MandatoryReviewViolated(RuntimeError):
    """A routing would have let a mandatory claim pass without a person. Never expected; refused all the same."""


class AlreadySettled(Conflict):
    code = "already_settled"


def payload_commitment(salt: bytes, content: Any) -> bytes:
    """SHA-256(0x02, salt, canonical content): what the ledger knows of a payload. Meaningless without the salt."""
    return hashlib.sha256(b"\x02" + salt + rfc8785.dumps(content)).digest()


def record(
    *,
    claim_id: UUID,
    submission: Submission,
    source: Source,
    pipeline: Pipeline,
    facts: Facts,
    routing: Routing,
    policy: ActivePolicy | None,
    supersedes: Claim | None,
    received_at: datetime,
) -> tuple[Claim, Decision]:
    """Writes the claim, its payload, its decision and the ledger entry that speaks of all three."""
    joins_transaction()
    if routing.mandatory and routing.route not in HELD_ROUTES:
        raise MandatoryReviewViolated(routing.route)
    salt, content = secrets.token_bytes(32), submission.content
    entry = ledger.append(
        event="claim.decided",
        actor=Actor.source(source.slug),
        claim=claim_id,
        pipeline=pipeline.slug,
        source=source.slug,
        content_commitment=payload_commitment(salt, content),
        **_decision_fields(submission, facts, routing, policy),
    )
    claim = Claim.objects.create(
        id=claim_id,
        source=source,
        pipeline=pipeline,
        external_id=submission.external_id,
        model=submission.model,
        model_version=submission.model_version,
        prompt_version=submission.prompt_version or "",
        category=submission.category or "",
        segments=submission.segments,
        confidence=submission.confidence + 0.0,  # minus zero is zero
        elicitation=submission.elicitation,
        signals=submission.signals,
        fingerprint=submission.fingerprint,
        content_hash=submission.content_hash,
        supersedes=supersedes,
        callback_url=submission.callback_url,
        occurred_at=submission.occurred_at,
        received_at=received_at,
        status=first_status(routing.route),
        event_id=entry.id,
    )
    ClaimPayload.objects.create(claim=claim, salt=salt, content=content)
    decision = Decision.objects.create(
        claim=claim,
        pipeline=pipeline,
        policy_version_id=policy.version_id if policy else None,
        route=routing.route,
        next_step=routing.next_step,
        band=routing.band or "",
        band_state=routing.band_state,
        calibrated_confidence=routing.calibrated_confidence,
        calibrator=routing.calibrator,
        reasons=list(routing.reasons),
        mandatory=routing.mandatory,
        audit_u=facts.audit_u,
        audit_rate=routing.audit_rate,
        audit_sampled=routing.audit_sampled,
        inclusion_probability=routing.inclusion_probability,
        facts=facts_to_json(facts),
        decided_at=timezone.now(),
        event_id=entry.id,
    )
    return claim, decision


def first_status(route: str) -> ClaimStatus:
    if route in HELD_ROUTES:
        return ClaimStatus.IN_REVIEW
    return ClaimStatus.AWAITING_STEP if route == "uncertain" else ClaimStatus.DECIDED


def _decision_fields(
    submission: Submission, facts: Facts, routing: Routing, policy: ActivePolicy | None
) -> dict[str, Any]:
    return {
        "model": submission.model,
        "model_version": submission.model_version,
        "prompt_version": submission.prompt_version or "",
        "elicitation": submission.elicitation,
        "confidence_ppm": millionths(submission.confidence),
        "calibrated_ppm": millionths(routing.calibrated_confidence),
        "category": submission.category,
        "segments": dict(submission.segments),
        "band": routing.band,
        "band_state": routing.band_state,
        "route": routing.route,
        "next_step": routing.next_step,
        "reasons": list(routing.reasons),
        "mandatory": routing.mandatory,
        "policy_version": policy.number if policy else None,
        "policy_hash": policy.document_hash if policy else None,
        "calibrator": routing.calibrator,
        "audit_u": f"{facts.audit_u:.18f}",
        "audit_rate_ppm": millionths(routing.audit_rate),
        "audit_sampled": routing.audit_sampled,
        "inclusion_ppm": millionths(routing.inclusion_probability),
    }


def millionths(share: float | None) -> int | None:
    """The ledger holds no binary floats."""
    return None if share is None else round(share * 1_000_000)


def lock_claim(claim_id: UUID) -> Claim:
    """The claim's row, locked: whoever writes about a claim holds it, so its ledger entries form one chain."""
    joins_transaction()
    return Claim.objects.select_for_update(no_key=True).get(pk=claim_id)


def settle(
    *,
    claim: Claim,
    correct: bool | None,
    output: object,
    basis: OutcomeBasis,
    actor: Actor,
    label_id: UUID | None = None,
    told_by: str = "",
    observed_at: datetime | None = None,
) -> Outcome:
    """Makes this the standing outcome of a claim that the caller has locked; an earlier one stays, superseded."""
    joins_transaction()
    last = claim.outcomes.order_by("-number").first()
    measures = basis != OutcomeBasis.EXTERNAL
    outcome_id = Outcome._meta.pk.get_default()
    if last:
        ledger.append(
            event="outcome.superseded", actor=actor, claim=claim.pk, outcome=last.pk, superseded_by=outcome_id
        )
        claim.outcomes.filter(standing=True).update(standing=False)
    if measures:
        claim.outcomes.filter(measures=True).update(measures=False)
    entry = ledger.append(
        event="outcome.final",
        actor=actor,
        claim=claim.pk,
        outcome=outcome_id,
        correct=correct,
        basis=basis.value,
        label=label_id,
    )
    outcome = Outcome.objects.create(
        id=outcome_id,
        claim=claim,
        pipeline_id=claim.pipeline_id,
        number=last.number + 1 if last else 1,
        correct=correct,
        output=output,
        basis=basis,
        measures=measures,
        label_id=label_id,
        told_by=told_by,
        observed_at=observed_at,
        event_id=entry.id,
    )
    if claim.status != ClaimStatus.SETTLED:
        claim.status = ClaimStatus.SETTLED
        claim.save(update_fields=["status"])
    return outcome
