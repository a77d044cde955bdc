"""Take, renew, expire, sweep, skip, label and label again, by several people in any order, against a pure model."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Role
from reviewqueue.review.answers import LabelAnswer
from reviewqueue.review.models import Label, Lease, ReviewSlot
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.leases import LeaseLost, Nothing, TooManyLeases
from reviewqueue.review.services.on_hold import put_on_hold
from tests.property.review.lease_model import HANDS, ModelLease, ModelQueue, ModelSlot, ModelTask
from tests.services.review.steps import newcomer, review_terms, run_out
from tests.world import World

PEOPLE = st.sampled_from(["rita", "ravi", "sam", "selma"])
VERDICTS = st.sampled_from(["correct", "correct", "incorrect", "cannot_judge"])
MAX_LABELS = 3


class LeaseMachine(RuleBasedStateMachine):
    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint()
        self.model = ModelQueue(seniors=frozenset({"sam", "selma"}), max_labels=MAX_LABELS)

    def teardown(self) -> None:
        assert Event.objects.filter(kind="label.submitted").count() == Label.objects.count()
        assert Event.objects.filter(kind="outcome.final").count() == Outcome.objects.count()
        transaction.savepoint_rollback(self.savepoint)

    # --- what happens -------------------------------------------------------------------------------------------

    @initialize(overlaps=st.lists(st.booleans(), min_size=2, max_size=4))
    def claims_come_in(self, overlaps: list[bool]) -> None:
        for overlap in overlaps:
            self.world.claim(confidence=0.3 if overlap else 0.7)
        self._learn_new_slots()

    @precondition(lambda self: len(self.model.slots) < 5)
    @rule(overlap=st.booleans())
    def a_claim_comes_in(self, overlap: bool) -> None:
        self.world.claim(confidence=0.3 if overlap else 0.7)
        self._learn_new_slots()

    @rule(person=PEOPLE)
    def take(self, person: str) -> None:
        self._take(person)

    @rule(person=PEOPLE, verdict=VERDICTS)
    def take_and_label(self, person: str, verdict: str) -> None:
        if lease := self._take(person):
            self._label(lease, verdict)

    @rule(person=PEOPLE)
    def take_and_skip(self, person: str) -> None:
        if lease := self._take(person):
            self._give_back(lease, skip=True)

    @precondition(lambda self: self.model.leases)
    @rule(data=st.data(), on_hold=st.booleans())
    def renew(self, data: Any, on_hold: bool) -> None:
        """A hold of ten minutes ends when a lease of ten minutes does."""
        lease = self._any_lease(data)
        wanted: dict[str, Any] = {"reviewer": self._user(lease.person), "lease_id": lease.id}
        keep = partial(put_on_hold, minutes=10) if on_hold else leases.renew
        if lease.lost or not self.model.revive(lease):
            with pytest.raises(LeaseLost):
                keep(**wanted)
            return
        keep(**wanted)

    @precondition(lambda self: any(slot.unended and not slot.unended.over for slot in self.model.slots.values()))
    @rule(data=st.data())
    def time_runs_out(self, data: Any) -> None:
        live = [slot.unended for slot in self.model.slots.values() if slot.unended and not slot.unended.over]
        lease = data.draw(st.sampled_from(live))
        run_out(Lease.objects.get(pk=lease.id))
        lease.over = True

    @rule()
    def sweep(self) -> None:
        unended = [slot.unended for slot in self.model.slots.values() if slot.unended]
        assert leases.expire_leases() == self.model.notice_expired(unended)

    @precondition(lambda self: self.model.leases)
    @rule(data=st.data(), skip=st.booleans())
    def give_back(self, data: Any, skip: bool) -> None:
        self._give_back(self._any_lease(data), skip=skip)

    @precondition(lambda self: self.model.leases)
    @rule(data=st.data(), verdict=VERDICTS)
    def label(self, data: Any, verdict: str) -> None:
        self._label(self._any_lease(data), verdict)

    # --- what must be true --------------------------------------------------------------------------------------

    @invariant()
    def slots_are_as_modelled(self) -> None:
        stored = {slot.pk: slot for slot in ReviewSlot.objects.select_related("task")}
        assert stored.keys() == self.model.slots.keys()
        for slot in self.model.slots.values():
            found = stored[slot.id]
            assert (found.lease_no, found.expiries, found.done) == (slot.lease_no, slot.expiries, slot.done)
            assert found.done or found.seniors_only == slot.seniors_only
            assert (found.task.closed_at is not None) == slot.task.closed

    @invariant()
    def one_lease_at_most_is_live_on_a_slot_and_its_expiry_frees_it(self) -> None:
        live = Lease.objects.filter(ended_at=None).select_related("slot")
        expected = {slot.unended.id for slot in self.model.slots.values() if slot.unended}
        assert {lease.pk for lease in live} == expected
        assert all(lease.slot.free_at == lease.expires_at and lease.lease_no == lease.slot.lease_no for lease in live)

    @invariant()
    def a_label_was_given_under_the_last_lease_of_its_slot_by_its_holder(self) -> None:
        given = Label.objects.select_related("lease", "slot")
        assert all(label.lease.reviewer_id == label.reviewer_id for label in given)
        assert all(label.lease.lease_no == label.slot.lease_no for label in given)
        assert {label.slot_id: label.verdict for label in given} == {
            slot.id: slot.label[1] for slot in self.model.slots.values() if slot.label
        }

    @invariant()
    def a_claim_is_settled_exactly_when_its_labels_say_so(self) -> None:
        outcomes = dict(Outcome.objects.filter(standing=True).values_list("claim_id", "correct"))
        assert outcomes == self.model.outcomes
        assert set(Claim.objects.filter(status="settled").values_list("pk", flat=True)) == outcomes.keys()

    # --- each step, on both sides -------------------------------------------------------------------------------

    def _take(self, person: str) -> ModelLease | None:
        model = self.model
        model.notice_expired(model.in_hand(person))
        if len(model.in_hand(person)) == HANDS:
            with pytest.raises(TooManyLeases):
                leases.take(reviewer=self._user(person))
            return None
        expected = model.next_for(person)
        lease = leases.take(reviewer=self._user(person))
        if expected is None:
            assert isinstance(lease, Nothing)
            return None
        assert isinstance(lease, Lease), lease
        assert lease.slot_id == expected.id
        return model.grant(person, expected, lease.pk)

    def _give_back(self, lease: ModelLease, *, skip: bool) -> None:
        reason = "outside_skill" if skip else "back"
        if lease.lost and lease.end != "given back":
            with pytest.raises(LeaseLost):
                leases.release(reviewer=self._user(lease.person), lease_id=lease.id, reason=reason)
            return
        leases.release(reviewer=self._user(lease.person), lease_id=lease.id, reason=reason)
        if not lease.lost:
            self.model.give_back(lease, skip=skip)

    def _label(self, lease: ModelLease, verdict: str) -> None:
        mine = lease.slot.label if lease.end == "labelled" else None
        if mine == (lease.person, verdict):
            assert not self._submit(lease, verdict).created
        elif lease.lost or self.model.labelled_by(lease.person, lease.slot.task):
            with pytest.raises(LeaseLost):
                self._submit(lease, verdict)
        else:
            assert self._submit(lease, verdict).created
            self.model.label(lease, verdict)
            self._learn_new_slots()

    def _user(self, name: str) -> Any:
        return self.world.people[name]

    def _any_lease(self, data: Any) -> ModelLease:
        return data.draw(st.sampled_from(self.model.leases))

    def _submit(self, lease: ModelLease, verdict: str) -> labels.Labelled:
        answer = LabelAnswer(verdict)
        return labels.submit_label(reviewer=self._user(lease.person), lease_id=lease.id, answer=answer)

    def _learn_new_slots(self) -> None:
        """Which slots there are is the database's word; what may be done with them is the model's."""
        tasks = {slot.task.id: slot.task for slot in self.model.slots.values()}
        for slot in ReviewSlot.objects.exclude(pk__in=self.model.slots).select_related("task"):
            task = tasks.setdefault(
                slot.task_id, ModelTask(slot.task_id, slot.task.claim_id, slot.purpose, slot.task.labels_needed)
            )
            place = (slot.turn, slot.pk)
            self.model.slots[slot.pk] = ModelSlot(slot.pk, task, place, slot.seniors_only)


def test_any_order_of_events_leaves_the_queue_as_the_model_says(world: World) -> None:
    document = review_terms(max_labels=MAX_LABELS, undo_seconds=0)
    document["bands"] = [{**document["bands"][0], "labels_needed": 2}, *document["bands"][1:]]
    world.activate(document)
    world.people["selma"] = newcomer(world, "selma", Role.SENIOR)
    LeaseMachine.world = world
    run_state_machine_as_test(
        LeaseMachine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
