"""Putting a task back, and passing on it."""

import pytest

from reviewqueue.errors import Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review import selectors
from reviewqueue.review.models import Label, ReviewSlot, Skip
from reviewqueue.review.services import leases
from reviewqueue.review.services.leases import SKIP_REASONS, LeaseLost
from tests.services.review.steps import ledger_kinds, newcomer, review_terms, run_out, submit, taken
from tests.world import World


@pytest.mark.parametrize("reason", ["", "back"])
def test_a_task_put_back_is_free_at_once_also_for_the_same_person(world: World, reason: str) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason=reason)
    again = taken(world.rita)
    assert (again.slot_id, again.hand) == (lease.slot_id, 1)
    assert not Skip.objects.exists()
    assert ledger_kinds(claim.pk)[-2:] == ["lease.released", "lease.granted"]


@pytest.mark.parametrize("reason", SKIP_REASONS)
def test_a_skip_is_personal_and_never_comes_back(world: World, reason: str) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason=reason, note="I do not know these prices.")
    lease.refresh_from_db()
    assert lease.end_reason == "skipped"
    assert leases.take(reviewer=world.rita).reason == "empty"
    assert taken(world.ravi).slot_id == lease.slot_id
    assert not Label.objects.exists()


def test_the_ledger_holds_the_reason_and_not_the_note(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason="broken", note="canary note")
    leaf = Event.objects.get(kind="lease.released").leaf
    assert '"reason":"broken"' in leaf
    assert "note_commitment" in leaf
    assert "canary" not in leaf
    assert Skip.objects.get().note == "canary note"


def test_after_three_skips_by_different_people_the_task_is_for_seniors(world: World) -> None:
    world.claim()
    for person in (world.rita, world.ravi, newcomer(world, "rosa")):
        assert not ReviewSlot.objects.get().seniors_only
        leases.release(reviewer=person, lease_id=taken(person).pk, reason="outside_skill")
    assert ReviewSlot.objects.get().seniors_only
    assert leases.take(reviewer=newcomer(world, "robin")).reason == "empty"
    assert taken(world.sam).slot.seniors_only


def test_pressing_skip_twice_is_one_skip(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    for _ in range(2):
        leases.release(reviewer=world.rita, lease_id=lease.pk, reason="other")
    assert Skip.objects.count() == 1
    assert ledger_kinds(claim.pk).count("lease.released") == 1


def test_a_second_release_leaves_the_next_person_alone(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason="back")
    theirs = taken(world.ravi)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason="back")
    theirs.refresh_from_db()
    assert theirs.ended_at is None
    assert theirs.slot.free_at == theirs.expires_at


def test_a_lease_that_ran_out_can_still_be_skipped(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    leases.expire_leases()
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason="need_context")
    assert Skip.objects.filter(reviewer=world.rita).exists()
    assert leases.take(reviewer=world.rita).reason == "empty"


def test_what_was_answered_or_taken_over_cannot_be_given_back(world: World) -> None:
    for _ in range(2):
        world.claim()
    answered, overtaken = taken(world.rita), taken(world.rita)
    submit(answered)
    run_out(overtaken)
    taken(world.ravi)
    for lease in (answered, overtaken):
        with pytest.raises(LeaseLost):
            leases.release(reviewer=world.rita, lease_id=lease.pk, reason="other")


@pytest.mark.parametrize(
    ("reason", "note", "pointer"),
    [
        ("bored", "", "/reason"),
        ("other", "x" * 10_001, "/note"),
        ("other", "a\0b", "/note"),
        ("other", "\ud800", "/note"),
    ],
)
def test_an_unknown_reason_or_an_unstorable_note_is_refused(world: World, reason: str, note: str, pointer: str) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(Invalid) as invalid:
        leases.release(reviewer=world.rita, lease_id=lease.pk, reason=reason, note=note)
    assert [problem.pointer for problem in invalid.value.problems] == [pointer]
    lease.refresh_from_db()
    assert lease.ended_at is None


def test_nobody_gives_back_what_another_person_holds(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(NotFound):
        leases.release(reviewer=world.sam, lease_id=lease.pk, reason="back")


def test_an_escalated_task_goes_to_a_senior_at_once_with_the_note_and_not_back_to_its_sender(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason="escalate", note="Two price lists disagree.")
    assert leases.take(reviewer=world.ravi).reason == "empty"
    at_sam = taken(world.sam)
    assert at_sam.slot_id == lease.slot_id
    assert selectors.escalation_notes(at_sam) == ["Two price lists disagree."]
    leaf = Event.objects.filter(subject=claim.pk, kind="lease.released").get().leaf
    assert '"reason":"escalate"' in leaf
    assert "price lists" not in leaf


@pytest.mark.parametrize("note", ["", "  "])
def test_an_escalation_says_why(world: World, note: str) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(Invalid) as refused:
        leases.release(reviewer=world.rita, lease_id=lease.pk, reason="escalate", note=note)
    assert [problem.pointer for problem in refused.value.problems] == ["/note"]
    assert not ReviewSlot.objects.get().seniors_only


def test_who_judges_blind_does_not_get_to_see_the_note(world: World) -> None:
    world.activate(review_terms(blind="score"))
    world.claim()
    leases.release(reviewer=world.rita, lease_id=taken(world.rita).pk, reason="escalate", note="I think it is wrong.")
    assert selectors.escalation_notes(taken(world.sam)) == []
