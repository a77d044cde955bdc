"""A senior moves tasks while people work on them, with real commits on connections of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

from reviewqueue.accounts.models import User
from reviewqueue.ledger.models import Event
from reviewqueue.review.changing import Wanted
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import ChangeKind, Label, Lease, ReviewSlot, TaskChange
from reviewqueue.review.services import changes, leases
from reviewqueue.review.services.changes import Changed, ChangeStands
from reviewqueue.review.services.labels import Labelled
from tests.concurrency.review.test_race_for_leases import at_once, crowd, submitting, taking
from tests.services.review.steps import RIGHT, taken
from tests.world import World

ROUNDS = 12
RELEASE = Wanted(ChangeKind.RELEASE)


def changing(world: World, wanted: Wanted) -> Callable[[], Changed]:
    slots = list(ReviewSlot.objects.values_list("pk", flat=True))
    return lambda: changes.change_tasks(by=world.sam, pipeline=world.pipeline, slot_ids=slots, wanted=wanted)


def test_an_answer_that_meets_a_senior_who_puts_the_task_back_is_never_lost(committed_world: World) -> None:
    world = committed_world
    for _ in range(ROUNDS):
        world.claim()
        lease = taken(world.rita)
        slot = lease.slot_id
        labelled, done = at_once(
            [
                submitting(lease, RIGHT),
                lambda slot=slot: changes.change_tasks(
                    by=world.sam, pipeline=world.pipeline, slot_ids=[slot], wanted=RELEASE
                ),
            ]
        )
        assert isinstance(labelled, Labelled), labelled
        assert isinstance(done, Changed), done
        assert labelled.label.late == bool(done.change)
    assert Label.objects.count() == ROUNDS
    assert not ReviewSlot.objects.filter(done=False).exists()


def test_of_a_late_answer_and_a_new_taker_one_counts(committed_world: World) -> None:
    world = committed_world
    for _ in range(ROUNDS):
        world.claim()
        lease = taken(world.rita)
        changing(world, RELEASE)()
        results = at_once([submitting(lease, RIGHT), taking(world.ravi)])
        gave, took = isinstance(results[0], Labelled), isinstance(results[1], Lease)
        assert gave != took, results
        if took:
            leases.release(reviewer=world.ravi, lease_id=results[1].pk, reason="back")
            submitting(taken(world.sam), RIGHT)()
    assert Label.objects.count() == ROUNDS


def test_seniors_and_a_crowd_leave_no_task_held_twice_and_every_chain_whole(committed_world: World) -> None:
    world = committed_world
    people = crowd(world, 6)
    for _ in range(8):
        world.claim()

    def work(person: User) -> None:
        for _ in range(10):
            lease = leases.take(reviewer=person)
            if isinstance(lease, Lease):
                leases.release(reviewer=person, lease_id=lease.pk, reason="back")

    def move(wanted: Wanted) -> Callable[[], None]:
        def moving() -> None:
            for _ in range(6):
                done = changing(world, wanted)()
                if done.change:
                    changes.undo_change(by=world.sam, change=done.change)

        return moving

    to_one = Wanted(ChangeKind.REASSIGN, person=people[0], until=database_now() + timedelta(hours=1))
    sooner = Wanted(ChangeKind.PRIORITISE, hours=24)
    works = [lambda person=person: work(person) for person in people]
    results = at_once([*works, move(RELEASE), move(to_one), move(sooner)])
    assert results == [None] * 9, results
    for slot in ReviewSlot.objects.all():
        held = list(slot.leases.order_by("lease_no"))
        assert [lease.lease_no for lease in held] == list(range(1, slot.lease_no + 1))
        assert all(earlier.ended_at and earlier.ended_at <= later.granted_at for earlier, later in pairwise(held))
    chains = Counter(Event.objects.exclude(subject=None).values_list("subject", flat=True))
    assert all(Event.objects.filter(subject=claim, claim_seq=length).exists() for claim, length in chains.items())


def test_two_seniors_undo_a_change_once(committed_world: World) -> None:
    world = committed_world
    world.claim()
    changing(world, Wanted(ChangeKind.PRIORITISE, hours=24))()
    change = TaskChange.objects.get()
    results = at_once([lambda: changes.undo_change(by=world.sam, change=change)] * 4)
    assert sum(isinstance(result, ChangeStands) for result in results) == 3
    assert ReviewSlot.objects.get().priority == 0
