"""How new claims are written: one or a thousand, by the same few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from django.db import IntegrityError

from reviewqueue.accounts.models import Source
from reviewqueue.claims.checking import Named, named_findings
from reviewqueue.claims.copying import copy_rows
from reviewqueue.claims.models import Claim, Decision, new_id
from reviewqueue.claims.redaction import redacted_of
from reviewqueue.claims.services import HELD_ROUTES, commitment, first_status, millionths
from reviewqueue.claims.submission import Submission
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.services import NO_EVENT, Appended
from reviewqueue.payloads.models import CONTENT, ClaimPayload, PayloadKey
from reviewqueue.payloads.vault import ClaimKey, new_key
from reviewqueue.policy.facts import Facts, facts_to_json
from reviewqueue.policy.routing import Routing
from reviewqueue.policy.selectors import PipelineTerms
from reviewqueue.transactions import joins_transaction


class MandatoryReviewViolated(RuntimeError):
    """A routing would have let a mandatory claim pass without a person. Never expected; refused all the same."""


class TwinCommitted(Exception):
    """Another transaction recorded a claim with one of these external_ids since we looked."""


@dataclass(frozen=True, slots=True)
class NewClaim:
    """A claim that is decided and not yet written."""

    id: UUID
    submission: Submission
    terms: PipelineTerms
    facts: Facts
    routing: Routing
    supersedes: UUID | None

    @property
    def policy_number(self) -> int | None:
        return self.terms.policy.number if self.terms.policy else None

    @property
    def found(self) -> list[Named]:
        """What the policy's verifiers found."""
        return named_findings(self.terms.policy.policy, self.facts.checks) if self.terms.policy else []


def record(claims: Sequence[NewClaim], *, source: Source, now: datetime) -> list[Appended]:
    """Writes the claims, their payloads, their decisions and the ledger entries that speak of all three.

    Joins the caller's transaction. Returns the entries, in the order of the claims. Raises TwinCommitted.
    """
    joins_transaction()
    for claim in claims:
        if claim.routing.mandatory and claim.routing.route not in HELD_ROUTES:
            raise MandatoryReviewViolated(claim.routing.route)
    keys = [new_key(claim.id) for claim in claims]
    events = ledger.append_many(
        [_entry(claim, source, key.salt) for claim, key in zip(claims, keys, strict=True)],
        after={claim.id: NO_EVENT for claim in claims},
    )
    numbered = [(claim, event.id) for claim, event in zip(claims, events, strict=True)]
    _copy_claims(numbered, source, now)
    copy_rows(ClaimPayload, (_payload_row(claim, key) for claim, key in zip(claims, keys, strict=True)))
    copy_rows(PayloadKey, (_key_row(key) for key in keys))
    copy_rows(Decision, (_decision_row(claim, event_id, now) for claim, event_id in numbered))
    return events


def _copy_claims(numbered: Sequence[tuple[NewClaim, int]], source: Source, now: datetime) -> None:
    """In the order of their external_ids: batches with claims in common wait for each other and never in a circle."""
    in_order = sorted(numbered, key=lambda each: each[0].submission.external_id)
    try:
        copy_rows(Claim, (_claim_row(claim, source, event_id, now) for claim, event_id in in_order))
    except IntegrityError as error:
        diagnosis = getattr(error.__cause__, "diag", None)
        if diagnosis and diagnosis.constraint_name == "claim_external_id_once":
            raise TwinCommitted from error
        raise


def _entry(claim: NewClaim, source: Source, salt: bytes) -> Entry:
    submission, routing, policy = claim.submission, claim.routing, claim.terms.policy
    fields: dict[str, object] = {
        "pipeline": claim.terms.slug,
        "source": source.slug,
        "content_commitment": commitment(salt, submission.written_content),
        "model": submission.model,
        "model_version": submission.model_version,
        "prompt_version": submission.prompt_version or "",
        "elicitation": submission.elicitation,
        "confidence_ppm": millionths(submission.confidence),
        "calibrated_ppm": millionths(routing.calibrated_confidence),
        "category": submission.category,
        "segments": submission.segments,
        "band": routing.band,
        "band_state": routing.band_state,
        "route": routing.route,
        "next_step": routing.next_step,
        "reasons": routing.reasons,
        "mandatory": routing.mandatory,
        "policy_version": policy.number if policy else None,
        "policy_hash": policy.document_hash if policy else None,
        "calibrator": routing.calibrator,
        "audit_u": f"{claim.facts.audit_u:.18f}",
        "audit_rate_ppm": millionths(routing.audit_rate),
        "audit_sampled": routing.audit_sampled,
        "inclusion_ppm": millionths(routing.inclusion_probability),
    }
    if redacted := redacted_of(submission):
        fields["redacted"] = redacted
    if claim.facts.epoch:
        fields["epoch"] = claim.facts.epoch
    if claim.supersedes is not None:
        fields["supersedes"] = claim.supersedes
    return Entry("claim.decided", Actor.source(source.slug), claim.id, fields)


def _claim_row(claim: NewClaim, source: Source, event_id: int, now: datetime) -> dict[str, Any]:
    submission = claim.submission
    return {
        "id": claim.id,
        "source_id": source.pk,
        "pipeline_id": claim.terms.pipeline_id,
        "external_id": submission.external_id,
        "model": submission.model,
        "model_version": submission.model_version,
        "prompt_version": submission.prompt_version or "",
        "category": submission.category or "",
        "segments": submission.written["segments"].decode(),
        "confidence": submission.confidence + 0.0,  # minus zero is zero
        "elicitation": submission.elicitation,
        "signals": submission.written["signals"].decode(),
        "fingerprint": submission.fingerprint,
        "content_hash": submission.content_hash,
        "supersedes_id": claim.supersedes,
        "callback_url": submission.callback_url,
        "occurred_at": submission.occurred_at,
        "received_at": now,
        "status": first_status(claim.routing.route).value,
        "event_id": event_id,
    }


def _payload_row(claim: NewClaim, key: ClaimKey) -> dict[str, Any]:
    text = claim.submission.content_json.encode()
    return {"claim_id": claim.id, "ciphertext": key.close(text, kind=CONTENT, row=claim.id)}


def _key_row(key: ClaimKey) -> dict[str, Any]:
    return {"claim_id": key.claim_id, "wrapped": key.wrapped, "salt": key.salt, "master": key.master}


def _decision_row(claim: NewClaim, event_id: int, now: datetime) -> dict[str, Any]:
    version_id = claim.terms.policy.version_id if claim.terms.policy else None
    return decision_row(claim.routing, claim.facts, 1, claim.id, claim.terms.pipeline_id, version_id, event_id, now)


def decision_row(
    routing: Routing,
    facts: Facts,
    number: int,
    claim_id: UUID,
    pipeline_id: int,
    version_id: int | None,
    event_id: int,
    now: datetime,
) -> dict[str, Any]:
    """A decision that stands, as it is copied."""
    return {
        "id": new_id(),
        "claim_id": claim_id,
        "number": number,
        "standing": True,
        "pipeline_id": pipeline_id,
        "policy_version_id": version_id,
        "route": routing.route,
        "next_step": routing.next_step,
        "band": routing.band or "",
        "band_state": routing.band_state,
        "calibrated_confidence": routing.calibrated_confidence,
        "calibrator": routing.calibrator,
        "reasons": "{" + ",".join(routing.reasons) + "}",  # codes: nothing in them needs quoting
        "mandatory": routing.mandatory,
        "audit_u": facts.audit_u,
        "audit_rate": routing.audit_rate,
        "audit_sampled": routing.audit_sampled,
        "inclusion_probability": routing.inclusion_probability,
        "facts": msgspec.json.encode(facts_to_json(facts)).decode(),
        "decided_at": now,
        "event_id": event_id,
    }
