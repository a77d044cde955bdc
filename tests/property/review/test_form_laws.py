"""Laws of review forms and of what they are answered with, whatever comes in."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.errors import Invalid
from reviewqueue.pipelines.json_fields import ABSENT, nothing_to_tell_apart, value_at, with_values
from reviewqueue.pipelines.review_form import KINDS, VERDICTS, form_problems, parse_form
from reviewqueue.review.answers import LabelAnswer, content_hash, judged
from reviewqueue.review.field_verdicts import FIELD_VERDICTS

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PLAIN = st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from([0.5, "a", "b"])


def objects(names: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, values | ANYTHING))


OPTION = st.sampled_from(["a", "b"]) | objects(["value", "title", "key"], st.sampled_from(["a", "b", "t"])) | ANYTHING
QUESTION = st.fixed_dictionaries(
    {"name": st.sampled_from(["one", "two", "fields"]), "title": st.just("One?")},
    optional={
        "kind": st.sampled_from(["choice", "several", "number", "span", "text"]) | ANYTHING,
        "options": st.lists(OPTION, max_size=3),
        "required": st.booleans() | ANYTHING,
        "when": st.lists(st.sampled_from(VERDICTS) | ANYTHING, max_size=2),
        "min": st.integers(-3, 3) | ANYTHING,
        "max": st.integers(-3, 3) | ANYTHING,
        "unit": ANYTHING,
        "of": st.sampled_from(["input", "output"]) | ANYTHING,
    },
)
SCHEMA = objects(["type", "title", "required"], st.just("object")) | st.fixed_dictionaries(
    {"properties": st.dictionaries(st.text(max_size=3), objects(["type", "enum", "minimum", "properties"], ANYTHING))}
)
DOCUMENT = st.fixed_dictionaries(
    {"kind": st.sampled_from(KINDS)},
    optional={
        "options": st.lists(OPTION, max_size=3) | ANYTHING,
        "error_types": st.lists(OPTION, max_size=3) | ANYTHING,
        "note_required": st.lists(st.sampled_from(VERDICTS), max_size=2) | ANYTHING,
        "questions": st.lists(QUESTION, max_size=2) | ANYTHING,
        "schema": SCHEMA | ANYTHING,
        "more": ANYTHING,
    },
)


@given(DOCUMENT)
def test_every_document_is_refused_with_pointers_or_can_be_read(document) -> None:
    problems = form_problems(document)
    assert all(problem.pointer.startswith("/review_form") for problem in problems)
    if not problems:
        assert parse_form(document).kind == document["kind"]


FORM: dict[str, Any] = {
    "kind": "json",
    "schema": {
        "properties": {
            "a": {"type": "integer", "minimum": 0},
            "b": {"type": "string"},
            "c": {"properties": {"d": {"type": "boolean"}, "e/f": {}}},
        }
    },
    "note_required": ["cannot_judge"],
    "questions": [
        {"name": "one", "kind": "choice", "title": "One?", "options": ["a", "b"], "required": True},
        {"name": "two", "kind": "number", "title": "Two?", "min": 0, "max": 5, "whole": True},
        {"name": "three", "kind": "span", "title": "Three?", "of": "input"},
        {"name": "four", "kind": "several", "title": "Four?", "options": ["a", "b"], "when": ["incorrect"]},
        {"name": "five", "kind": "text", "title": "Five?"},
    ],
}
POINTERS = [field.pointer for field in parse_form(FORM).fields]
OUTPUT = st.fixed_dictionaries(
    {}, optional={"a": PLAIN, "b": PLAIN, "c": st.fixed_dictionaries({}, optional={"d": PLAIN, "e/f": PLAIN}) | PLAIN}
)
FIELDS = st.fixed_dictionaries({pointer: st.sampled_from(FIELD_VERDICTS) for pointer in POINTERS})
SPAN = st.fixed_dictionaries({"start": st.integers(-1, 6), "end": st.integers(-1, 6)})
ANSWERS = st.fixed_dictionaries(
    {"fields": FIELDS, "one": st.sampled_from(["a", "b", "c"]) | ANYTHING},
    optional={
        "two": PLAIN,
        "three": SPAN | ANYTHING,
        "four": st.lists(st.sampled_from("abc")),
        "five": PLAIN,
        "six": PLAIN,
    },
)


def said(answer: LabelAnswer, output: object, *, blind: str = "none") -> LabelAnswer | None:
    """None for what is refused, which has a reason with a place."""
    try:
        return judged(answer, form=FORM, blind=blind, model_output=output, model_input="text")
    except Invalid as invalid:
        reasons = invalid.problems
    assert reasons
    assert all(problem.pointer.startswith("/") for problem in reasons)
    return None


@given(st.sampled_from([*VERDICTS, None]), OUTPUT, OUTPUT | st.none(), ANSWERS | ANYTHING, st.sampled_from(["", "why"]))
def test_what_is_accepted_keeps_every_rule_of_the_form(verdict, output, correction, answers, note) -> None:
    label = said(LabelAnswer(verdict, output=correction, answers=answers, note=note), output)
    if label is None:
        return
    assert len(content_hash(label)) == 32
    assert label.verdict in VERDICTS
    assert label.verdict != "cannot_judge" or note
    assert set(label.answers) <= {"fields", "one", "two", "three", "four", "five"}
    assert label.verdict == "cannot_judge" or label.answers["one"] in ("a", "b")
    assert label.answers.get("two") in (None, 0, 1, 2, 3, 4, 5)
    assert "four" not in label.answers or label.verdict == "incorrect"
    if span := label.answers.get("three"):
        assert "text"[span["start"] : span["end"]]


@given(FIELDS)
def test_the_fields_decide_the_whole(fields) -> None:
    label = said(LabelAnswer(None, answers={"fields": fields, "one": "a"}, note="why"), {"a": 1})
    assert label is not None
    verdicts = set(fields.values())
    assert (label.verdict == "correct") == (verdicts == {"correct"})
    assert (label.verdict in ("incorrect", "partially_correct")) == ("incorrect" in verdicts)
    assert (label.verdict == "partially_correct") == ({"correct", "incorrect"} <= verdicts)


@given(OUTPUT, OUTPUT, FIELDS)
def test_a_correction_that_is_taken_changes_exactly_the_fields_that_are_wrong(output, correction, fields) -> None:
    label = said(LabelAnswer(None, output=correction, answers={"fields": fields, "one": "a"}, note="why"), output)
    if label is None or label.verdict not in ("incorrect", "partially_correct"):
        return
    changed = {
        pointer
        for pointer in POINTERS
        if not nothing_to_tell_apart(value_at(correction, pointer), value_at(output, pointer))
    }
    assert changed == {pointer for pointer, verdict in fields.items() if verdict == "incorrect"}


@given(OUTPUT, OUTPUT)
def test_an_own_answer_is_right_exactly_when_every_field_says_the_same(own, output) -> None:
    label = said(LabelAnswer(None, output=own, answers={"one": "a"}), output, blind="answer")
    if label is not None:
        same = all(nothing_to_tell_apart(value_at(own, each), value_at(output, each)) for each in POINTERS)
        assert (label.verdict == "correct") == same


@given(OUTPUT, st.dictionaries(st.sampled_from([("a",), ("c", "d"), ("c", "e/f")]), PLAIN | st.just(ABSENT)))
def test_values_that_are_put_in_are_there_and_nothing_else_changes(output, values) -> None:
    changed = with_values(output, values)
    for path, value in values.items():
        pointer = "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)
        assert value_at(changed, pointer) is value
    assert value_at(changed, "/b") == value_at(output, "/b")
