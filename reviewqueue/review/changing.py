"""What a change of several tasks at once would do to each of them, and why it would leave some as they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Q
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role, skills_of
from reviewqueue.review.models import ChangeKind, Label, Lease, Purpose, ReviewSlot, Skip
from reviewqueue.review.resolution import BY_OTHERS

DONE: Final = "done"  # no label is needed any more
NOT_HELD: Final = "not_held"
SAME: Final = "same"  # it is so already
IN_THEIR_HANDS: Final = "in_their_hands"
FOR_SENIORS: Final = "for_seniors"
LABELLED: Final = "labelled"  # they gave a label of it
NO_SKILL: Final = "no_skill"  # they lack one that it asks for
PASSED: Final = "passed"  # they passed on it
SAME_TASK: Final = "same_task"  # they have another label of the same task to give


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to do: `hours` of priority, or whom to keep it for until when. Reassigning to nobody is to everybody."""

    kind: ChangeKind
    hours: int = 0
    person: User | None = None
    until: datetime | None = None

    def applied_to(self, slot: ReviewSlot) -> dict[str, Any]:
        """Where the slot stands afterwards. What is taken out of hands is everybody's, or one person's."""
        if self.kind == ChangeKind.PRIORITISE:
            return {**place_of(slot), "priority": self.hours}
        if self.person is None and slot.purpose == Purpose.GOLD:
            return place_of(slot)  # everybody's never: it goes back to whom it is meant for
        person = self.person.pk if self.person else None
        until = self.until.isoformat() if self.person and self.until else None
        return {"priority": slot.priority, "for_reviewer": person, "for_until": until}


@dataclass(frozen=True, slots=True)
class Planned:
    """One slot, who has it in hand, and why it stays as it is: "" when it would change."""

    slot: ReviewSlot
    lease: Lease | None
    why_not: str = ""


def place_of(slot: ReviewSlot) -> dict[str, Any]:
    """What a change changes, as it is stored with it."""
    until = slot.for_until.isoformat() if slot.for_until else None
    return {"priority": slot.priority, "for_reviewer": slot.for_reviewer_id, "for_until": until}


def plan(slots: Sequence[ReviewSlot], wanted: Wanted) -> list[Planned]:
    """A few queries, however many slots; they come with their tasks."""
    in_hand = live_leases_of(slots)
    if wanted.person is None:
        return [Planned(slot, in_hand.get(slot.pk), _why_not(slot, in_hand.get(slot.pk), wanted)) for slot in slots]
    bars = _Bars(wanted.person, slots)
    return [
        Planned(slot, in_hand.get(slot.pk), bars.why_not(slot, in_hand.get(slot.pk), wanted.until)) for slot in slots
    ]


def live_leases_of(slots: Iterable[ReviewSlot]) -> dict[int, Lease]:
    """By slot, with who holds it."""
    leases = Lease.objects.filter(slot__in=[slot.pk for slot in slots], ended_at__isnull=True, expires_at__gt=Now())
    return {lease.slot_id: lease for lease in leases.select_related("reviewer")}


def _why_not(slot: ReviewSlot, lease: Lease | None, wanted: Wanted) -> str:
    if slot.done:
        return DONE
    if wanted.kind == ChangeKind.PRIORITISE:
        return SAME if slot.priority == wanted.hours else ""
    if lease is not None:
        return ""
    if wanted.kind == ChangeKind.RELEASE:
        return NOT_HELD
    return SAME if slot.for_reviewer_id is None or slot.purpose == Purpose.GOLD else ""


class _Bars:
    """What keeps one person from getting each of some slots."""

    def __init__(self, person: User, slots: Sequence[ReviewSlot]) -> None:
        self._person = person
        self._is_senior = {
            where: has_role(person, [Role.SENIOR], pipeline_id=where) for where in {slot.pipeline_id for slot in slots}
        }
        self._skills = skills_of(person)
        labels = Label.objects.filter(reviewer=person, claim__in={slot.task.claim_id for slot in slots})
        self._labelled = set(labels.values_list("claim_id", "task_id"))
        tasks = {slot.task_id for slot in slots}
        self._passed = set(Skip.objects.filter(reviewer=person, task__in=tasks).values_list("task_id", flat=True))
        self._theirs: dict[Any, int] = dict(_slots_of(person, tasks))

    def why_not(self, slot: ReviewSlot, lease: Lease | None, until: datetime | None) -> str:
        if slot.done:
            return DONE
        if lease is not None and lease.reviewer_id == self._person.pk:
            return IN_THEIR_HANDS
        if slot.for_reviewer_id == self._person.pk and slot.for_until == until and lease is None:
            return SAME
        return self._bar(slot)

    def _bar(self, slot: ReviewSlot) -> str:
        if slot.seniors_only and not self._is_senior[slot.pipeline_id]:
            return FOR_SENIORS
        if not self._skills.issuperset(slot.needs):
            return NO_SKILL
        if (slot.task.claim_id, slot.task_id) in self._labelled or (
            slot.purpose in BY_OTHERS and any(claim == slot.task.claim_id for claim, _ in self._labelled)
        ):
            return LABELLED
        if slot.task_id in self._passed:
            return PASSED
        # One person gives one label of a task: the first slot that is theirs, or becomes theirs, is the only one.
        mine = self._theirs.setdefault(slot.task_id, slot.pk)
        return "" if mine == slot.pk else SAME_TASK


def _slots_of(person: User, tasks: Iterable[Any]) -> Iterable[tuple[Any, int]]:
    """Of these tasks, the slots that this person holds or that are kept for them."""
    held = Q(leases__reviewer=person, leases__ended_at__isnull=True, leases__expires_at__gt=Now())
    kept = Q(for_reviewer=person, for_until__gt=Now())
    found: Iterable[tuple[Any, int]] = ReviewSlot.objects.filter(held | kept, task__in=tasks, done=False).values_list(
        "task_id", "pk"
    )
    return found
