"""Confident learning against its paper, against noise that was put in on purpose, and where it has nothing to go on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from calibration.core.calibrators import fit_calibrator
from calibration.core.cleaning import (
    Prune,
    calibrated_joint,
    class_thresholds,
    confident_joint,
    fold_numbers,
    improbable,
    normalized_margin,
    self_confidence,
)

# Figure 1 of Northcutt, Jiang and Chuang 2021: dog, fox and cow, as labelled (rows) and in truth (columns).
FIGURE_COUNTS = [[100, 40, 20], [56, 60, 0], [32, 12, 80]]
FIGURE_JOINT = [[0.25, 0.10, 0.05], [0.14, 0.15, 0.00], [0.08, 0.03, 0.20]]


def rows_behind(counts: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that are confidently counted as `counts` says."""
    pairs = [(i, j) for i, row in enumerate(counts) for j, n in enumerate(row) for _ in range(n)]
    p = np.full((len(pairs), len(counts)), 0.05)
    p[np.arange(len(pairs)), [true for _, true in pairs]] = 0.9
    return np.array([label for label, _ in pairs]), p


def test_counts_and_joint_are_those_of_the_paper() -> None:
    found = confident_joint(*rows_behind(FIGURE_COUNTS))
    assert found.counts.tolist() == FIGURE_COUNTS
    assert found.joint == pytest.approx(np.array(FIGURE_JOINT))
    assert found.noise == pytest.approx(0.40)


def test_rows_that_were_not_counted_follow_those_of_their_label_that_were() -> None:
    given = np.array([320, 116, 124])  # twice as many dogs as were confidently counted
    joint = calibrated_joint(FIGURE_COUNTS, given)
    assert joint.sum(axis=1) == pytest.approx(given / 560)
    assert joint[0] == pytest.approx(np.array([200, 80, 40]) / 560)


def noisy(noise: np.ndarray, per_class: int) -> tuple[np.ndarray, np.ndarray]:
    """True and given labels in exactly these shares: `noise[i, j]` of class j are labelled i."""
    pairs = [
        (j, i) for j in range(len(noise)) for i in range(len(noise)) for _ in range(round(per_class * noise[i, j]))
    ]
    true, given = zip(*pairs, strict=True)
    return np.array(true), np.array(given)


NOISE = np.array([[0.7, 0.1, 0.2], [0.2, 0.8, 0.1], [0.1, 0.1, 0.7]])


def test_ideal_probabilities_find_every_wrong_label_and_no_other() -> None:
    """Theorem 1 of the paper: probabilities are the noise of the true class, diagonal greatest in row and column."""
    true, given = noisy(NOISE, 1_000)
    p = NOISE.T[true]
    assert set(improbable(given, p)) == set(np.flatnonzero(true != given))
    joint = np.zeros((3, 3))
    np.add.at(joint, (given, true), 1 / len(true))
    assert confident_joint(given, p).joint == pytest.approx(joint)


def test_a_class_whose_probabilities_are_off_as_a_whole_changes_nothing() -> None:
    """Theorem 2 of the paper: the threshold of a class moves with its probabilities."""
    true, given = noisy(NOISE, 1_000)
    p = NOISE.T[true] * np.array([0.9, 0.6, 1.0]) + np.array([0.05, 0.0, 0.0])
    assert set(improbable(given, p)) == set(np.flatnonzero(true != given))


def test_a_threshold_is_the_mean_self_confidence_of_a_class() -> None:
    p = np.array([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]])
    assert class_thresholds([0, 0, 1], p) == pytest.approx([0.8, 0.6])
    assert self_confidence([0, 0, 1], p) == pytest.approx([0.9, 0.7, 0.6])
    assert normalized_margin([0, 1, 1], p) == pytest.approx([0.8, -0.4, 0.2])


def test_the_least_probable_label_comes_first() -> None:
    given = np.array([0] * 8 + [1] * 8)
    p = np.array([0.9, 0.85, 0.9, 0.8, 0.95, 0.2, 0.06, 0.9] + [0.1] * 7 + [0.95])
    assert improbable(given, np.column_stack([p, 1 - p])).tolist() == [15, 6, 5]


# --- noise put in on purpose ------------------------------------------------------------------------------------------


def precision_and_recall(found: np.ndarray, wrong: np.ndarray) -> tuple[float, float]:
    hits = wrong[found].sum()
    return float(hits / max(len(found), 1)), float(hits / wrong.sum())


@pytest.mark.parametrize(
    ("prune", "precision", "recall"),
    [
        (Prune.CONFUSION, 0.71, 0.95),
        (Prune.OFF_DIAGONAL, 0.93, 0.71),
        (Prune.BY_CLASS, 0.90, 0.84),
        (Prune.BY_NOISE_RATE, 0.90, 0.84),
        (Prune.BOTH, 0.90, 0.84),
    ],
)
def test_of_known_noise_a_good_model_finds_most(prune: Prune, precision: float, recall: float) -> None:
    """A fifth of one class labelled as the other; the model is right on 95 of 100 rows."""
    dice = np.random.default_rng(5)
    true = dice.integers(2, size=20_000)
    given = np.where((true == 1) & (dice.random(20_000) < 0.2), 0, true)
    logit = dice.normal(np.where(true == 1, 2.0, -2.0), 1.2)
    p = 1 / (1 + np.exp(-2 * logit / 1.2**2))  # of class 1, calibrated
    found = precision_and_recall(improbable(given, np.column_stack([1 - p, p]), prune=prune), true != given)
    assert found == pytest.approx((precision, recall), abs=0.02)


def out_of_sample(c: np.ndarray, y: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    fold, p = fold_numbers(cluster, folds=5, seed=0), np.empty(len(c))
    for held_out in range(5):
        fitted = fit_calibrator(c[fold != held_out], y[fold != held_out]).calibrator
        p[fold == held_out] = fitted.predict(c[fold == held_out])
    return p


@pytest.mark.parametrize(
    ("file", "lift", "recall"),
    [
        ("image_cifar10_vgg_probs.csv.gz", 8.0, 0.75),
        ("image_imagenet_resnet34.csv.gz", 6.0, 0.65),
    ],
)
def test_verdicts_flipped_in_real_outputs_are_found_more_often_than_by_chance(
    pool: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]],
    file: str,
    lift: float,
    recall: float,
) -> None:
    """One confidence per claim, three in a hundred verdicts turned: the list holds several times as many."""
    c, y, _ = pool(file)
    c, y = c[:8_000], y[:8_000]
    wrong = np.random.default_rng(3).random(len(y)) < 0.03
    given = np.where(wrong, 1 - y, y)
    p = out_of_sample(c, given, np.arange(len(c)))
    rows = improbable(given.astype(int), np.column_stack([1 - p, p]))
    found = precision_and_recall(rows, wrong)
    assert found[0] > lift * wrong.mean()
    assert found[1] > recall


# --- nothing to go on -------------------------------------------------------------------------------------------------


def test_a_class_that_nobody_gave_is_never_confidently_counted() -> None:
    found = confident_joint([0, 0, 0], [[0.6, 0.4], [0.5, 0.5], [0.0, 1.0]])
    assert found.thresholds.tolist() == [pytest.approx(1.1 / 3), np.inf]
    assert found.counts.tolist() == [[2, 0], [0, 0]]
    assert found.joint.tolist() == [[1, 0], [0, 0]]
    assert improbable([0, 0, 0], [[0.6, 0.4], [0.5, 0.5], [0.0, 1.0]]).tolist() == []


def test_a_constant_probability_makes_nothing_improbable_of_the_likelier_class() -> None:
    given, p = np.array([1] * 9 + [0]), np.tile([0.1, 0.9], (10, 1))
    assert improbable(given, p).tolist() == [9]
    assert improbable(given, p, prune=Prune.CONFUSION).tolist() == [9]


def test_a_class_of_which_nothing_is_confidently_counted_is_taken_as_given() -> None:
    assert calibrated_joint([[0, 0], [1, 3]], [4, 4]).tolist() == [[0.5, 0], [0.125, 0.375]]


@pytest.mark.parametrize(
    ("labels", "probabilities"),
    [
        ([], np.empty((0, 2))),
        ([0], [[1.0]]),
        ([0, 1], [[0.5, 0.5]]),
        ([2], [[0.5, 0.5]]),
        ([-1], [[0.5, 0.5]]),
        ([0.0], [[0.5, 0.5]]),
        ([0], [[0.5, np.nan]]),
        ([0], [[1.5, 0.5]]),
    ],
)
def test_what_is_no_label_or_no_probability_is_refused(labels: list[int], probabilities: object) -> None:
    with pytest.raises(ValueError, match=r"row|numbers|probabilities"):
        improbable(np.array(labels), probabilities)


def test_counts_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="square"):
        calibrated_joint([[1, 2]], [3])
