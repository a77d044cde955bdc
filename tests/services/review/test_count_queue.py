"""What the queue page says."""

import re
from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.accounts.models import User
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import ReviewSlot, ReviewTask
from reviewqueue.review.selectors import live_leases, nothing_reason, queue_counts, recent_labels
from reviewqueue.review.services import labels, leases
from tests.services.review.steps import (
    RIGHT,
    UNSURE,
    WRONG,
    another_pipeline,
    label_next,
    run_out,
    taken,
)
from tests.world import World


def test_a_row_counts_what_is_open_leased_mine_and_overdue(world: World) -> None:
    for _ in range(5):
        world.claim()
    ReviewSlot.objects.filter(pk=ReviewSlot.objects.last().pk).update(due_at=database_now() - timedelta(minutes=1))
    taken(world.rita)
    taken(world.ravi)
    [row] = queue_counts(world.rita)
    assert row.pipeline == world.pipeline
    assert (row.open, row.leased, row.mine, row.overdue) == (3, 2, 1, 1)
    assert row.by_purpose == {"review": 3}
    assert row.next_due_at == ReviewSlot.objects.filter(lease_no=0).earliest("due_at").due_at


def test_a_lease_that_ran_out_counts_as_open(world: World) -> None:
    world.claim()
    run_out(taken(world.rita))
    [row] = queue_counts(world.rita)
    assert (row.open, row.leased, row.mine) == (1, 0, 0)


def test_blind_tasks_are_counted_as_reviews(world: World) -> None:
    for purpose in ("review", "audit", "gold"):
        claim = world.claim()
        ReviewTask.objects.filter(claim=claim).update(purpose=purpose, blind="score")
        ReviewSlot.objects.filter(task__claim=claim).update(purpose=purpose)
    assert queue_counts(world.rita)[0].by_purpose == {"review": 3}


def test_what_waits_for_seniors_is_counted_for_those_who_see_the_figures(world: World) -> None:
    world.claim()
    ReviewSlot.objects.update(seniors_only=True)
    watchers = (world.rita, world.sam, world.olga, world.ada)
    assert [queue_counts(person)[0].open for person in watchers] == [0, 1, 1, 1]


def test_people_see_the_pipelines_they_have_a_role_in(world: World) -> None:
    elsewhere = another_pipeline(world, "appraisals")
    assert [row.pipeline for row in queue_counts(world.rita)] == [world.pipeline]
    olga = User.objects.get(pk=world.olga.pk)  # what she may do was looked up before the second pipeline was hers
    assert [row.pipeline for row in queue_counts(olga)] == [elsewhere, world.pipeline]
    assert queue_counts(world.nora) == []


def test_counting_costs_the_same_few_queries_whatever_the_queue_holds(
    world: World, django_assert_max_num_queries
) -> None:
    for _ in range(20):
        world.claim()
    taken(world.rita)
    another_pipeline(world)
    with django_assert_max_num_queries(4):
        queue_counts(world.olga)


def test_of_a_long_queue_only_the_most_urgent_are_counted(world: World) -> None:
    for _ in range(5):
        world.claim()
    ReviewSlot.objects.filter(pk=ReviewSlot.objects.last().pk).update(due_at=database_now() - timedelta(minutes=1))
    [row] = queue_counts(world.rita, most=3)
    assert (row.open, row.overdue, row.has_more) == (3, 1, True)
    [row] = queue_counts(world.rita, most=6)
    assert (row.open, row.has_more) == (5, False)
    [row] = queue_counts(world.rita, most=None)
    assert (row.open, row.has_more) == (5, False)


def test_work_for_seniors_does_not_hide_what_is_open_to_everybody(world: World) -> None:
    for _ in range(4):
        world.claim()
    urgent = ReviewSlot.objects.order_by("due_at", "id")[:3]
    ReviewSlot.objects.filter(pk__in=[slot.pk for slot in urgent]).update(seniors_only=True)
    assert queue_counts(world.rita, most=2)[0].open == 1


def test_counting_looks_at_no_more_than_the_first_of_a_long_queue(world: World) -> None:
    """By the plan: two walks of the index that end after so many."""
    for _ in range(20):
        world.claim()
    with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
        queue_counts(world.olga)
        [statement] = [query["sql"] for query in queries if "LATERAL" in query["sql"]]
        for other_way in ("seqscan", "bitmapscan", "sort"):  # which twenty rows would not be worth avoiding
            cursor.execute(f"SET LOCAL enable_{other_way} = off")
        cursor.execute("EXPLAIN " + statement)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert len(re.findall(r"Index Scan using slot_turn\w* on review_reviewslot", plan)) == plan.count("Limit") == 2
    assert "Scan on review_reviewtask" not in plan.replace("pkey on review_reviewtask", "")


def test_an_empty_queue_says_that_all_is_done(world: World) -> None:
    nothing = nothing_reason(world.rita)
    assert (nothing.reason, nothing.detail) == ("empty", "All done: nothing is waiting for you.")


def test_what_only_others_may_take_is_not_called_done(world: World) -> None:
    world.claim()
    leases.release(reviewer=world.rita, lease_id=taken(world.rita).pk, reason="outside_skill")
    nothing = nothing_reason(world.rita)
    assert nothing.reason == "empty"
    assert "somebody else" in nothing.detail


def test_who_lacks_access_is_told_who_can_grant_it(world: World) -> None:
    nothing = nothing_reason(world.nora)
    assert nothing.reason == "no_access"
    assert nothing.detail.endswith("Adam or Amir can give you access.")


def test_live_leases_are_what_is_in_hand_now(world: World) -> None:
    for _ in range(3):
        world.claim()
    held = [taken(world.rita) for _ in range(3)]
    run_out(held[0])
    assert live_leases(world.rita) == held[1:]
    assert live_leases(world.ravi) == []


def test_recent_labels_are_the_standing_ones_newest_first(world: World, django_assert_num_queries) -> None:
    for _ in range(4):
        world.claim()
    done = [label_next(world.rita, RIGHT) for _ in range(3)]
    label_next(world.ravi, UNSURE)
    revised = labels.revise_label(reviewer=world.rita, label_id=done[0].label.pk, answer=WRONG, reason="undo")
    with django_assert_num_queries(1):
        assert recent_labels(world.rita) == [revised.label, done[2].label, done[1].label]
    assert len(recent_labels(world.rita, limit=2)) == 2
