"""The open tasks of a pipeline, for those who look after it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from reviewqueue.review.models import ReviewSlot, ReviewTask
from reviewqueue.review.task_list import TaskFilter, TaskRow, tasks_page
from tests.services.review.steps import another_pipeline, run_out, submit, taken
from tests.services.review.test_keep_for_one_person import keep
from tests.world import World


def listed(world: World, limit: int = 50, after: Any = None, **wanted: Any) -> list[TaskRow]:
    return tasks_page(world.pipeline, TaskFilter(**wanted), after=after, limit=limit)


def claims_of(rows: list[TaskRow]) -> list[Any]:
    return [row.slot.task.claim_id for row in rows]


def test_tasks_come_in_the_order_of_the_queue_those_for_seniors_among_them(world: World) -> None:
    first, second, third = (world.claim() for _ in range(3))
    ReviewSlot.objects.filter(task__claim=second).update(seniors_only=True)
    ReviewSlot.objects.filter(task__claim=third).update(priority=9)
    assert claims_of(listed(world)) == [third.pk, first.pk, second.pk]


def test_pages_follow_each_other_without_gap_or_repetition(world: World) -> None:
    for number in range(7):
        claim = world.claim()
        ReviewSlot.objects.filter(task__claim=claim).update(seniors_only=number % 3 == 0)
    ReviewSlot.objects.update(due_at=ReviewSlot.objects.earliest("pk").due_at)
    seen: list[int] = []
    page = listed(world, limit=3)
    while page:
        seen += [row.slot.pk for row in page]
        page = listed(world, limit=3, after=page[-1].position)
    assert seen == sorted(seen)
    assert len(seen) == 7


def test_answered_tasks_and_those_of_other_pipelines_are_not_there(world: World) -> None:
    world.claim()
    submit(taken(world.rita))
    assert listed(world) == []
    world.claim()
    assert tasks_page(another_pipeline(world), TaskFilter(), after=None, limit=5) == []


def test_a_row_says_who_has_it_and_until_when(world: World) -> None:
    claims = [world.claim() for _ in range(4)]
    until = keep(claims[1], world.ravi)
    ReviewSlot.objects.filter(task__claim=claims[2]).update(seniors_only=True)
    lease = taken(world.rita)
    said = {row.slot.task.claim_id: (row.state, row.holder, row.until) for row in listed(world)}
    assert said == {
        claims[0].pk: ("held", world.rita, lease.expires_at),
        claims[1].pk: ("kept", world.ravi, until),
        claims[2].pk: ("seniors", None, None),
        claims[3].pk: ("free", None, None),
    }


def test_a_hold_that_ran_out_is_free(world: World) -> None:
    world.claim()
    run_out(taken(world.rita))
    assert [row.state for row in listed(world)] == ["free"]


def test_each_filter_finds_what_it_says(world: World) -> None:
    held, kept, seniors, free = (world.claim(category="pricing") for _ in range(4))
    refund = world.claim(category="refunds")
    keep(kept, world.ravi)
    ReviewSlot.objects.filter(task__claim=seniors).update(seniors_only=True)
    taken(world.rita)
    ReviewSlot.objects.filter(task__claim=refund).update(due_at=F("due_at") - timedelta(hours=5))
    ReviewTask.objects.filter(claim=free).update(created_at=F("created_at") - timedelta(hours=30))
    found = {
        "held": claims_of(listed(world, state="held")),
        "kept": claims_of(listed(world, state="kept")),
        "seniors": claims_of(listed(world, state="seniors")),
        "free": set(claims_of(listed(world, state="free"))),
        "by rita": claims_of(listed(world, holder="rita")),
        "by ravi": claims_of(listed(world, holder="ravi")),
        "overdue": claims_of(listed(world, due_within=0)),
        "in a week": len(listed(world, due_within=168)),
        "old": claims_of(listed(world, older_than=24)),
        "refunds": claims_of(listed(world, category="refunds")),
    }
    assert found == {
        "held": [held.pk],
        "kept": [kept.pk],
        "seniors": [seniors.pk],
        "free": {seniors.pk, free.pk, refund.pk},
        "by rita": [held.pk],
        "by ravi": [kept.pk],
        "overdue": [refund.pk],
        "in a week": 5,
        "old": [free.pk],
        "refunds": [refund.pk],
    }


@pytest.mark.parametrize("purpose", ["audit", "gold", "review"])
def test_what_is_judged_blind_looks_like_any_review(world: World, purpose: str) -> None:
    world.claim()
    ReviewTask.objects.update(purpose=purpose, blind="score")
    ReviewSlot.objects.update(purpose=purpose)
    [row] = listed(world)
    assert row.purpose == "review"
    assert len(listed(world, purpose="review")) == 1
    assert listed(world, purpose="audit") == listed(world, purpose="gold") == []


def test_a_purpose_that_is_no_secret_can_be_asked_for(world: World) -> None:
    world.claim()
    world.claim()
    one = ReviewTask.objects.first()
    assert one
    ReviewTask.objects.filter(pk=one.pk).update(purpose="escalation")
    ReviewSlot.objects.filter(task=one).update(purpose="escalation")
    assert claims_of(listed(world, purpose="escalation")) == [one.claim_id]
    assert len(listed(world, purpose="review")) == 1


def test_a_longer_page_costs_no_more_lookups(world: World) -> None:
    counts = []
    for _ in range(2):
        for _ in range(4):
            world.claim()
        with CaptureQueriesContext(connection) as queries:
            listed(world)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


def test_both_walks_follow_an_index_and_sort_nothing(world: World) -> None:
    for _ in range(20):
        world.claim()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    with CaptureQueriesContext(connection) as queries:
        listed(world)
    walks = [query["sql"] for query in queries if 'ORDER BY "review_reviewslot"."turn"' in query["sql"]]
    assert len(walks) == 2
    for walk in walks:
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + walk)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Index Scan using slot_turn" in plan
        assert "Sort" not in plan
