"""A slot that is kept for one person until some time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.review import selectors
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import ReviewSlot
from reviewqueue.review.services import leases, reservations
from reviewqueue.review.services.leases import Nothing
from tests.services.review.steps import another_pipeline, run_out, taken
from tests.world import World


def keep(claim: Claim, person: User, *, hours: float = 1) -> datetime:
    until = database_now() + timedelta(hours=hours)
    ReviewSlot.objects.filter(task__claim=claim).update(for_reviewer=person, for_until=until)
    return until


def keeper(claim: Claim) -> int | None:
    return ReviewSlot.objects.get(task__claim=claim).for_reviewer_id


def test_nobody_else_is_given_it(world: World) -> None:
    keep(world.claim(), world.ravi)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)
    assert isinstance(leases.take(reviewer=world.sam), Nothing)
    taken(world.ravi)


def test_its_person_gets_it_before_what_is_due_earlier(world: World) -> None:
    earlier, kept = world.claim(), world.claim()
    keep(kept, world.ravi)
    assert [taken(world.ravi).task.claim_id for _ in range(2)] == [kept.pk, earlier.pk]


def test_others_get_what_comes_after_it(world: World) -> None:
    kept, later = world.claim(), world.claim()
    keep(kept, world.ravi)
    assert taken(world.rita).task.claim_id == later.pk


def test_when_its_time_is_over_it_is_anybodys_in_its_old_place(world: World) -> None:
    kept, later = world.claim(), world.claim()
    keep(kept, world.ravi, hours=-1)
    assert [taken(world.rita).task.claim_id for _ in range(2)] == [kept.pk, later.pk]


def test_the_task_that_is_prepared_for_its_person_is_that_one(world: World) -> None:
    _, kept = world.claim(), world.claim()
    keep(kept, world.ravi)
    reservation = reservations.reserve(reviewer=world.ravi)
    assert reservation
    assert reservation.slot.task.claim_id == kept.pk


def test_a_reservation_made_before_does_not_hold_against_it(world: World) -> None:
    kept = world.claim()
    assert reservations.reserve(reviewer=world.rita)
    keep(kept, world.ravi)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)


def test_a_wish_for_another_pipeline_passes_it_over(world: World) -> None:
    keep(world.claim(), world.ravi)
    other = another_pipeline(world)
    assert isinstance(leases.take(reviewer=world.ravi, pipeline=other), Nothing)


def test_putting_it_back_gives_it_to_everybody(world: World) -> None:
    claim = world.claim()
    keep(claim, world.ravi)
    lease = taken(world.ravi)
    leases.release(reviewer=world.ravi, lease_id=lease.pk, reason="back")
    assert keeper(claim) is None
    taken(world.rita)


def test_passing_it_to_the_seniors_ends_it(world: World) -> None:
    claim = world.claim()
    keep(claim, world.ravi)
    lease = taken(world.ravi)
    leases.release(reviewer=world.ravi, lease_id=lease.pk, reason=leases.ESCALATE, note="Too hard for me.")
    assert keeper(claim) is None
    taken(world.sam)


def test_a_hold_that_ran_out_ends_it(world: World) -> None:
    claim = world.claim()
    keep(claim, world.ravi)
    run_out(taken(world.ravi))
    assert isinstance(leases.take(reviewer=world.rita), Nothing)
    leases.expire_leases()
    assert keeper(claim) is None
    taken(world.rita)


def test_others_hear_that_it_is_in_somebodys_hands_and_until_when(world: World) -> None:
    until = keep(world.claim(), world.ravi)
    nothing = leases.take(reviewer=world.rita)
    assert isinstance(nothing, Nothing)
    assert (nothing.reason, nothing.held_by_others, nothing.next_free_at) == ("all_leased", 1, until)


def test_it_counts_as_open_for_its_person_alone(world: World) -> None:
    keep(world.claim(), world.ravi)
    [his], [hers] = selectors.queue_counts(world.ravi), selectors.queue_counts(world.rita)
    assert (his.open, his.leased) == (1, 0)
    assert (hers.open, hers.leased) == (0, 1)


def test_a_list_of_flagged_claims_shows_it_to_its_person_alone(world: World) -> None:
    claim = world.claim()
    ReviewSlot.objects.filter(task__claim=claim).update(purpose="flagged", free_at=Now())
    keep(claim, world.ravi)
    assert selectors.pipelines_with_flagged(world.rita) == set()
    assert selectors.flagged_batch(world.rita, world.pipeline) == []
    assert len(selectors.flagged_batch(world.ravi, world.pipeline)) == 1


def test_the_queue_is_searched_once_for_whom_nothing_is_kept(world: World) -> None:
    keep(world.claim(), world.ravi)
    world.claim()
    with CaptureQueriesContext(connection) as queries:
        taken(world.rita)
    assert sum("FOR UPDATE OF slot" in query["sql"] for query in queries) == 1


def test_the_database_refuses_a_person_without_a_time(world: World) -> None:
    world.claim()
    with pytest.raises(IntegrityError, match="slot_for_somebody_until_some_time"), transaction.atomic():
        ReviewSlot.objects.update(for_reviewer=world.ravi)
