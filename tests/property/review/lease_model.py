"""A small pure model of the review queue: what ought to be true after every step."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from reviewqueue.review.resolution import BY_SENIORS, Step, resolve

HANDS = 5


@dataclass(eq=False)
class ModelTask:
    id: UUID
    claim: UUID
    purpose: str
    labels_needed: int
    closed: bool = False
    skipped_by: set[str] = field(default_factory=set)


@dataclass(eq=False)
class ModelSlot:
    id: int
    task: ModelTask
    place: tuple[object, ...]  # in the queue
    seniors_only: bool
    lease_no: int = 0
    expiries: int = 0
    done: bool = False
    unended: ModelLease | None = None
    label: tuple[str, str] | None = None  # who said what

    def expire(self) -> None:
        """Somebody notices that the time of the lease is over."""
        if self.unended:
            self.unended.end = "expired"
        self.unended = None
        self.expiries += 1
        self.seniors_only = self.seniors_only or self.expiries >= 5


@dataclass(eq=False)
class ModelLease:
    id: UUID
    slot: ModelSlot
    person: str
    number: int
    over: bool = False  # its time
    end: str = ""

    @property
    def lost(self) -> bool:
        return self.end not in ("", "expired") or self.slot.done or self.slot.lease_no != self.number


@dataclass
class ModelQueue:
    seniors: frozenset[str]
    max_labels: int
    slots: dict[int, ModelSlot] = field(default_factory=dict)
    leases: list[ModelLease] = field(default_factory=list)
    outcomes: dict[UUID, bool | None] = field(default_factory=dict)

    def in_hand(self, person: str) -> list[ModelLease]:
        return [slot.unended for slot in self.slots.values() if slot.unended and slot.unended.person == person]

    def notice_expired(self, leases: Iterable[ModelLease]) -> int:
        expired = [lease for lease in leases if lease.over]
        for lease in expired:
            lease.slot.expire()
        return len(expired)

    def next_for(self, person: str) -> ModelSlot | None:
        return min(
            (slot for slot in self.slots.values() if self._may_take(person, slot)), key=lambda s: s.place, default=None
        )

    def _may_take(self, person: str, slot: ModelSlot) -> bool:
        if slot.done or (slot.unended and not slot.unended.over) or person in slot.task.skipped_by:
            return False
        barred_by_expiry = slot.expiries + (1 if slot.unended else 0) >= 5
        if person not in self.seniors and (slot.seniors_only or (slot.unended and barred_by_expiry)):
            return False
        if any(lease.slot.task is slot.task for lease in self.in_hand(person)):
            return False
        about = slot.task.claim if slot.task.purpose in BY_SENIORS else slot.task
        return not any(
            other.label and other.label[0] == person and about in (other.task, other.task.claim)
            for other in self.slots.values()
        )

    def grant(self, person: str, slot: ModelSlot, lease_id: UUID) -> ModelLease:
        if slot.unended:
            slot.expire()
        slot.lease_no += 1
        slot.unended = ModelLease(lease_id, slot, person, slot.lease_no)
        self.leases.append(slot.unended)
        return slot.unended

    def revive(self, lease: ModelLease) -> bool:
        """A renewal; False when the person holds another slot of the task by now."""
        if lease.end and any(other.slot.task is lease.slot.task for other in self.in_hand(lease.person)):
            return False
        lease.over, lease.end, lease.slot.unended = False, "", lease
        return True

    def give_back(self, lease: ModelLease, *, skip: bool) -> None:
        lease.end, lease.slot.unended = "given back", None
        task = lease.slot.task
        if skip:
            task.skipped_by.add(lease.person)
        if len(task.skipped_by) >= 3:
            for slot in self._slots_of(task):
                slot.seniors_only = slot.seniors_only or not slot.done

    def labelled_by(self, person: str, task: ModelTask) -> bool:
        return any(slot.label and slot.label[0] == person for slot in self._slots_of(task))

    def label(self, lease: ModelLease, verdict: str) -> Step:
        slot, task = lease.slot, lease.slot.task
        lease.end, slot.unended, slot.done, slot.label = "labelled", None, True, (lease.person, verdict)
        slots = self._slots_of(task)
        resolution = resolve(
            [each.label[1] for each in slots if each.label],
            purpose=task.purpose,
            waiting=any(not each.done for each in slots),
            labels_needed=task.labels_needed,
            max_labels=self.max_labels,
        )
        if resolution.step == Step.SETTLE:
            self.outcomes[task.claim] = resolution.correct
        if resolution.step not in (Step.WAIT, Step.ANOTHER_LABEL):
            task.closed = True
        return resolution.step

    def _slots_of(self, task: ModelTask) -> list[ModelSlot]:
        return [slot for slot in self.slots.values() if slot.task is task]
