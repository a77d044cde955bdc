"""Which segments a pipeline watches: what may be declared, and what holds where nothing is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reviewqueue.pipelines.watched import (
    as_declared,
    possible_pairs,
    unknown_watched,
    watched_of,
    watched_problems,
)

CATEGORIES = ["general", "pricing"]
VALUES = {"workflow": ["qa", "legal"], "language": ["en", "de", "fr"]}


def problems(given: Sequence[Sequence[str]], categories: Sequence[str] = CATEGORIES) -> list[tuple[str, str]]:
    found = [*watched_problems(given)] or [*unknown_watched(given, categories=categories, segment_values=VALUES)]
    return [(each.pointer, each.code) for each in found]


def test_with_nothing_declared_each_attribute_is_watched_alone() -> None:
    assert watched_of([], categories=CATEGORIES, segment_values=VALUES) == (("category",), ("language",), ("workflow",))
    assert watched_of([], categories=[], segment_values=VALUES) == (("language",), ("workflow",))
    assert watched_of([["language"]], categories=CATEGORIES, segment_values=VALUES) == (("language",),)


def test_a_declaration_is_kept_in_one_order_and_once() -> None:
    given = [["language", "category"], ["workflow"], ["category", "language"]]
    assert as_declared(given) == [["workflow"], ["category", "language"]]


def test_one_attribute_or_two_may_be_watched() -> None:
    assert problems([["category"], ["category", "language"], ["language", "workflow"]]) == []


@pytest.mark.parametrize(
    "given", ["category", [["category", "language", "workflow"]], [[]], [["language", "language"]], [[1]], ["category"]]
)
def test_anything_else_is_refused(given: object) -> None:
    assert [each.code for each in watched_problems(given)] == ["type"]


def test_more_than_six_are_too_many() -> None:
    assert ("/watched", "too_many") in problems([["category"]] * 7)


def test_what_the_pipeline_does_not_know_is_refused() -> None:
    assert problems([["language"], ["colour"]]) == [("/watched/1", "unknown")]


def test_a_pair_with_too_many_values_is_refused() -> None:
    many = [f"c{number}" for number in range(200)]
    assert problems([["category", "language"]], many) == [("/watched/0", "too_many")]
    assert problems([["category"]], many) == []
    assert [pair for pair, _ in possible_pairs(many, VALUES)] == [("category", "workflow"), ("language", "workflow")]
