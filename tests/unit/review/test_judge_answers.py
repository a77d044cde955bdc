"""What is wrong with a reviewer's answer, and what it says about the claim."""

import dataclasses
import math
from typing import Any

import pytest

from reviewqueue.errors import Invalid
from reviewqueue.review.answers import LabelAnswer, content_hash, judged

JUDGEMENT: dict[str, Any] = {"kind": "judgement", "error_types": ["outdated", "made up"]}
CHOICE: dict[str, Any] = {"kind": "choice", "options": ["true", "false", "unclear"]}


def verdict(answer: LabelAnswer, form: dict[str, Any] = JUDGEMENT, blind: str = "none", **more: Any) -> str | None:
    return judged(answer, form=form, blind=blind, model_output=more.pop("model_output", "true"), **more).verdict


def refusal(
    answer: LabelAnswer, form: dict[str, Any] = JUDGEMENT, blind: str = "none", **more: Any
) -> set[tuple[str, str]]:
    with pytest.raises(Invalid) as invalid:
        verdict(answer, form, blind, **more)
    return {(problem.pointer, problem.code) for problem in invalid.value.problems}


@pytest.mark.parametrize("given", ["correct", "incorrect", "partially_correct", "cannot_judge"])
@pytest.mark.parametrize("blind", ["none", "score"])
def test_a_verdict_is_taken_as_given_where_the_output_is_seen(given: str, blind: str) -> None:
    assert verdict(LabelAnswer(given), blind=blind) == given


@pytest.mark.parametrize(("given", "code"), [(None, "required"), ("Correct", "choice"), ("", "choice"), (1, "choice")])
def test_a_missing_or_unknown_verdict_is_refused(given: Any, code: str) -> None:
    assert refusal(LabelAnswer(given)) == {("/verdict", code)}


@pytest.mark.parametrize("given", ["incorrect", "partially_correct"])
def test_a_wrong_output_may_be_corrected(given: str) -> None:
    assert verdict(LabelAnswer(given, output={"price": 15})) == given


@pytest.mark.parametrize("given", ["correct", "cannot_judge"])
def test_a_correction_of_what_is_not_wrong_is_a_contradiction(given: str) -> None:
    assert refusal(LabelAnswer(given, output="15 EUR")) == {("/output", "contradiction")}


def test_a_choice_is_corrected_with_one_of_its_options() -> None:
    assert verdict(LabelAnswer("incorrect", output="false"), CHOICE) == "incorrect"
    assert refusal(LabelAnswer("incorrect", output="False"), CHOICE) == {("/output", "choice")}
    assert refusal(LabelAnswer("incorrect", output=["false"]), CHOICE) == {("/output", "choice")}


def test_verdict_and_chosen_option_must_say_the_same() -> None:
    assert verdict(LabelAnswer("correct", output="true"), CHOICE) == "correct"
    assert refusal(LabelAnswer("correct", output="false"), CHOICE) == {("/output", "contradiction")}
    assert refusal(LabelAnswer("incorrect", output="true"), CHOICE) == {("/output", "contradiction")}


@pytest.mark.parametrize(
    ("model_output", "expected"), [("true", "correct"), (" TRUE ", "correct"), ("false", "incorrect")]
)
def test_an_own_answer_given_without_seeing_the_output_is_compared_with_it(model_output: str, expected: str) -> None:
    assert verdict(LabelAnswer(None, output="true"), CHOICE, "answer", model_output=model_output) == expected


def test_who_has_not_seen_the_output_gives_an_answer_and_no_verdict() -> None:
    assert refusal(LabelAnswer("correct"), CHOICE, "answer") == {("/verdict", "not_asked"), ("/output", "required")}
    assert refusal(LabelAnswer(None, output="maybe"), CHOICE, "answer") == {("/output", "choice")}


def test_after_the_reveal_either_form_of_answer_will_do() -> None:
    assert verdict(LabelAnswer("incorrect", output="false"), CHOICE, "answer", revealed=True) == "incorrect"
    assert verdict(LabelAnswer(None, output="true"), CHOICE, "answer", revealed=True) == "correct"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"error_types": ("rude",)}, ("/error_types", "choice")),
        ({"error_types": ("outdated", "outdated")}, ("/error_types", "twice")),
        ({"verdict": "correct", "error_types": ("outdated",)}, ("/error_types", "contradiction")),
        ({"error_types": ({},)}, ("/error_types", "choice")),
        ({"note": "x" * 10_001}, ("/note", "too_long")),
        ({"note": "a\0b"}, ("/note", "value")),
        ({"note": "half \ud83d"}, ("/note", "value")),
        ({"note": None}, ("/note", "type")),
        ({"output": "a\0b"}, ("/output", "value")),
        ({"output": math.nan}, ("/output", "value")),
        ({"output": 2**53}, ("/output", "value")),
        ({"output": "x" * 262_145}, ("/output", "too_large")),
        ({"output": [[[]]] * 1 + [object()]}, ("/output", "value")),
        ({"answers": {"a\0b": 1}}, ("/answers", "value")),
        ({"answers": [1]}, ("/answers", "type")),
        ({"seconds": -1}, ("/seconds", "range")),
        ({"seconds": 86_401}, ("/seconds", "range")),
        ({"seconds": math.inf}, ("/seconds", "range")),
        ({"seconds": True}, ("/seconds", "range")),
        ({"seconds": "12"}, ("/seconds", "range")),
    ],
)
def test_a_field_outside_its_bounds_is_refused_by_its_pointer(
    changes: dict[str, Any], problem: tuple[str, str]
) -> None:
    assert refusal(dataclasses.replace(LabelAnswer("incorrect"), **changes)) == {problem}


def test_everything_at_its_bounds_is_accepted() -> None:
    answer = LabelAnswer("incorrect", "15", ("outdated",), "x" * 10_000, {}, 86_400)
    assert judged(answer, form=JUDGEMENT, blind="score", model_output="x") == answer


def test_all_problems_are_reported_at_once() -> None:
    answer = LabelAnswer("sure", note="a\0b", seconds=-1, error_types=("rude",))
    assert {pointer for pointer, _ in refusal(answer)} == {"/verdict", "/note", "/seconds", "/error_types"}


def test_the_time_taken_and_the_order_of_error_types_are_no_part_of_what_is_said() -> None:
    one = LabelAnswer("incorrect", error_types=("outdated", "made up"), seconds=1.5)
    other = LabelAnswer("incorrect", error_types=("made up", "outdated"), seconds=9.0)
    assert content_hash(one) == content_hash(other)
    assert content_hash(one) != content_hash(dataclasses.replace(one, note="!"))


def test_what_cannot_be_stored_has_no_hash_but_a_reason() -> None:
    with pytest.raises(Invalid) as invalid:
        content_hash(LabelAnswer("correct", note="a\0b"))
    assert invalid.value.problems[0].pointer == "/note"
