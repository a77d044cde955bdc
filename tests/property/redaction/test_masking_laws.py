"""Whatever the rules and the content: applied again they change nothing, nothing they find is left, the shape stays."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.redaction.masking import Redaction, masked_text
from reviewqueue.redaction.rules import Rules, redaction_problems, rules_of

PATTERNS = ["[0-9]", "^a", "b$", r"\bab\b", "a+b", "[^c]", r"\[redacted", "redacted", "ab|ba", "é", r"\]", "e[a-z]*"]
PIECES = ["a", "b", "c", "ab", "1", " ", "@", ".", "x@y.zz", "4111 1111 1111 1111", "[redacted:r0]", "[redacted:", "]"]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)
ready = st.sampled_from(["email", "card", "iban", "phone", "ip"]).map(lambda kind: {"kind": kind})
own = st.sampled_from(PATTERNS).map(lambda pattern: {"kind": "pattern", "pattern": pattern})
rule_lists = st.lists(st.tuples(ready | own, st.booleans()), min_size=1, max_size=4).map(
    lambda rules: [{"id": f"r{place}", **rule, "output": kept} for place, (rule, kept) in enumerate(rules)]
)
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(0, 1) | texts
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=20,
)


def shape(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((shape(each) for each in value.values()), key=repr)
    return [shape(each) for each in value] if isinstance(value, list) else None


def unmasked(text: str, rules: Rules) -> list[str]:
    return rules.masks.split(text)


@given(rule_lists, texts)
def test_a_text_keeps_nothing_that_a_rule_finds_and_is_masked_once(declared: list[dict[str, Any]], text: str) -> None:
    assert redaction_problems(declared) == []
    rules = rules_of(declared)
    left = masked_text(text, rules)
    assert masked_text(left, rules) == left
    assert not [piece for piece in unmasked(left, rules) for rule in rules.patterns if piece and rule.find(piece)]


@given(rule_lists, values)
@settings(max_examples=150)
def test_content_keeps_its_shape_and_masking_again_changes_nothing(declared: list[dict[str, Any]], value: Any) -> None:
    content = {"input": value, "output": value, "alternatives": [], "context": [], "metadata": {"m": value}}
    rules = rules_of(declared)
    first = Redaction(rules)
    left = first.content(content)
    again = Redaction(rules)
    assert again.content(left) == left
    assert not again.places
    assert shape(left["input"]) == shape(value)
    assert bool(first.places) == (left != content)


steps = st.lists(st.sampled_from(["*", "a", "b", "0", "1", "ab", "~0", "~1"]), min_size=1, max_size=5)


@given(steps, st.sampled_from(["mask", "drop"]), values)
def test_a_field_rule_is_applied_once_and_leaves_the_rest(steps: list[str], kind: str, value: Any) -> None:
    declared = [{"id": "f", "kind": kind, "path": "/".join(["/input", *steps])}]
    assert redaction_problems(declared) == []
    content = {"input": value, "output": value, "alternatives": [], "context": [], "metadata": {}}
    rules = rules_of(declared)
    left = Redaction(rules).content(content)
    assert left["output"] == value
    if kind == "mask":
        again = Redaction(rules)
        assert again.content(left) == left
        assert not again.places


def test_nesting_as_deep_as_a_body_may_be_is_masked_to_the_bottom() -> None:
    value: Any = "x@y.zz"
    for _ in range(32):
        value = [{"k": value}]
    rules = rules_of([{"id": "email", "kind": "email"}])
    assert "x@y" not in str(Redaction(rules).value(value))
