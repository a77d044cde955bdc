"""Labels: given under a lease, changed only by a further revision, and only for a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Outcome
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.review import selectors
from reviewqueue.review.answers import LabelAnswer, content_hash, judged
from reviewqueue.review.clock import database_now
from reviewqueue.review.comments import masked_comment
from reviewqueue.review.models import Blind, Label, LeaseEnd, ReviewSlot, ReviewTask
from reviewqueue.review.resolution import BY_OTHERS, BY_SENIORS
from reviewqueue.review.services import adjudication, returning
from reviewqueue.review.services.holding import Held, LeaseLost, actor_of, end_lease, hold, lease_lost
from reviewqueue.transactions import service

__all__ = ["LabelAnswer", "Labelled", "LeaseLost", "UndoWindowOver", "revise_label", "submit_label"]

REVISION_REASONS: Final = ("undo", "slip", "second_thought", "after_reveal", "returned", "other")


class UndoWindowOver(Conflict):
    code = "undo_window_over"


@dataclass(frozen=True, slots=True)
class Labelled:
    """`outcome` is what this very label settled, if it did; `reveal` what blindness had hidden; `created` is False for
    a repeated submit."""

    label: Label
    outcome: Outcome | None
    created: bool
    reveal: dict[str, Any] | None


@service
def submit_label(*, reviewer: User, lease_id: UUID, answer: LabelAnswer) -> Labelled:
    """Takes a reviewer's answer, and settles the claim when it was the last one needed.

    A lease that ran out still counts (`late`) as long as nobody else was given the slot. The same answer again gets
    the first result again.

    Raises:
        NotFound: not a lease of this person.
        LeaseLost: the slot was taken over, given back or answered; `facts["label"]` is the answer that stands.
        Forbidden: not a senior (any more), or a senior who would decide about a label of their own.
        Invalid: the answer does not fit the form.
    """
    held = hold(reviewer=reviewer, lease_id=lease_id)
    answer = replace(answer, note=masked_comment(answer.note, held.claim.pipeline_id))
    given = content_hash(answer)
    earlier = Label.objects.filter(task=held.lease.task_id, reviewer=reviewer, revision=0).first()
    if earlier and earlier.lease_id == held.lease.pk and bytes(earlier.request_hash) == given:
        return _result(earlier, outcome=_outcome_of(earlier), created=False)
    if earlier or held.lost:
        raise lease_lost(held)
    _check_entitled(held, reviewer)
    label = _label(held, reviewer, answer, given)
    end_lease(held.lease, LeaseEnd.LABELLED, held.now)
    ReviewSlot.objects.filter(pk=held.lease.slot_id).update(done=True)
    outcome = adjudication.follow_label(label=label, claim=held.claim, actor=actor_of(reviewer, held.claim.pipeline_id))
    return _result(label, outcome=outcome, created=True)


def _check_entitled(held: Held, reviewer: User) -> None:
    """Taking already sees to both; between take and submit a role may be lost."""
    purpose = held.lease.task.purpose
    if purpose in BY_SENIORS and not has_role(reviewer, [Role.SENIOR], pipeline_id=held.claim.pipeline_id):
        raise Forbidden("This is for senior reviewers.")
    if purpose in BY_OTHERS and Label.objects.filter(claim=held.claim, reviewer=reviewer).exists():
        raise Forbidden("You gave one of the labels this is about.")


def _label(held: Held, reviewer: User, answer: LabelAnswer, given: bytes) -> Label:
    lease, task = held.lease, held.lease.task
    content = task.claim.payload.content
    said = judged(
        answer,
        form=task.form.document,
        blind=task.blind,
        model_output=content["output"],
        model_input=content["input"],
    )
    label = Label(
        task=task,
        slot=lease.slot,
        claim=task.claim,
        lease=lease,
        reviewer=reviewer,
        late=held.expired,
        **_said(said),
        blind=task.blind,
        request_hash=given,
        created_at=held.now,
    )
    _write(label, "label.submitted", lease_no=lease.lease_no, late=label.late, blind=label.blind, purpose=task.purpose)
    return label


def _said(answer: LabelAnswer) -> dict[str, Any]:
    return {
        "verdict": answer.verdict,
        "output": answer.output,
        "error_types": list(answer.error_types),
        "note": answer.note,
        "answers": dict(answer.answers),
        "seconds": answer.seconds,
    }


def _write(label: Label, event: str, **fields: object) -> None:
    """The ledger gets the verdict and a commitment; the reviewer's words stay where they can be erased."""
    task = label.task
    words = {name: getattr(label, name) for name in ("output", "error_types", "note", "answers")}
    content = {"label": str(label.pk), **words}
    entry = ledger.append(
        event=event,
        actor=actor_of(label.reviewer, task.pipeline_id),
        claim=label.claim_id,
        label=label.pk,
        task=task.pk,
        lease=label.lease_id,
        reviewer=label.reviewer.pseudonym,
        verdict=label.verdict,
        form=task.form.number,
        seconds=None if label.seconds is None else math.floor(label.seconds),
        commitment=claims.payload_commitment(bytes(task.claim.payload.salt), content),
        **fields,
    )
    label.event_id = entry.id
    label.save(force_insert=True)


def _outcome_of(label: Label) -> Outcome | None:
    """What the label settled when it was given; a revision that changed only the note keeps the outcome before it."""
    so_far = Label.objects.filter(slot=label.slot_id, revision__lte=label.revision).values("pk")
    return Outcome.objects.filter(label_id__in=so_far).order_by("number").last()


def _result(label: Label, *, outcome: Outcome | None, created: bool) -> Labelled:
    reveal = None if label.blind == Blind.NONE else selectors.reveal_of(label)
    return Labelled(label, outcome, created, reveal)


@service
def revise_label(*, reviewer: User, label_id: UUID, answer: LabelAnswer, reason: str) -> Labelled:
    """A change of mind: the next revision of the label, which alone counts from now on. The first one stays.

    Allowed for the task's undo seconds after the first revision, by the database's clock; nothing that follows from
    the label is handed out before they are over. Also when a senior has returned it, once. Any revision's id names the
    label. The same answer again is no further revision; of a returned label it says that its reviewer stands by it.

    Raises:
        NotFound: not a label of this person.
        UndoWindowOver: too late, and not returned by a senior.
        WithSeniors: it was returned, and meanwhile a senior decides about the claim.
        PayloadErased: what it was about is gone.
        Invalid: the answer does not fit the form, or `reason` is not one of REVISION_REASONS.
    """
    if reason not in REVISION_REASONS:
        known = ", ".join(REVISION_REASONS)
        raise Invalid([FieldProblem("/reason", "choice", f"The reason is one of: {known}.")])
    claim = claims.lock_claim(selectors.claim_of_label(reviewer, label_id))
    claims.check_not_erased(claim)
    named = selectors.label_for(reviewer, label_id)
    revisions = list(
        Label.objects.filter(slot=named.slot_id)
        .select_related("claim__payload__key", "task", "reviewer")
        .order_by("revision")
    )
    first, last, now = revisions[0], revisions[-1], database_now()
    answer = replace(answer, note=masked_comment(answer.note, claim.pipeline_id))
    given, returned = content_hash(answer), returning.open_return(named.slot_id)
    if bytes(last.request_hash) == given:
        if returned:
            returning.answered(returned, now=now, upheld=last)
        return _result(last, outcome=_outcome_of(last), created=False)
    if returned:
        returning.check_not_with_seniors(claim, named.task)
    else:
        _check_window(first, named.task, now)
    label = _revision(named, last, answer, given, now, reason)
    if returned:
        returning.answered(returned, now=now)
    outcome = adjudication.follow_revision(
        label=label, earlier=last, claim=claim, actor=actor_of(reviewer, claim.pipeline_id)
    )
    return _result(label, outcome=outcome, created=True)


def _check_window(first: Label, task: ReviewTask, now: datetime) -> None:
    if now >= first.created_at + timedelta(seconds=task.undo_seconds):
        raise UndoWindowOver(f"Answers can be changed for {task.undo_seconds} seconds, and they are over.")


def _revision(named: Label, last: Label, answer: LabelAnswer, given: bytes, now: datetime, reason: str) -> Label:
    task, claim = named.task, named.claim
    said = judged(
        answer,
        form=task.form.document,
        blind=task.blind,
        model_output=claim.payload.content["output"],
        model_input=claim.payload.content["input"],
        revealed=True,
    )
    label = Label(
        task=task,
        slot=named.slot,
        claim=claim,
        lease=named.lease,
        reviewer=named.reviewer,
        revision=last.revision + 1,
        late=last.late,
        **_said(said),
        blind=task.blind,
        request_hash=given,
        created_at=now,
    )
    _write(label, "label.amended", supersedes=last.pk, reason=reason)
    return label
