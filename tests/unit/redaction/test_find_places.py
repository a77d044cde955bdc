"""What the ready rules find in texts, and which declarations are refused."""

from __future__ import annotations

import time
from typing import Any

import pytest

from reviewqueue.redaction.finding import MOST_PLACES, READY
from reviewqueue.redaction.masking import Redaction, masked_text
from reviewqueue.redaction.rules import MAX_RULES, redaction_problems, rules_of

FOUND = [
    ("email", "write to jane.doe+x@mail.example.org.", ["jane.doe+x@mail.example.org"]),
    ("email", "Müller@bäckerei.de, a@b, @home", ["Müller@bäckerei.de"]),
    ("card", "4111 1111 1111 1111 and 4111111111111112", ["4111 1111 1111 1111"]),
    ("card", "5500-0000-0000-0004, exp 12/26; at 1732752000000", ["5500-0000-0000-0004"]),
    ("card", "4111 1111 1111 1111 12", ["4111 1111 1111 1111"]),
    ("card", "94111111111111111", []),
    ("iban", "DE89 3704 0044 0532 0130 00 or gb29nwbk60161331926819", None),
    ("iban", "DE88 3704 0044 0532 0130 00, AB12 die Rechnung vom Mai", []),
    ("phone", "+49 30 123456-78, 030 1234567, (212) 555-0123", ["+49 30 123456-78", "030 1234567", "(212) 555-0123"]),
    ("phone", "on 01.02.2026 at 12:30:45, 2026-01-02, 18.50 EUR", []),
    ("ip", "10.0.0.1:80 from 2001:db8::1.", ["10.0.0.1", "2001:db8::1"]),
    ("ip", "12:30:45 and 00:1b:44:11:3a:b7 and 1.2.3", []),
]


@pytest.mark.parametrize(("kind", "text", "places"), FOUND)
def test_a_ready_rule_finds_what_it_is_named_for(kind: str, text: str, places: list[str] | None) -> None:
    expected = ["DE89 3704 0044 0532 0130 00", "gb29nwbk60161331926819"] if places is None else places
    assert [text[start:stop] for start, stop in READY[kind](text)] == expected


REFUSED: list[tuple[Any, str, str]] = [
    ("no list", "/redaction", "type"),
    ([{"id": "a", "kind": "email"}] * (MAX_RULES + 1), "/redaction", "too_many"),
    (["email"], "/redaction/0", "type"),
    ([{"id": "No", "kind": "email"}], "/redaction/0/id", "name"),
    ([{"id": "a", "kind": "magic"}], "/redaction/0/kind", "choice"),
    ([{"id": "a", "kind": "email", "path": "/input"}], "/redaction/0/path", "unknown_field"),
    ([{"id": "a", "kind": "email", "output": 1}], "/redaction/0/output", "type"),
    ([{"id": "a", "kind": "pattern", "pattern": "("}], "/redaction/0/pattern", "pattern"),
    ([{"id": "a", "kind": "pattern", "pattern": "x*"}], "/redaction/0/pattern", "empty"),
    ([{"id": "a", "kind": "pattern", "pattern": "(a{1,100}){1,5}"}], "/redaction/0/pattern", "too_large"),
    ([{"id": "a", "kind": "pattern", "pattern": "x" * 1001}], "/redaction/0/pattern", "range"),
    ([{"id": "a", "kind": "pattern", "pattern": "a\ud800"}], "/redaction/0/pattern", "pattern"),
    ([{"id": f"a{n}", "kind": "pattern", "pattern": "b{1,90}c"} for n in range(20)], "/redaction", "too_large"),
    ([{"id": "a", "kind": "email"}, {"id": "a", "kind": "ip"}], "/redaction/1/id", "twice"),
    ([{"id": "a", "kind": "mask", "path": "input"}], "/redaction/0/path", "path"),
    ([{"id": "a", "kind": "mask", "path": "/external_id"}], "/redaction/0/path", "path"),
    ([{"id": "a", "kind": "drop", "path": "/output"}], "/redaction/0/path", "path"),
    ([{"id": "a", "kind": "mask", "path": "/context/*/attachment"}], "/redaction/0/path", "path"),
    ([{"id": "a", "kind": "drop", "path": "/alternatives/*/output"}], "/redaction/0/path", "path"),
    ([{"id": "a", "kind": "drop", "path": "/context/0"}], "/redaction/0/path", "path"),
]


@pytest.mark.parametrize(("rules", "pointer", "code"), REFUSED)
def test_what_cannot_be_used_is_refused_with_its_place(rules: Any, pointer: str, code: str) -> None:
    assert (pointer, code) in [(problem.pointer, problem.code) for problem in redaction_problems(rules)]


def content(**parts: Any) -> dict[str, Any]:
    return {"input": None, "output": "", "alternatives": [], "context": [], "metadata": {}, **parts}


def left_of(rules: list[dict[str, Any]], **parts: Any) -> tuple[dict[str, Any], dict[str, int]]:
    assert redaction_problems(rules) == []
    redaction = Redaction(rules_of(rules))
    return redaction.content(content(**parts)), dict(redaction.places)


def test_fields_are_masked_or_dropped_wherever_their_path_leads() -> None:
    rules = [
        {"id": "name", "kind": "mask", "path": "/metadata/people/*/name"},
        {"id": "who", "kind": "drop", "path": "/metadata/who"},
        {"id": "deep", "kind": "mask", "path": "/output/a~1b/1"},
    ]
    metadata = {"people": [{"name": "Jane", "age": 3}, {"name": None}], "who": {"x": 1}}
    left, places = left_of(rules, metadata=metadata, output={"a/b": ["kept", 12]})
    assert left["metadata"] == {"people": [{"name": "[redacted:name]", "age": 3}, {"name": None}]}
    assert left["output"] == {"a/b": ["kept", "[redacted:deep]"]}
    assert places == {"name": 1, "who": 1, "deep": 1}


def test_a_rule_may_leave_the_output_alone() -> None:
    rules = [{"id": "ip", "kind": "ip", "output": False}, {"id": "email", "kind": "email"}]
    left, places = left_of(rules, input="10.0.0.1", output="10.0.0.1 of a@example.org")
    assert (left["input"], left["output"]) == ("[redacted:ip]", "10.0.0.1 of [redacted:email]")
    assert places == {"ip": 1, "email": 1}


def test_names_of_fields_and_card_numbers_written_as_numbers_are_masked_too() -> None:
    rules = [{"id": "email", "kind": "email"}, {"id": "card", "kind": "card"}]
    metadata = {"a@example.org": 4111111111111111, "b@example.org": True, "n": 4111111111111112}
    left, places = left_of(rules, metadata=metadata)
    assert left["metadata"] == {
        "[redacted:email]": "[redacted:card]",
        "[redacted:email][redacted:email]": True,
        "n": 4111111111111112,
    }
    assert places == {"email": 2, "card": 1}


def test_matches_that_overlap_are_one_place() -> None:
    rules = rules_of(
        [{"id": "a", "kind": "pattern", "pattern": "one two"}, {"id": "b", "kind": "pattern", "pattern": "two three"}]
    )
    assert masked_text("one two three four", rules) == "[redacted:a] four"


def test_a_mask_of_an_unknown_rule_hides_nothing() -> None:
    rules = rules_of([{"id": "card", "kind": "card"}])
    assert masked_text("[redacted:x4111 1111 1111 1111]", rules) == "[redacted:x[redacted:card]]"


@pytest.mark.parametrize("pattern", ["x(?:[^\n]*y)?", "^x", "(a|b)*a(a|b){20}c", "x"])
def test_a_hostile_text_costs_no_more_than_a_moment_and_keeps_no_match(pattern: str) -> None:
    rules = rules_of([{"id": "p", "kind": "pattern", "pattern": pattern}])
    started = time.perf_counter()
    left = masked_text("x" * 262_144, rules)
    assert time.perf_counter() - started < 5
    assert masked_text(left, rules) == left
    assert left.count("x") == 0 or "c" in pattern
    assert left.count("[redacted:p]") <= MOST_PLACES + 1
