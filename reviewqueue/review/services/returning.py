"""A senior gives a label back to whoever gave it, with a comment: they change it, or stand by it.

The senior never changes it. A further revision supersedes the label and whatever followed from it, as a change of mind
within the undo seconds does; so two people are behind every late change.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Q

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Claim
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.review import selectors
from reviewqueue.review.answers import text_problems
from reviewqueue.review.clock import database_now
from reviewqueue.review.comments import masked_comment
from reviewqueue.review.models import Label, LabelReturn, ReviewTask
from reviewqueue.review.resolution import BY_SENIORS
from reviewqueue.review.services import second_looks
from reviewqueue.review.services.holding import actor_of
from reviewqueue.transactions import joins_transaction, service


class WithSeniors(Conflict):
    """A senior decides about the claim, or has: that stands above the label."""

    code = "with_seniors"


@service
def return_label(*, senior: User, label_id: UUID, comment: str) -> LabelReturn:
    """Asks whoever gave the label to think again. Any revision's id names it. While it is out it is not returned again:
    the first comment stands.

    Raises:
        NotFound: no label in a pipeline where this person is a senior, or of a task that may still be theirs to judge.
        Forbidden: their own label.
        PayloadErased: what it was about is gone.
        WithSeniors: a senior decides the claim, or has; or a second look at it is under way.
        Invalid: no comment, or one that cannot be stored.
    """
    problems = list(text_problems("/comment", comment))
    if not problems and not comment.strip():
        problems.append(FieldProblem("/comment", "required", "Say what there is to think about."))
    if problems:
        raise Invalid(problems)
    claim = claims.lock_claim(selectors.label_of_another(senior, label_id).claim_id)
    named = selectors.label_of_another(senior, label_id)
    if named.reviewer_id == senior.pk:
        raise Forbidden("This is your own label.")
    claims.check_not_erased(claim)
    already = open_return(named.slot_id)
    if already:
        return already
    check_not_with_seniors(claim, named.task)
    if second_looks.is_under_way(claim):
        raise WithSeniors("Somebody else looks at this claim again. What they find comes first.")
    comment = masked_comment(comment, claim.pipeline_id)
    last = Label.objects.filter(slot=named.slot_id).order_by("-revision")[0]
    returned = LabelReturn(
        slot_id=last.slot_id, label=last, reviewer_id=last.reviewer_id, by=senior, created_at=database_now()
    )
    returned.comment = comment
    returned.save(force_insert=True)
    content = {"label": str(last.pk), "comment": comment}
    ledger.append(
        event="label.returned",
        actor=actor_of(senior, claim.pipeline_id),
        claim=claim.pk,
        label=last.pk,
        task=last.task_id,
        note_commitment=claims.payload_commitment(bytes(claim.payload.salt), content),
    )
    return returned


def open_return(slot_id: int) -> LabelReturn | None:
    return LabelReturn.objects.filter(slot=slot_id, answered_at__isnull=True).first()


def keeps_estimates(claim: Claim) -> bool:
    """Whether estimates go on with the truth they use now, whatever becomes of the claim: a label of it was returned.

    Seniors choose what they return, so what follows is no measurement (decision 0035).
    """
    if not LabelReturn.objects.filter(label__claim=claim).exists():
        return False
    return claim.outcomes.filter(measures=True).exists()


def check_not_with_seniors(claim: Claim, task: ReviewTask) -> None:
    """Joins the caller's transaction, which holds the claim. Raises WithSeniors."""
    others = ReviewTask.objects.filter(claim=claim, purpose__in=BY_SENIORS).exclude(pk=task.pk)
    if others.filter(Q(closed_at__isnull=True, slots__lease_no__gt=0) | Q(labels__isnull=False)).exists():
        raise WithSeniors("A senior decides about this claim, or has decided. That stands above the label.")


def answered(returned: LabelReturn, *, now: datetime, upheld: Label | None = None) -> None:
    """The label came back: changed, or as it was (`upheld`). Joins the caller's transaction."""
    joins_transaction()
    LabelReturn.objects.filter(pk=returned.pk).update(answered_at=now)
    if upheld:
        ledger.append(
            event="label.upheld",
            actor=actor_of(upheld.reviewer, upheld.task.pipeline_id),
            claim=upheld.claim_id,
            label=upheld.pk,
            task=upheld.task_id,
        )
