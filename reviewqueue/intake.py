"""The spine: from a submitted claim to its recorded decision, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from reviewqueue.accounts.models import Source
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim, new_id
from reviewqueue.claims.selectors import differing_fields, first_answer, first_answer_again, previewed_decision
from reviewqueue.claims.submission import Submission
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.policy.sampling import audit_number
from reviewqueue.policy.selectors import ActivePolicy, active_policy, band_states
from reviewqueue.policy.services import sampling_key
from reviewqueue.review.services import tasks
from reviewqueue.transactions import service

NO_EPOCH = "none"


class ClaimConflict(Conflict):
    """The same external_id came with other content; the first claim stands."""

    code = "claim_conflict"


@dataclass(frozen=True, slots=True)
class Submitted:
    """`answer` is the REST form of the claim as it was decided; `created` is False for a repeated submission."""

    answer: dict[str, Any]
    created: bool


@service
def submit(*, source: Source, submission: Submission, now: datetime) -> Submitted:
    """Records, routes and decides one claim, opens the review it needs, and writes the ledger.

    Raises:
        Invalid: a name that the pipeline does not know, or an unknown superseded claim.
        ClaimConflict: the external_id is taken by a claim with other content.
    """
    pipeline = _pipeline_for(source, submission)
    _wait_for_twins(source, submission.external_id)
    earlier = Claim.objects.filter(source=source, external_id=submission.external_id).first()
    if earlier:
        return Submitted(_answer_again(earlier, submission), created=False)
    claim_id = new_id()
    policy = active_policy(pipeline.id)
    facts, routing = _decide(pipeline, submission, policy, claim_id)
    claim, decision = claims.record(
        claim_id=claim_id,
        submission=submission,
        source=source,
        pipeline=pipeline,
        facts=facts,
        routing=routing,
        policy=policy,
        supersedes=_superseded(source, submission),
        received_at=now,
    )
    tasks.open_for_decision(claim=claim, routing=routing, terms=policy.policy.review if policy else None, now=now)
    return Submitted(first_answer(claim, decision, policy.number if policy else None), created=True)


def preview(*, source: Source, submission: Submission, now: datetime) -> dict[str, Any]:
    """The decision that would be taken, in its REST form. Stores nothing, and draws nobody for audit."""
    pipeline = _pipeline_for(source, submission)
    policy = active_policy(pipeline.id)
    _, routing = _decide(pipeline, submission, policy, new_id())
    return previewed_decision(routing, policy.number if policy else None, now)


def _decide(
    pipeline: Pipeline, submission: Submission, policy: ActivePolicy | None, claim_id: UUID
) -> tuple[Facts, Routing]:
    subject: dict[str, Any] = {
        "model": submission.model,
        "model_version": submission.model_version,
        "prompt_version": submission.prompt_version or "",
    }
    epoch = policy.policy.sampling.epoch if policy else NO_EPOCH
    facts = Facts(
        **subject,
        category=submission.category,
        segments=submission.segments,
        confidence=submission.confidence,
        band_states=band_states(policy.version_id, **subject) if policy else {},
        audit_u=audit_number(sampling_key(pipeline.slug, epoch), claim_id),
    )
    return facts, route(facts, policy.policy) if policy else no_policy(facts)


def _pipeline_for(source: Source, submission: Submission) -> Pipeline:
    """The pipeline a source may post to, with every name in the claim known to it."""
    pipeline = Pipeline.objects.filter(slug=submission.pipeline, sources=source).first()
    if pipeline is None:
        raise Invalid([FieldProblem("/pipeline", "unknown", "This source has no such pipeline.")])
    problems = []
    if submission.category is not None and submission.category not in pipeline.categories:
        problems.append(FieldProblem("/category", "unknown", "This pipeline has no such category."))
    for key, value in submission.segments.items():
        if value not in pipeline.segment_values.get(key, ()):
            problems.append(FieldProblem("/segments", "unknown", "This pipeline has no such segment."))
    if problems:
        raise Invalid(problems)
    return pipeline


def _wait_for_twins(source: Source, external_id: str) -> None:
    """Two requests with one external_id run one after the other; nobody else waits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"claim:{source.pk}:{external_id}"])


def _answer_again(earlier: Claim, submission: Submission) -> dict[str, Any]:
    if bytes(earlier.content_hash) == submission.content_hash:
        return first_answer_again(earlier.pk)
    fields = differing_fields(earlier, submission)
    raise ClaimConflict(
        "This external_id belongs to a claim with different content: " + ", ".join(fields) + ".", fields=fields
    )


def _superseded(source: Source, submission: Submission) -> Claim | None:
    if submission.supersedes is None:
        return None
    try:
        claim_id = UUID(submission.supersedes)
    except ValueError:
        claim_id = None
    claim = Claim.objects.filter(source=source, pk=claim_id).first() if claim_id else None
    if claim is None:
        raise Invalid([FieldProblem("/supersedes", "unknown", "There is no such claim.")])
    return claim
