"""Seniors move tasks: forward or back in the queue, out of somebody's hands, to one person; and take it back.

Nothing is lost when somebody answers at the same moment: whoever locks the claim first is first, and an answer to a
lease that was ended here still counts as long as nobody else was given the slot.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.errors import Conflict, FieldProblem, Forbidden, Invalid, NotFound
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.times import microseconds
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import WORKING_ROLES, has_role, people_of
from reviewqueue.review.changing import Planned, Wanted, place_of, plan
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import (
    HIGHEST_PRIORITY,
    ChangeKind,
    Lease,
    LeaseEnd,
    ReviewSlot,
    SlotChange,
    TaskChange,
)
from reviewqueue.review.services import gold
from reviewqueue.review.services.holding import Held, LeaseLost
from reviewqueue.review.services.leases import TooManyLeases, revive
from reviewqueue.transactions import joins_transaction, service

AT_ONCE: Final = 200
UNDO_FOR: Final = timedelta(minutes=30)
LONGEST_KEPT: Final = timedelta(days=7)
MAY: Final = {
    ChangeKind.PRIORITISE: (Role.SENIOR,),
    ChangeKind.RELEASE: (Role.SENIOR, Role.ADMIN),
    ChangeKind.REASSIGN: (Role.SENIOR,),
}
BY_SENIOR: Final = "by_senior"
UNDONE: Final = "undone"


class ChangeStands(Conflict):
    """Too late to undo a change, or it was undone before."""

    code = "change_stands"


@dataclass(frozen=True, slots=True)
class Changed:
    """`change` is None when nothing could be changed."""

    change: TaskChange | None
    planned: Sequence[Planned]


def preview(*, by: User, pipeline: Pipeline, slot_ids: Sequence[int], wanted: Wanted) -> list[Planned]:
    """What `change_tasks` would do at this moment, in queue order. Slots of other pipelines are not there.

    Raises:
        Forbidden: not in this person's role.
        Invalid: too many at once, or what is wanted does not fit.
    """
    _check(by, pipeline, slot_ids, wanted, database_now())
    return plan(list(_slots(pipeline, slot_ids)), wanted)


@service
def change_tasks(*, by: User, pipeline: Pipeline, slot_ids: Sequence[int], wanted: Wanted) -> Changed:
    """Changes what can be changed, and leaves the rest as it is. Raises as `preview` does."""
    _check(by, pipeline, slot_ids, wanted, database_now())
    _lock_claims(_slots(pipeline, slot_ids).values_list("task__claim_id", flat=True))
    now = database_now()
    planned = plan(list(_slots(pipeline, slot_ids)), wanted)
    changing = [each for each in planned if not each.why_not]
    return Changed(_write(by, pipeline, changing, wanted, now) if changing else None, planned)


def _check(by: User, pipeline: Pipeline, slot_ids: Sequence[int], wanted: Wanted, now: datetime) -> None:
    if not has_role(by, MAY[wanted.kind], pipeline_id=pipeline.pk):
        raise Forbidden("Only seniors of the pipeline move its tasks; an administrator may take them out of hands.")
    problems = []
    if not 1 <= len(slot_ids) <= AT_ONCE:
        problems.append(FieldProblem("/slots", "count", f"Choose 1 to {AT_ONCE} tasks."))
    if abs(wanted.hours) > HIGHEST_PRIORITY:
        detail = f"Hours are a whole number from -{HIGHEST_PRIORITY} to {HIGHEST_PRIORITY}."
        problems.append(FieldProblem("/hours", "range", detail))
    if wanted.person is not None:
        problems += _person_problems(wanted.person, wanted, pipeline, now)
    if problems:
        raise Invalid(problems)


def _person_problems(person: User, wanted: Wanted, pipeline: Pipeline, now: datetime) -> Iterable[FieldProblem]:
    if not people_of(pipeline, WORKING_ROLES).filter(pk=person.pk).exists():
        yield FieldProblem("/to", "choice", "This is somebody who reviews in this pipeline.")
    if wanted.until is None or not now < wanted.until <= now + LONGEST_KEPT:
        yield FieldProblem("/until", "range", "This is a time in the next seven days.")


def _slots(pipeline: Pipeline, slot_ids: Sequence[int]) -> Any:
    slots = ReviewSlot.objects.filter(pk__in=slot_ids, pipeline=pipeline)
    return slots.select_related("task__claim", "for_reviewer").order_by("turn", "pk")


def _lock_claims(claim_ids: Iterable[UUID]) -> None:
    """In the order in which everybody locks several claims; a reviewer who is writing is waited for."""
    joins_transaction()
    locked = Claim.objects.select_for_update(no_key=True).filter(pk__in=list(claim_ids))
    list(locked.order_by("pk").values_list("pk"))


def _write(by: User, pipeline: Pipeline, changing: Sequence[Planned], wanted: Wanted, now: datetime) -> TaskChange:
    change = TaskChange.objects.create(
        pipeline=pipeline, by=by, kind=wanted.kind, created_at=now, undo_until=now + UNDO_FOR
    )
    rows = [_slot_change(change, each, wanted) for each in changing]
    SlotChange.objects.bulk_create(rows)
    ended = [each.lease for each in changing if each.lease and wanted.kind != ChangeKind.PRIORITISE]
    actor = _actor(by, pipeline)
    ledger.append_many([*(_released(lease, rows, actor) for lease in ended), *_moved(rows, actor)])
    for row in rows:
        ReviewSlot.objects.filter(pk=row.slot_id).update(**_columns(row.after))
    Lease.objects.filter(pk__in=[lease.pk for lease in ended]).update(
        ended_at=now, expires_at=now, end_reason=LeaseEnd.FORCED
    )
    ReviewSlot.objects.filter(pk__in=[lease.slot_id for lease in ended]).update(free_at=now)
    if wanted.person:
        for each in changing:
            gold.ends_with_its_lease(each.slot.task, actor=actor, now=now)
    return change


def _slot_change(change: TaskChange, planned: Planned, wanted: Wanted) -> SlotChange:
    slot, lease = planned.slot, planned.lease
    ends = lease is not None and wanted.kind != ChangeKind.PRIORITISE
    return SlotChange(
        change=change,
        slot=slot,
        lease=lease if ends else None,
        lease_until=lease.expires_at if lease and ends else None,
        lease_no=slot.lease_no,
        before=place_of(slot),
        after=wanted.applied_to(slot),
    )


def _actor(by: User, pipeline: Pipeline) -> Actor:
    is_senior = has_role(by, [Role.SENIOR], pipeline_id=pipeline.pk)
    return Actor.user(by.pseudonym, role=(Role.SENIOR if is_senior else Role.ADMIN).value)


def _released(lease: Lease, rows: Sequence[SlotChange], actor: Actor) -> Entry:
    claim = next(row.slot.task.claim_id for row in rows if row.slot_id == lease.slot_id)
    fields = {"lease": lease.pk, "task": lease.task_id, "lease_no": lease.lease_no, "reason": BY_SENIOR}
    return Entry("lease.released", actor, claim, fields)


def _moved(rows: Sequence[SlotChange], actor: Actor) -> Iterable[Entry]:
    people = _pseudonyms(rows)
    for row in rows:
        if row.before != row.after:
            yield _changed(row, row.before, row.after, people, actor, "")


def _pseudonyms(rows: Iterable[SlotChange]) -> dict[int, str]:
    named = {place["for_reviewer"] for row in rows for place in (row.before, row.after)} - {None}
    return {pk: str(pseudonym) for pk, pseudonym in User.objects.filter(pk__in=named).values_list("pk", "pseudonym")}


def _changed(
    row: SlotChange, before: dict[str, Any], after: dict[str, Any], people: dict[int, str], actor: Actor, reason: str
) -> Entry:
    until = after["for_until"]
    fields: dict[str, object] = {
        "task": row.slot.task_id,
        "slot": row.slot_id,
        "change": row.change_id,
        "priority_from": before["priority"],
        "priority": after["priority"],
        "kept_for": people.get(after["for_reviewer"]),
        "until_us": microseconds(datetime.fromisoformat(until)) if until else None,
        "reason": reason or None,
    }
    return Entry("task.changed", actor, row.slot.task.claim_id, fields)


# --- undoing --------------------------------------------------------------------------------------------------------


def change_for(*, pipeline: Pipeline, change_id: UUID) -> TaskChange:
    """Raises NotFound."""
    change = TaskChange.objects.select_related("by").filter(pk=change_id, pipeline=pipeline).first()
    if change is None:
        raise NotFound("There is no such change.")
    return change


def slots_of(change: TaskChange) -> list[SlotChange]:
    return list(change.slots.select_related("slot__task").order_by("slot__turn", "pk"))


def may_undo(user: User, change: TaskChange) -> bool:
    is_open = change.undone_at is None and change.undo_until > database_now()
    return is_open and has_role(user, MAY[ChangeKind(change.kind)], pipeline_id=change.pipeline_id)


@service
def undo_change(*, by: User, change: TaskChange) -> list[SlotChange]:
    """Puts every slot back as it was, unless somebody has acted on it since: `kept_because` then says what happened.

    A lease that was ended comes back to its holder if its time is not over.

    Raises:
        Forbidden: not in this person's role.
        ChangeStands: half an hour is over, or it was undone before.
    """
    if not has_role(by, MAY[ChangeKind(change.kind)], pipeline_id=change.pipeline_id):
        raise Forbidden("Only seniors of the pipeline move its tasks; an administrator may take them out of hands.")
    now = database_now()
    standing = TaskChange.objects.filter(pk=change.pk, undone_at__isnull=True, undo_until__gt=now)
    if not standing.update(undone_at=now):
        raise ChangeStands("This change was undone before, or half an hour is over.")
    rows = change.slots.all()
    _lock_claims(rows.values_list("slot__task__claim_id", flat=True))
    found = list(
        rows.select_related("slot__task__claim", "lease__reviewer", "lease__task").order_by("slot__turn", "pk")
    )
    actor, people = _actor(by, change.pipeline), _pseudonyms(found)
    for row in found:
        row.kept_because = _acted_on(row) or _put_back(row, people, actor, now)
    SlotChange.objects.bulk_update(found, ["kept_because"])
    return found


def _acted_on(row: SlotChange) -> str:
    if row.slot.done:
        return "answered"
    if row.slot.lease_no != row.lease_no:
        return "taken"
    if row.lease and row.lease.end_reason != LeaseEnd.FORCED:
        return "given_back"
    return "" if place_of(row.slot) == row.after else "moved"


def _put_back(row: SlotChange, people: dict[int, str], actor: Actor, now: datetime) -> str:
    """ "" when it is as it was."""
    slot, lease = row.slot, row.lease
    if lease and row.lease_until and row.lease_until > now:
        try:
            revive(Held(lease, slot.task.claim, now), lease.reviewer)
        except (LeaseLost, TooManyLeases):
            return "hands_full"
        Lease.objects.filter(pk=lease.pk).update(expires_at=row.lease_until)
        ReviewSlot.objects.filter(pk=slot.pk).update(free_at=row.lease_until)
        fields = {"lease": lease.pk, "task": lease.task_id, "expires_us": microseconds(row.lease_until)}
        ledger.append(event="lease.renewed", actor=actor, claim=slot.task.claim_id, reason=UNDONE, **fields)
    ReviewSlot.objects.filter(pk=slot.pk).update(**_columns(row.before))
    if row.before != row.after:
        ledger.append_many([_changed(row, row.after, row.before, people, actor, UNDONE)])
    return ""


def _columns(place: dict[str, Any]) -> dict[str, Any]:
    until = place["for_until"]
    return {
        "priority": place["priority"],
        "for_reviewer_id": place["for_reviewer"],
        "for_until": datetime.fromisoformat(until) if until else None,
    }
