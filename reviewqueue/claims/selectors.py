from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Prefetch, QuerySet

from reviewqueue.accounts.models import Source
from reviewqueue.claims.checking import checks_answer, findings_behind
from reviewqueue.claims.models import Claim, Decision, Outcome
from reviewqueue.claims.recording import NewClaim
from reviewqueue.claims.redaction import redacted_of
from reviewqueue.claims.services import first_status
from reviewqueue.errors import NotFound
from reviewqueue.payloads.selectors import contents
from reviewqueue.payloads.words import with_keys
from reviewqueue.policy.routing import Routing


def _with_standing(claims: QuerySet[Claim]) -> QuerySet[Claim]:
    """Two queries more, whatever the number of claims: decisions (with their policy's number) and outcomes."""
    return claims.select_related("pipeline", "event").prefetch_related(
        Prefetch(
            "decisions",
            Decision.objects.filter(standing=True).select_related("policy_version"),
            to_attr="standing_decisions",
        ),
        Prefetch("outcomes", with_keys(Outcome.objects.filter(standing=True)), to_attr="standing_outcomes"),
    )


def claim_of_source(source: Source, claim_id: UUID) -> Claim:
    """Raises NotFound, also for a claim of another source."""
    claim = _with_standing(Claim.objects.filter(source=source, pk=claim_id)).first()
    if claim is None:
        raise NotFound("There is no such claim.")
    return claim


def contents_of(claim_ids: Collection[UUID]) -> dict[UUID, dict[str, Any]]:
    """What was said in each claim, by its id; not of those whose payload was erased. One query."""
    return dict(contents(claim_ids))


@dataclass(frozen=True, slots=True)
class ClaimFilter:
    pipeline: str | None = None
    external_id: str | None = None
    status: str | None = None
    route: str | None = None
    band: str | None = None
    category: str | None = None
    model_version: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def claims_page(
    *, sources: Collection[Source] | None = None, wanted: ClaimFilter, before: UUID | None, limit: int
) -> list[Claim]:
    """Up to `limit` claims, newest first, older than `before`. Ids sort by time, so pages are stable under inserts."""
    claims = Claim.objects.order_by("-id")
    if sources is not None:
        claims = claims.filter(source__in=sources)
    if before:
        claims = claims.filter(id__lt=before)
    columns = {
        "pipeline__slug": wanted.pipeline,
        "external_id": wanted.external_id,
        "status": wanted.status,
        "category": wanted.category,
        "model_version": wanted.model_version,
        "received_at__gte": wanted.since,
        "received_at__lt": wanted.until,
    }
    claims = claims.filter(**{column: value for column, value in columns.items() if value is not None})
    if wanted.route or wanted.band:
        standing: dict[str, bool | str] = {"decisions__standing": True}
        if wanted.route:
            standing["decisions__route"] = wanted.route
        if wanted.band:
            standing["decisions__band"] = wanted.band
        claims = claims.filter(**standing)
    return list(_with_standing(claims)[:limit])


def answer_of(claim: Claim) -> dict[str, Any]:
    """The claim as the REST contract shows it, now. Expects a claim fetched with its standing decision and outcome."""
    decision: Decision = claim.standing_decisions[0]  # type: ignore[attr-defined]  # prefetched above
    outcomes: list[Outcome] = claim.standing_outcomes  # type: ignore[attr-defined]  # prefetched above
    return _claim_answer(claim, decision, claim.status, outcomes[0] if outcomes else None)


def taken_external_ids(source: Source, external_ids: Collection[str]) -> set[str]:
    """Those of the external_ids that claims of the source have already."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT external_id FROM claims_claim WHERE source_id = %s AND external_id = ANY(%s)",
            [source.pk, list(external_ids)],
        )
        return {external_id for (external_id,) in cursor.fetchall()}


def claims_named(source: Source, named: Collection[str]) -> dict[str, UUID]:
    """The ids of the source's claims by how they are named; what names none of them is left out."""
    ids = {text: claim_id for text in named if (claim_id := _uuid(text))}
    found = set(Claim.objects.filter(source=source, pk__in=ids.values()).values_list("pk", flat=True)) if ids else set()
    return {text: claim_id for text, claim_id in ids.items() if claim_id in found}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def first_answer(claim: NewClaim, now: datetime) -> dict[str, Any]:
    """What is answered when a claim comes in, decided at `now`."""
    at = instant(now)
    return {
        "id": str(claim.id),
        "external_id": claim.submission.external_id,
        "pipeline": claim.terms.slug,
        "status": first_status(claim.routing.route).value,
        "decision": {
            **_decision_answer(claim.routing, claim.submission.confidence + 0.0, claim.policy_number, at),
            **checks_answer(claim.found),
        },
        "outcome": None,
        "received_at": at,
        **_redacted_answer(redacted_of(claim.submission)),
        "links": {"self": f"/api/v1/claims/{claim.id}"},
    }


def first_answer_again(claim: Claim, decision: Decision) -> dict[str, Any]:
    """A retry gets exactly the first answer, whatever has happened since."""
    return _claim_answer(claim, decision, first_status(decision.route).value, None)


def _claim_answer(claim: Claim, decision: Decision, status: str, outcome: Outcome | None) -> dict[str, Any]:
    number = decision.policy_version.number if decision.policy_version else None
    return {
        "id": str(claim.id),
        "external_id": claim.external_id,
        "pipeline": claim.pipeline.slug,
        "status": status,
        "decision": {
            **_decision_answer(decision, claim.confidence, number, instant(decision.decided_at)),
            **checks_answer(findings_behind(decision)),
        },
        "outcome": outcome_answer(outcome) if outcome else None,
        "received_at": instant(claim.received_at),
        **_redacted_answer(redacted_when_recorded(claim)),
        "links": {"self": f"/api/v1/claims/{claim.id}"},
    }


def redacted_when_recorded(claim: Claim) -> dict[str, int]:
    """How many places each rule took, as the ledger has it. Expects a claim fetched with its event."""
    leaf = claim.event.leaf
    return json.loads(leaf)["body"].get("redacted", {}) if '"redacted":' in leaf else {}


def _redacted_answer(places: Mapping[str, int]) -> dict[str, Any]:
    return {"redacted": dict(places)} if places else {}


def _decision_answer(
    decided: Decision | Routing, confidence: float | None, policy_number: int | None, decided_at: str
) -> dict[str, Any]:
    return {
        "route": decided.route,
        "next_step": decided.next_step,
        "band": decided.band or None,
        "confidence": confidence,
        "calibrated_confidence": decided.calibrated_confidence,
        "reasons": list(decided.reasons),
        "policy_version": policy_number,
        "calibrator": decided.calibrator,
        "audit_sampled": decided.audit_sampled,
        "inclusion_probability": decided.inclusion_probability,
        "decided_at": decided_at,
    }


def previewed_decision(claim: NewClaim, now: datetime) -> dict[str, Any]:
    """A decision in its REST form that was not taken: the same fields, drawn for nothing."""
    routing = claim.routing
    decision = _decision_answer(routing, routing.confidence, claim.policy_number, instant(now))
    reasons = [reason for reason in routing.reasons if reason != "audit_sample"]
    return {**decision, "reasons": reasons, "audit_sampled": False, **checks_answer(claim.found)}


def outcome_answer(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": str(outcome.id),
        "claim": str(outcome.claim_id),
        "correct": outcome.correct,
        "output": outcome.output,
        "basis": outcome.basis,
        "decided_at": instant(outcome.created_at),
    }


def instant(moment: datetime) -> str:
    """UTC with milliseconds, as the contract writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
