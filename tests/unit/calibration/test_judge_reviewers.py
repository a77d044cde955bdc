from __future__ import annotations

import numpy as np
import pytest

from calibration.core.reviewers import dawid_skene, majority, rogan_gladen, seeded_accuracy


def test_reviewer_slips_hide_the_true_accuracy_of_a_good_band() -> None:
    for sensitivity, specificity, observed in ((0.97, 0.90, 0.9526), (0.95, 0.80, 0.9350)):
        assert 0.98 * sensitivity + 0.02 * (1 - specificity) == pytest.approx(observed)
        assert rogan_gladen(observed, sensitivity=sensitivity, specificity=specificity) == pytest.approx(0.98)


def test_a_correction_stays_a_share_and_is_undefined_by_chance() -> None:
    assert rogan_gladen(1.0, sensitivity=0.9, specificity=0.9) == 1
    assert rogan_gladen(0.0, sensitivity=0.9, specificity=0.9) == 0
    assert rogan_gladen(0.7, sensitivity=0.5, specificity=0.5) is None
    with pytest.raises(ValueError, match="lie in"):
        rogan_gladen(1.2, sensitivity=0.9, specificity=0.9)


def test_a_reviewer_surely_below_the_floor_is_quarantined() -> None:
    assert seeded_accuracy(14, 20, floor=0.9).quarantined
    assert not seeded_accuracy(17, 20, floor=0.9).quarantined


def test_a_reviewer_without_gold_tasks_is_not_judged() -> None:
    unknown = seeded_accuracy(0, 0, floor=0.9)
    assert (unknown.est, unknown.lo, unknown.hi, unknown.quarantined) == (None, 0, 1, False)


def test_a_shared_first_place_has_no_majority() -> None:
    assert majority([1, 1, 1, 2, 2], ["a", "a", "b", "a", "b"]) == {1: "a", 2: None}


def test_dawid_skene_trusts_the_better_reviewers() -> None:
    generator = np.random.default_rng(2)
    truth = generator.random(300) < 0.5
    skill = np.array([0.95, 0.9, 0.52, 0.52, 0.52])
    said = np.where(generator.random((300, 5)) < skill, truth[:, None], ~truth[:, None])
    tasks, reviewers = np.indices(said.shape)
    consensus = dawid_skene(tasks.ravel(), reviewers.ravel(), said.ravel())
    by_vote = said.sum(axis=1) >= 3
    assert np.mean(consensus.labels == truth) > np.mean(by_vote == truth) + 0.05
    assert consensus.reviewer_accuracy == pytest.approx(skill, abs=0.08)
    assert consensus.posterior.sum(axis=1) == pytest.approx(np.ones(300))
    assert consensus.confusion.sum(axis=2) == pytest.approx(np.ones((5, 2)))


def test_dawid_skene_needs_a_label() -> None:
    with pytest.raises(ValueError, match="at least one"):
        dawid_skene([], [], [])


def test_one_class_alone_is_certain() -> None:
    consensus = dawid_skene([1, 1, 2], ["x", "y", "x"], ["a", "a", "a"])
    assert consensus.labels.tolist() == ["a", "a"]
