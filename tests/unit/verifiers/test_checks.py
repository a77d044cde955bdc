"""What each kind of check finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reviewqueue.verifiers.finding import Finding
from tests.unit.verifiers.claims import INVOICE, PRICES, verified

PASS = ("pass", "")


def said(finding: Finding) -> tuple[str, str]:
    return finding.outcome, finding.note


# --- JSON Schema -----------------------------------------------------------------------------------------------

SHAPE: dict[str, Any] = {
    "kind": "json_schema",
    "schema": {
        "type": "object",
        "required": ["total"],
        "properties": {"total": {"type": "number", "minimum": 0}, "lines": {"items": {"$ref": "#/$defs/line"}}},
        "$defs": {"line": {"type": "object", "required": ["price"]}},
    },
}


def test_a_schema_is_met_or_not() -> None:
    assert said(verified(SHAPE, INVOICE)) == PASS
    assert said(verified(SHAPE, {"total": -1})) == ("fail", "schema")
    assert said(verified(SHAPE, {"total": 1, "lines": [{}]})) == ("fail", "schema")
    assert said(verified(SHAPE, "a text")) == ("fail", "schema")


def test_a_text_that_should_hold_json_is_read_first() -> None:
    check = {**SHAPE, "json_text": True}
    assert said(verified(check, json.dumps(INVOICE))) == PASS
    assert said(verified(check, '{"total": 1, "total": 2}')) == ("fail", "not_json"), "a duplicate key is no JSON here"
    assert said(verified(check, "Total: 19.10")) == ("fail", "not_json")
    assert said(verified(check, INVOICE)) == ("fail", "not_a_text")


# --- patterns --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "output", "expected"),
    [
        ({"pattern": r"\d+ EUR"}, "It is 18 EUR.", PASS),
        ({"pattern": r"\d+ EUR"}, "It is free.", ("fail", "no_match")),
        ({"pattern": r"\d+ EUR", "whole": True}, "It is 18 EUR.", ("fail", "no_match")),
        ({"pattern": r"\d+ EUR", "whole": True}, "18 EUR", PASS),
        ({"pattern": "(?i)as an ai", "forbidden": True}, "As an AI I cannot", ("fail", "matches")),
        ({"pattern": "(?i)as an ai", "forbidden": True}, "It is free.", PASS),
        ({"pattern": "x"}, {"not": "a text"}, ("unknown", "not_a_text")),
        ({"pattern": "EUR", "field": "/output/currency"}, {"currency": "EUR"}, PASS),
        ({"pattern": "EUR", "field": "/output/currency"}, {}, ("unknown", "missing")),
        ({"pattern": "^de$", "field": "/segments/language"}, "", PASS),
    ],
)
def test_a_pattern_is_found_or_not(terms: dict[str, Any], output: Any, expected: tuple[str, str]) -> None:
    assert said(verified({"kind": "pattern", **terms}, output, segments={"language": "de"})) == expected


# --- numbers ---------------------------------------------------------------------------------------------------

EUROS = {"units": {"EUR": 1, "€": 1, "ct": 0.01}, "at_least": 1, "at_most": 100}


@pytest.mark.parametrize(
    ("terms", "output", "expected"),
    [
        ({"at_least": 1, "at_most": 2}, 1, PASS),
        ({"at_least": 1, "at_most": 2}, 2.00000001, ("fail", "too_large")),
        ({"at_least": 0.1}, 0.1, PASS),
        ({"at_least": 0.1}, "about 0.09 of it", ("fail", "too_small")),
        ({"at_least": 1}, True, ("fail", "not_a_number")),
        ({"at_least": 1}, "none", ("fail", "not_a_number")),
        ({"at_least": 1}, "from 3 to 5", ("unknown", "several_numbers")),
        ({"at_most": -1}, "-5 degrees", PASS),
        ({"at_most": -1}, "−5 degrees", PASS),
        ({"at_most": 2000}, "1,800.50", PASS),
        ({"at_most": 2000}, "1 800.50", PASS),
        ({"at_most": 2000, "decimal_mark": ","}, "1.800,50", PASS),
        ({"at_most": 2, "decimal_mark": ","}, "1,800", PASS),
        (EUROS, "18 EUR per seat", PASS),
        (EUROS, "costs €18", PASS),
        (EUROS, "1800 ct", PASS),
        (EUROS, "18 USD", ("fail", "other_unit")),
        (EUROS, "18 EURO", ("fail", "other_unit")),
        (EUROS, 18, ("fail", "no_unit")),
        ({"at_least": 1}, "v14 of it", ("fail", "not_a_number")),
        ({"at_least": 1}, "x" * 20_000, ("unknown", "too_long_to_read")),
    ],
)
def test_a_number_lies_in_its_range_in_its_unit(terms: dict[str, Any], output: Any, expected: tuple[str, str]) -> None:
    assert said(verified({"kind": "number_range", **terms}, output)) == expected


# --- arithmetic ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("sum(output.lines.quantity * output.lines.price) == output.total", PASS),
        ("sum(output.lines.price) == output.total", ("fail", "does_not_hold")),
        ("0.1 + 0.2 == 0.3", PASS),
        ("0 < output.total <= 19.1 and output.currency == 'EUR'", PASS),
        ("output.currency == 'USD' or not output.total < 0", PASS),
        ("all(output.lines.quantity > 0) and any(output.lines.price < 1)", PASS),
        ("len(output.lines) == 2 and output.lines[0].price == max(output.lines.price)", PASS),
        ("round(output.total, 0) == 19 and abs(-2) == +2 and min(1, output.lines.price) == 0.1", PASS),
        ("output.total == number(metadata.expected)", PASS),
        ("output['total'] / 2 > 9", PASS),
        ("output.total / 0 > 1", ("unknown", "no_result")),
        ("output.total", ("unknown", "no_result")),
        ("output.tax > 0", ("unknown", "missing")),
        ("output.lines[2].price > 0", ("unknown", "missing")),
        ("output.currency > 1", ("unknown", "not_a_number")),
        ("output.currency == 1", ("unknown", "not_comparable")),
        ("sum(output.lines.price * metadata.three) > 0", ("unknown", "other_lengths")),
        ("sum", ("unknown", "no_result")),
        ("metadata.huge * metadata.huge * metadata.huge > 1", ("unknown", "no_result")),
        ("category == 'billing' and segments.language == 'de'", PASS),
    ],
)
def test_an_expression_over_the_claim_holds_or_not(expression: str, expected: tuple[str, str]) -> None:
    metadata = {"expected": "19.10", "three": [1, 2, 3], "huge": 1e300}
    claim: dict[str, Any] = {"metadata": metadata, "category": "billing", "segments": {"language": "de"}}
    assert said(verified({"kind": "arithmetic", "expression": expression}, INVOICE, **claim)) == expected


def test_what_is_right_of_and_is_only_looked_at_when_it_matters() -> None:
    guarded = {"kind": "arithmetic", "expression": "len(output.lines) == 0 or output.lines[0].price > 0"}
    assert said(verified(guarded, {"lines": []})) == PASS


def test_sums_may_be_off_by_a_tolerance() -> None:
    check = {"kind": "arithmetic", "expression": "output.total == 19"}
    assert said(verified(check, INVOICE)) == ("fail", "does_not_hold")
    assert said(verified({**check, "tolerance": 0.1}, INVOICE)) == PASS


def test_an_expression_reads_json_from_a_text() -> None:
    check = {"kind": "arithmetic", "expression": "output.total == 19.1", "json_text": True}
    assert said(verified(check, json.dumps(INVOICE))) == PASS
    assert said(verified(check, "no JSON")) == ("unknown", "not_json")


# --- values, length, language ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "output", "expected"),
    [
        ({"values": ["yes", "no"]}, "yes", PASS),
        ({"values": ["yes", "no"]}, " Yes", ("fail", "not_allowed")),
        ({"values": ["yes", "no"], "ignore_case": True}, " ＹＥＳ", PASS),
        ({"values": [1, 2.5]}, 2.5, PASS),
        ({"values": [1]}, True, ("fail", "not_allowed")),
        ({"values": [True]}, 1, ("fail", "not_allowed")),
        ({"values": ["1"]}, 1, ("fail", "not_allowed")),
        ({"values": ["a"]}, ["a"], ("fail", "not_allowed")),
    ],
)
def test_only_some_values_are_allowed(terms: dict[str, Any], output: Any, expected: tuple[str, str]) -> None:
    assert said(verified({"kind": "allowed_values", **terms}, output)) == expected


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"at_least": 3, "at_most": 20}, PASS),
        ({"at_most": 10}, ("fail", "too_long")),
        ({"unit": "words", "at_least": 5}, ("fail", "too_short")),
        ({"unit": "words", "at_least": 4, "at_most": 4}, PASS),
        ({"unit": "sentences", "at_least": 2, "at_most": 2}, PASS),
        ({"unit": "sentences", "at_most": 1}, ("fail", "too_long")),
    ],
)
def test_a_text_has_its_length(terms: dict[str, Any], expected: tuple[str, str]) -> None:
    assert said(verified({"kind": "length", **terms}, "It is so. Yes!")) == expected


ENGLISH = "The plan costs eighteen euros for every seat, and it is billed once a month."
GERMAN = "Der Tarif kostet achtzehn Euro für jeden Platz und wird einmal im Monat abgerechnet."


def test_a_text_is_in_its_language() -> None:
    check = {"kind": "language", "languages": ["en"]}
    assert said(verified(check, ENGLISH)) == PASS
    found = verified(check, GERMAN)
    assert said(found) == ("fail", "other_language")
    assert found.score is not None
    assert found.score < 0.1
    assert said(verified({**check, "languages": ["en", "de"]}, GERMAN)) == PASS
    assert said(verified(check, "18 EUR")) == ("unknown", "too_short_to_tell")


# --- evidence --------------------------------------------------------------------------------------------------

COVERED = {"kind": "evidence_coverage", "at_least": 1}


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ("The Pro plan costs 18 EUR per seat [1].", 1.0),
        ("The Pro plan costs 19 EUR per seat.", 0.0),
        ("The Pro plan costs 18 EUR per seat. Elephants sing opera at night.", 0.5),
        ("THE TEAM PLAN COSTS ９ EUR!", 1.0),
        ({"answer": "The Team plan costs 9 EUR."}, 1.0),
    ],
)
def test_sentences_are_borne_out_by_a_passage_with_their_words_and_all_their_numbers(output: Any, score: float) -> None:
    found = verified(COVERED, output, context=[PRICES])
    assert (found.score, found.outcome) == (score, "pass" if score == 1 else "fail")


def test_without_context_or_sentences_nothing_can_be_told() -> None:
    assert said(verified(COVERED, "The Pro plan costs 18 EUR.")) == ("unknown", "no_context")
    assert said(verified(COVERED, "…", context=[PRICES])) == ("unknown", "nothing_said")
    assert said(verified(COVERED, "The Pro plan.", context=[{"text": " "}])) == ("unknown", "no_context")


def test_words_are_compared_and_not_meanings() -> None:
    """Five of six words stand in the passage about the Team plan: only a higher share finds that the sixth does not."""
    wrong = "The Pro plan costs 9 EUR."
    assert verified(COVERED, wrong, context=[PRICES]).score == 1
    assert verified({**COVERED, "support": 0.9}, wrong, context=[PRICES]).score == 0


def test_a_lower_share_may_be_enough() -> None:
    half = "The Pro plan costs 18 EUR per seat. Elephants sing opera at night."
    assert said(verified({**COVERED, "at_least": 0.5}, half, context=[PRICES])) == PASS


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("It costs 18 EUR [1].", PASS),
        ("It costs 18 EUR [p1].", PASS),
        ("It costs 18 EUR [price  list].", PASS),
        ("It costs 18 EUR [1; Price list].", PASS),
        ("It costs 18 EUR [2].", ("fail", "points_nowhere")),
        ("It costs 18 EUR [1] [2].", ("fail", "points_nowhere")),
        ("It costs 18 EUR.", ("fail", "too_few_citations")),
    ],
)
def test_citations_point_at_what_is_there(output: str, expected: tuple[str, str]) -> None:
    assert said(verified({"kind": "citations"}, output, context=[PRICES])) == expected


def test_an_output_may_cite_nothing_where_that_is_allowed() -> None:
    assert said(verified({"kind": "citations", "least": 0}, "It is free.", context=[])) == PASS
