"""Slips of a team, as overlapping labels suggest them."""

from __future__ import annotations

import numpy as np

from calibration.core.reviewers import dawid_skene
from reviewqueue.reports.slips import slips_by_overlap


def test_slips_of_a_simulated_team_are_found() -> None:
    rng = np.random.default_rng(7)
    truth = rng.random(600) < 0.8
    said = {reviewer: np.where(rng.random(600) < (0.95 if reviewer else 0.9), truth, ~truth) for reviewer in range(4)}
    tasks = [str(task) for task in range(600) for _ in said]
    people = [reviewer for _ in range(600) for reviewer in said]
    labels = [bool(said[reviewer][task]) for task in range(600) for reviewer in said]
    found = slips_by_overlap(dawid_skene(tasks, people, labels), people)
    assert found is not None
    assert abs(found.sensitivity - 0.9375) < 0.02
    assert abs(found.specificity - 0.9375) < 0.03


def test_where_everybody_says_the_same_nothing_is_known_of_slips() -> None:
    tasks, people = ["a", "a", "b", "b"], [1, 2, 1, 2]
    assert slips_by_overlap(dawid_skene(tasks, people, [True] * 4), people) is None
