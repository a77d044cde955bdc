"""Labels are opinions: how good reviewers are, and what their slips do to a measured accuracy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from calibration.core.cells import IntArray
from calibration.core.intervals import FloatArray, clopper_pearson, cp_upper

SMOOTHING = 0.01


@dataclass(frozen=True)
class SeededAccuracy:
    """A reviewer's accuracy on seeded gold tasks with exact two-sided 95 % limits.

    `quarantined` when even the one-sided 95 % upper limit lies below the floor: the labels then stop counting.
    """

    n: int
    est: float | None
    lo: float
    hi: float
    quarantined: bool


@dataclass(frozen=True)
class Consensus:
    """Dawid-Skene estimates. Rows of `posterior` follow `tasks`, its columns `classes`.

    `confusion[r, j, l]` is the chance that reviewer r says class l where class j is true.
    """

    tasks: npt.NDArray[np.generic]
    reviewers: npt.NDArray[np.generic]
    classes: npt.NDArray[np.generic]
    posterior: FloatArray
    prevalence: FloatArray
    confusion: FloatArray
    iterations: int

    @property
    def labels(self) -> npt.NDArray[np.generic]:
        """Most probable class of each task."""
        most_probable: npt.NDArray[np.generic] = self.classes[self.posterior.argmax(axis=1)]
        return most_probable

    @property
    def reviewer_accuracy(self) -> FloatArray:
        """Chance that each reviewer is right on a task of this mix of classes."""
        return np.asarray(np.einsum("rjj,j->r", self.confusion, self.prevalence), dtype=float)


def rogan_gladen(observed: float, *, sensitivity: float, specificity: float) -> float | None:
    """True accuracy behind an observed one, given P(says right | right) and P(says wrong | wrong).

    None when the reviewers do no better than chance. For display: gates use the observed accuracy, the safe side.
    """
    informative = sensitivity + specificity - 1
    if not all(0 <= value <= 1 for value in (observed, sensitivity, specificity)):
        raise ValueError("observed accuracy, sensitivity and specificity must lie in [0, 1]")
    return min(max((observed + specificity - 1) / informative, 0.0), 1.0) if informative > 0 else None


def seeded_accuracy(right: int, n: int, *, floor: float) -> SeededAccuracy:
    """Accuracy of a reviewer who judged `right` of `n` seeded gold tasks as the answer key does."""
    lo, hi = clopper_pearson(right, n)
    quarantined = bool(cp_upper(right, n) < floor)
    return SeededAccuracy(n, right / n if n else None, float(lo), float(hi), quarantined)


def majority(tasks: npt.ArrayLike, labels: npt.ArrayLike) -> dict[object, object | None]:
    """Most frequent label of each task; None where the first place is shared."""
    names, task = np.unique(np.asarray(tasks), return_inverse=True)
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    votes = np.zeros((len(names), len(classes)))
    np.add.at(votes, (task, label), 1)
    tied = (votes == votes.max(axis=1, keepdims=True)).sum(axis=1) > 1
    winners = classes[votes.argmax(axis=1)]
    return {name.item(): None if tie else winner.item() for name, tie, winner in zip(names, tied, winners, strict=True)}


def dawid_skene(
    tasks: npt.ArrayLike,
    reviewers: npt.ArrayLike,
    labels: npt.ArrayLike,
    *,
    smoothing: float = SMOOTHING,
    iterations: int = 100,
    tolerance: float = 1e-6,
) -> Consensus:
    """True classes and reviewers' confusion from at least three labels on most tasks, by expectation maximisation.

    One row per label; starts from the vote shares; every confusion count gets `smoothing` added. Source: Dawid and
    Skene 1979.
    """
    task_names, task = np.unique(np.asarray(tasks), return_inverse=True)
    reviewer_names, reviewer = np.unique(np.asarray(reviewers), return_inverse=True)
    classes, label = np.unique(np.asarray(labels), return_inverse=True)
    if not len(task) or not (len(task) == len(reviewer) == len(label)):
        raise ValueError("tasks, reviewers and labels must have the same length, at least one")
    posterior = np.zeros((len(task_names), len(classes)))
    np.add.at(posterior, (task, label), 1)
    posterior /= posterior.sum(axis=1, keepdims=True)
    done, moved = 0, 1.0
    while moved > tolerance and done < iterations:
        prevalence, confusion = _maximised(posterior, task, reviewer, label, len(reviewer_names), smoothing)
        before, posterior = posterior, _expected(prevalence, confusion, task, reviewer, label, len(task_names))
        done, moved = done + 1, float(np.abs(posterior - before).max())
    return Consensus(task_names, reviewer_names, classes, posterior, prevalence, confusion, done)


def _maximised(
    posterior: FloatArray, task: IntArray, reviewer: IntArray, label: IntArray, reviewers: int, smoothing: float
) -> tuple[FloatArray, FloatArray]:
    """Prevalence of each class and confusion of each reviewer, given the classes' probabilities."""
    classes = posterior.shape[1]
    said = np.full((reviewers, classes, classes), smoothing)
    np.add.at(said.transpose(0, 2, 1), (reviewer, label), posterior[task])
    return posterior.mean(axis=0), said / said.sum(axis=2, keepdims=True)


def _expected(
    prevalence: FloatArray, confusion: FloatArray, task: IntArray, reviewer: IntArray, label: IntArray, tasks: int
) -> FloatArray:
    """Probability of each class of each task, given prevalence and confusion."""
    evidence = np.tile(np.log(np.maximum(prevalence, 1e-12)), (tasks, 1))
    np.add.at(evidence, task, np.log(confusion)[reviewer, :, label])
    return np.asarray(special.softmax(evidence, axis=1), dtype=float)
