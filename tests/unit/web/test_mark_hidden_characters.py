"""What is invisible in a text becomes visible, and the text stays the same when it is copied."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.web.hostile import MOST_COMBINING, shown


def copied(html: str) -> str:
    """What the browser's clipboard gets: the text without the elements; the names are drawn by the style sheet."""
    return unescape(re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize(
    "text",
    [
        "plain words, 18 EUR",
        "two\nlines\tand a tab",
        "Schöne Grüße, ça va, żółć",
        "שלום עולם",
        "السلام عليكم",
        "क्षत्रिय",
        "日本語のテキスト",
        "👨‍👩‍👧 family, ❤️ heart, 1️⃣ keycap, 👍🏽 thumb",
        "non\u00a0breaking",
        "e\u0301 composed",
    ],
)
def test_ordinary_text_of_any_script_has_no_marks(text: str) -> None:
    assert shown(text).marks == 0
    assert copied(shown(text).html) == text


@pytest.mark.parametrize(
    ("char", "name"),
    [
        ("\u202e", "RLO"),
        ("\u2066", "LRI"),
        ("\u200b", "ZWSP"),
        ("\u200d", "ZWJ"),
        ("\u00ad", "SHY"),
        ("\ufeff", "BOM"),
        ("\u3164", "FILLER"),
        ("\u2800", "BLANK"),
        ("\ufe0f", "U+FE0F"),
        ("\U000e0041", "tag A"),
        ("\U000e0001", "U+E0001"),
        ("\x1b", "U+001B"),
        ("\x85", "U+0085"),
        ("\ue000", "U+E000"),
        ("\u0378", "U+0378"),
        ("\u2028", "LSEP"),
    ],
)
def test_a_character_nobody_sees_is_marked_by_name(char: str, name: str) -> None:
    result = shown(f"ab{char}cd")
    assert result.marks == 1
    assert f'data-mark="{name}"' in result.html


def test_piled_up_combining_marks_are_cut_and_counted() -> None:
    result = shown("z" + "\u0301" * 1000 + "x")
    assert result.marks == 1000 - MOST_COMBINING
    assert f'data-mark="+{1000 - MOST_COMBINING}"' in result.html


def test_line_ends_of_every_system_are_one() -> None:
    assert shown("a\r\nb\rc\nd").html == "a\nb\nc\nd"


@given(st.text())
def test_whatever_the_text_no_markup_of_it_survives(text: str) -> None:
    tags = re.findall(r"<[^>]*>", shown(text).html)
    assert all(re.fullmatch(r'<span class="mark" role="img" [^<>]*>|</span>|<i>|</i>', tag) for tag in tags)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_copying_gives_the_text_as_it_was(text: str) -> None:
    assert copied(shown(text).html) == text


@given(st.text(st.characters(categories=["Cf", "Co", "Cn", "Lu", "Mn"])))
def test_every_mark_is_isolated_in_an_element_of_its_own(text: str) -> None:
    """So that an override or an unbalanced isolate ends where its mark ends."""
    outside = unescape(re.sub(r'<span class="mark".*?</span>', "", shown(text).html, flags=re.DOTALL))
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", outside)


def test_a_long_text_takes_no_time() -> None:
    assert shown("word \u200b" * 4_000).marks == 4_000
