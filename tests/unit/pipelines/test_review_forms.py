"""What a review form may be, and what is wrong with one that may not."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.pipelines.review_form import TAKEN_KEYS, form_hash, form_problems, parse_form

INVOICE: dict[str, Any] = {
    "type": "object",
    "required": ["total"],
    "properties": {
        "total": {"type": "number", "minimum": 0},
        "paid": {"type": "boolean"},
        "seller": {"type": "object", "properties": {"name": {"type": "string", "title": "Name of the seller"}}},
        "lines": {"type": "array", "items": {"type": "object"}},
        "currency": {"enum": ["EUR", "USD", None]},
    },
}
SEVERITY: dict[str, Any] = {"name": "severity", "kind": "choice", "title": "How bad?", "options": ["minor", "serious"]}


def judgement(**more: Any) -> dict[str, Any]:
    return {"kind": "judgement", **more}


def asking(**question: Any) -> dict[str, Any]:
    return judgement(questions=[{"name": "one", "title": "One?", **question}])


def found(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(each.pointer.removeprefix("/review_form"), each.code) for each in form_problems(document)}


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "judgement"},
        {"kind": "judgement", "error_types": ["wrong fact", "misread question"]},
        {"kind": "judgement", "options": "whatever: nobody reads it"},
        {"kind": "choice", "options": ["true", "false"], "error_types": []},
    ],
)
def test_a_form_from_before_there_were_versions_is_still_one(document: dict[str, Any]) -> None:
    assert form_problems(document) == []


def test_a_form_with_everything_is_read_as_it_is_meant() -> None:
    document = {
        "kind": "choice",
        "options": ["yes", {"value": "no", "title": "Not at all", "key": "t"}],
        "error_types": [{"value": "outdated", "title": "Out of date", "key": "o"}],
        "note_required": ["cannot_judge"],
        "questions": [
            {**SEVERITY, "required": True, "when": ["incorrect"]},
            {
                "name": "price",
                "kind": "number",
                "title": "Price?",
                "min": 0,
                "max": 10.5,
                "whole": False,
                "unit": "EUR",
            },
            {"name": "where", "kind": "span", "title": "Where?", "of": "input"},
            {"name": "why", "kind": "text", "title": "Why?"},
            {"name": "tags", "kind": "several", "title": "Which?", "options": ["a", {"value": "b", "key": "b"}]},
        ],
    }
    assert form_problems(document) == []
    form = parse_form(document)
    assert [(option.value, option.title, option.key) for option in form.options] == [
        ("yes", "yes", ""),
        ("no", "Not at all", "t"),
    ]
    severity, price, where, *_ = form.questions
    assert (severity.required, severity.when) == (True, ("incorrect",))
    assert (price.low, price.high, price.unit) == (0, 10.5, "EUR")
    assert where.of == "input"


def test_the_fields_of_a_json_form_are_the_leaves_of_its_schema_in_its_order() -> None:
    form = parse_form({"kind": "json", "schema": INVOICE})
    assert [(field.pointer, field.kind, field.required, field.nullable) for field in form.fields] == [
        ("/total", "number", True, False),
        ("/paid", "boolean", False, False),
        ("/seller/name", "string", False, False),
        ("/lines", "json", False, False),
        ("/currency", "choice", False, True),
    ]
    assert form.fields[2].title == "Name of the seller"


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, ("/kind", "choice")),
        ({"kind": []}, ("/kind", "choice")),
        (judgement(colour="red"), ("/colour", "unknown_field")),
        ({"kind": "choice"}, ("/options", "options")),
        ({"kind": "choice", "options": ["one"]}, ("/options", "options")),
        ({"kind": "choice", "options": ["one", "one"]}, ("/options/1", "twice")),
        ({"kind": "choice", "options": ["one", {"value": "one"}]}, ("/options/1", "twice")),
        ({"kind": "choice", "options": ["one", "x" * 61]}, ("/options/1", "text")),
        (
            {"kind": "choice", "options": ["one", {"value": "two", "colour": "red"}]},
            ("/options/1/colour", "unknown_field"),
        ),
        ({"kind": "choice", "options": ["one", {"value": "two", "key": "T"}]}, ("/options/1/key", "key")),
        ({"kind": "choice", "options": ["one", {"value": "two", "key": "1"}]}, ("/options/1/key", "key")),
        ({"kind": "choice", "options": ["one", {"value": "two", "title": " "}]}, ("/options/1/title", "text")),
        ({"kind": "text", "options": ["a", "b"]}, ("/options", "not_asked")),
        (judgement(schema=INVOICE), ("/schema", "not_asked")),
        (judgement(error_types="outdated"), ("/error_types", "error_types")),
        (judgement(note_required=["wrong"]), ("/note_required", "choice")),
        (judgement(note_required=["correct", "correct"]), ("/note_required", "twice")),
        (judgement(questions={}), ("/questions", "questions")),
        (judgement(questions=[SEVERITY] * 2), ("/questions/1/name", "twice")),
        (judgement(questions=["severity"]), ("/questions/0", "type")),
        (asking(kind="slider"), ("/questions/0/kind", "choice")),
        (asking(kind=["choice"]), ("/questions/0/kind", "choice")),
        (asking(kind="text", name="Big"), ("/questions/0/name", "name")),
        (asking(kind="text", name="fields"), ("/questions/0/name", "reserved")),
        (asking(kind="text", title="\n"), ("/questions/0/title", "text")),
        (asking(kind="text", required="yes"), ("/questions/0/required", "type")),
        (asking(kind="text", when=["maybe"]), ("/questions/0/when", "choice")),
        (asking(kind="text", min=1), ("/questions/0/min", "unknown_field")),
        (asking(kind="choice"), ("/questions/0/options", "options")),
        (asking(kind="number", min=2, max=1), ("/questions/0/max", "range")),
        (asking(kind="number", min="0"), ("/questions/0/min", "number")),
        (asking(kind="number", max=float("nan")), ("/questions/0/max", "number")),
        (asking(kind="number", unit="x" * 21), ("/questions/0/unit", "text")),
        (asking(kind="span", of="evidence"), ("/questions/0/of", "choice")),
        ({"kind": "json"}, ("/schema", "schema")),
        ({"kind": "json", "schema": {"type": "string"}}, ("/schema", "schema")),
        ({"kind": "json", "schema": {"properties": {"a": 1}}}, ("/schema/properties/a/", "schema")),
        ({"kind": "json", "schema": {"properties": {"a": {"enum": []}}}}, ("/schema/properties/a/enum", "schema")),
        (
            {"kind": "json", "schema": {"properties": {f"f{number}": {} for number in range(61)}}},
            ("/schema", "too_many"),
        ),
        (judgement(error_types=["a\0b"]), ("", "value")),
    ],
)
def test_what_is_wrong_is_named_by_its_place(document: dict[str, Any], problem: tuple[str, str]) -> None:
    assert found(document) == {problem}


@pytest.mark.parametrize("key", sorted(TAKEN_KEYS))
def test_a_key_that_the_page_itself_uses_is_refused(key: str) -> None:
    document = {"kind": "choice", "options": ["one", {"value": "two", "key": key}]}
    assert found(document) == {("/options/1/key", "key_taken")}


def test_one_key_for_two_things_is_refused_at_both_places() -> None:
    document = {
        "kind": "judgement",
        "error_types": [{"value": "outdated", "key": "o"}],
        "questions": [{**SEVERITY, "options": ["minor", {"value": "serious", "key": "o"}]}],
    }
    assert found(document) == {("/error_types/0/key", "key_twice"), ("/questions/0/options/1/key", "key_twice")}


def test_the_hash_says_what_is_asked_and_not_how_it_was_written_down() -> None:
    assert form_hash({"kind": "choice", "options": ["a", "b"]}) == form_hash({"options": ["a", "b"], "kind": "choice"})
    assert form_hash({"kind": "choice", "options": ["a", "b"]}) != form_hash({"kind": "choice", "options": ["b", "a"]})
