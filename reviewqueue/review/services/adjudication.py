"""What labels lead to: a settled claim, one more label, or a senior. These join the caller's transaction, which holds
the claim.

Whatever a label leads to is handed out only when its undo window is over, so a change of mind can take it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max

from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim, Decision, Outcome, OutcomeBasis
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.queue_rules import rules_of
from reviewqueue.policy.document import ReviewTerms
from reviewqueue.policy.selectors import policy_of
from reviewqueue.review.models import Blind, Label, Purpose, Relabel, ReviewSlot, ReviewTask
from reviewqueue.review.resolution import BY_SENIORS, Resolution, Step, looked_at_again, resolve, shared_correction
from reviewqueue.review.services import gold, returning, second_looks, tasks
from reviewqueue.review.showing import standing


def follow_label(*, label: Label, claim: Claim, actor: Actor) -> Outcome | None:
    """Does what a new label makes necessary; returns the outcome if it settled the claim."""
    task = label.task
    if task.purpose == Purpose.GOLD:
        gold.score(label=label, actor=tasks.SYSTEM)
        tasks.close_task(task=task, actor=tasks.SYSTEM, now=label.created_at)
        return None
    labels = standing(Label.objects.filter(task=task).order_by("slot__number"))
    terms = terms_of(claim)
    again = second_looks.behind(task)
    resolution = _resolution(task, labels, terms)
    if again:
        agrees = second_looks.agrees(again, resolution.correct, _right_output(resolution.correct, labels, task))
        resolution = looked_at_again(resolution, purpose=task.purpose, agrees=agrees)
    outcome = None
    if resolution.step == Step.SETTLE:
        outcome = _settle(label, labels, claim, resolution, actor, again)
    else:
        _go_on(label, labels, claim, resolution, terms, actor)
    if again:
        second_looks.record(again, label=label, found=resolution, outcome=outcome, actor=actor)
    return outcome


def _go_on(
    label: Label, labels: list[Label], claim: Claim, resolution: Resolution, terms: ReviewTerms, actor: Actor
) -> None:
    task = label.task
    if resolution.step == Step.ANOTHER_LABEL:
        _add_slot(task, label.created_at)
    elif resolution.step != Step.WAIT:
        tasks.close_task(task=task, actor=actor, now=label.created_at)
    if resolution.step == Step.ESCALATE:
        _open_for_seniors(task, claim, Purpose.ESCALATION, Blind(task.blind), terms, label.created_at)
    elif resolution.step == Step.ADJUDICATE:
        opened = _open_for_seniors(task, claim, Purpose.ADJUDICATION, Blind.NONE, terms, label.created_at)
        ledger.append(
            event="adjudication.opened",
            actor=tasks.SYSTEM,
            claim=claim.pk,
            task=opened.pk,
            labels=[each.pk for each in labels],
        )


def follow_revision(*, label: Label, earlier: Label, claim: Claim, actor: Actor) -> Outcome | None:
    """Takes back what the label led to before, and does what it leads to now."""
    if label.task.purpose == Purpose.GOLD:
        return follow_label(label=label, claim=claim, actor=actor)
    if (label.verdict, label.output) == (earlier.verdict, earlier.output):
        return claim.outcomes.filter(label_id=earlier.pk, standing=True).first()
    _take_back(label.task, claim, actor, label.created_at)
    outcome = follow_label(label=label, claim=claim, actor=actor)
    if outcome is None:
        _withdraw_outcome(label.task, claim, actor)
    return outcome


def _resolution(task: ReviewTask, labels: list[Label], terms: ReviewTerms) -> Resolution:
    return resolve(
        [label.verdict for label in labels],
        purpose=task.purpose,
        waiting=ReviewSlot.objects.filter(task=task, done=False).exists(),
        labels_needed=task.labels_needed,
        max_labels=max(terms.max_labels, task.labels_needed),
        closed=task.closed_at is not None,
    )


def terms_of(claim: Claim) -> ReviewTerms:
    """How people review under the policy that decided this claim."""
    decision = Decision.objects.select_related("policy_version").get(claim=claim, standing=True)
    version = decision.policy_version
    return policy_of(version.pk, version.document_hash).review if version else tasks.WITHOUT_POLICY


def _settle(
    label: Label,
    labels: list[Label],
    claim: Claim,
    resolution: Resolution,
    actor: Actor,
    again: Relabel | None,
) -> Outcome:
    task = label.task
    outcome = claims.settle(
        claim=claim,
        correct=resolution.correct,
        output=_right_output(resolution.correct, labels, task),
        basis=OutcomeBasis.ADJUDICATION if task.purpose in BY_SENIORS else OutcomeBasis.LABELS,
        actor=actor,
        label_id=label.pk,
        may_measure=again is None and not returning.keeps_estimates(claim),
        reason="relabelled" if again else "",
    )
    tasks.close_task(task=task, actor=actor, now=label.created_at)
    if task.purpose == Purpose.ADJUDICATION:
        ledger.append(
            event="adjudication.decided",
            actor=actor,
            claim=claim.pk,
            task=task.pk,
            label=label.pk,
            verdict=label.verdict,
            outcome=outcome.pk,
            correct=outcome.correct,
        )
    return outcome


def _right_output(correct: bool | None, labels: list[Label], task: ReviewTask) -> object:
    """The claim's output when it is right, the reviewers' correction when it is wrong; None when nobody knows."""
    if correct is None:
        return None
    return task.claim.payload.content["output"] if correct else shared_correction(each.output for each in labels)


def _after_undo(task: ReviewTask, now: datetime) -> datetime:
    return now + timedelta(seconds=task.undo_seconds)


def _add_slot(task: ReviewTask, now: datetime) -> None:
    slots = ReviewSlot.objects.filter(task=task)
    ReviewSlot.objects.create(
        task=task,
        pipeline_id=task.pipeline_id,
        purpose=task.purpose,
        number=slots.aggregate(last=Max("number"))["last"] + 1,
        seniors_only=task.purpose in BY_SENIORS or slots.filter(seniors_only=True).exists(),
        due_at=task.due_at,
        free_at=_after_undo(task, now),
        needs=tasks.needs_of(task),
    )


def _open_for_seniors(
    task: ReviewTask, claim: Claim, purpose: Purpose, blind: Blind, terms: ReviewTerms, now: datetime
) -> ReviewTask:
    already = ReviewTask.objects.filter(claim=claim, purpose=purpose, closed_at__isnull=True).first()
    return already or tasks.open_task(
        claim=claim,
        purpose=purpose,
        blind=blind,
        labels_needed=1,
        due_at=rules_of(claim.pipeline.queue_rules).due_at(now, terms.due_minutes, category=claim.category),
        terms=terms,
        seniors_only=True,
        now=now,
        free_at=_after_undo(task, now),
    )


def _take_back(task: ReviewTask, claim: Claim, actor: Actor, now: datetime) -> None:
    """Withdraws from the queue what followed from the label: its undo window is open, so nobody has been given it."""
    extra = ReviewSlot.objects.filter(task=task, number__gt=task.labels_needed, lease_no=0, done=False)
    extra.update(done=True)
    others = ReviewTask.objects.filter(claim=claim, closed_at__isnull=True).exclude(pk=task.pk)
    for follow_up in others.filter(purpose__in=BY_SENIORS, slots__lease_no=0):
        tasks.close_task(task=follow_up, actor=actor, now=now)


def _withdraw_outcome(task: ReviewTask, claim: Claim, actor: Actor) -> None:
    """No truth stands any more, or the earlier one again: the labels that made it no longer say it."""
    if again := second_looks.behind(task):
        return second_looks.restore(again, task=task, claim=claim, actor=actor)
    given = Label.objects.filter(task=task).values("pk")
    outcome = claim.outcomes.filter(measures=True, label_id__in=given).first()
    if outcome:
        kept = returning.keeps_estimates(claim)
        claims.withdraw(claim=claim, outcome=outcome, actor=actor, still_measures=kept)
    return None
