"""Several people at once, with real commits on connections of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier
from typing import Any

from django.db import connection, transaction

from reviewqueue.accounts.models import User
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Outcome
from reviewqueue.ledger.models import Event
from reviewqueue.review import picking
from reviewqueue.review.models import Label, Lease, Reservation, ReviewSlot
from reviewqueue.review.services import labels, leases, reservations
from reviewqueue.review.services.labels import LabelAnswer
from reviewqueue.review.services.leases import LeaseLost, Nothing, TooManyLeases
from tests.services.review.steps import RIGHT, WRONG, newcomer, review_terms, run_out, taken
from tests.world import World

PATIENCE = 30
MANY = 16


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """The results, or the exceptions, of works that start together, each on a connection of its own."""
    start = Barrier(len(works), timeout=PATIENCE)

    def run(work: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait()
            return work()
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result(PATIENCE) for future in [pool.submit(run, work) for work in works]]


def taking(person: User) -> Callable[[], Any]:
    return lambda: leases.take(reviewer=person)


def submitting(lease: Lease, answer: LabelAnswer) -> Callable[[], Any]:
    return lambda: labels.submit_label(reviewer=lease.reviewer, lease_id=lease.pk, answer=answer)


def crowd(world: World, size: int = MANY) -> list[User]:
    return [newcomer(world, f"reviewer-{number}") for number in range(size)]


def test_sixteen_people_racing_for_five_tasks_get_one_each_and_no_task_twice(committed_world: World) -> None:
    people = crowd(committed_world)
    for _ in range(5):
        committed_world.claim()
    results = at_once([taking(person) for person in people])
    granted = [result for result in results if isinstance(result, Lease)]
    assert len(granted) == len({lease.slot_id for lease in granted}) == 5
    assert {type(result) for result in results} == {Lease, Nothing}
    assert {result.reason for result in results if isinstance(result, Nothing)} == {"all_leased"}


def test_people_racing_for_the_slots_of_one_claim_get_one_each_and_the_next_gets_the_rest(
    committed_world: World,
) -> None:
    committed_world.activate(review_terms(labels_needed=3))
    people = crowd(committed_world, 8)
    committed_world.claim()
    results = at_once([taking(person) for person in people])
    results += [leases.take(reviewer=newcomer(committed_world, f"later-{number}")) for number in range(3)]
    granted = [result for result in results if isinstance(result, Lease)]
    assert (
        len(granted) == len({lease.slot_id for lease in granted}) == len({lease.reviewer_id for lease in granted}) == 3
    )


def test_tasks_that_change_hands_in_a_race_are_never_held_twice(committed_world: World) -> None:
    people = crowd(committed_world, 8)
    for _ in range(4):
        committed_world.claim()

    def take_and_go(person: User) -> int:
        done = 0
        for turn in range(12):
            lease = leases.take(reviewer=person)
            if isinstance(lease, Nothing):
                continue
            if turn % 3 == 2:
                labels.submit_label(reviewer=person, lease_id=lease.pk, answer=RIGHT)
                done += 1
            else:
                leases.release(reviewer=person, lease_id=lease.pk, reason="back")
        return done

    results = at_once([lambda person=person: take_and_go(person) for person in people])
    assert all(isinstance(result, int) for result in results), results
    assert sum(results) == Label.objects.count() == Outcome.objects.count()
    for slot in ReviewSlot.objects.all():
        held = list(slot.leases.order_by("lease_no"))
        assert [lease.lease_no for lease in held] == list(range(1, slot.lease_no + 1))
        assert all(earlier.ended_at <= later.granted_at for earlier, later in pairwise(held))
    chains = Counter(Event.objects.exclude(subject=None).values_list("subject", flat=True))
    assert all(Event.objects.filter(subject=claim, claim_seq=length).exists() for claim, length in chains.items())


def test_the_same_person_taking_in_many_windows_holds_five_tasks_at_most(committed_world: World) -> None:
    for _ in range(10):
        committed_world.claim()
    results = at_once([taking(committed_world.rita)] * 8)
    granted = [result for result in results if isinstance(result, Lease)]
    assert sorted(lease.hand for lease in granted) == [1, 2, 3, 4, 5]
    assert sum(isinstance(result, TooManyLeases) for result in results) == 3
    assert ReviewSlot.objects.filter(lease_no=1).count() == 5


def test_a_double_click_on_take_gives_one_slot_of_a_task(committed_world: World) -> None:
    committed_world.activate(review_terms(labels_needed=3))
    committed_world.claim()
    results = at_once([taking(committed_world.rita)] * 3)
    assert [type(result) for result in results].count(Lease) == 1, results
    assert Lease.objects.count() == 1


def test_two_equal_submits_at_once_are_one_label_with_one_answer(committed_world: World) -> None:
    committed_world.claim()
    lease = taken(committed_world.rita)
    results = at_once([submitting(lease, WRONG)] * 4)
    assert sorted(result.created for result in results) == [False, False, False, True]
    assert len({(result.label.pk, result.outcome.pk) for result in results}) == 1
    assert Label.objects.count() == Outcome.objects.count() == 1


def test_two_different_submits_at_once_are_one_label_and_one_refusal(committed_world: World) -> None:
    committed_world.claim()
    lease = taken(committed_world.rita)
    results = at_once([submitting(lease, RIGHT), submitting(lease, WRONG)])
    assert sum(isinstance(result, LeaseLost) for result in results) == 1, results
    assert Label.objects.count() == 1


def test_the_last_labels_of_one_task_given_at_once_settle_it_once(committed_world: World) -> None:
    committed_world.activate(review_terms(labels_needed=2))
    committed_world.claim()
    held = [taken(committed_world.rita), taken(committed_world.ravi)]
    results = at_once([submitting(lease, RIGHT) for lease in held])
    assert sorted(result.outcome is not None for result in results) == [False, True]
    assert Outcome.objects.get().correct is True


def test_a_late_label_racing_the_next_take_a_renewal_and_the_sweep_has_one_winner(committed_world: World) -> None:
    rita, ravi = committed_world.rita, committed_world.ravi
    for _ in range(6):
        committed_world.claim()
        late = taken(rita)
        leases.save_draft(reviewer=rita, lease_id=late.pk, draft={"note": "nearly done"})
        run_out(late)
        label, lease, renewed, _ = at_once(
            [
                submitting(late, RIGHT),
                taking(ravi),
                lambda late=late: leases.renew(reviewer=rita, lease_id=late.pk),
                leases.expire_leases,
            ]
        )
        assert isinstance(renewed, Lease | LeaseLost), renewed
        if isinstance(lease, Lease):
            assert isinstance(label, LeaseLost), label
            assert Lease.objects.get(pk=late.pk).draft == {"note": "nearly done"}
            submitting(lease, RIGHT)()
        else:
            assert label.label.lease_id == late.pk
        assert Label.objects.filter(task=late.task_id).count() == 1
        assert not Lease.objects.filter(ended_at=None).exists()


def test_taking_never_waits_for_a_claim_that_somebody_is_writing_about(committed_world: World) -> None:
    busy, free = committed_world.claim(), committed_world.claim()
    with transaction.atomic():
        claims.lock_claim(busy.pk)
        [lease] = at_once([taking(committed_world.rita)])
    assert lease.task.claim_id == free.pk


def test_without_skipping_locked_rows_the_next_person_would_wait(committed_world: World) -> None:
    """Why the guard is there: the same statement without it blocks behind the first taker."""
    committed_world.claim()
    waiting = picking._PICK.replace("SKIP LOCKED", "")
    work = picking.work_for(committed_world.ravi)

    def wait() -> Any:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL lock_timeout = '200ms'")
            return picking._first_row(waiting, work)

    with transaction.atomic():
        assert picking.pick(picking.work_for(committed_world.rita))
        [blocked] = at_once([wait])
    assert "lock timeout" in str(blocked)


def reserving(person: User) -> Callable[[], Any]:
    return lambda: reservations.reserve(reviewer=person)


def test_people_who_reserve_take_and_let_go_in_a_race_never_hold_a_task_twice(committed_world: World) -> None:
    people = crowd(committed_world, 8)
    for _ in range(6):
        committed_world.claim()

    def work(person: User) -> int:
        done = 0
        for turn in range(12):
            reserved = reservations.reserve(reviewer=person)
            if reserved and turn % 4 == 3:
                reservations.let_go(reviewer=person, reservation_id=reserved.pk)
            lease = leases.take(reviewer=person)
            if isinstance(lease, Nothing):
                continue
            if turn % 3 == 2:
                labels.submit_label(reviewer=person, lease_id=lease.pk, answer=RIGHT)
                done += 1
            else:
                leases.release(reviewer=person, lease_id=lease.pk, reason="back")
        return done

    results = at_once([lambda person=person: work(person) for person in people])
    assert all(isinstance(result, int) for result in results), results
    assert sum(results) == Label.objects.count() == Outcome.objects.count()
    for slot in ReviewSlot.objects.all():
        held = list(slot.leases.order_by("lease_no"))
        assert [lease.lease_no for lease in held] == list(range(1, slot.lease_no + 1))
        assert all(earlier.ended_at <= later.granted_at for earlier, later in pairwise(held))


def test_people_racing_to_reserve_are_kept_different_tasks_and_then_get_those(committed_world: World) -> None:
    people = crowd(committed_world, 8)
    for _ in range(5):
        committed_world.claim()
    kept = [each for each in at_once([reserving(person) for person in people]) if isinstance(each, Reservation)]
    assert len(kept) == len({each.slot_id for each in kept}) == 5
    granted = [each for each in at_once([taking(person) for person in people]) if isinstance(each, Lease)]
    assert {lease.pk for lease in granted} == {each.pk for each in kept}


def test_the_same_person_reserving_and_taking_in_many_windows_gets_each_task_once(committed_world: World) -> None:
    rita = committed_world.rita
    for _ in range(8):
        committed_world.claim()
    results = at_once([reserving(rita), taking(rita)] * 4)
    assert all(isinstance(each, Lease | Reservation | Nothing | None) for each in results), results
    granted = [each for each in results if isinstance(each, Lease)]
    assert len(granted) == len({lease.slot_id for lease in granted})
    reservation = Reservation.objects.filter(reviewer=rita).first()
    if reservation and not Lease.objects.filter(slot=reservation.slot_id).exists():
        assert taken(rita).slot_id == reservation.slot_id
