"""What holds for the comparison of any output with any known answer."""

from __future__ import annotations

import json
import unicodedata
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.golden.comparing import COMPARISONS, Comparison, is_right, number_of, plain, problems_of

texts = st.text(max_size=30)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(-1e15, 1e15, allow_nan=False)
plain_values = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    plain_values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
comparisons: st.SearchStrategy[Comparison] = st.sampled_from(COMPARISONS)
spaces = st.text(" \t\n\u00a0\u2003", min_size=1, max_size=4)
usual = settings(max_examples=150, deadline=None)


def answers(comparison: Comparison) -> st.SearchStrategy[Any]:
    """Known answers that may be published with this comparison."""
    of = {
        "exact": values,
        "text": texts,
        "number": numbers | numbers.map(repr).filter(lambda text: number_of(text) is not None),
        "one_of": st.lists(values, min_size=1, max_size=4),
    }
    return of[comparison].filter(lambda known: not problems_of(comparison, known))


@usual
@given(comparisons, values, values)
def test_every_comparison_comes_to_an_end_with_yes_or_no(comparison: Comparison, known: Any, output: Any) -> None:
    if not problems_of(comparison, known):
        assert is_right(comparison, known, output) in (True, False)


@usual
@given(st.data(), comparisons)
def test_the_known_answer_itself_is_right(data: st.DataObject, comparison: Comparison) -> None:
    known = data.draw(answers(comparison))
    for output in known if comparison == "one_of" else [known]:
        assert is_right(comparison, known, output)


@usual
@given(st.data(), comparisons, values)
def test_it_is_the_same_after_a_way_through_json(data: st.DataObject, comparison: Comparison, output: Any) -> None:
    known = data.draw(answers(comparison))
    again = json.loads(json.dumps([known, output]))
    assert is_right(comparison, *again) == is_right(comparison, known, output)


@usual
@given(values, values)
def test_exact_is_symmetric_and_order_of_keys_says_nothing(one: Any, other: Any) -> None:
    assert is_right("exact", one, other) == is_right("exact", other, one)
    if isinstance(one, dict):
        assert is_right("exact", one, dict(reversed(one.items())))


@usual
@given(texts.filter(plain), spaces, spaces)
def test_case_form_and_spaces_do_not_make_another_text(text: str, before: str, after: str) -> None:
    for other in (
        before + text + after,
        text.casefold(),
        unicodedata.normalize("NFD", text),
        unicodedata.normalize("NFKC", text),
        plain(text),
    ):
        assert is_right("text", text, other)
    assert not is_right("text", text, text + " and more")


@usual
@given(texts)
def test_what_is_compared_of_a_text_is_settled_in_one_step(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@usual
@given(numbers, st.floats(0, 1e6, allow_nan=False), st.floats(0, 2, allow_nan=False))
def test_a_number_is_right_within_its_tolerance_and_nowhere_else(known: float, tolerance: float, share: float) -> None:
    """Counted in decimals: 0.1 + 0.2 is no further from 0.3 than what is written says."""
    offset = Decimal(repr(tolerance)) * Decimal(repr(share))
    for output in (Decimal(repr(known)) + offset, Decimal(repr(known)) - offset):
        written = format(output, "f")
        if number_of(written) is None:
            continue  # longer than numbers are read
        within = abs(Decimal(written) - Decimal(repr(known))) <= Decimal(repr(tolerance))
        assert is_right("number", known, written, tolerance=tolerance) == within


@usual
@given(st.lists(values, min_size=1, max_size=4), values)
def test_one_of_is_right_where_any_alternative_alone_is(known: list[Any], output: Any) -> None:
    if not problems_of("one_of", known):
        assert is_right("one_of", known, output) == any(is_right("one_of", [each], output) for each in known)
        assert is_right("one_of", [*known, output if output is not None else 0], output) or output is None


@usual
@given(values)
def test_true_is_no_number_and_no_text_is_a_number_by_chance(value: Any) -> None:
    if isinstance(value, bool | list | dict) or value is None:
        assert number_of(value) is None
    assert not is_right("number", 1, True)
    assert not is_right("exact", 1, True)
    assert is_right("exact", 1, 1.0)
