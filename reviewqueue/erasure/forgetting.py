"""What erasing takes away, row by row. Everything here joins its caller's transaction, which holds the claim."""

from __future__ import annotations

import secrets
from datetime import datetime
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.cascade.models import StepEnd
from reviewqueue.cascade.services import steps
from reviewqueue.claims.attachments import forget_files_of
from reviewqueue.claims.models import Claim, ClaimStatus, Outcome
from reviewqueue.deliveries.models import Delivery
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import ClaimPayload, PayloadKey
from reviewqueue.review.gold import GoldItem, ReviewerPause
from reviewqueue.review.models import (
    HandOver,
    Label,
    LabelReturn,
    Lease,
    LeaseEnd,
    Reservation,
    ReviewTask,
    SavedFilter,
    Skip,
)
from reviewqueue.review.relabels import Relabel, RelabelResult
from reviewqueue.review.services.tasks import close_task
from reviewqueue.transactions import joins_transaction
from reviewqueue.viewing.models import BreakGlass

WAITS = (ClaimStatus.IN_REVIEW, ClaimStatus.AWAITING_STEP)
RANDOM_BYTES = 32
ERASED_REASON = "(erased with the claim)"


def forget_claim(claim: Claim, *, actor: Actor, now: datetime) -> list[UUID]:
    """The wrapped key, the salt, the ciphertext, and every word that people and webhooks said about the claim.

    Returns the files that went with it: those that no other claim names.
    """
    joins_transaction()
    _end_work(claim, actor, now)
    PayloadKey.objects.filter(pk=claim.pk).delete()
    ClaimPayload.objects.filter(pk=claim.pk).delete()
    _forget_words(claim)
    # Without a salt it could be tried out what the claim had said, so that this hash goes too.
    changes: dict[str, object] = {"content_hash": secrets.token_bytes(RANDOM_BYTES)}
    if claim.status in WAITS:
        changes["status"] = ClaimStatus.ERASED
        claim.status = ClaimStatus.ERASED
    Claim.objects.filter(pk=claim.pk).update(**changes)
    return forget_files_of(claim)


def forget_words_of(person: User) -> None:
    """What a person wrote about themselves, and the names they gave to their filters."""
    joins_transaction()
    ReviewerPause.objects.filter(reviewer=person).update(appeal="")
    SavedFilter.objects.filter(user=person).delete()


def _end_work(claim: Claim, actor: Actor, now: datetime) -> None:
    """Nobody is shown an empty task: what is open closes, and nobody holds it any more."""
    for lease in Lease.objects.filter(task__claim=claim, ended_at__isnull=True).select_related("task"):
        ledger.append(
            event="lease.released",
            actor=actor,
            claim=claim.pk,
            lease=lease.pk,
            task=lease.task_id,
            lease_no=lease.lease_no,
            reason="erased",
        )
    leases = Lease.objects.filter(task__claim=claim)
    leases.filter(ended_at__isnull=True).update(ended_at=now, end_reason=LeaseEnd.RELEASED)
    Reservation.objects.filter(slot__task__claim=claim).delete()
    for task in ReviewTask.objects.filter(claim=claim, closed_at__isnull=True):
        close_task(task=task, actor=actor, now=now)
    Relabel.objects.filter(claim=claim, settled_at__isnull=True).update(result=RelabelResult.UNDECIDED, settled_at=now)
    for item in GoldItem.objects.filter(claim=claim, retired_at__isnull=True):
        ledger.append(event="gold.retired", actor=actor, claim=claim.pk, item=item.pk, void=False, reason="erased")
    GoldItem.objects.filter(claim=claim, retired_at__isnull=True).update(retired_at=now)
    steps.close([claim.pk], StepEnd.SETTLED, now=now)


def _forget_words(claim: Claim) -> None:
    Lease.objects.filter(task__claim=claim).update(words=None)
    Skip.objects.filter(task__claim=claim).update(words=None)
    HandOver.objects.filter(lease__task__claim=claim).update(words=None)
    LabelReturn.objects.filter(label__claim=claim).update(words=None)
    BreakGlass.objects.filter(claim=claim).update(reason=ERASED_REASON)
    Label.objects.filter(claim=claim).update(words=None, request_hash=secrets.token_bytes(RANDOM_BYTES))
    GoldItem.objects.filter(claim=claim).update(words=None)
    Outcome.objects.filter(claim=claim).update(words=None, told_by="")
    Delivery.objects.filter(claim=claim).update(words=None)  # what waits to be sent goes on without the answer
