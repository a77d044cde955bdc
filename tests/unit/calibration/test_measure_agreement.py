from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from calibration.core.agreement import Reliability, agreement, reliability

# The three worked examples of Krippendorff, Computing Krippendorff's Alpha-Reliability (2011): one line per observer.
TWO_VALUES = ["0100000010", "1110010000"]
TWO_OBSERVERS = ["aabbdcccedda", "babbbccced" + "dd"]
FOUR_OBSERVERS = ["123321412...", "1233224125.3", ".3332342251.", "1233244125" + "1."]


def judged(observers: list[str], **options: int) -> Reliability:
    """Alpha of what the observers said; a dot is a unit that somebody did not judge."""
    said = [(unit, label) for line in observers for unit, label in enumerate(line) if label != "."]
    return reliability([unit for unit, _ in said], [label for _, label in said], **options)


@pytest.mark.parametrize(("observers", "alpha"), [(TWO_VALUES, 0.095), (TWO_OBSERVERS, 0.692), (FOUR_OBSERVERS, 0.743)])
def test_alpha_is_that_of_the_worked_examples(observers: list[str], alpha: float) -> None:
    assert judged(observers).alpha == pytest.approx(alpha, abs=0.0005)


def test_units_that_one_person_judged_say_nothing() -> None:
    measured = judged(FOUR_OBSERVERS)
    assert (measured.units, measured.labels) == (11, 40)


def test_alpha_of_two_on_many_claims_is_nearly_scotts_and_near_cohens() -> None:
    generator = np.random.default_rng(3)
    first = generator.choice(["a", "b", "c"], 2_000)
    second = np.where(generator.random(2_000) < 0.8, first, generator.choice(["a", "b", "c"], 2_000))
    units = np.tile(np.arange(2_000), 2)
    measured = reliability(units, np.concatenate([first, second]), draws=200)
    assert measured.alpha == pytest.approx(cohen_kappa_score(first, second), abs=0.002)
    assert measured.share == pytest.approx(np.mean(first == second))
    assert measured.lo < measured.alpha < measured.hi


def test_the_limits_of_alpha_hold_the_truth_about_as_often_as_they_say() -> None:
    """Judges who say the true one of two even classes nine times in ten: alpha is (0.82 - 0.5) / 0.5 = 0.64."""
    generator = np.random.default_rng(4)
    held = 0
    for seed in range(100):
        truth = generator.random(150) < 0.5
        said = np.where(generator.random((3, 150)) < 0.9, truth, ~truth)
        measured = reliability(np.tile(np.arange(150), 3), said.ravel(), draws=200, seed=seed)
        held += measured.lo <= 0.64 <= measured.hi
    assert 88 <= held <= 100


def test_one_label_for_everything_is_not_beyond_chance() -> None:
    measured = reliability([1, 1, 2, 2], ["right"] * 4, draws=5)
    assert (measured.share, measured.alpha, measured.lo, measured.hi) == (1, None, None, None)


def test_without_overlap_there_is_nothing_to_say() -> None:
    assert reliability([1, 2, 3], ["a", "b", "a"]) == Reliability(0, 0, None, None, None, None, 0)
    assert reliability([], []).units == 0


def test_always_differing_is_worse_than_chance() -> None:
    measured = reliability([1, 1, 2, 2], ["a", "b", "a", "b"], draws=5)
    assert measured.share == 0
    assert measured.alpha == pytest.approx(-0.5)


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="one unit per label"):
        reliability([1, 1], ["a"])


def test_kappa_is_that_of_scikit_learn() -> None:
    generator = np.random.default_rng(1)
    first = generator.choice(["a", "b", "c"], 200)
    second = np.where(generator.random(200) < 0.8, first, generator.choice(["a", "b", "c"], 200))
    measured = agreement(first, second, draws=200)
    assert measured.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert measured.lo < measured.kappa < measured.hi
    assert measured.share == np.mean(first == second)


def test_agreeing_on_one_label_only_is_not_beyond_chance() -> None:
    measured = agreement(["right"] * 10, ["right"] * 10, draws=5)
    assert (measured.share, measured.kappa, measured.lo) == (1, None, None)


def test_no_shared_claims_are_refused() -> None:
    with pytest.raises(ValueError, match="claim"):
        agreement([], [])
