"""Giving a task in hand to a colleague."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from reviewqueue.accounts.models import User
from reviewqueue.errors import Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Role
from reviewqueue.review import selectors
from reviewqueue.review.models import Lease, ReviewSlot
from reviewqueue.review.services import leases
from reviewqueue.review.services.handing_over import hand_over
from reviewqueue.review.services.leases import LeaseLost
from tests.services.review.steps import WRONG, ledger_kinds, newcomer, review_terms, run_out, submit, taken
from tests.world import World


def handed(world: World, to: User, note: str = "") -> Lease:
    lease = taken(world.rita)
    hand_over(reviewer=world.rita, lease_id=lease.pk, to=to.username, note=note)
    return lease


def refusal(world: World, lease: Lease, to: str) -> str:
    with pytest.raises(Invalid) as refused:
        hand_over(reviewer=lease.reviewer, lease_id=lease.pk, to=to)
    [problem] = refused.value.problems
    assert problem.pointer == "/to"
    return problem.detail


def test_a_handed_task_comes_first_for_its_new_holder_and_to_nobody_else(world: World) -> None:
    given, other = world.claim(), world.claim()
    handed(world, world.ravi, "You know this price list.")
    assert taken(world.sam).task.claim_id == other.pk
    assert leases.take(reviewer=world.rita).reason == "all_leased"
    assert selectors.kept_for(world.ravi) == 1
    lease = taken(world.ravi)
    assert lease.task.claim_id == given.pk
    assert selectors.kept_for(world.ravi) == 0
    note = selectors.handed_with(lease)
    assert note is not None
    assert (note.note, note.lease.reviewer) == ("You know this price list.", world.rita)


def test_the_ledger_knows_to_whom_and_nothing_of_the_words(world: World) -> None:
    claim = world.claim()
    handed(world, world.ravi, "price lists")
    leaf = Event.objects.filter(subject=claim.pk, kind="lease.handed_over").get().leaf
    assert str(world.ravi.pseudonym) in leaf
    assert "price lists" not in leaf


def test_handing_over_twice_is_once_and_the_task_is_lost_to_its_giver(world: World) -> None:
    claim = world.claim()
    lease = handed(world, world.ravi)
    hand_over(reviewer=world.rita, lease_id=lease.pk, to=world.ravi.username)
    assert ledger_kinds(claim.pk).count("lease.handed_over") == 1
    with pytest.raises(LeaseLost):
        hand_over(reviewer=world.rita, lease_id=lease.pk, to=world.sam.username)
    with pytest.raises(LeaseLost):
        submit(lease, WRONG)


def test_after_a_day_it_is_anybodys_again(world: World) -> None:
    world.claim()
    lease = handed(world, world.ravi)
    ReviewSlot.objects.update(for_until=F("for_until") - timedelta(hours=25))
    assert taken(world.sam).task_id == lease.task_id


def test_who_judges_blind_does_not_get_to_see_the_note(world: World) -> None:
    world.activate(review_terms(blind="score"))
    world.claim()
    handed(world, world.ravi, "I think it is wrong.")
    assert selectors.handed_with(taken(world.ravi)) is None


def test_nobody_gets_what_they_could_not_have_taken(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    submit(taken(world.ravi))
    lease = taken(world.rita)
    assert refusal(world, lease, "nora") == "Nobody of that name reviews here."
    assert refusal(world, lease, "nobody") == "Nobody of that name reviews here."
    assert refusal(world, lease, "rita") == "You have it already."
    assert refusal(world, lease, "ravi") == "This person has given an answer about this claim."


def test_who_passed_on_a_task_is_not_handed_it(world: World) -> None:
    world.claim()
    leases.release(reviewer=world.ravi, lease_id=taken(world.ravi).pk, reason="broken")
    assert refusal(world, taken(world.rita), "ravi") == "This person has passed on the task."


def test_who_has_the_other_half_of_a_task_is_not_handed_this_one(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    taken(world.ravi)
    assert "already" in refusal(world, taken(world.rita), "ravi")


def test_what_is_for_seniors_goes_to_seniors(world: World) -> None:
    selma = newcomer(world, "selma", Role.SENIOR)
    world.claim()
    leases.release(reviewer=world.rita, lease_id=taken(world.rita).pk, reason="escalate", note="Too hard.")
    lease = taken(world.sam)
    assert refusal(world, lease, "ravi") == "Nobody of that name is a senior here."
    assert selectors.colleagues(lease) == [selma]
    hand_over(reviewer=world.sam, lease_id=lease.pk, to="selma")
    taken(selma)


def test_a_lease_that_ran_out_is_handed_over_while_nobody_else_has_the_task(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    leases.expire_leases()
    hand_over(reviewer=world.rita, lease_id=lease.pk, to="ravi")
    taken(world.ravi)


def test_only_its_holder_hands_a_task_over(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(NotFound):
        hand_over(reviewer=world.ravi, lease_id=lease.pk, to="sam")


def test_a_note_that_cannot_be_stored_is_refused(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(Invalid):
        hand_over(reviewer=world.rita, lease_id=lease.pk, to="ravi", note="\x00")
