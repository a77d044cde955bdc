"""Two runs on the same items: what was lost, what was gained, and whether that may be chance."""

from __future__ import annotations

import pytest

from reviewqueue.golden.comparison import NotComparable, compare, with_texts
from reviewqueue.golden.selectors import run_before, runs_to_compare
from tests.services.golden.steps import erase, finished, publish, published, questions, started
from tests.world import World


def test_what_was_lost_comes_first_with_both_answers_and_the_known_one(world: World) -> None:
    made = published(world, 40)
    before = finished(world, made, 40, right=lambda place: place != 3)
    now = finished(world, made, 40, right=lambda place: place > 10 or place == 3, model_version="2026-11-01")
    found = compare(now, before)
    assert (found.common, found.lost, found.gained) == (40, 9, 1)
    assert (found.right_before, found.right_now) == (39, 31)
    assert found.answers_verdict == "worse"
    assert found.p_value == pytest.approx(2 * 11 / 2**10)
    flips = with_texts(found.flips, now, before)
    assert [flip.right_now for flip in flips] == [False] * 9 + [True]
    assert (flips[0].key, flips[0].known, flips[0].output_now) == ("plan-1", "1 EUR", "no idea")


def test_as_many_lost_as_gained_may_be_chance(world: World) -> None:
    made = published(world, 20)
    before = finished(world, made, 20, right=lambda place: place != 1)
    now = finished(world, made, 20, right=lambda place: place != 2)
    found = compare(now, before)
    assert (found.p_value, found.answers_verdict, found.confidence_verdict) == (1.0, "undecided", "undecided")


def test_confidence_is_compared_by_log_loss(world: World) -> None:
    made = published(world, 60)
    sure = finished(world, made, 60, right=lambda place: place % 2 == 0, confidence=0.99)
    modest = finished(world, made, 60, right=lambda place: place % 2 == 0, confidence=0.5)
    assert compare(modest, sure).confidence_verdict == "better"
    assert compare(sure, modest).confidence_verdict == "worse"
    assert compare(modest, sure).flips == []


def test_erased_texts_leave_the_comparison(world: World) -> None:
    made = published(world)
    before, now = finished(world, made), finished(world, made, right=lambda place: place > 1)
    [flip] = with_texts(compare(now, before).flips, now, before)
    assert (flip.output_before, flip.output_now, flip.known) == ("1 eur", "no idea", "1 EUR")
    erase(world, made, "plan-1")
    [flip] = with_texts(compare(now, before).flips, now, before)
    assert (flip.output_before, flip.output_now, flip.known) == (None, None, None)


def test_only_finished_runs_on_one_version_of_a_set_are_compared(world: World) -> None:
    made = published(world)
    old, open_run = finished(world, made), started(world, made)
    publish(world, made, questions(12))
    new = finished(world, made, 12)
    for other in (old, open_run):
        with pytest.raises(NotComparable):
            compare(new, other)
    with pytest.raises(NotComparable):
        compare(open_run, old)


def test_the_version_before_is_the_last_other_one_on_the_same_items(world: World) -> None:
    made = published(world)
    first = finished(world, made, model_version="v1")
    second = finished(world, made, model_version="v2")
    again = finished(world, made, model_version="v2")
    assert run_before(first) is None
    assert (run_before(second), run_before(again)) == (first, first)
    assert runs_to_compare(first) == [again, second]
