from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim, Decision, Outcome
from reviewqueue.claims.services import first_status
from reviewqueue.claims.submission import Submission
from reviewqueue.errors import NotFound
from reviewqueue.policy.routing import Routing


def _with_standing(claims: QuerySet[Claim]) -> QuerySet[Claim]:
    """Two queries more, whatever the number of claims: decisions (with their policy's number) and outcomes."""
    return claims.select_related("pipeline").prefetch_related(
        Prefetch(
            "decisions",
            Decision.objects.filter(standing=True).select_related("policy_version"),
            to_attr="standing_decisions",
        ),
        Prefetch("outcomes", Outcome.objects.filter(standing=True), to_attr="standing_outcomes"),
    )


def claim_of_source(source: Source, claim_id: UUID) -> Claim:
    """Raises NotFound, also for a claim of another source."""
    claim = _with_standing(Claim.objects.filter(source=source, pk=claim_id)).first()
    if claim is None:
        raise NotFound("There is no such claim.")
    return claim


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
    number = decision.policy_version.number if decision.policy_version else None
    return _answer(claim, decision, number, claim.status, outcomes[0] if outcomes else None)


def first_answer(claim: Claim, decision: Decision, policy_number: int | None) -> dict[str, Any]:
    """What was answered when the claim came in: a retry gets exactly this again, whatever has happened since."""
    return _answer(claim, decision, policy_number, first_status(decision.route).value, None)


def first_answer_again(claim_id: UUID) -> dict[str, Any]:
    decision = Decision.objects.select_related("claim__pipeline", "policy_version").get(claim=claim_id, number=1)
    number = decision.policy_version.number if decision.policy_version else None
    return first_answer(decision.claim, decision, number)


def _answer(
    claim: Claim, decision: Decision, policy_number: int | None, status: str, outcome: Outcome | None
) -> dict[str, Any]:
    return {
        "id": str(claim.id),
        "external_id": claim.external_id,
        "pipeline": claim.pipeline.slug,
        "status": status,
        "decision": {
            "route": decision.route,
            "next_step": decision.next_step,
            "band": decision.band or None,
            "confidence": claim.confidence,
            "calibrated_confidence": decision.calibrated_confidence,
            "reasons": list(decision.reasons),
            "policy_version": policy_number,
            "calibrator": decision.calibrator,
            "audit_sampled": decision.audit_sampled,
            "inclusion_probability": decision.inclusion_probability,
            "decided_at": instant(decision.decided_at),
        },
        "outcome": outcome_answer(outcome) if outcome else None,
        "received_at": instant(claim.received_at),
        "links": {"self": f"/api/v1/claims/{claim.id}"},
    }


def previewed_decision(routing: Routing, policy_number: int | None, now: datetime) -> dict[str, Any]:
    """A decision in its REST form that was not taken: the same fields, drawn for nothing."""
    return {
        "route": routing.route,
        "next_step": routing.next_step,
        "band": routing.band,
        "confidence": routing.confidence,
        "calibrated_confidence": routing.calibrated_confidence,
        "reasons": [reason for reason in routing.reasons if reason != "audit_sample"],
        "policy_version": policy_number,
        "calibrator": routing.calibrator,
        "audit_sampled": False,
        "inclusion_probability": routing.inclusion_probability,
        "decided_at": instant(now),
    }


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


def differing_fields(claim: Claim, submission: Submission) -> list[str]:
    """Names of the submitted fields in which a stored claim and a new submission differ."""
    stored = {
        "pipeline": claim.pipeline.slug,
        "model": claim.model,
        "model_version": claim.model_version,
        "prompt_version": claim.prompt_version,
        "category": claim.category,
        "segments": claim.segments,
        "confidence": claim.confidence,
        "elicitation": claim.elicitation,
        "signals": claim.signals,
        "supersedes": str(claim.supersedes_id) if claim.supersedes_id else None,
        "occurred_at": claim.occurred_at,
        "callback_url": claim.callback_url,
        **claim.payload.content,
    }
    given = {name: getattr(submission, name) for name in stored} | submission.content
    given |= {"prompt_version": submission.prompt_version or "", "category": submission.category or ""}
    return sorted(name for name, value in stored.items() if value != given[name])
