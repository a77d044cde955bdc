"""Opening and closing human work. These join their caller's transaction."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models.functions import Now

from reviewqueue.claims.models import Claim
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
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


def open_for_decision(*, claim: Claim, routing: Routing, terms: ReviewTerms | None, now: datetime) -> ReviewTask | None:
    """The human work that a routing asks for: none for a claim that is accepted and not drawn for audit."""
    purpose = Purpose.AUDIT if routing.audit_sampled else _PURPOSE_OF_ROUTE.get(routing.route)
    if purpose is None:
        return None
    return open_task(
        claim=claim,
        purpose=purpose,
        blind=Blind(routing.blind),
        labels_needed=routing.labels_needed,
        due_at=now + timedelta(minutes=routing.due_minutes),
        terms=terms or WITHOUT_POLICY,
        seniors_only=purpose == Purpose.ESCALATION,
        now=now,
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
    joins_transaction()
    if blind == Blind.ANSWER and not knows_answer(claim.pipeline.review_form):
        blind = Blind.SCORE  # a free text can only be judged by somebody who sees it
    task_id = ReviewTask._meta.pk.get_default()
    entry = ledger.append(
        event="task.opened",
        actor=SYSTEM,
        claim=claim.pk,
        task=task_id,
        purpose=purpose.value,
        labels_needed=labels_needed,
        blind=blind.value,
    )
    task = ReviewTask.objects.create(
        id=task_id,
        claim=claim,
        pipeline_id=claim.pipeline_id,
        purpose=purpose,
        blind=blind,
        labels_needed=labels_needed,
        lease_seconds=terms.lease_minutes * 60,
        undo_seconds=terms.undo_seconds,
        due_at=due_at,
        created_at=now,
        event_id=entry.id,
    )
    ReviewSlot.objects.bulk_create(
        ReviewSlot(
            task=task,
            pipeline_id=claim.pipeline_id,
            purpose=purpose,
            number=number,
            seniors_only=seniors_only,
            due_at=due_at,
            free_at=free_at or Now(),
        )
        for number in range(1, labels_needed + 1)
    )
    return task


def close_task(*, task: ReviewTask, actor: Actor, now: datetime) -> None:
    """Ends a task that has what it needs; its unused slots leave the queue. Closing twice is one closing."""
    joins_transaction()
    closed = ReviewTask.objects.filter(pk=task.pk, closed_at__isnull=True).update(closed_at=now)
    if closed:
        ReviewSlot.objects.filter(task=task, done=False).update(done=True)
        ledger.append(event="task.closed", actor=actor, claim=task.claim_id, task=task.pk)
