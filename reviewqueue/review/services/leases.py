"""Who holds which slot, and until when. Every time here is the database's.

A lease ends by a label, by being given back, by a skip, or because its time is over and somebody noticed: the sweep, or
the take that needs the slot. Whoever writes about a lease holds the row of its claim.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import BooleanField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.errors import Conflict, FieldProblem, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.canonical import NotCanonical, canonical
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review import selectors
from reviewqueue.review.answers import text_problems
from reviewqueue.review.clock import database_now
from reviewqueue.review.comments import masked_comment
from reviewqueue.review.models import FOR_ANYBODY, MAX_LEASES_IN_HAND, Lease, LeaseEnd, ReviewSlot, Skip
from reviewqueue.review.picking import (
    EXPIRIES_BEFORE_SENIORS,
    Picked,
    Work,
    is_any_free,
    pick,
    pick_flagged,
    work_for,
)
from reviewqueue.review.selectors import Nothing
from reviewqueue.review.services import gold, reservations
from reviewqueue.review.services.holding import Held, LeaseLost, actor_of, end_lease, hold, lease_lost, record
from reviewqueue.review.services.tasks import SYSTEM
from reviewqueue.transactions import service

__all__ = [
    "LeaseAtLimit",
    "LeaseLost",
    "Nothing",
    "TooManyLeases",
    "expire_leases",
    "release",
    "renew",
    "revive",
    "save_draft",
    "take",
    "take_flagged",
]

T = TypeVar("T")

LONGEST_LEASE: Final = timedelta(hours=2)
RENEWALS_RECORDED_EVERY: Final = timedelta(minutes=10)
SKIPS_BEFORE_SENIORS: Final = 3
SKIP_REASONS: Final = ("need_context", "outside_skill", "conflict_of_interest", "broken", "policy_unclear", "other")
ESCALATE: Final = selectors.ESCALATED
PUT_BACK: Final = ("", "back")
GIVEN_BACK: Final = (LeaseEnd.RELEASED, LeaseEnd.SKIPPED, LeaseEnd.FORCED)
MAX_DRAFT_BYTES: Final = 300 * 1024
SWEEP_BATCH: Final = 200
# Waited before looking again when all that is free is locked at this very moment, in seconds.
PAUSES: Final = (0.02, 0.05)
ONE_PER_TASK: Final = "lease_one_live_per_task_and_reviewer"
GOLD_ONCE: Final = "gold_drawn_once_per_reviewer"


class TooManyLeases(Conflict):
    code = "too_many_leases"


class LeaseAtLimit(Conflict):
    """A lease cannot be renewed for ever."""

    code = "lease_at_limit"


# --- taking ---------------------------------------------------------------------------------------------------------


def take(
    *, reviewer: User, pipeline: Pipeline | None = None, purpose: str | None = None, category: str | None = None
) -> Lease | Nothing:
    """The next free slot for this person, in queue order, or why there is none.

    Raises:
        TooManyLeases: five are in this person's hands.
        Invalid: nobody can ask for such a purpose.
    """
    work = work_for(reviewer, pipeline=pipeline, purpose=purpose, category=category)
    if work.pipelines:
        for pause in (*PAUSES, None):
            lease_id = _take_next(reviewer, work)
            if lease_id:
                return selectors.lease_for(reviewer, lease_id)
            if pause is None or not is_any_free(work):
                break
            time.sleep(pause)
    return selectors.nothing_reason(reviewer, pipeline=pipeline, purpose=purpose, category=category)


def _take_next(reviewer: User, work: Work) -> UUID | None:
    try:
        return _grant_next(reviewer=reviewer, work=work)
    except IntegrityError as error:
        if _violated(error) in (ONE_PER_TASK, GOLD_ONCE):
            return None  # this person took another slot of the task, or the same gold item, at this very moment
        raise


@service
def _grant_next(*, reviewer: User, work: Work) -> UUID | None:
    reserved = reservations.lock(reviewer)
    _end_expired(_locked_expired(Lease.objects.filter(reviewer=reviewer), limit=MAX_LEASES_IN_HAND))
    _free_hand(reviewer)
    lease_id: UUID = Lease._meta.pk.get_default()
    picked = reservations.use(reserved, work=work) if reserved else None
    if reserved and picked:
        lease_id = reserved.pk
    else:
        picked = pick(work)
        picked = (
            gold.in_place_of(picked, reviewer=reviewer, lease_id=lease_id, category=work.category) if picked else None
        )
    if picked is None:
        return None
    _end_expired(Lease.objects.filter(slot_id=picked.slot_id, ended_at__isnull=True, expires_at__lte=picked.granted_at))
    return _grant(reviewer, picked, lease_id)


@service
def take_flagged(*, reviewer: User, slot_id: int) -> UUID | None:
    """A lease of this slot of a flagged claim; None when it is gone, or not for this person.

    Raises:
        TooManyLeases: five are in this person's hands.
    """
    _end_expired(_locked_expired(Lease.objects.filter(reviewer=reviewer), limit=MAX_LEASES_IN_HAND))
    _free_hand(reviewer)
    picked = pick_flagged(work_for(reviewer), slot_id)
    if picked is None:
        return None
    _end_expired(Lease.objects.filter(slot_id=picked.slot_id, ended_at__isnull=True, expires_at__lte=picked.granted_at))
    return _grant(reviewer, picked, Lease._meta.pk.get_default())


def _grant(reviewer: User, picked: Picked, lease_id: UUID) -> UUID:
    entry = ledger.append(
        event="lease.granted",
        actor=actor_of(reviewer, picked.pipeline_id),
        claim=picked.claim_id,
        lease=lease_id,
        task=picked.task_id,
        slot=picked.slot_id,
        lease_no=picked.lease_no,
        reviewer=reviewer.pseudonym,
        expires_us=microseconds(picked.expires_at),
    )
    lease = Lease(
        id=lease_id,
        slot_id=picked.slot_id,
        task_id=picked.task_id,
        reviewer=reviewer,
        lease_no=picked.lease_no,
        granted_at=picked.granted_at,
        expires_at=picked.expires_at,
        event_id=entry.id,
    )
    if draft := selectors.last_draft(reviewer, picked.task_id):
        lease.draft = draft

    def write(hand: int) -> None:
        lease.hand = hand
        lease.save(force_insert=True)

    _with_free_hand(reviewer, write)
    return lease_id


def _with_free_hand(reviewer: User, write: Callable[[int], T]) -> T:
    """Calls `write` with the lowest free hand, again when a concurrent take was faster; the constraint decides."""
    while True:
        hand = _free_hand(reviewer)
        try:
            with transaction.atomic():
                return write(hand)
        except IntegrityError as error:
            if _violated(error) != "lease_hand_once":
                raise


def _free_hand(reviewer: User) -> int:
    taken = Lease.objects.filter(reviewer=reviewer, ended_at__isnull=True).values_list("hand", flat=True)
    free = set(range(1, MAX_LEASES_IN_HAND + 1)) - set(taken)
    if not free:
        raise TooManyLeases(f"You hold {MAX_LEASES_IN_HAND} tasks. Finish one or put one back first.")
    return min(free)


def _violated(error: IntegrityError) -> str | None:
    diagnosis = getattr(error.__cause__, "diag", None)
    return diagnosis.constraint_name if diagnosis else None


# --- renewing -------------------------------------------------------------------------------------------------------


@service
def renew(*, reviewer: User, lease_id: UUID) -> Lease:
    """A full lease from now on, two hours after it was granted at the longest. What is on hold for longer stays so.

    A lease that ran out is renewed too, as long as nobody else was given the slot. The ledger gets one entry for ten
    minutes of renewing.

    Raises:
        LeaseLost: the slot is not this person's any more.
        LeaseAtLimit: two hours are over.
    """
    held = hold(reviewer=reviewer, lease_id=lease_id)
    lease = held.lease
    if held.unkeepable:
        raise lease_lost(held)
    limit = max(lease.granted_at + LONGEST_LEASE, lease.held_until or lease.granted_at)
    if held.now >= limit:
        raise LeaseAtLimit("Two hours are over. Submit your answer, or put the task back and take it again.")
    expires_at = min(held.now + timedelta(seconds=lease.task.lease_seconds), limit)
    if lease.is_on_hold(held.now):
        expires_at = max(expires_at, lease.expires_at)
    if lease.ended_at is not None or _is_recorded(lease, held.now, expires_at):
        record(held, reviewer, "lease.renewed", expires_us=microseconds(expires_at))
    if lease.ended_at is not None:
        revive(held, reviewer)
    lease.expires_at = lease.slot.free_at = expires_at
    lease.save(update_fields=["expires_at"])
    lease.slot.save(update_fields=["free_at"])
    return lease


def _is_recorded(lease: Lease, now: datetime, expires_at: datetime) -> bool:
    """Whether this is the first renewal in its ten minutes: a page renews every half minute."""
    if expires_at == lease.expires_at:
        return False
    renewed_before = lease.expires_at - timedelta(seconds=lease.task.lease_seconds)
    return _recorded_slices(lease, now) > _recorded_slices(lease, renewed_before)


def _recorded_slices(lease: Lease, moment: datetime) -> int:
    return (moment - lease.granted_at) // RENEWALS_RECORDED_EVERY


def revive(held: Held, reviewer: User) -> None:
    """Undoes that a lease was found expired; it may need another hand than before. Joins the caller's transaction."""
    lease = held.lease

    def live_again(hand: int) -> None:
        Lease.objects.filter(pk=lease.pk).update(ended_at=None, end_reason="", hand=hand)

    try:
        _with_free_hand(reviewer, live_again)
    except IntegrityError as error:
        if _violated(error) == ONE_PER_TASK:
            raise lease_lost(held) from None  # this person holds another slot of the same task by now
        raise
    lease.refresh_from_db(fields=["ended_at", "end_reason", "hand"])


# --- giving back ----------------------------------------------------------------------------------------------------


@service
def release(*, reviewer: User, lease_id: UUID, reason: str, note: str = "") -> None:
    """Puts the task back ("" or "back"), or passes on it for good: with one of SKIP_REASONS to whoever is next, with
    ESCALATE to the seniors. Doing so twice is once.

    A skip is personal; after three by different people the task is for seniors, as after a single escalation. That one
    needs a note.

    Raises:
        Invalid: unknown reason, or a note that is missing or cannot be stored.
        LeaseLost: the slot was answered or taken over.
    """
    _check_release(reason, note)
    held = hold(reviewer=reviewer, lease_id=lease_id)
    lease = held.lease
    if lease.end_reason in GIVEN_BACK:
        return
    if held.lost:
        raise lease_lost(held)
    skipped = reason not in PUT_BACK
    note = masked_comment(note, held.claim.pipeline_id)
    commitment = claims.payload_commitment(bytes(held.claim.payload.salt), {"lease": str(lease.pk), "note": note})
    record(held, reviewer, "lease.released", reason=reason or "back", note_commitment=commitment)
    if skipped:
        _skip(held, reviewer, reason, note)
    end_lease(lease, LeaseEnd.SKIPPED if skipped else LeaseEnd.RELEASED, held.now)
    ReviewSlot.objects.filter(pk=lease.slot_id).update(free_at=held.now, **FOR_ANYBODY)
    gold.ends_with_its_lease(lease.task, actor=SYSTEM, now=held.now)


def _check_release(reason: str, note: str) -> None:
    problems = list(text_problems("/note", note))
    if reason not in (*PUT_BACK, *SKIP_REASONS, ESCALATE):
        known = ", ".join((*SKIP_REASONS, ESCALATE))
        problems.append(FieldProblem("/reason", "choice", f"The reason is one of: {known}."))
    if reason == ESCALATE and not note.strip():
        problems.append(FieldProblem("/note", "required", "Say in a note what the seniors are to look at."))
    if problems:
        raise Invalid(problems)


def _skip(held: Held, reviewer: User, reason: str, note: str) -> None:
    task_id = held.lease.task_id
    if not Skip.objects.filter(task=task_id, reviewer=reviewer).exists():
        skip = Skip(task=held.lease.task, reviewer=reviewer, reason=reason, created_at=held.now)
        skip.note = note
        skip.save(force_insert=True)
    if reason == ESCALATE or Skip.objects.filter(task_id=task_id).count() >= SKIPS_BEFORE_SENIORS:
        ReviewSlot.objects.filter(task_id=task_id, done=False).update(seniors_only=True, **FOR_ANYBODY)


def save_draft(*, reviewer: User, lease_id: UUID, draft: Mapping[str, Any]) -> None:
    """Keeps what a reviewer has written so far, also when the lease is over or lost.

    Raises:
        NotFound: not a lease of this person.
        Invalid: too large, or not storable.
    """
    try:
        fits = len(canonical(dict(draft))) <= MAX_DRAFT_BYTES
    except NotCanonical:
        fits = False
    if not fits:
        raise Invalid([FieldProblem("", "value", "A draft is storable JSON of at most 300 KiB.")])
    lease = selectors.lease_for(reviewer, lease_id)
    kept = dict(draft)
    if isinstance(kept.get("note"), str):
        kept["note"] = masked_comment(kept["note"], lease.task.pipeline_id)
    lease.draft = kept
    lease.save(update_fields=["words"])


# --- expiry ---------------------------------------------------------------------------------------------------------


def expire_leases() -> int:
    """Ends leases whose time is over, so that nobody's hands stay full and the ledger says so.

    Nothing waits for this: a slot is free the moment its lease runs out, and `take` ends the lease it displaces.
    """
    return sum(_batches())


def _batches() -> Iterator[int]:
    ended = SWEEP_BATCH
    while ended == SWEEP_BATCH:
        ended = _expire_batch()
        yield ended


@service
def _expire_batch() -> int:
    return _end_expired(_locked_expired(Lease.objects.all(), limit=SWEEP_BATCH))


def _locked_expired(leases: QuerySet[Lease], *, limit: int) -> list[Lease]:
    """Those of `leases` that ran out unnoticed, with their claims locked; what somebody works on is left alone."""
    expired = leases.filter(ended_at__isnull=True, expires_at__lte=Now()).select_related("task__claim")
    locked = expired.select_for_update(skip_locked=True, no_key=True, of=("self", "task__claim"))
    return list(locked.order_by("expires_at")[:limit])


def _end_expired(leases: Sequence[Lease] | QuerySet[Lease]) -> int:
    """Joins the caller's transaction, which holds the claims. Five expiries make a slot one for seniors."""
    ended = list(leases)
    if not ended:
        return 0
    ledger.append_many([_expiry_of(lease) for lease in ended])
    Lease.objects.filter(pk__in=[lease.pk for lease in ended]).update(
        ended_at=database_now(), end_reason=LeaseEnd.EXPIRED
    )
    for_seniors = Q(seniors_only=True) | Q(expiries__gte=EXPIRIES_BEFORE_SENIORS - 1)
    ReviewSlot.objects.filter(pk__in=[lease.slot_id for lease in ended]).update(
        expiries=F("expiries") + 1,
        seniors_only=ExpressionWrapper(for_seniors, output_field=BooleanField()),
        **FOR_ANYBODY,
    )
    return len(ended)


def _expiry_of(lease: Lease) -> Entry:
    fields = {"lease": lease.pk, "task": lease.task_id, "lease_no": lease.lease_no}
    return Entry("lease.expired", SYSTEM, lease.task.claim_id, fields)
