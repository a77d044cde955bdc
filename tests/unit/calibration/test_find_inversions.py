"""Where more confidence goes with less accuracy: in one segment, between two, and how it is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.core.inversions import Inversion, Labelled, Side, in_words, inversions

from .conftest import Row, is_share

Array = npt.NDArray[Any]


def labelled(confidence: Array, right: Array) -> Labelled:
    size = len(confidence)
    return Labelled(confidence.astype(float), right.astype(float), np.ones(size), np.arange(size))


def by(values: Array, attribute: str) -> dict[str, Array]:
    return {f"{attribute}={value}": np.flatnonzero(values == value) for value in np.unique(values)}


def test_where_confidence_says_nothing_at_most_one_search_in_twenty_finds_something() -> None:
    found = []
    for seed in range(60):
        dice = np.random.default_rng(seed)
        confidence, right = np.round(dice.beta(8, 2, 900), 2), dice.random(900) < 0.8
        declared = [by(dice.choice(["en", "de", "fr"], 900), "language"), by(dice.choice(list("abc"), 900), "category")]
        found.append(bool(inversions({"model": (labelled(confidence, right), declared)})))
    assert np.mean(found) <= 0.05


def test_a_segment_in_which_the_model_is_surer_and_right_less_often_is_named() -> None:
    dice = np.random.default_rng(1)
    language = dice.choice(["en", "de"], 1_600)
    german = language == "de"
    confidence = np.round(np.where(german, 0.93, 0.88) + dice.uniform(-0.04, 0.04, 1_600), 2)
    right = dice.random(1_600) < np.where(german, 0.71, 0.84)
    ((model, found),) = [
        each
        for each in inversions({"model": (labelled(confidence, right), [by(language, "language")])})
        if each[1].kind == "segments"
    ]
    assert model == "model"
    assert found.other is not None
    assert (found.surer.segment, found.other.segment) == ("language=de", "language=en")
    words = in_words(found)
    assert words.startswith("In language=de the model is surer than in language=en (0.93 against 0.88) and right less")
    assert found.p < 0.05


def test_surer_and_right_more_often_is_no_inversion() -> None:
    dice = np.random.default_rng(2)
    language = dice.choice(["en", "de"], 1_600)
    confidence = np.round(np.where(language == "de", 0.93, 0.88) + dice.uniform(-0.04, 0.04, 1_600), 2)
    right = dice.random(1_600) < np.where(language == "de", 0.9, 0.7)
    assert inversions({"model": (labelled(confidence, right), [by(language, "language")])}) == []


def test_confidence_that_points_the_wrong_way_is_found_by_ranges_and_by_its_ranking() -> None:
    dice = np.random.default_rng(3)
    confidence = np.round(dice.uniform(0.5, 1.0, 1_200), 2)
    right = dice.random(1_200) < 1.4 - confidence
    found = inversions({"model": (labelled(confidence, right), [])})
    kinds = {each.kind: each for _, each in found}
    assert set(kinds) == {"ranges", "ranking"}
    assert "Over all claims confidence points the wrong way" in in_words(kinds["ranking"])
    assert kinds["ranges"].surer.low > (kinds["ranges"].other or kinds["ranges"].surer).low - 1e-9


def test_in_law_a_real_model_is_surer_than_in_engineering_and_right_less_often(
    real_data: Callable[[str], tuple[Row, ...]],
) -> None:
    rows = [
        row
        for row in real_data("mmlu_pro.csv.gz")
        if row["model"] == "gpt-4.1-mini" and is_share(row["conf_verbal_numeric"])
    ]
    confidence, right = np.array([(float(row["conf_verbal_numeric"]), float(row["correct"])) for row in rows]).T
    subjects = by(np.array([row["segment"] for row in rows]), "category")
    found = [each for _, each in inversions({"gpt-4.1-mini": (labelled(confidence, right), [subjects])})]
    pairs = [(each.surer.segment, each.other.segment) for each in found if each.other and each.kind == "segments"]
    assert ("category=law", "category=engineering") in pairs
    assert all(each.surer.accuracy < each.other.accuracy for each in found if each.other)


def test_few_labels_and_none_at_all_find_nothing() -> None:
    nothing = labelled(np.empty(0), np.empty(0))
    assert inversions({}) == []
    dice = np.random.default_rng(4)
    few = labelled(dice.uniform(0.5, 1, 40), dice.random(40) < 0.5)
    assert inversions({"few": (few, [])}) == []
    assert len(nothing.right) == 0


def test_ranges_are_said_with_how_many_inputs_they_rest_on() -> None:
    high, low = Side("language=de", 0.95, 1.0, 120, 0.97, 0.7), Side("language=de", 0.8, 0.9, 90, 0.85, 0.85)
    assert in_words(Inversion("ranges", high, low, None, 0.01)) == (
        "In language=de what is stated at 0.95 to 1.00 is right less often than what is stated at 0.80 to 0.90 "
        "(70 % of 120 inputs against 85 % of 90)."
    )
