"""Keeping a lease."""

from datetime import timedelta

import pytest

from reviewqueue.errors import NotFound
from reviewqueue.pipelines.models import Grant
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import Lease
from reviewqueue.review.services import leases
from reviewqueue.review.services.leases import LeaseAtLimit, LeaseLost
from tests.services.review.steps import (
    label_next,
    ledger_kinds,
    review_terms,
    run_out,
    submit,
    taken,
    time_passes,
    undo_windows_pass,
)
from tests.world import World


def test_renewing_gives_a_full_lease_from_now_on(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    time_passes(lease, minutes=6)
    renewed = leases.renew(reviewer=world.rita, lease_id=lease.pk)
    assert timedelta(minutes=9, seconds=50) < renewed.expires_at - database_now() <= timedelta(minutes=10)
    lease.refresh_from_db()
    assert lease.slot.free_at == lease.expires_at == renewed.expires_at


def test_a_lease_lasts_two_hours_at_most(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    for _ in range(13):
        time_passes(lease, minutes=9)
        renewed = leases.renew(reviewer=world.rita, lease_id=lease.pk)
    assert renewed.expires_at - renewed.granted_at == timedelta(hours=2)
    time_passes(lease, minutes=4)
    with pytest.raises(LeaseAtLimit):
        leases.renew(reviewer=world.rita, lease_id=lease.pk)


@pytest.mark.parametrize("swept", [False, True])
def test_a_lease_that_ran_out_is_renewed_while_nobody_else_has_the_task(world: World, swept: bool) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    run_out(lease)
    if swept:
        leases.expire_leases()
    leases.renew(reviewer=world.rita, lease_id=lease.pk)
    lease.refresh_from_db()
    assert lease.ended_at is None
    assert lease.expires_at > database_now()
    assert leases.take(reviewer=world.ravi).reason == "all_leased"
    assert ledger_kinds(claim.pk)[-1] == "lease.renewed"


def test_a_revived_lease_takes_another_hand_when_its_own_is_full(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    leases.expire_leases()
    world.claim()
    Lease.objects.filter(pk=lease.pk).update(expires_at=database_now())
    lease.slot.due_at += timedelta(days=1)
    lease.slot.save(update_fields=["due_at"])
    assert taken(world.rita).hand == 1
    assert leases.renew(reviewer=world.rita, lease_id=lease.pk).hand == 2


def test_a_lease_is_not_revived_beside_another_slot_of_the_same_task(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    first = taken(world.rita)
    run_out(first)
    leases.expire_leases()
    first.slot.due_at += timedelta(days=1)
    first.slot.save(update_fields=["due_at"])
    assert taken(world.rita).slot_id != first.slot_id
    with pytest.raises(LeaseLost):
        leases.renew(reviewer=world.rita, lease_id=first.pk)


def test_a_lease_taken_over_is_lost(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    taken(world.ravi)
    with pytest.raises(LeaseLost) as lost:
        leases.renew(reviewer=world.rita, lease_id=lease.pk)
    assert lost.value.facts["label"] is None


def test_a_lease_taken_over_stays_lost_when_the_next_person_puts_the_task_back(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    leases.release(reviewer=world.ravi, lease_id=taken(world.ravi).pk, reason="back")
    with pytest.raises(LeaseLost):
        leases.renew(reviewer=world.rita, lease_id=lease.pk)


def test_what_is_answered_or_given_back_is_not_renewed(world: World) -> None:
    for _ in range(2):
        world.claim()
    answered, given_back = taken(world.rita), taken(world.rita)
    submit(answered)
    leases.release(reviewer=world.rita, lease_id=given_back.pk, reason="broken")
    for lease in (answered, given_back):
        with pytest.raises(LeaseLost):
            leases.renew(reviewer=world.rita, lease_id=lease.pk)


def test_another_persons_lease_does_not_exist(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    for somebody in (world.ravi, world.sam, world.adam):
        with pytest.raises(NotFound):
            leases.renew(reviewer=somebody, lease_id=lease.pk)


def test_whose_role_was_taken_away_keeps_no_lease(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    Grant.objects.filter(user=world.rita).delete()
    del world.rita._roles
    with pytest.raises(NotFound):
        leases.renew(reviewer=world.rita, lease_id=lease.pk)


def test_the_ledger_gets_one_entry_for_ten_minutes_of_renewing(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    for _ in range(50):
        time_passes(lease, seconds=30)
        leases.renew(reviewer=world.rita, lease_id=lease.pk)
    assert ledger_kinds(claim.pk).count("lease.renewed") == 2


def test_a_follow_up_of_a_label_can_be_held_like_any_task(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    label_next(world.rita)
    undo_windows_pass()
    lease = taken(world.ravi)
    assert leases.renew(reviewer=world.ravi, lease_id=lease.pk).expires_at >= lease.expires_at
