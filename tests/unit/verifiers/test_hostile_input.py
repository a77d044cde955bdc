"""Whatever an output holds, a check ends soon, says something, and keeps nothing of it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.verifiers.finding import Claim
from reviewqueue.verifiers.notes import NOTES
from reviewqueue.verifiers.running import findings
from tests.property.policy.strategies import json_values
from tests.unit.verifiers.claims import policy_with, verified

EVERY_KIND: tuple[dict[str, Any], ...] = (
    {"kind": "json_schema", "schema": {"type": "object", "properties": {"a": {"pattern": "^(a+)+$"}}}},
    {"kind": "json_schema", "schema": {"type": "array", "uniqueItems": True}, "json_text": True},
    {"kind": "pattern", "pattern": "(x+x+)+y"},
    {"kind": "number_range", "at_least": 0, "units": {"EUR": 1}},
    {"kind": "arithmetic", "expression": "sum(output.a * output.a) == output.b[0] or all(output > 1)"},
    {"kind": "arithmetic", "expression": "len(output) > 1 and output.a == 'x'", "json_text": True},
    {"kind": "allowed_values", "values": ["a", 1, True], "ignore_case": True},
    {"kind": "evidence_coverage", "at_least": 0.5},
    {"kind": "citations"},
    {"kind": "length", "unit": "sentences", "at_most": 3},
    {"kind": "language", "languages": ["en"]},
)
POLICY = policy_with(*EVERY_KIND)


@given(output=json_values, context=st.lists(st.fixed_dictionaries({"text": st.text(), "title": st.text()}), max_size=3))
@settings(max_examples=300, deadline=None)
def test_every_check_says_something_of_every_value(output: Any, context: list[dict[str, str]]) -> None:
    found = findings(POLICY.checks, Claim(output=output, context=context, size=1_000))
    assert len(found) == len(EVERY_KIND)
    for finding in found.values():
        assert finding.outcome in ("pass", "fail", "unknown")
        assert finding.note in {"", *NOTES}, "a note is a code, and never a part of the claim"
        assert finding.score is None or 0 <= finding.score <= 1


@given(output=json_values)
@settings(max_examples=100, deadline=None)
def test_the_same_claim_always_gets_the_same_findings(output: Any) -> None:
    claim = Claim(output=output, size=100)
    assert findings(POLICY.checks, claim) == findings(POLICY.checks, claim)


LARGE = 250_000
LARGE_OUTPUTS: dict[str, Any] = {
    "one word": "x" * LARGE,
    "words": "word " * (LARGE // 5),
    "sentences": "Ab cde 1. " * (LARGE // 10),
    "numbers": "1 " * (LARGE // 2),
    "one number": "1" * LARGE,
    "brackets": "[" * LARGE,
    "citations": "[1]" * (LARGE // 3),
    "list": list(range(40_000)),
    "objects": [{"a": place} for place in range(20_000)],
    "json text": "[" + ",".join(f"[{place},[{place}]]" for place in range(12_000)) + "]",
    "line ends": "\n \n" * (LARGE // 3),
    "full stops": "." * LARGE,
    "quotes": '."' * (LARGE // 2),
    "spaces": "a." + " " * LARGE,
    "combining marks": "a" + "́" * 100_000,
}


@pytest.mark.parametrize("output", LARGE_OUTPUTS.values(), ids=LARGE_OUTPUTS)
@pytest.mark.parametrize("check", EVERY_KIND, ids=[f"{place}-{each['kind']}" for place, each in enumerate(EVERY_KIND)])
def test_the_largest_claim_is_done_with_in_bounded_time(check: dict[str, Any], output: Any) -> None:
    """Well below a second where a step that is not linear would take minutes."""
    context = [{"text": output, "title": "t"}] if isinstance(output, str) else []
    started = time.process_time()
    verified(check, output, context=context)
    assert time.process_time() - started < 5


def test_the_budget_is_shared_and_what_does_not_fit_is_unknown() -> None:
    heavy = policy_with(
        *({"kind": "evidence_coverage", "at_least": place / 10} for place in range(6)), {"kind": "length", "at_most": 9}
    )
    text = ". ".join(f"alpha beta gamma {place}" for place in range(3_000))
    context = [{"text": "\n\n".join("alpha beta gamma" for _ in range(2_000))}]
    found = list(findings(heavy.checks, Claim(output=text, context=context, size=100_000)).values())
    assert [each.note for each in found] == ["too_much_work"] * 6 + ["too_long"], "a cheap check still runs"


def test_equal_checks_are_made_once_whatever_they_are_called() -> None:
    same = {"kind": "length", "at_most": 9}
    policy = policy_with(same, {**same, "field": "/output"}, {**same, "at_most": 10})
    assert len(policy.checks) == 2
    assert len(policy.verifiers) == 3
