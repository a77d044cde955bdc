"""Erasing again, after an older database was restored, what had been erased since."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Attachment, Claim
from reviewqueue.erasure import golden, services
from reviewqueue.erasure.models import Basis, Erasure, ErasureState
from reviewqueue.erasure.outside import Erased
from reviewqueue.golden.models import GoldenItem, GoldenItemPayload
from reviewqueue.ledger.actors import Actor
from reviewqueue.payloads.models import FileKey, GoldenKey, PayloadKey
from reviewqueue.transactions import service

RESTORE: Final = Actor.system("restore")
REASON: Final = "reapplied"


@dataclass(frozen=True, slots=True)
class Reapplied:
    """How many were erased again, were gone already, and are not in this database at all.

    `lost_keys` are those of claims, files and golden items that this database does not have.
    """

    again: int
    gone: int
    unknown: int
    lost_keys: int


def reapply(erasures: Iterable[Erased]) -> Reapplied:
    """Each in a transaction of its own, and once however often it is listed; running it twice changes nothing."""
    counts = {"again": 0, "gone": 0, "unknown": 0}
    for each in {(each.kind, each.subject): each for each in erasures}.values():
        counts[_again(each)] += 1
    return Reapplied(**counts, lost_keys=_forget_lost_keys())


@service
def _forget_lost_keys() -> int:
    """A dump of the keys that is newer than that of the rest brings keys of claims and items which are lost here.

    A later dump of the rest, kept for long, may hold their texts: nobody could erase them any more.
    """
    _, claims = PayloadKey.objects.filter(~Exists(Claim.objects.filter(pk=OuterRef("pk")))).delete()
    _, files = FileKey.objects.filter(~Exists(Attachment.objects.filter(pk=OuterRef("pk")))).delete()
    _, items = GoldenKey.objects.filter(~Exists(GoldenItemPayload.objects.filter(pk=OuterRef("pk")))).delete()
    return sum(sum(each.values()) for each in (claims, files, items))


def _again(erased: Erased) -> str:
    match erased.kind:
        case "payload":
            return _payload(claim_id=erased.subject, basis=erased.basis)
        case "golden":
            return _golden_item(payload_id=erased.subject, basis=erased.basis)
        case _:
            return _person(pseudonym=erased.subject, basis=erased.basis)


@service
def _payload(*, claim_id: UUID, basis: str) -> str:
    claim = Claim.objects.select_for_update(no_key=True).filter(pk=claim_id).first()
    if claim is None:
        return "unknown"
    if not services.still_there(claim_id) and not PayloadKey.objects.filter(pk=claim_id).exists():
        return "gone"
    services.erase_by_itself(claim, basis=_known(basis), actor=RESTORE, now=timezone.now(), reason=REASON)
    return "again"


@service
def _golden_item(*, payload_id: UUID, basis: str) -> str:
    """With all of its key in its set. What is gone cannot be told from what never was: both are gone."""
    items = GoldenItem.objects.select_related("version__golden_set__pipeline")
    item = items.filter(payload=payload_id, version__published_at__isnull=False).first()
    if item is None:
        return "gone"
    erasure = golden.wishes_about(item).filter(state=ErasureState.PENDING).first()
    erasure = erasure or Erasure(golden_item=item, requested_at=timezone.now())
    erasure.basis, erasure.decided_at = _known(basis), timezone.now()
    golden.erase_item(item, erasure, actor=RESTORE, second_approver=None, reason=REASON)
    return "again"


@service
def _person(*, pseudonym: UUID, basis: str) -> str:
    person = User.objects.select_for_update().filter(pseudonym=pseudonym).first()
    if person is None:
        return "unknown"
    if person.is_erased:
        return "gone"
    erasure = Erasure.objects.filter(person=person).exclude(state=ErasureState.REFUSED).first()
    erasure = erasure or Erasure(person=person, requested_at=timezone.now())
    erasure.basis, erasure.decided_at = _known(basis), timezone.now()
    services.erase_person(person, erasure, actor=RESTORE, second_approver=None, reason=REASON)
    return "again"


def _known(basis: str) -> str:
    return basis if basis in Basis.values else Basis.LEGAL_DUTY.value
