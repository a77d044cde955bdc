"""Claims that come again: the same content gets the first answer, other content is told what differs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db.models import Prefetch

from reviewqueue.accounts.models import Source
from reviewqueue.claims.keys import submission_key
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.redaction import is_same
from reviewqueue.claims.selectors import first_answer_again
from reviewqueue.claims.submission import Submission
from reviewqueue.errors import Conflict

MASKED = "redacted"
"""Named where the two differ in nothing but what was masked, or in how."""


class ClaimConflict(Conflict):
    """The same external_id came with other content; the first claim stands."""

    code = "claim_conflict"


def answers_again(source: Source, repeated: Mapping[int, Submission]) -> dict[int, dict[str, Any] | ClaimConflict]:
    """What each is answered whose external_id is taken, by its key. No query when there is none."""
    standing = _claims_by_external_id(source, {submission.external_id for submission in repeated.values()})
    return {key: _answer_again(standing[submission.external_id], submission) for key, submission in repeated.items()}


def _claims_by_external_id(source: Source, external_ids: Collection[str]) -> dict[str, Claim]:
    """With their payloads and first decisions."""
    if not external_ids:
        return {}
    first = Prefetch("decisions", Decision.objects.filter(number=1).select_related("policy_version"), to_attr="first")
    claims = Claim.objects.filter(source=source, external_id__in=external_ids).select_related(
        "pipeline", "payload__key", "event"
    )
    return {claim.external_id: claim for claim in claims.prefetch_related(first)}


def _answer_again(claim: Claim, submission: Submission) -> dict[str, Any] | ClaimConflict:
    if not hasattr(claim, "payload"):
        return ClaimConflict("This external_id belongs to a claim whose payload was erased.", fields=[])
    if is_same(bytes(claim.content_hash), submission, key=submission_key()):
        (decision,) = claim.first  # type: ignore[attr-defined]  # prefetched above
        return first_answer_again(claim, decision)
    fields = _differing_fields(claim, submission) or [MASKED]
    return ClaimConflict(
        "This external_id belongs to a claim with different content: " + ", ".join(fields) + ".", fields=fields
    )


def _differing_fields(claim: Claim, submission: Submission) -> list[str]:
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
