"""What answers say of the people who gave them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
import pytest

from reviewqueue.reports.reviewers import Answer, Share, estimated_accuracy, overlap_of, quick_runs

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def answer(task: int, reviewer: int, correct: bool) -> Answer:
    verdict = "correct" if correct else "incorrect"
    slot = task * 100 + reviewer
    return Answer(reviewer, slot, UUID(int=task), 0, verdict, "none", "review", 9.0, NOON, None)


def judged_by(skills: list[float], tasks: int) -> Iterator[Answer]:
    """Each of these people judges every task, and is right as often as their skill says."""
    generator = np.random.default_rng(7)
    for task in range(tasks):
        truth = bool(generator.random() < 0.5)
        for reviewer, skill in enumerate(skills):
            yield answer(task, reviewer, truth if generator.random() < skill else not truth)


@pytest.mark.parametrize(
    ("seconds", "runs"),
    [
        ([1.0] * 4, 0),
        ([1.0] * 5, 1),
        ([1.0] * 12, 1),
        ([1.0] * 5 + [9.0] + [2.4] * 6, 2),
        ([2.5] * 20, 0),
        ([], 0),
    ],
)
def test_five_quick_answers_in_a_row_are_a_run(seconds: list[float], runs: int) -> None:
    assert quick_runs(seconds, 10.0) == runs


def test_nothing_shared_says_nothing() -> None:
    overlap = overlap_of([answer(1, 1, True), answer(2, 2, True)])
    assert (overlap.all_people.units, overlap.pair, overlap.with_three, overlap.helps) == (0, None, 0, False)


def test_two_who_share_tasks_have_a_kappa_and_three_have_none() -> None:
    pair = [
        answer(task, reviewer, task < 3 or (reviewer == 1 and task < 5)) for task in range(8) for reviewer in (1, 2)
    ]
    measured = overlap_of(pair).pair
    assert measured is not None
    assert measured.share == 0.75
    assert overlap_of([*pair, answer(0, 3, True)]).pair is None


def test_estimates_help_where_enough_tasks_have_three_answers() -> None:
    answers = list(judged_by([0.95, 0.9, 0.7], 40))
    assert overlap_of(answers).helps
    in_twos = [answer(task, reviewer, True) for task in range(100, 150) for reviewer in (0, 1)]
    assert not overlap_of([*answers, *in_twos]).helps
    assert not overlap_of(answers[: 3 * 29]).helps


def test_estimated_accuracy_comes_near_the_true_one() -> None:
    skills = [0.95, 0.9, 0.85, 0.6, 0.6]
    found = estimated_accuracy(list(judged_by(skills, 400)))
    assert [found[person] for person in range(5)] == pytest.approx(skills, abs=0.07)


def test_a_share_of_nothing_may_be_anything() -> None:
    share = Share(0, 0)
    assert (share.value, share.low, share.high) == (None, 0.0, 1.0)
