"""Keeping a task for later."""

from datetime import timedelta

import pytest

from reviewqueue.errors import Invalid, NotFound
from reviewqueue.review import selectors
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import Lease
from reviewqueue.review.services import leases, on_hold
from reviewqueue.review.services.leases import LeaseAtLimit, LeaseLost, TooManyLeases
from reviewqueue.review.services.on_hold import put_on_hold
from tests.services.review.steps import ledger_kinds, run_out, submit, taken, time_passes
from tests.world import World


def kept(world: World, minutes: int = 60) -> Lease:
    return put_on_hold(reviewer=world.rita, lease_id=taken(world.rita).pk, minutes=minutes)


def test_a_task_on_hold_waits_for_its_holder_and_nobody_else_gets_it(world: World) -> None:
    claim = world.claim()
    lease = kept(world)
    assert timedelta(minutes=59) < lease.expires_at - database_now() <= timedelta(hours=1)
    assert leases.take(reviewer=world.ravi).reason == "all_leased"
    assert selectors.live_leases(world.rita) == [lease]
    assert selectors.leases_in_work(world.rita) == []
    assert ledger_kinds(claim.pk)[-1] == "lease.held"
    assert submit(lease).created


def test_looking_at_a_task_on_hold_does_not_shorten_it(world: World) -> None:
    world.claim()
    lease = kept(world, minutes=240)
    assert leases.renew(reviewer=world.rita, lease_id=lease.pk).expires_at == lease.expires_at
    time_passes(lease, hours=3)
    Lease.objects.filter(pk=lease.pk).update(held_until=Lease.objects.get(pk=lease.pk).expires_at)
    assert leases.renew(reviewer=world.rita, lease_id=lease.pk).expires_at > database_now() + timedelta(minutes=50)


def test_what_nobody_came_back_to_goes_back_to_the_queue(world: World) -> None:
    world.claim()
    lease = kept(world)
    time_passes(lease, minutes=61)
    assert leases.expire_leases() == 1
    assert taken(world.ravi).task_id == lease.task_id
    with pytest.raises(LeaseLost):
        put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=60)


def test_a_hold_ends_a_day_after_the_task_was_taken(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    time_passes(lease, minutes=5)
    held = put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=on_hold.MOST_MINUTES)
    assert held.expires_at == held.granted_at + timedelta(hours=24)
    time_passes(lease, hours=24)
    with pytest.raises(LeaseAtLimit):
        put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=30)


def test_a_hold_can_be_shortened(world: World) -> None:
    world.claim()
    lease = kept(world, minutes=240)
    assert put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=30).expires_at < lease.expires_at


def test_a_lease_that_ran_out_is_held_while_nobody_else_has_the_task(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    leases.expire_leases()
    put_on_hold(reviewer=world.rita, lease_id=lease.pk, minutes=30)
    assert Lease.objects.get(pk=lease.pk).ended_at is None
    assert leases.take(reviewer=world.ravi).reason == "all_leased"


def test_a_task_on_hold_takes_one_of_five_hands(world: World) -> None:
    for _ in range(6):
        world.claim()
    for _ in range(5):
        kept(world)
    with pytest.raises(TooManyLeases):
        leases.take(reviewer=world.rita)


@pytest.mark.parametrize("minutes", [0, -1, 1441, 10**12])
def test_a_time_out_of_range_is_refused(world: World, minutes: int) -> None:
    world.claim()
    with pytest.raises(Invalid) as refused:
        kept(world, minutes)
    assert [problem.pointer for problem in refused.value.problems] == ["/minutes"]


def test_only_its_holder_keeps_a_task(world: World) -> None:
    world.claim()
    with pytest.raises(NotFound):
        put_on_hold(reviewer=world.ravi, lease_id=taken(world.rita).pk, minutes=30)
