"""The spine: from submitted claims to their recorded decisions, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import new_id
from reviewqueue.claims.recording import NewClaim, TwinCommitted, record
from reviewqueue.claims.repeats import ClaimConflict, answers_again
from reviewqueue.claims.selectors import claims_named, first_answer, previewed_decision, taken_external_ids
from reviewqueue.claims.submission import Submission, parse_submission
from reviewqueue.errors import Conflict, DomainError, FieldProblem, Invalid
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.policy.sampling import audit_number
from reviewqueue.policy.selectors import PipelineTerms, terms_of_source
from reviewqueue.review.services import tasks
from reviewqueue.transactions import service

MAX_BATCH: Final = 1_000


class TooManyClaims(DomainError):
    """A batch is longer than batches may be."""

    code = "too_large"


@dataclass(frozen=True, slots=True)
class Submitted:
    """`answer` is the REST form of the claim as it was decided; `created` is False for a repeated submission."""

    answer: dict[str, Any]
    created: bool


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one element of a batch: its answer, or the error that it alone got."""

    index: int
    status: int
    answer: dict[str, Any] | None = None
    error: DomainError | None = None


def submit(*, source: Source, submission: Submission, now: datetime) -> Submitted:
    """Records, routes and decides one claim, opens the review it needs, and writes the ledger.

    Raises:
        Invalid: a name that the pipeline does not know, or an unknown superseded claim.
        ClaimConflict: the external_id is taken by a claim with other content.
    """
    (result,) = _take_in(source, [submission], now)
    if isinstance(result, DomainError):
        raise result
    return result


def submit_batch(*, source: Source, bodies: Sequence[object], now: datetime) -> list[BatchResult]:
    """What `submit` does, for plain JSON values, in one transaction. Each stands or falls alone, in the order given.

    Raises TooManyClaims.
    """
    if len(bodies) > MAX_BATCH:
        raise TooManyClaims(f"A batch may have {MAX_BATCH} claims.")
    parsed = [_parsed(body, now) for body in bodies]
    readable = [each for each in parsed if isinstance(each, Submission)]
    results = iter(_take_in(source, readable, now) if readable else [])
    return [
        _batch_result(index, next(results) if isinstance(each, Submission) else each)
        for index, each in enumerate(parsed)
    ]


def preview(*, source: Source, submission: Submission, now: datetime) -> dict[str, Any]:
    """The decision that would be taken, in its REST form. Stores nothing, and draws nobody for audit."""
    terms = _terms_for(submission, _terms_of(source, [submission]))
    _, routing = _decide(submission, terms, new_id())
    return previewed_decision(routing, terms.policy.number if terms.policy else None, now)


def _parsed(body: object, now: datetime) -> Submission | Invalid:
    try:
        return parse_submission(body, now=now)
    except Invalid as error:
        return error.with_traceback(None)


def _batch_result(index: int, result: Submitted | DomainError) -> BatchResult:
    if isinstance(result, Submitted):
        return BatchResult(index, 201 if result.created else 200, answer=result.answer)
    return BatchResult(index, 409 if isinstance(result, Conflict) else 422, error=result)


def _take_in(source: Source, submissions: Sequence[Submission], now: datetime) -> list[Submitted | DomainError]:
    """One result each. Whenever a twin was quicker it is all done again: one claim more is taken then, and for good."""
    for _ in submissions:
        try:
            return _take_in_at_once(source, submissions, now)
        except TwinCommitted:
            continue
    return _take_in_at_once(source, submissions, now)


@service
def _take_in_at_once(source: Source, submissions: Sequence[Submission], now: datetime) -> list[Submitted | DomainError]:
    new, refused = _judge(source, submissions)
    claims = list(new.values())
    events = record(claims, source=source, now=now)
    tasks.open_for_decisions(claims, events, now=now)
    repeated = {place: each for place, each in enumerate(submissions) if place not in new and place not in refused}
    results: dict[int, Submitted | DomainError] = {**refused}
    for place, claim in new.items():
        results[place] = Submitted(first_answer(claim, now), created=True)
    for place, again in answers_again(source, repeated).items():
        results[place] = again if isinstance(again, ClaimConflict) else Submitted(again, created=False)
    return [results[place] for place in range(len(submissions))]


def _judge(source: Source, submissions: Sequence[Submission]) -> tuple[dict[int, NewClaim], dict[int, Invalid]]:
    """Which submissions, by their places, are new claims and which are refused; the others repeat a claim."""
    terms = _terms_of(source, submissions)
    taken = taken_external_ids(source, [submission.external_id for submission in submissions])
    superseded = claims_named(source, {each.supersedes for each in submissions if each.supersedes is not None})
    new: dict[int, NewClaim] = {}
    refused: dict[int, Invalid] = {}
    for place, submission in enumerate(submissions):
        try:
            own = _terms_for(submission, terms)
            if submission.external_id not in taken:
                new[place] = _new_claim(submission, own, superseded)
                taken.add(submission.external_id)
        except Invalid as error:
            refused[place] = error.with_traceback(None)  # it would hold on to all that is in this frame
    return new, refused


def _new_claim(submission: Submission, terms: PipelineTerms, superseded: Mapping[str, UUID]) -> NewClaim:
    if submission.supersedes is not None and submission.supersedes not in superseded:
        raise Invalid([FieldProblem("/supersedes", "unknown", "There is no such claim.")])
    claim_id = new_id()
    facts, routing = _decide(submission, terms, claim_id)
    supersedes = None if submission.supersedes is None else superseded[submission.supersedes]
    return NewClaim(claim_id, submission, terms, facts, routing, supersedes)


def _decide(submission: Submission, terms: PipelineTerms, claim_id: UUID) -> tuple[Facts, Routing]:
    policy = terms.policy.policy if terms.policy else None
    facts = Facts(
        model=submission.model,
        model_version=submission.model_version,
        prompt_version=submission.prompt_version or "",
        category=submission.category,
        segments=submission.segments,
        confidence=submission.confidence,
        band_states=terms.band_states(submission.subject),
        audit_u=audit_number(terms.sampling_key, claim_id),
    )
    return facts, route(facts, policy) if policy else no_policy(facts)


def _terms_of(source: Source, submissions: Sequence[Submission]) -> dict[str, PipelineTerms]:
    return terms_of_source(
        source.pk,
        pipelines={submission.pipeline for submission in submissions},
        subjects={submission.subject for submission in submissions},
    )


def _terms_for(submission: Submission, terms: Mapping[str, PipelineTerms]) -> PipelineTerms:
    """Those of the pipeline; Invalid when the source may not post there, or the claim has a name unknown there."""
    own = terms.get(submission.pipeline)
    if own is None:
        raise Invalid([FieldProblem("/pipeline", "unknown", "This source has no such pipeline.")])
    problems = own.unknown_names(submission.category, submission.segments)
    if problems:
        raise Invalid(problems)
    return own
