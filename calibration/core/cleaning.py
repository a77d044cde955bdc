"""Confident learning: which given labels a model's probabilities make improbable, and how labels are mixed up.

Source: Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", section 3. The
probabilities have to be out of sample: of a model that saw neither the row nor its label (see `fold_numbers`). What is
found is a list of rows worth a second look, not an estimate of how many labels are wrong: how well the model tells the
classes apart decides what it calls improbable.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from calibration.core.cells import IntArray
from calibration.core.intervals import FloatArray
from calibration.core.labels import BoolArray
from calibration.core.resampling import cluster_numbers


class Prune(StrEnum):
    """How rows are picked: the methods of section 3.2."""

    CONFUSION = "confusion"  # the most probable class is another one
    OFF_DIAGONAL = "off_diagonal"  # confidently counted for another class
    BY_CLASS = "by_class"  # of each class as many as the joint says are wrong, least self-confident first
    BY_NOISE_RATE = "by_noise_rate"  # of each pair of classes as many as the joint says, widest margin first
    BOTH = "both"  # by class and by noise rate


@dataclass(frozen=True)
class ConfidentJoint:
    """`counts[i, j]`: rows labelled i that are confidently of class j. `joint` is the calibrated share of all rows.

    `thresholds` hold each class's mean probability over the rows that have it as their label; a class that nobody gave
    has an infinite one, so nothing is ever confidently counted for it. `confident_class` is -1 for rows that pass no
    threshold.
    """

    thresholds: FloatArray
    counts: IntArray
    joint: FloatArray
    confident_class: IntArray

    @property
    def noise(self) -> float:
        """The share of rows off the diagonal."""
        return float(self.joint.sum() - np.trace(self.joint))


def class_thresholds(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """Mean self-confidence of each class (equation 2); infinite for a class that nobody gave."""
    given, p = _checked(labels, probabilities)
    rows = np.bincount(given, minlength=p.shape[1])
    sums = np.bincount(given, weights=self_confidence(given, p), minlength=p.shape[1])
    # As many addends as rows: their rounding must not put a constant probability below its own mean.
    return np.where(rows > 0, sums / np.maximum(rows, 1) * (1 - 1e-12), np.inf)


def confident_joint(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> ConfidentJoint:
    """The confident joint (equation 1) and its calibration (equation 3).

    One row per label: labels are classes numbered from 0, probabilities one column per class. ValueError without rows,
    with one class alone, or for what is no probability.
    """
    given, p = _checked(labels, probabilities)
    thresholds = class_thresholds(given, p)
    passing = np.where(p >= thresholds, p, -1.0)
    confident = np.where(passing.max(axis=1) >= 0, passing.argmax(axis=1), -1)
    counts = np.zeros((p.shape[1], p.shape[1]), dtype=np.intp)
    counted = confident >= 0
    np.add.at(counts, (given[counted], confident[counted]), 1)
    return ConfidentJoint(
        thresholds, counts, calibrated_joint(counts, np.bincount(given, minlength=p.shape[1])), confident
    )


def calibrated_joint(counts: npt.ArrayLike, given: npt.ArrayLike) -> FloatArray:
    """Shares of (given, true) classes whose rows sum to the shares of the given ones.

    A class that was given and of which nothing was confidently counted is taken as given: nothing speaks against it.
    """
    counted, rows = np.asarray(counts, dtype=float), np.asarray(given, dtype=float)
    if counted.ndim != 2 or counted.shape != (len(rows), len(rows)) or not rows.sum() > 0:
        raise ValueError("counts are square, with one row per class, and somebody gave a label")
    nothing = counted.sum(axis=1) == 0
    counted = counted + np.diag(nothing.astype(float))
    joint = counted / counted.sum(axis=1, keepdims=True) * rows[:, None]
    return np.asarray(joint / rows.sum(), dtype=float)


def self_confidence(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """The probability of the label that was given."""
    given, p = _checked(labels, probabilities)
    return np.asarray(p[np.arange(len(given)), given], dtype=float)


def normalized_margin(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> FloatArray:
    """The probability of the given label above that of the likeliest other one, from -1 (surely wrong) to 1."""
    given, p = _checked(labels, probabilities)
    others = p.copy()
    others[np.arange(len(given)), given] = -np.inf
    return np.asarray(self_confidence(given, p) - others.max(axis=1), dtype=float)


def improbable(labels: npt.ArrayLike, probabilities: npt.ArrayLike, *, prune: Prune = Prune.OFF_DIAGONAL) -> IntArray:
    """The rows whose label is improbable, least probable first (by normalized margin, ties in the order given)."""
    given, p = _checked(labels, probabilities)
    found = _found(given, p, prune)
    rows = np.flatnonzero(found)
    return rows[np.argsort(normalized_margin(given, p)[rows], kind="stable")]


def fold_numbers(cluster: npt.ArrayLike, *, folds: int, seed: int) -> IntArray:
    """A fold for each row, the same for rows of one cluster, so that a model never saw the input it is asked about."""
    numbers = cluster_numbers(cluster, len(np.asarray(cluster)))
    inputs = int(numbers.max(initial=-1)) + 1
    fold_of_input = np.empty(inputs, dtype=np.intp)
    fold_of_input[np.random.default_rng(seed).permutation(inputs)] = np.arange(inputs) % folds
    return fold_of_input[numbers]


def _found(given: IntArray, p: FloatArray, prune: Prune) -> BoolArray:
    if prune == Prune.CONFUSION:
        return np.asarray(p.max(axis=1) > self_confidence(given, p))
    confident = confident_joint(given, p)
    match prune:
        case Prune.OFF_DIAGONAL:
            return np.asarray((confident.confident_class >= 0) & (confident.confident_class != given))
        case Prune.BY_CLASS:
            return _by_class(given, p, confident.joint)
        case Prune.BY_NOISE_RATE:
            return _by_noise_rate(given, p, confident.joint)
        case _:
            return _by_class(given, p, confident.joint) & _by_noise_rate(given, p, confident.joint)


def _by_class(given: IntArray, p: FloatArray, joint: FloatArray) -> BoolArray:
    found = np.zeros(len(given), dtype=bool)
    for label in range(p.shape[1]):
        rows = np.flatnonzero(given == label)
        wrong = round(len(given) * float(joint[label].sum() - joint[label, label]))
        found[rows[np.argsort(p[rows, label], kind="stable")[:wrong]]] = True
    return found


def _by_noise_rate(given: IntArray, p: FloatArray, joint: FloatArray) -> BoolArray:
    found = np.zeros(len(given), dtype=bool)
    for label in range(p.shape[1]):
        rows = np.flatnonzero(given == label)
        for other in range(p.shape[1]):
            if other != label:
                margin = p[rows, other] - p[rows, label]
                wrong = round(len(given) * float(joint[label, other]))
                found[rows[np.argsort(-margin, kind="stable")[:wrong]]] = True
    return found


def _checked(labels: npt.ArrayLike, probabilities: npt.ArrayLike) -> tuple[IntArray, FloatArray]:
    given, p = np.asarray(labels), np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or p.shape[1] < 2 or given.shape != (len(p),) or not len(p):
        raise ValueError("one label and two or more probabilities for each row, and at least one row")
    if not np.issubdtype(given.dtype, np.integer) or given.min() < 0 or given.max() >= p.shape[1]:
        raise ValueError("labels are numbers of columns")
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("probabilities must lie in [0, 1]")
    return np.asarray(given, dtype=np.intp), p
