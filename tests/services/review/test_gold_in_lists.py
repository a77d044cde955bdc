"""Tasks with a known answer among those that seniors list and move: nothing there tells them from the rest."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reviewqueue.pipeline_settings import change_settings
from reviewqueue.pipelines.services import set_skills
from reviewqueue.review.changing import Wanted
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import ChangeKind, Lease, ReviewSlot
from reviewqueue.review.services import changes, gold
from reviewqueue.review.services.changes import Changed
from reviewqueue.review.task_list import TaskFilter, TaskRow, tasks_page
from tests.services.review.golden import gold_claims, gold_comes, is_gold
from tests.services.review.steps import run_out, submit, taken
from tests.world import World


@pytest.fixture
def golden(world: World, monkeypatch: pytest.MonkeyPatch) -> Lease:
    """A gold task in rita's hands; the task in whose place it came waits."""
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.0)
    gold_claims(world, 1)
    gold_comes(world, 0.1)
    world.claim()
    lease = taken(world.rita)
    assert is_gold(lease)
    return lease


def row_of(world: World, lease: Lease, **wanted: str) -> TaskRow | None:
    rows = tasks_page(world.pipeline, TaskFilter(**wanted), after=None, limit=50)
    return next((row for row in rows if row.slot.pk == lease.slot_id), None)


def change(world: World, lease: Lease, wanted: Wanted) -> Changed:
    return changes.change_tasks(by=world.sam, pipeline=world.pipeline, slot_ids=[lease.slot_id], wanted=wanted)


def test_in_hand_it_is_a_review_in_hand(world: World, golden: Lease) -> None:
    row = row_of(world, golden)
    assert row
    assert (row.purpose, row.state, row.holder) == ("review", "held", world.rita)


def test_when_its_hold_is_over_it_looks_as_free_as_any(world: World, golden: Lease) -> None:
    run_out(golden)
    row = row_of(world, golden)
    assert row
    assert (row.state, row.holder, row.until) == ("free", None, None)
    assert row_of(world, golden, state="free")
    assert row_of(world, golden, state="kept") is None
    assert row_of(world, golden, holder="rita") is None


def test_giving_it_to_everybody_changes_nothing_as_for_any_free_task(world: World, golden: Lease) -> None:
    run_out(golden)
    [planned] = change(world, golden, Wanted(ChangeKind.REASSIGN)).planned
    assert planned.why_not == "same"


def test_taken_out_of_hands_it_comes_back_to_its_person_who_may_still_answer(world: World, golden: Lease) -> None:
    done = change(world, golden, Wanted(ChangeKind.RELEASE)).change
    assert done
    changes.undo_change(by=world.sam, change=done)
    change(world, golden, Wanted(ChangeKind.RELEASE))
    assert taken(world.ravi).slot_id != golden.slot_id
    assert submit(golden).label.late


def test_given_to_somebody_else_it_is_over_for_it_was_meant_for_one_person(world: World, golden: Lease) -> None:
    until = database_now() + timedelta(hours=1)
    assert change(world, golden, Wanted(ChangeKind.REASSIGN, person=world.ravi, until=until)).change
    assert ReviewSlot.objects.get(pk=golden.slot_id).done
    assert taken(world.ravi).slot_id != golden.slot_id


def test_nobody_is_given_one_that_asks_for_a_skill_they_lack(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.0)
    gold_claims(world, 1)
    gold_comes(world, 0.1)
    rules = {"skills": {"categories": {"general": ["law"]}}}
    world.claim(category="pricing")
    change_settings(pipeline=world.pipeline, changes={"queue_rules": rules}, by=world.olga)
    assert not is_gold(taken(world.ravi))
    world.pipeline.refresh_from_db()
    set_skills(pipeline=world.pipeline, user=world.rita, skills=["law"], by=world.olga)
    world.claim(category="pricing")
    lease = taken(world.rita)
    assert is_gold(lease)
    assert lease.slot.needs == ["law"]
