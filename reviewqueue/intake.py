"""The spine: from submitted claims to their recorded decisions, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from reviewqueue.accounts.models import Source
from reviewqueue.cascade.agreement import SIGNAL
from reviewqueue.cascade.selectors import CaseSoFar, so_far
from reviewqueue.cascade.services import cases, steps
from reviewqueue.claims import attachments
from reviewqueue.claims.checking import checks_of
from reviewqueue.claims.keys import submission_key
from reviewqueue.claims.models import new_id
from reviewqueue.claims.recording import NewClaim, TwinCommitted, record
from reviewqueue.claims.redaction import is_same, masked
from reviewqueue.claims.repeats import ClaimConflict, answers_again
from reviewqueue.claims.selectors import claims_named, first_answer, previewed_decision, taken_external_ids
from reviewqueue.claims.submission import Submission, parse_submission
from reviewqueue.errors import Conflict, DomainError, FieldProblem, Invalid
from reviewqueue.ledger.actors import Actor
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.policy.sampling import audit_number
from reviewqueue.policy.selectors import PipelineTerms, terms_of_source
from reviewqueue.review.services import tasks
from reviewqueue.transactions import service

MAX_BATCH: Final = 1_000

_Judge = Callable[["Source", Sequence[Submission], datetime], "list[Submitted | DomainError]"]


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
        SupersededAlready, CaseFull: the claim to be superseded is not the newest of its case, or the case is full.
    """
    (result,) = _take_in(source, [submission], now)
    if isinstance(result, DomainError):
        raise result
    return result


def submit_batch(*, source: Source, bodies: Sequence[object], now: datetime) -> list[BatchResult]:
    """What `submit` does, for plain JSON values, in one transaction. Each stands or falls alone, in the order given.

    Raises TooManyClaims.
    """
    return _each(source, bodies, now, _take_in)


def preview_batch(*, source: Source, bodies: Sequence[object], now: datetime) -> list[BatchResult]:
    """What would become of each body. Stores nothing, and draws nobody for audit.

    The answer of a claim that would be new has its `decision` and nothing else. Raises TooManyClaims.
    """
    return _each(source, bodies, now, _foresee)


def preview(*, source: Source, submission: Submission, now: datetime) -> dict[str, Any]:
    """The decision that would be taken, in its REST form. Stores nothing, and draws nobody for audit."""
    terms = _terms_for(submission, _terms_of(source, [submission]))
    attachments.check_named(submission, attachments.known_to(source, attachments.named_in([submission])))
    kept = masked(submission, terms.redaction, key=submission_key())
    return previewed_decision(_new_claim(kept, terms, _Superseded.by(source, [kept])), now)


def _each(source: Source, bodies: Sequence[object], now: datetime, judge: _Judge) -> list[BatchResult]:
    if len(bodies) > MAX_BATCH:
        raise TooManyClaims(f"A batch may have {MAX_BATCH} claims.")
    parsed = [_parsed(body, now) for body in bodies]
    readable = [each for each in parsed if isinstance(each, Submission)]
    results = iter(judge(source, readable, now) if readable else [])
    return [
        _batch_result(index, next(results) if isinstance(each, Submission) else each)
        for index, each in enumerate(parsed)
    ]


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
    superseded = _Superseded.by(source, submissions, lock=True)
    new, repeated, refused = _judge(source, submissions, superseded, lock=True)
    claims = list(new.values())
    events = record(claims, source=source, now=now)
    attachments.mark_used(((claim.id, claim.submission) for claim in claims), now)
    tasks.open_for_decisions(claims, events, now=now)
    steps.open_for_decisions(claims, events, now=now)
    cases.supersede(claims, superseded.cases, actor=Actor.source(source.slug), now=now)
    results: dict[int, Submitted | DomainError] = {**refused}
    for place, claim in new.items():
        results[place] = Submitted(first_answer(claim, now), created=True)
    for place, again in answers_again(source, repeated).items():
        results[place] = again if isinstance(again, ClaimConflict) else Submitted(again, created=False)
    return [results[place] for place in range(len(submissions))]


def _foresee(source: Source, submissions: Sequence[Submission], now: datetime) -> list[Submitted | DomainError]:
    """What `_take_in` would return, without taking anything in."""
    new, repeated, refused = _judge(source, submissions, _Superseded.by(source, submissions))
    firsts = {claim.submission.external_id: claim.submission for claim in new.values()}
    results: dict[int, Submitted | DomainError] = {**refused}
    for place, claim in new.items():
        results[place] = Submitted({"decision": previewed_decision(claim, now)}, created=True)
    twins = {place: each for place, each in repeated.items() if each.external_id in firsts}
    for place, twin in twins.items():
        results[place] = _twin(twin, firsts[twin.external_id])
    stored = {place: each for place, each in repeated.items() if place not in twins}
    for place, again in answers_again(source, stored).items():
        results[place] = again if isinstance(again, ClaimConflict) else Submitted(again, created=False)
    return [results[place] for place in range(len(submissions))]


def _twin(submission: Submission, first: Submission) -> Submitted | ClaimConflict:
    if is_same(first.content_hash, submission, key=submission_key()):
        return Submitted({}, created=False)
    return ClaimConflict("An earlier claim of the same batch has this external_id and different content.")


@dataclass(frozen=True, slots=True)
class _Superseded:
    """The claims that submissions name as superseded, with the cases they belong to."""

    named: Mapping[str, UUID]
    cases: Mapping[UUID, CaseSoFar]
    taken: set[UUID] = field(default_factory=set)

    @classmethod
    def by(cls, source: Source, submissions: Sequence[Submission], *, lock: bool = False) -> _Superseded:
        """`lock` holds them until the transaction ends. No statement when no submission names any."""
        named = claims_named(source, {each.supersedes for each in submissions if each.supersedes is not None})
        if lock:
            cases.lock(set(named.values()))
        return cls(named, so_far(set(named.values())))

    def case_of(self, submission: Submission, terms: PipelineTerms) -> CaseSoFar | None:
        """Raises Invalid for a claim that is not there or lies elsewhere, and what `cases.check` raises."""
        if submission.supersedes is None:
            return None
        claim_id = self.named.get(submission.supersedes)
        if claim_id is None:
            raise Invalid([FieldProblem("/supersedes", "unknown", "There is no such claim.")])
        case = self.cases[claim_id]
        if case.pipeline_id != terms.pipeline_id:
            raise Invalid([FieldProblem("/supersedes", "other_pipeline", "That claim is one of another pipeline.")])
        cases.check(case, again=claim_id in self.taken)
        return case


def _judge(
    source: Source, submissions: Sequence[Submission], superseded: _Superseded, *, lock: bool = False
) -> tuple[dict[int, NewClaim], dict[int, Submission], dict[int, DomainError]]:
    """Which submissions, by their places, are new claims, which repeat a claim, and which are refused.

    From here on they are as their pipelines keep them: masked.

    What is taken is looked up once the superseded claims are held: who waited for a twin of his own repeats it.
    """
    terms = _terms_of(source, submissions)
    files = attachments.known_to(source, attachments.named_in(submissions), lock=lock)
    taken = taken_external_ids(source, [submission.external_id for submission in submissions])
    new: dict[int, NewClaim] = {}
    repeated: dict[int, Submission] = {}
    refused: dict[int, DomainError] = {}
    for place, submission in enumerate(submissions):
        try:
            own = _terms_for(submission, terms)
            kept = masked(submission, own.redaction, key=submission_key())
            if submission.external_id in taken:
                repeated[place] = kept
            else:
                attachments.check_named(submission, files)
                new[place] = _new_claim(kept, own, superseded)
                taken.add(submission.external_id)
        except (Invalid, Conflict) as error:
            refused[place] = error.with_traceback(None)  # it would hold on to all that is in this frame
    return new, repeated, refused


def _new_claim(submission: Submission, terms: PipelineTerms, superseded: _Superseded) -> NewClaim:
    case = superseded.case_of(submission, terms)
    claim_id = new_id()
    facts, routing = _decide(submission, terms, claim_id, case)
    if case is None:
        return NewClaim(claim_id, submission, terms, facts, routing, None)
    superseded.taken.add(case.claim_id)
    return NewClaim(claim_id, submission, terms, facts, routing, case.claim_id)


def _decide(
    submission: Submission, terms: PipelineTerms, claim_id: UUID, case: CaseSoFar | None
) -> tuple[Facts, Routing]:
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
        epoch=terms.epoch,
        audit_rates=terms.audit_rates(submission.subject, submission.category, submission.segments),
        breaker=terms.broken(submission.subject),
        attempt=case.number + 1 if case else 1,
        signals=_signals(submission, case),
        case_mandatory=case is not None and case.mandatory,
        checks=checks_of(submission, policy) if policy else {},
    )
    return facts, route(facts, policy) if policy else no_policy(facts)


def _signals(submission: Submission, case: CaseSoFar | None) -> Mapping[str, float]:
    """What came with the claim, and how far the attempts of its case agree."""
    agreed = case.agreement(submission.output) if case else None
    return submission.signals if agreed is None else {**submission.signals, SIGNAL: agreed}


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
