"""RFC 8785 (its own examples), and what the ledger refuses beyond it."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.ledger.canonical import MAX_BODY_BYTES, MAX_LEVELS, NotCanonical, canonical, canonical_body, read_leaf


def nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels - 1):
        value = [value]
    return value


def leaf_of(body: str) -> str:
    return f'{{"body":{body},"id":"x","recorded_us":1,"v":1}}'


def test_the_example_of_the_standard_comes_out_as_printed_there() -> None:
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_their_utf16_code_units() -> None:
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    written = canonical(dict.fromkeys(keys, 0)).decode()
    assert written == '{"\\r":0,"1":0,"\u0080":0,"\u00f6":0,"\u20ac":0,"\U0001f600":0,"\ufb33":0}'


def test_text_is_kept_as_it_is_and_not_normalised() -> None:
    assert canonical(["\u00e9", "e\u0301"]).decode() == '["\u00e9","e\u0301"]'


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**53, "domain"),
        (-(2**53), "domain"),
        ("\ud800", "UTF-8"),
        ({"\ud800": 1}, "surrogates"),
        ("a\x00b", "NUL"),
        ({"a": {"\x00": 1}}, "NUL at /a"),
        ({1: 2}, "no text"),
        ({1, 2}, "unsupported"),
        (nested(MAX_LEVELS + 1), "levels"),
        (nested(100_000), "levels"),
    ],
)
def test_what_has_no_safe_form_is_refused(value: object, why: str) -> None:
    with pytest.raises(NotCanonical, match=why):
        canonical(value)


def test_the_largest_integers_and_the_deepest_nesting_are_accepted() -> None:
    assert canonical([2**53 - 1, -(2**53) + 1]) == b"[9007199254740991,-9007199254740991]"
    assert canonical(nested(MAX_LEVELS)) == b"[" * MAX_LEVELS + b"]" * MAX_LEVELS


def test_a_body_has_no_binary_floats() -> None:
    with pytest.raises(NotCanonical, match="float at /a/1"):
        canonical_body({"a": [1, 0.5]})


def test_a_body_of_sixty_kibibytes_fits_and_one_byte_more_does_not() -> None:
    room = MAX_BODY_BYTES - len('{"a":""}')
    assert len(canonical_body({"a": "x" * room})) == MAX_BODY_BYTES
    with pytest.raises(NotCanonical, match="bytes"):
        canonical_body({"a": "x" * (room + 1)})


def test_a_leaf_is_read_only_in_its_one_form() -> None:
    document = read_leaf(leaf_of('{"a":1,"b":"é"}'))
    assert document["body"] == {"a": 1, "b": "é"}


@pytest.mark.parametrize(
    "body",
    [
        '{"a":1 }',
        '{"b":1,"a":1}',
        '{"a":1,"a":1}',
        '{"a":1.0}',
        '{"a":1e0}',
        '{"a":-0}',
        '{"a":"\\u0041"}',
        '{"a":"\\/"}',
        '{"a":NaN}',
        '{"a":9007199254740992}',
        '{"a":"\\u0000"}',
        '{"a":"\\ud800"}',
        "{'a':1}",
        "[" * 100_000,
        "",
    ],
)
def test_a_leaf_in_any_other_form_is_refused(body: str) -> None:
    with pytest.raises(NotCanonical):
        read_leaf(leaf_of(body))


def test_a_leaf_that_is_no_object_is_refused() -> None:
    with pytest.raises(NotCanonical):
        read_leaf("[]")


def test_the_deepest_body_can_still_be_read_in_its_wrapper() -> None:
    body = canonical_body({"a": nested(MAX_LEVELS - 1)})
    assert read_leaf(leaf_of(body))
