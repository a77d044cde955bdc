"""Whatever can be written canonically is read back as it was, and has one form only."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.ledger.canonical import NotCanonical, canonical, canonical_body, read_leaf

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
whole_numbers = st.integers(-(2**53) + 1, 2**53 - 1)
scalars = st.none() | st.booleans() | whole_numbers | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=15
)
bodies = st.dictionaries(texts, values, max_size=5)


@given(values)
def test_what_is_written_is_read_back_equal(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_read_back_exactly(number: float) -> None:
    assert float(json.loads(canonical(number))) == number


@given(bodies, st.randoms(use_true_random=False))
def test_the_order_in_which_a_body_was_built_leaves_no_trace(body: dict[str, Any], random: Any) -> None:
    items = list(body.items())
    random.shuffle(items)
    assert canonical_body(dict(items)) == canonical_body(body)


@given(bodies)
def test_a_body_is_one_line_and_its_leaf_can_be_read(body: dict[str, Any]) -> None:
    text = canonical_body(body)
    assert "\n" not in text
    assert "\r" not in text
    leaf = f'{{"body":{text},"id":"x","recorded_us":1,"v":1}}'
    assert read_leaf(leaf)["body"] == body


@given(bodies, st.integers(0), st.sampled_from(' \t\n\r,:"}0x\\'))
def test_a_character_put_into_a_leaf_is_noticed(body: dict[str, Any], place: int, character: str) -> None:
    leaf = f'{{"body":{canonical_body(body)},"id":"x","recorded_us":1,"v":1}}'
    place %= len(leaf) + 1
    changed = leaf[:place] + character + leaf[place:]
    try:
        document = read_leaf(changed)
    except NotCanonical:
        return
    assert document != json.loads(leaf)
