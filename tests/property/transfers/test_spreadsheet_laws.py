"""Quoting for spreadsheets takes the danger out of every text, and loses none."""

from __future__ import annotations

import unicodedata

from hypothesis import example, given
from hypothesis import strategies as st

from reviewqueue.transfers.spreadsheet import quoted, unquoted

BEGINNINGS = "'=+-@\t\r\n\0 \u00a0\u200b\ufeff＝＋－＠\u2212\ufe62ab1"
texts = st.text(alphabet=st.sampled_from(BEGINNINGS) | st.characters(), max_size=8)


@given(text=texts)
@example(text="''=1")
def test_every_text_comes_back(text: str) -> None:
    assert unquoted(quoted(text)) == text


@given(text=texts)
def test_no_quoted_text_begins_like_a_formula(text: str) -> None:
    """Whatever a program trims or narrows before it looks."""
    seen = unicodedata.normalize("NFKC", quoted(text)).strip().lstrip("\u200b\ufeff").lstrip()
    assert not seen.startswith(("=", "+", "-", "@", "\u2212"))
    assert not quoted(text).startswith(("\t", "\r", "\n", "\0"))


@given(text=texts.filter(lambda text: text[:1].isalnum()))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert quoted(text) == text
