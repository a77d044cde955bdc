"""What may be declared of a signal."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from reviewqueue.claims.submission import Elicitation
from reviewqueue.pipelines.signals import ELICITATIONS, known_signals, signal_problems, with_every_field

GOOD = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier"}


def codes(signals: object) -> list[tuple[str, str]]:
    return [(problem.pointer, problem.code) for problem in signal_problems(signals)]


def test_a_signal_with_family_elicitation_and_direction_is_sound() -> None:
    assert codes({"input risk": GOOD}) == []
    assert codes({}) == []


def test_a_stored_declaration_has_every_field_and_is_sorted_by_name() -> None:
    stored = with_every_field({"b": GOOD, "a": {**GOOD, "description": "How odd."}})
    assert list(stored) == ["a", "b"]
    assert stored["a"]["description"] == "How odd."
    assert stored["b"] == {**GOOD, "description": ""}


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        ("", {}, ("/signals/", "name")),
        ("x" * 81, {}, ("/signals/" + "x" * 80, "name")),
        ("input\u200brisk", {}, ("/signals/input\u200brisk", "name")),
        ("attempt_agreement", {}, ("/signals/attempt_agreement", "reserved")),
        ("a/b~c", {"family": "other"}, ("/signals/a~1b~0c/family", "choice")),
        ("risk", {"family": ["input_risk"]}, ("/signals/risk/family", "choice")),
        ("risk", {"elicitation": "guess"}, ("/signals/risk/elicitation", "choice")),
        ("risk", {"higher_is": None}, ("/signals/risk/higher_is", "choice")),
        ("risk", {"description": "x" * 501}, ("/signals/risk/description", "text")),
        ("risk", {"description": "two\nlines"}, ("/signals/risk/description", "text")),
        ("risk", {"weight": 1}, ("/signals/risk/weight", "unknown_field")),
    ],
)
def test_what_is_wrong_is_pointed_at(name: str, change: dict[str, Any], expected: tuple[str, str]) -> None:
    assert codes({name: {**GOOD, **change}}) == [expected]


@pytest.mark.parametrize("entry", [None, 1, "input_risk", []])
def test_a_declaration_is_an_object(entry: object) -> None:
    assert codes({"risk": entry}) == [("/signals/risk", "type")]
    assert codes(entry) == [("/signals", "type")]


def test_there_may_be_as_many_as_in_a_claim() -> None:
    assert codes({f"s{number}": GOOD for number in range(50)}) == []
    assert codes({f"s{number}": GOOD for number in range(51)}) == [("/signals", "too_many")]


def test_rules_may_use_what_is_declared_and_what_is_derived() -> None:
    assert known_signals({"risk": GOOD}) == {"risk", "attempt_agreement"}


def test_elicitations_are_those_of_a_claim() -> None:
    assert get_args(Elicitation) == ELICITATIONS
