"""Seniors move several tasks at once, and take it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts.models import User
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review.changing import Wanted
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import ChangeKind, Lease, ReviewSlot, TaskChange
from reviewqueue.review.services import changes, leases, on_hold
from reviewqueue.review.services.changes import Changed, ChangeStands
from reviewqueue.review.services.holding import LeaseLost
from reviewqueue.review.services.leases import Nothing
from tests.services.review.steps import another_pipeline, ledger_kinds, newcomer, review_terms, submit, taken
from tests.world import World

RELEASE = Wanted(ChangeKind.RELEASE)
TO_ALL = Wanted(ChangeKind.REASSIGN)


def sooner(hours: int = 24) -> Wanted:
    return Wanted(ChangeKind.PRIORITISE, hours=hours)


def to(person: User, *, hours: float = 8) -> Wanted:
    return Wanted(ChangeKind.REASSIGN, person=person, until=database_now() + timedelta(hours=hours))


def all_slots() -> list[int]:
    return list(ReviewSlot.objects.order_by("pk").values_list("pk", flat=True))


def change(world: World, wanted: Wanted, slots: list[int] | None = None, by: User | None = None) -> Changed:
    chosen = slots if slots is not None else all_slots()
    return changes.change_tasks(by=by or world.sam, pipeline=world.pipeline, slot_ids=chosen, wanted=wanted)


def change_all(world: World, wanted: Wanted) -> TaskChange:
    done = change(world, wanted).change
    assert done
    return done


def reasons(done: Changed) -> list[str]:
    return [each.why_not for each in sorted(done.planned, key=lambda each: each.slot.pk)]


def undo(world: World, done: TaskChange) -> list[str]:
    return [row.kept_because for row in changes.undo_change(by=world.sam, change=done)]


def slot_state() -> list[tuple[Any, ...]]:
    return list(
        ReviewSlot.objects.order_by("pk").values_list("priority", "for_reviewer", "for_until", "free_at", "lease_no")
    )


# --- forward and back -----------------------------------------------------------------------------------------------


def test_a_task_that_is_moved_forward_comes_first(world: World) -> None:
    first, second = world.claim(), world.claim()
    change(world, sooner(), [ReviewSlot.objects.get(task__claim=second).pk])
    assert [taken(world.rita).task.claim_id for _ in range(2)] == [second.pk, first.pk]


def test_what_is_so_already_is_left_alone_and_nothing_is_written_when_nothing_changes(world: World) -> None:
    world.claim()
    change_all(world, sooner())
    written = Event.objects.count()
    done = change(world, sooner())
    assert (done.change, reasons(done)) == (None, ["same"])
    assert Event.objects.count() == written


def test_the_ledger_says_who_moved_what_from_where_to_where(world: World) -> None:
    claim = world.claim()
    change(world, sooner(24))
    last = Event.objects.filter(subject=claim.pk).latest("id")
    assert last.kind == "task.changed"
    assert '"priority":24' in last.leaf
    assert '"priority_from":0' in last.leaf
    assert str(world.sam.pseudonym) in last.leaf


def test_a_task_in_hand_can_be_moved_and_stays_in_hand(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    change(world, sooner())
    assert submit(lease).created


# --- out of hands ---------------------------------------------------------------------------------------------------


def test_a_task_taken_out_of_hands_is_free_for_others_at_once(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    change(world, RELEASE)
    assert taken(world.ravi).slot_id == lease.slot_id
    assert ledger_kinds(claim.pk)[-2:] == ["lease.released", "lease.granted"]
    assert '"reason":"by_senior"' in Event.objects.filter(subject=claim.pk, kind="lease.released").get().leaf


def test_its_holder_may_still_answer_late_as_long_as_nobody_took_over(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    change(world, RELEASE)
    assert submit(lease).label.late


def test_whose_task_was_taken_over_sees_the_answer_that_stands_and_loses_no_word(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.save_draft(reviewer=world.rita, lease_id=lease.pk, draft={"note": "half a thought"})
    change(world, RELEASE)
    submit(taken(world.ravi))
    with pytest.raises(LeaseLost) as lost:
        submit(lease)
    assert lost.value.facts["label"]["by"] == "another reviewer"
    assert Lease.objects.get(pk=lease.pk).draft == {"note": "half a thought"}


def test_a_page_that_is_still_open_does_not_take_it_back(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    change(world, RELEASE)
    with pytest.raises(LeaseLost, match="A senior put this task back"):
        leases.renew(reviewer=world.rita, lease_id=lease.pk)
    with pytest.raises(LeaseLost, match="A senior put this task back"):
        on_hold.put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=60)


def test_it_empties_a_hand(world: World) -> None:
    for _ in range(6):
        world.claim()
    held = [taken(world.rita) for _ in range(5)]
    change(world, RELEASE, [held[0].slot_id])
    assert taken(world.rita).hand == 1


def test_what_nobody_holds_cannot_be_taken_out_of_hands(world: World) -> None:
    world.claim()
    assert reasons(change(world, RELEASE)) == ["not_held"]


# --- to one person --------------------------------------------------------------------------------------------------


def test_a_task_given_to_one_person_is_theirs_until_its_time_is_over(world: World) -> None:
    world.claim()
    change(world, to(world.ravi))
    assert isinstance(leases.take(reviewer=world.rita), Nothing)
    taken(world.ravi)


def test_one_that_somebody_else_holds_is_taken_out_of_their_hands(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    change(world, to(world.ravi))
    assert taken(world.ravi).slot_id == lease.slot_id


def test_giving_it_back_to_everybody_ends_that(world: World) -> None:
    world.claim()
    change(world, to(world.ravi))
    change(world, TO_ALL)
    taken(world.rita)


def test_who_holds_it_labelled_it_or_passed_on_it_does_not_get_it(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    for _ in range(3):
        world.claim()
    in_hand, labelled, passed = (taken(world.ravi) for _ in range(3))
    submit(labelled)
    leases.release(reviewer=world.ravi, lease_id=passed.pk, reason="outside_skill")
    slots = list(ReviewSlot.objects.filter(task__in=[in_hand.task_id, labelled.task_id, passed.task_id]))
    said = dict(zip(all_slots(), reasons(change(world, to(world.ravi), [slot.pk for slot in slots])), strict=True))
    assert said[in_hand.slot_id] == "in_their_hands"
    assert said[labelled.slot_id] == "done"
    assert said[passed.slot_id] == "passed"
    others = {slot.task_id: said[slot.pk] for slot in slots if slot.number == 2}
    assert others == {in_hand.task_id: "same_task", labelled.task_id: "labelled", passed.task_id: "passed"}


def test_one_person_gets_one_label_of_a_task_to_give(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    assert reasons(change(world, to(world.ravi))) == ["", "same_task"]
    assert reasons(change(world, to(world.ravi, hours=9))) == ["", "same_task"]


def test_a_task_for_seniors_goes_to_seniors(world: World) -> None:
    world.claim()
    ReviewSlot.objects.update(seniors_only=True)
    assert reasons(change(world, to(world.ravi))) == ["for_seniors"]
    assert reasons(change(world, to(world.sam))) == [""]


def test_only_who_reviews_here_and_only_for_a_week(world: World) -> None:
    world.claim()
    with pytest.raises(Invalid) as stranger:
        change(world, to(world.nora))
    with pytest.raises(Invalid) as endless:
        change(world, to(world.ravi, hours=24 * 7 + 1))
    with pytest.raises(Invalid) as past:
        change(world, to(world.ravi, hours=-1))
    assert [error.value.problems[0].pointer for error in (stranger, endless, past)] == ["/to", "/until", "/until"]


# --- preview --------------------------------------------------------------------------------------------------------


def test_the_preview_says_what_would_happen_and_changes_nothing(world: World) -> None:
    world.claim()
    world.claim()
    taken(world.rita)
    before, written = slot_state(), Event.objects.count()
    planned = changes.preview(by=world.sam, pipeline=world.pipeline, slot_ids=all_slots(), wanted=RELEASE)
    assert [each.why_not for each in planned] == ["", "not_held"]
    assert planned[0].lease
    assert planned[0].lease.reviewer == world.rita
    assert (slot_state(), Event.objects.count()) == (before, written)


@pytest.mark.parametrize("wanted", [RELEASE, sooner(), TO_ALL])
def test_what_is_answered_meanwhile_is_left_alone(world: World, wanted: Wanted) -> None:
    world.claim()
    lease = taken(world.rita)
    changes.preview(by=world.sam, pipeline=world.pipeline, slot_ids=[lease.slot_id], wanted=wanted)
    submit(lease)
    assert reasons(change(world, wanted, [lease.slot_id])) == ["done"]


def test_tasks_of_another_pipeline_are_not_there(world: World) -> None:
    world.claim()
    slots, other = all_slots(), another_pipeline(world)
    with pytest.raises(Forbidden):
        changes.change_tasks(by=world.sam, pipeline=other, slot_ids=slots, wanted=sooner())
    newcomer(world, "selma")
    assert changes.preview(by=world.sam, pipeline=world.pipeline, slot_ids=[*slots, 10**9], wanted=sooner())[1:] == []


def test_reviewers_owners_and_auditors_move_nothing_and_administrators_only_out_of_hands(world: World) -> None:
    world.claim()
    for person in (world.rita, world.olga, world.ada, world.nora):
        with pytest.raises(Forbidden):
            change(world, RELEASE, by=person)
    with pytest.raises(Forbidden):
        change(world, sooner(), by=world.adam)
    taken(world.rita)
    assert change(world, RELEASE, by=world.adam).change


def test_two_hundred_at_once_are_the_most(world: World) -> None:
    for chosen in ([], list(range(1, 202))):
        with pytest.raises(Invalid, match="not valid") as refused:
            change(world, sooner(), chosen)
        assert refused.value.problems[0].pointer == "/slots"
    with pytest.raises(Invalid):
        change(world, sooner(169), [1])


def test_more_tasks_cost_no_more_lookups(world: World) -> None:
    counts = []
    for _ in range(3):
        for _ in range(4):
            world.claim()
        with CaptureQueriesContext(connection) as queries:
            changes.preview(by=world.sam, pipeline=world.pipeline, slot_ids=all_slots(), wanted=to(world.ravi))
        counts.append(len(queries))
    assert counts[1] == counts[2]  # at first the roles are looked up


# --- undo -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sooner", "release", "to ravi", "to all"])
def test_undo_puts_everything_back_as_it_was(world: World, kind: str) -> None:
    world.claim()
    world.claim()
    change(world, to(world.rita, hours=2))
    lease = taken(world.rita)
    wanted = {"sooner": sooner(), "release": RELEASE, "to ravi": to(world.ravi), "to all": TO_ALL}[kind]
    before = slot_state()
    done = change_all(world, wanted)
    assert slot_state() != before
    assert set(undo(world, done)) == {""}
    assert slot_state() == before
    lease.refresh_from_db()
    assert (lease.ended_at, lease.end_reason, lease.expires_at) == (None, "", lease.slot.free_at)
    assert submit(lease).label.late is False


def test_undo_leaves_alone_what_was_answered_taken_or_moved_since(world: World) -> None:
    claims = [world.claim() for _ in range(4)]
    done = change_all(world, sooner())
    submit(taken(world.rita))
    taken(world.ravi)
    change(world, sooner(48), [ReviewSlot.objects.get(task__claim=claims[2]).pk])
    assert sorted(undo(world, done)) == ["", "answered", "moved", "taken"]


def test_undo_does_not_give_a_task_back_that_somebody_took_over(world: World) -> None:
    world.claim()
    taken(world.rita)
    done = change_all(world, RELEASE)
    taken(world.ravi)
    assert undo(world, done) == ["taken"]
    assert Lease.objects.get(ended_at=None).reviewer == world.ravi


def test_undo_does_not_fill_a_sixth_hand(world: World) -> None:
    for _ in range(6):
        world.claim()
    held = [taken(world.rita) for _ in range(5)]
    done = change(world, to(world.ravi), [held[0].slot_id]).change
    assert done
    taken(world.rita)
    assert undo(world, done) == ["hands_full"]
    taken(world.ravi)


def test_a_hold_that_would_be_over_by_now_does_not_come_back(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    done = change_all(world, RELEASE)
    done.slots.update(lease_until=F("lease_until") - timedelta(minutes=11))
    assert undo(world, done) == [""]
    lease.refresh_from_db()
    assert lease.end_reason == "forced"
    taken(world.ravi)


def test_undo_is_once_for_half_an_hour_and_for_who_may_do_the_change(world: World) -> None:
    world.claim()
    done = change_all(world, sooner())
    with pytest.raises(Forbidden):
        changes.undo_change(by=world.rita, change=done)
    undo(world, done)
    with pytest.raises(ChangeStands):
        undo(world, done)
    late = change_all(world, sooner(2))
    TaskChange.objects.filter(pk=late.pk).update(undo_until=F("undo_until") - timedelta(minutes=30))
    with pytest.raises(ChangeStands):
        undo(world, late)


def test_undoing_is_in_the_ledger(world: World) -> None:
    claim = world.claim()
    undo(world, change_all(world, sooner()))
    assert ledger_kinds(claim.pk)[-2:] == ["task.changed", "task.changed"]
    assert '"reason":"undone"' in Event.objects.filter(subject=claim.pk).latest("id").leaf


def test_a_change_of_another_pipeline_is_not_found(world: World) -> None:
    world.claim()
    done = change_all(world, sooner())
    with pytest.raises(NotFound):
        changes.change_for(pipeline=another_pipeline(world), change_id=done.pk)
