"""The sweep over leases whose time is over."""

from reviewqueue.ledger.models import Event
from reviewqueue.operations.models import SweepRun
from reviewqueue.review import tasks
from reviewqueue.review.models import Lease, ReviewSlot
from reviewqueue.review.services import leases
from tests.services.review.steps import ledger_kinds, newcomer, run_out, submit, taken
from tests.world import World


def test_a_lease_that_ran_out_is_ended_and_counted_on_its_slot(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    run_out(lease)
    assert leases.expire_leases() == 1
    lease.refresh_from_db()
    assert (lease.end_reason, lease.slot.expiries, lease.slot.done) == ("expired", 1, False)
    assert ledger_kinds(claim.pk)[-1] == "lease.expired"
    assert taken(world.ravi).slot_id == lease.slot_id


def test_sweeping_twice_changes_nothing_more(world: World) -> None:
    world.claim()
    run_out(taken(world.rita))
    assert [leases.expire_leases() for _ in range(3)] == [1, 0, 0]
    assert ReviewSlot.objects.get().expiries == 1


def test_live_leases_and_answered_ones_are_left_alone(world: World) -> None:
    for _ in range(2):
        world.claim()
    live, answered = taken(world.rita), taken(world.rita)
    run_out(answered)
    submit(answered)
    assert leases.expire_leases() == 0
    assert set(Lease.objects.values_list("pk", "end_reason")) == {(live.pk, ""), (answered.pk, "labelled")}


def test_after_five_expiries_a_task_is_for_seniors(world: World) -> None:
    world.claim()
    for _ in range(5):
        run_out(taken(world.rita))
        leases.expire_leases()
    assert ReviewSlot.objects.get().seniors_only
    assert leases.take(reviewer=world.rita).reason == "empty"
    assert taken(world.sam).lease_no == 6


def test_five_expiries_keep_reviewers_away_also_when_no_sweep_has_run(world: World) -> None:
    world.claim()
    for _ in range(5):
        run_out(taken(world.rita))
    ravi_sees = leases.take(reviewer=world.ravi)
    assert ravi_sees.reason == "empty"
    assert taken(world.sam).slot.expiries == 5


def test_many_expired_leases_are_ended_in_batches(world: World, monkeypatch) -> None:
    monkeypatch.setattr(leases, "SWEEP_BATCH", 2)
    for _ in range(5):
        world.claim()
    held = [taken(newcomer(world, f"reviewer-{number}")) for number in range(5)]
    for lease in held:
        run_out(lease)
    assert leases.expire_leases() == 5
    assert Event.objects.filter(kind="lease.expired").count() == 5


def test_the_scheduled_task_leaves_a_trace_of_having_run(world: World) -> None:
    world.claim()
    run_out(taken(world.rita))
    tasks.expire_leases()
    assert SweepRun.objects.get(name="review.expire_leases").changed == 1
