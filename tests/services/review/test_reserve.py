"""The next task, kept for somebody while they finish the one in hand."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant
from reviewqueue.review import selectors
from reviewqueue.review.models import Lease, Reservation, ReviewSlot
from reviewqueue.review.services import leases, reservations
from reviewqueue.review.services.leases import Nothing
from tests.services.review.steps import another_pipeline, newcomer, review_terms, run_out, submit, taken
from tests.world import World


def reserved(world: World) -> Reservation:
    reservation = reservations.reserve(reviewer=world.rita)
    assert reservation
    return reservation


def ninety_seconds_pass() -> None:
    Reservation.objects.update(expires_at=F("expires_at") - timedelta(seconds=91))
    ReviewSlot.objects.filter(reservations__isnull=False).update(free_at=F("free_at") - timedelta(seconds=91))


def test_others_are_given_the_task_after_the_reserved_one(world: World) -> None:
    first, second = world.claim(), world.claim()
    reserved(world)
    assert taken(world.ravi).task.claim_id == second.pk
    assert taken(world.rita).task.claim_id == first.pk


def test_it_turns_into_a_lease_of_the_same_id(world: World) -> None:
    world.claim()
    reservation = reserved(world)
    lease = taken(world.rita)
    assert (lease.pk, lease.slot_id, lease.lease_no) == (reservation.pk, reservation.slot_id, 1)
    assert not Reservation.objects.exists()


def test_it_is_no_lease_and_not_in_the_ledger(world: World) -> None:
    world.claim()
    written = Event.objects.count()
    reserved(world)
    assert Event.objects.count() == written
    assert not Lease.objects.exists()
    assert ReviewSlot.objects.get().lease_no == 0


def test_a_person_has_one_at_a_time_and_a_new_one_has_a_new_id(world: World) -> None:
    world.claim()
    world.claim()
    first, second = reserved(world), reserved(world)
    assert first.pk != second.pk
    assert first.slot_id == second.slot_id
    assert Reservation.objects.count() == 1


def test_after_ninety_seconds_others_may_have_the_task_and_then_its_holder_gets_another(world: World) -> None:
    first, second = world.claim(), world.claim()
    reservation = reserved(world)
    ninety_seconds_pass()
    assert taken(world.ravi).task.claim_id == first.pk
    lease = taken(world.rita)
    assert lease.task.claim_id == second.pk
    assert lease.pk != reservation.pk


def test_after_ninety_seconds_it_still_counts_when_nobody_else_came(world: World) -> None:
    world.claim()
    reservation = reserved(world)
    ninety_seconds_pass()
    assert taken(world.rita).pk == reservation.pk


def test_let_go_it_is_free_at_once_and_twice_is_once(world: World) -> None:
    claim = world.claim()
    reservation = reserved(world)
    for _ in range(2):
        reservations.let_go(reviewer=world.rita, reservation_id=reservation.pk)
    assert taken(world.ravi).task.claim_id == claim.pk


def test_nobody_lets_go_what_another_person_reserved(world: World) -> None:
    world.claim()
    reservation = reserved(world)
    reservations.let_go(reviewer=world.ravi, reservation_id=reservation.pk)
    assert isinstance(leases.take(reviewer=world.ravi), Nothing)


def test_letting_go_what_was_taken_over_frees_nothing(world: World) -> None:
    world.claim()
    reservation = reserved(world)
    ninety_seconds_pass()
    held = taken(world.ravi)
    reservations.let_go(reviewer=world.rita, reservation_id=reservation.pk)
    assert ReviewSlot.objects.get().free_at == held.expires_at


def test_a_task_that_closes_meanwhile_is_not_handed_out(world: World) -> None:
    world.claim()
    late = taken(world.ravi)
    run_out(late)
    reserved(world)
    submit(late)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)


def test_who_ran_out_and_renews_keeps_the_task_before_the_one_who_reserved_it(world: World) -> None:
    world.claim()
    late = taken(world.ravi)
    run_out(late)
    reserved(world)
    leases.renew(reviewer=world.ravi, lease_id=late.pk)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)


def test_the_task_in_hand_is_not_reserved_by_its_other_slot(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    taken(world.rita)
    assert reservations.reserve(reviewer=world.rita) is None


def test_who_lost_the_pipeline_does_not_get_what_they_reserved(world: World) -> None:
    world.claim()
    reserved(world)
    Grant.objects.filter(user=world.rita).delete()
    rita = type(world.rita).objects.get(pk=world.rita.pk)
    nothing = leases.take(reviewer=rita)
    assert isinstance(nothing, Nothing)
    assert nothing.reason == "no_access"


def test_who_asks_for_another_pipeline_is_not_given_the_reserved_task(world: World) -> None:
    world.claim()
    reserved(world)
    other = another_pipeline(world)
    newcomer(world, "somebody")
    nothing = leases.take(reviewer=world.rita, pipeline=other)
    assert isinstance(nothing, Nothing)
    assert Reservation.objects.exists()


def test_for_others_a_reserved_task_is_in_somebodys_hands_and_for_its_holder_open(world: World) -> None:
    world.claim()
    reserved(world)
    nothing = leases.take(reviewer=world.ravi)
    assert isinstance(nothing, Nothing)
    assert (nothing.reason, nothing.held_by_others) == ("all_leased", 1)
    [mine], [theirs] = selectors.queue_counts(world.rita), selectors.queue_counts(world.ravi)
    assert (mine.open, theirs.open) == (1, 0)


def test_reserving_costs_the_same_few_queries_whatever_the_queue_holds(world: World) -> None:
    counts = []
    for size in (2, 20):
        for _ in range(size):
            world.claim()
        reserved(world)
        ReviewSlot.objects.filter(done=False).update(free_at=Now())
        with CaptureQueriesContext(connection) as queries:
            reserved(world)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 12
