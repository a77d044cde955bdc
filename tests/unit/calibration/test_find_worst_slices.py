"""Slices that are worse than the rest: what is found, what is not, and what the tests behind it are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from calibration.core.looks import Part, holm, more_errors_p, part_of, surer_p, wider_gap_p
from calibration.core.slices import EDGES, SliceSearch, confidence_ranges, worst_slices

Array = npt.NDArray[Any]


def claims(seed: int, labels: int, *, bad: Callable[..., Array] | None = None, repeats: int = 1) -> SliceSearch:
    """Overconfident by a tenth everywhere; what is stated at 0.9 and above is labelled one time in five."""
    dice = np.random.default_rng(seed)
    size = labels // repeats
    confidence = np.round(dice.beta(8, 2, size), 2)
    category, language = dice.choice(list("abcdefgh"), size), dice.choice(["en", "de", "fr"], size, p=[0.6, 0.3, 0.1])
    version, way = dice.choice(["1", "2"], size), dice.choice(["logprob", "classifier"], size)
    chance_right = confidence * 0.9 - (0.3 * bad(category, language) if bad else 0.0)
    right = dice.random(size) < np.clip(chance_right, 0, 1)
    rate = np.where(confidence >= 0.9, 0.2, 1.0)
    rows = np.repeat(np.flatnonzero(dice.random(size) < rate), repeats)
    facts = {"category": category, "language": language, "model": version, "elicitation": way}
    return worst_slices(
        {name: values[rows].tolist() for name, values in facts.items()},
        confidence[rows],
        right[rows],
        discover=rows % 2 == 0,
        weight=1 / rate[rows],
        fingerprint=rows,
    )


def test_with_no_bad_slice_at_most_one_search_in_twenty_finds_one() -> None:
    found = [bool(claims(seed, 1_400, repeats=1 + seed % 3).slices) for seed in range(160)]
    assert np.mean(found) <= 0.05


def test_a_bad_category_is_found_and_its_figures_come_from_the_other_half() -> None:
    for seed in range(8):
        search = claims(seed, 4_000, bad=lambda category, language: category == "c")
        worst = search.slices[0]
        assert worst.facts == (("category", "c"),)
        assert worst.kind in {"errors", "gap"}
        assert worst.low < worst.value < worst.high
        assert worst.value > worst.rest
        assert worst.p < 0.05
        assert worst.inputs < 400, "one half of the inputs only"


def test_a_bad_pair_is_found_as_a_pair() -> None:
    def bad(category: Array, language: Array) -> Array:
        found: Array = (category == "c") & (language == "en")
        return found

    pair = {("category", "c"), ("language", "en")}
    found = [any(set(each.facts) == pair for each in claims(seed, 6_000, bad=bad).slices) for seed in range(10)]
    assert sum(found) >= 9


def test_a_pair_is_no_finding_where_one_of_its_facts_explains_it() -> None:
    for seed in range(8):
        search = claims(seed, 4_000, bad=lambda category, language: category == "c")
        assert all(len(each.facts) == 1 for each in search.slices)


def test_few_labels_find_nothing() -> None:
    assert claims(1, 40).slices == ()
    none = worst_slices({"category": []}, [], [], discover=[])
    assert (none.slices, none.looked_at, none.tested) == ((), 0, 0)


def test_that_unsure_answers_are_wrong_more_often_is_no_finding() -> None:
    dice = np.random.default_rng(3)
    confidence = dice.choice([0.3, 0.95], 2_000)
    search = worst_slices(
        {"category": ["a"] * 2_000},
        confidence,
        dice.random(2_000) < confidence,
        discover=np.arange(2_000) % 2 == 0,
    )
    assert search.slices == ()


def test_ranges_of_confidence_are_half_open_and_the_last_holds_one() -> None:
    assert confidence_ranges(np.array([0.0, 0.5, 0.9, 0.9499, 0.99, 1.0])) == [
        *("0.00 to 0.50", "0.50 to 0.70", "0.90 to 0.95", "0.90 to 0.95", "0.99 to 1.00", "0.99 to 1.00")
    ]
    assert list(EDGES) == sorted(EDGES)


def part(wrong: int, n: int, confidence: float = 0.9) -> Part:
    right = np.arange(n) >= wrong
    return part_of(np.full(n, confidence), right.astype(float), np.ones(n), np.arange(n))


def test_of_equal_single_labels_the_test_is_fishers() -> None:
    for wrong, n, other_wrong, other_n in ((9, 40, 12, 200), (3, 30, 20, 2_000), (0, 30, 4, 50)):
        table = [[wrong, n - wrong], [other_wrong, other_n - other_wrong]]
        expected = stats.fisher_exact(table, alternative="greater").pvalue
        assert more_errors_p(part(wrong, n), part(other_wrong, other_n)) == pytest.approx(expected)


def test_repeats_of_an_input_are_worth_one_label() -> None:
    right = np.repeat([1.0, 0.0, 1.0, 1.0], 10)
    found = part_of(np.full(40, 0.9), right, np.ones(40), np.repeat(np.arange(4), 10))
    assert (found.labels, found.inputs) == (40, 4)
    assert found.effective <= 4


def test_a_gap_is_wider_only_where_confidence_promises_more_than_elsewhere() -> None:
    assert wider_gap_p(part(40, 100), part(100, 1_000)) < 0.001
    assert wider_gap_p(part(40, 100, confidence=0.6), part(100, 1_000)) > 0.2


def test_a_part_without_labels_tells_nothing() -> None:
    empty = part_of(np.empty(0), np.empty(0), np.empty(0), np.empty(0, dtype=int))
    assert more_errors_p(empty, part(1, 10)) == 1.0
    assert more_errors_p(part(1, 10), empty) == 1.0


def test_who_is_surer_is_told_by_the_spread_of_confidence() -> None:
    def told(values: list[float]) -> tuple[Array, Array, Array]:
        return np.array(values), np.ones(len(values)), np.arange(len(values))

    assert surer_p(told([0.9, 0.92] * 40), told([0.8, 0.82] * 40)) < 1e-6
    assert surer_p(told([0.8] * 40), told([0.9] * 40)) == 1.0
    assert surer_p(told([0.5, 0.99] * 20), told([0.52, 0.95] * 20)) > 0.2


def test_holm_corrects_for_every_look() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01], looks=10).tolist() == pytest.approx([0.1])
    assert holm([]).tolist() == []
