"""Opening and closing human work. These join their caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from reviewqueue.claims.copying import copy_rows
from reviewqueue.claims.models import Claim, new_id
from reviewqueue.claims.recording import NewClaim
from reviewqueue.claims.rerouting import Rerouted
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.services import Appended, ChainEnd
from reviewqueue.pipelines.models import Pipeline, ReviewForm
from reviewqueue.pipelines.queue_rules import QueueRules, rules_of
from reviewqueue.pipelines.review_form import knows_answer
from reviewqueue.policy.document import ReviewTerms
from reviewqueue.policy.routing import Routing
from reviewqueue.review.models import Blind, Purpose, ReviewSlot, ReviewTask
from reviewqueue.transactions import joins_transaction

SYSTEM = Actor.system("review")
WITHOUT_POLICY = ReviewTerms()
_PURPOSE_OF_ROUTE = {
    "review": Purpose.REVIEW,
    "escalate": Purpose.ESCALATION,
    "accept_flagged": Purpose.FLAGGED,
}


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task that is to be opened, with one slot per label needed, free at `free_at` or at once."""

    id: UUID
    claim_id: UUID
    pipeline_id: int
    purpose: Purpose
    form_id: UUID
    blind: Blind
    labels_needed: int
    due_at: datetime
    terms: ReviewTerms
    seniors_only: bool
    needs: Sequence[str] = ()
    free_at: datetime | None = None


def open_for_decisions(claims: Sequence[NewClaim], events: Sequence[Appended], *, now: datetime) -> None:
    """The human work that routings ask for: none for a claim that is accepted and not drawn for audit.

    `events` are the ledger entries of the decisions, in the same order.
    """
    new = [task for claim in claims if (task := _task_for_decision(claim, now))]
    _open(new, now, after={claim.id: event.end for claim, event in zip(claims, events, strict=True) if event.end})


def open_for_rerouted(rerouted: Sequence[Rerouted], events: Sequence[Appended], *, now: datetime) -> None:
    """The human work for claims that had none until now. `events` are the ledger entries, in the same order."""
    _open(
        [_task_for_rerouted(each, now) for each in rerouted],
        now,
        after={each.claim.pk: event.end for each, event in zip(rerouted, events, strict=True) if event.end},
    )


def _task_for_decision(claim: NewClaim, now: datetime) -> NewTask | None:
    routing, policy = claim.routing, claim.terms.policy
    purpose = Purpose.AUDIT if routing.audit_sampled else _PURPOSE_OF_ROUTE.get(routing.route)
    if purpose is None:
        return None
    rules, category = claim.terms.queue_rules, claim.submission.category or ""
    return NewTask(
        id=new_id(),
        claim_id=claim.id,
        pipeline_id=claim.terms.pipeline_id,
        purpose=purpose,
        form_id=claim.terms.form_id,
        blind=_possible_blind(Blind(routing.blind), claim.terms.review_form),
        labels_needed=routing.labels_needed,
        due_at=_due_at(rules, routing, category, now),
        terms=policy.policy.review if policy else WITHOUT_POLICY,
        seniors_only=purpose == Purpose.ESCALATION,
        needs=rules.skills_for(category, claim.submission.segments),
    )


def _due_at(rules: QueueRules, routing: Routing, category: str, now: datetime) -> datetime:
    """What is judged blind is due as if it had no band, or its due time would tell an audit sample from the rest."""
    if routing.route == "accept_flagged":
        return now + timedelta(minutes=routing.due_minutes)
    band = (routing.band or "") if routing.blind == "none" else ""
    return rules.due_at(now, routing.due_minutes, category=category, band=band)


def _task_for_rerouted(each: Rerouted, now: datetime) -> NewTask:
    claim, routing = each.claim, each.routing
    purpose = _PURPOSE_OF_ROUTE[routing.route]
    rules = rules_of(claim.pipeline.queue_rules)
    return NewTask(
        id=new_id(),
        claim_id=claim.pk,
        pipeline_id=claim.pipeline_id,
        purpose=purpose,
        form_id=claim.pipeline.form_id,
        blind=_possible_blind(Blind(routing.blind), claim.pipeline.review_form),
        labels_needed=routing.labels_needed,
        due_at=_due_at(rules, routing, claim.category, now),
        terms=each.policy.policy.review,
        seniors_only=purpose == Purpose.ESCALATION,
        needs=rules.skills_for(claim.category, claim.segments),
    )


def open_task(
    *,
    claim: Claim,
    purpose: Purpose,
    blind: Blind,
    labels_needed: int,
    due_at: datetime,
    terms: ReviewTerms,
    seniors_only: bool,
    now: datetime,
    free_at: datetime | None = None,
) -> ReviewTask:
    """A task with one slot per label needed, free at `free_at` or at once, by the database's clock."""
    task = NewTask(
        id=new_id(),
        claim_id=claim.pk,
        pipeline_id=claim.pipeline_id,
        purpose=purpose,
        form_id=claim.pipeline.form_id,
        blind=_possible_blind(blind, claim.pipeline.review_form),
        labels_needed=labels_needed,
        due_at=due_at,
        terms=terms,
        seniors_only=seniors_only,
        needs=skills_for(claim),
        free_at=free_at,
    )
    _open([task], now)
    return ReviewTask.objects.get(pk=task.id)


def open_second_looks(
    claim_ids: Sequence[UUID], *, pipeline: Pipeline, terms: ReviewTerms, now: datetime
) -> dict[UUID, UUID]:
    """A relabel task for each settled claim, by claim: as blind as an audit would be, and due when it would be."""
    joins_transaction()
    blind = Blind.SCORE if terms.blind == "none" else Blind(terms.blind)
    rules, said = rules_of(pipeline.queue_rules), Claim.objects.only("category", "segments").in_bulk(list(claim_ids))
    form = ReviewForm.objects.get(pk__in=Pipeline.objects.filter(pk=pipeline.pk).values("form"))
    new = [
        NewTask(
            id=new_id(),
            claim_id=claim_id,
            pipeline_id=pipeline.pk,
            purpose=Purpose.RELABEL,
            form_id=form.pk,
            blind=_possible_blind(blind, form.document),
            labels_needed=1,
            due_at=rules.due_at(now, terms.due_minutes, category=said[claim_id].category),
            terms=terms,
            seniors_only=False,
            needs=rules.skills_for(said[claim_id].category, said[claim_id].segments),
        )
        for claim_id in claim_ids
    ]
    _open(new, now)
    return {task.claim_id: task.id for task in new}


def open_gold(claim: Claim, *, like: ReviewTask, task_id: UUID) -> ReviewTask:
    """A task with a known answer that looks like another one: due with it, and as blind as its pipeline's audits."""
    joins_transaction()
    terms = replace(WITHOUT_POLICY, lease_minutes=like.lease_seconds // 60, undo_seconds=like.undo_seconds)
    blind = Blind.SCORE if like.blind == Blind.NONE else Blind(like.blind)
    new = NewTask(
        id=task_id,
        claim_id=claim.pk,
        pipeline_id=claim.pipeline_id,
        purpose=Purpose.GOLD,
        form_id=like.form_id,
        blind=blind,
        labels_needed=1,
        due_at=like.due_at,
        terms=terms,
        seniors_only=False,
        needs=skills_for(claim),
    )
    _open([new], like.created_at)
    return ReviewTask.objects.get(pk=task_id)


def _possible_blind(wanted: Blind, review_form: Mapping[str, Any]) -> Blind:
    """A free text can only be judged by somebody who sees it."""
    return Blind.SCORE if wanted == Blind.ANSWER and not knows_answer(review_form) else wanted


def _open(new: Sequence[NewTask], now: datetime, *, after: Mapping[UUID, ChainEnd] | None = None) -> None:
    events = ledger.append_many([_entry(task) for task in new], after=after)
    copy_rows(ReviewTask, (_task_row(task, event.id, now) for task, event in zip(new, events, strict=True)))
    copy_rows(ReviewSlot, (_slot_row(task, number) for task in new for number in range(1, task.labels_needed + 1)))


def _entry(task: NewTask) -> Entry:
    fields = {
        "task": task.id,
        "purpose": task.purpose.value,
        "labels_needed": task.labels_needed,
        "blind": task.blind.value,
    }
    return Entry("task.opened", SYSTEM, task.claim_id, fields)


def _task_row(task: NewTask, event_id: int, now: datetime) -> dict[str, Any]:
    return {
        "id": task.id,
        "claim_id": task.claim_id,
        "pipeline_id": task.pipeline_id,
        "purpose": task.purpose.value,
        "form_id": task.form_id,
        "blind": task.blind.value,
        "labels_needed": task.labels_needed,
        "lease_seconds": task.terms.lease_minutes * 60,
        "undo_seconds": task.terms.undo_seconds,
        "due_at": task.due_at,
        "created_at": now,
        "event_id": event_id,
    }


def _slot_row(task: NewTask, number: int) -> dict[str, Any]:
    return {
        "task_id": task.id,
        "pipeline_id": task.pipeline_id,
        "purpose": task.purpose.value,
        "number": number,
        "seniors_only": task.seniors_only,
        "due_at": task.due_at,
        "priority": 0,
        "free_at": task.free_at or "now",  # by the database's clock: when this transaction began
        "lease_no": 0,
        "expiries": 0,
        "done": False,
        "needs": "{" + ",".join(task.needs) + "}",
    }


def skills_for(claim: Claim) -> list[str]:
    """What a task about this claim asks of its reviewer, if it were opened now."""
    return rules_of(claim.pipeline.queue_rules).skills_for(claim.category, claim.segments)


def needs_of(task: ReviewTask) -> list[str]:
    """The skills that a further slot of this task asks for: those of the first."""
    first = ReviewSlot.objects.filter(task=task).order_by("number").values_list("needs", flat=True).first()
    return list(first or ())


def close_task(*, task: ReviewTask, actor: Actor, now: datetime) -> None:
    """Ends a task that has what it needs; its unused slots leave the queue. Closing twice is one closing."""
    joins_transaction()
    closed = ReviewTask.objects.filter(pk=task.pk, closed_at__isnull=True).update(closed_at=now)
    if closed:
        ReviewSlot.objects.filter(task=task, done=False).update(done=True)
        ledger.append(event="task.closed", actor=actor, claim=task.claim_id, task=task.pk)
