"""Writes about claims that are there. All of these join their caller's transaction: review and reporting call them.

New claims are written by `recording`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from django.utils import timezone

from reviewqueue.claims.models import Claim, ClaimStatus, Outcome, OutcomeBasis
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.transactions import joins_transaction

HELD_ROUTES = frozenset({"review", "escalate"})


class PayloadErased(Conflict):
    """What was said in the claim was erased, so that nothing more can be said about it."""

    code = "payload_erased"


def payload_commitment(salt: bytes, content: Any) -> bytes:
    """SHA-256(0x02, salt, canonical content): what the ledger knows of a payload. Meaningless without the salt."""
    return commitment(salt, rfc8785.dumps(content))


def commitment(salt: bytes, canonical_content: bytes) -> bytes:
    return hashlib.sha256(b"\x02" + salt + canonical_content).digest()


def first_status(route: str) -> ClaimStatus:
    if route in HELD_ROUTES:
        return ClaimStatus.IN_REVIEW
    return ClaimStatus.AWAITING_STEP if route == "uncertain" else ClaimStatus.DECIDED


def millionths(share: float | None) -> int | None:
    """The ledger holds no binary floats."""
    return None if share is None else round(share * 1_000_000)


def lock_claim(claim_id: UUID) -> Claim:
    """The claim's row, locked: whoever writes about a claim holds it, so its ledger entries form one chain."""
    joins_transaction()
    return Claim.objects.select_for_update(no_key=True).get(pk=claim_id)


def check_not_erased(claim: Claim) -> None:
    """Raises PayloadErased. The caller has locked the claim."""
    if not ClaimPayload.objects.filter(pk=claim.pk).exists():
        raise PayloadErased("What was said in this claim was erased. Its record and its proofs remain.")


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
    may_measure: bool = True,
    reason: str = "",
) -> Outcome:
    """Makes this the standing outcome of a claim that the caller has locked; an earlier one stays, superseded.

    Where it `may_measure`, estimates use it from now on; else they go on using the earlier one, as they do when the
    truth comes from outside. `reason` goes into the ledger.
    """
    joins_transaction()
    last = claim.outcomes.order_by("-number").first()
    measures = may_measure and basis != OutcomeBasis.EXTERNAL
    because = {"reason": reason} if reason else {}
    outcome_id = Outcome._meta.pk.get_default()
    for standing in claim.outcomes.filter(standing=True):
        ledger.append(
            event="outcome.superseded",
            actor=actor,
            claim=claim.pk,
            outcome=standing.pk,
            superseded_by=outcome_id,
            **because,
        )
    claim.outcomes.filter(standing=True).update(standing=False)
    now = timezone.now()
    if measures:
        claim.outcomes.filter(measures=True).update(measures=False, unmeasured_at=now)
    entry = ledger.append(
        event="outcome.final",
        actor=actor,
        claim=claim.pk,
        outcome=outcome_id,
        correct=correct,
        basis=basis.value,
        label=label_id,
        **because,
    )
    outcome = Outcome(
        id=outcome_id,
        claim=claim,
        pipeline_id=claim.pipeline_id,
        number=last.number + 1 if last else 1,
        correct=correct,
        basis=basis,
        measures=measures,
        label_id=label_id,
        told_by=told_by,
        observed_at=observed_at,
        created_at=now,
        event_id=entry.id,
    )
    outcome.output = output
    outcome.save(force_insert=True)
    if claim.status != ClaimStatus.SETTLED:
        claim.status = ClaimStatus.SETTLED
        claim.save(update_fields=["status"])
    return outcome


def withdraw(*, claim: Claim, outcome: Outcome, actor: Actor, still_measures: bool = False) -> None:
    """An outcome that nobody says any more: nothing takes its place. The caller has locked the claim.

    Where it `still_measures`, estimates go on using it.
    """
    joins_transaction()
    ledger.append(event="outcome.superseded", actor=actor, claim=claim.pk, outcome=outcome.pk)
    ends = {"measures": False, "unmeasured_at": timezone.now()} if outcome.measures and not still_measures else {}
    claim.outcomes.filter(pk=outcome.pk).update(standing=False, **ends)
    if not claim.outcomes.filter(standing=True).exists():
        claim.status = first_status(claim.decisions.get(standing=True).route)
        claim.save(update_fields=["status"])
