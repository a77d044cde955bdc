"""Which way of looking fits a value, and that none of them leaves something out in silence."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.pipelines.content_views import declared_views, view_problems, with_every_view
from reviewqueue.web import json_tree
from reviewqueue.web.content_views import MOST_ROWS, MOST_TURNS, Table, Turns, formatted, written
from reviewqueue.web.markdown import Allowance

HOSTILE = "<img src=x onerror=alert(1)>\u202e"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("# a text", None),
        ("", None),
        (18, None),
        (True, None),
        (None, None),
        ({}, None),
        ([], None),
        ({"plan": "Pro"}, "tree"),
        (["a", "b"], "tree"),
        ([{"plan": "Pro", "price": 18}, {"plan": "Free", "trial": None}], "table"),
        ([{"plan": "Pro", "price": {"EUR": 18}}], "tree"),
        ([{"plan": "Pro"}, "free"], "tree"),
        ([{}], "tree"),
        ([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": None, "tool_calls": []}], "turns"),
        ([{"role": "user", "content": "Hi"}, {"role": "assistant"}], "table"),
        ([{"role": 7, "content": "Hi"}], "table"),
        ([{f"column {number}": 1 for number in range(40)}], "tree"),
    ],
)
def test_the_shape_of_a_value_decides_how_it_is_shown(value: Any, kind: str | None) -> None:
    view = formatted(value)
    assert (view.kind if view else None) == kind


def test_a_text_is_markdown_only_where_the_pipeline_says_so() -> None:
    assert formatted("# Head", "auto") is None
    assert formatted("# Head", "text") is None
    view = formatted("# Head", "markdown")
    assert view
    assert view.kind == "markdown"
    assert formatted("  ", "markdown") is None


@pytest.mark.parametrize("text", ["18 EUR & more", " plain words\nin two lines\n", "approve\u202e <b>"])
def test_a_text_that_looks_the_same_as_markdown_has_one_view(text: str) -> None:
    assert formatted(text, "markdown") is None


@pytest.mark.parametrize("text", ['{"plan": "Pro"}', ' [1, {"a": []}]\n'])
def test_a_text_that_is_json_is_a_text_first_and_a_tree_next(text: str) -> None:
    view = formatted(text)
    assert view
    assert (view.kind, view.comes_first) == ("tree", False)
    assert formatted(text, "text") is None


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "7", '"text"', '{"a": 1, "a": 2}', "{broken", "[1] see", "[" * 40 + "]" * 40, "[NaN]", "{\ud800"],
)
def test_a_text_that_is_not_quite_json_is_no_tree(text: str) -> None:
    assert formatted(text) is None


def test_messages_are_markdown_where_the_pipeline_says_so() -> None:
    conversation = [{"role": "user", "content": "**How** much?"}, {"role": "tool", "content": {"EUR": 18}}]
    for wanted, expected in (("markdown", [True, False]), ("auto", [False, False])):
        view = formatted(conversation, wanted)
        assert view
        assert isinstance(view.body, Turns)
        assert [turn.is_markdown for turn in view.body.turns] == expected


def test_a_page_reads_only_so_much_markdown_and_what_comes_first_is_served_first() -> None:
    allowance, text = Allowance(), "**bold** " * 1_000
    views = [formatted(text, "markdown", allowance) for _ in range(5)]
    assert [view is not None for view in views] == [True, True, True, False, False]
    few = formatted([{"role": "user", "content": text}] * 5, "markdown")
    assert few
    assert isinstance(few.body, Turns)
    assert [turn.is_markdown for turn in few.body.turns] == [True, True, True, False, False]


def test_plain_text_can_be_asked_for_whatever_the_shape() -> None:
    assert formatted({"plan": "Pro"}, "text") is None


def test_rows_and_turns_beyond_the_first_are_counted() -> None:
    table = formatted([{"n": number} for number in range(MOST_ROWS + 7)])
    turns = formatted([{"role": "user", "content": "x"}] * (MOST_TURNS + 3))
    assert table
    assert turns
    assert isinstance(table.body, Table)
    assert isinstance(turns.body, Turns)
    assert (len(table.body.rows), table.body.left_out) == (MOST_ROWS, 7)
    assert (len(turns.body.turns), turns.body.left_out) == (MOST_TURNS, 3)


def test_what_else_a_turn_holds_is_shown_with_it() -> None:
    view = formatted([{"role": "tool", "content": {"ok": True}, "name": "search"}])
    assert view
    assert isinstance(view.body, Turns)
    (turn,) = view.body.turns
    assert turn.is_json
    assert turn.more
    assert "search" in turn.more.html


def test_a_cell_that_is_missing_is_not_the_same_as_one_that_is_null() -> None:
    view = formatted([{"a": None}, {"b": "null"}])
    assert view
    assert isinstance(view.body, Table)
    assert [[cell and cell.html for cell in row] for row in view.body.rows] == [["null", None], [None, "null"]]


def test_a_tree_of_more_entries_than_can_be_shown_counts_those_left_out() -> None:
    html = json_tree.tree(list(range(json_tree.MOST_ENTRIES + 50))).html
    assert html.count("<li>") == json_tree.MOST_ENTRIES
    assert "50 more, in the plain text" in html


def test_a_tree_deeper_than_can_be_shown_says_so_where_it_ends() -> None:
    value: Any = "bottom"
    for _ in range(31):
        value = {"down": value}
    html = json_tree.tree(value).html
    assert html.count("<details") == json_tree.DEEPEST - 1
    assert "nested too deep: in the plain text" in html


def test_a_long_text_within_a_tree_says_how_much_of_it_is_left_out() -> None:
    assert "6 more characters" in json_tree.tree({"a": "x" * (json_tree.LONGEST_TEXT + 6)}).html


def test_keys_and_values_of_a_tree_are_text_with_their_hidden_characters_marked() -> None:
    tree = json_tree.tree({HOSTILE: HOSTILE, "inner": [HOSTILE]})
    assert "<img" not in tree.html
    assert tree.marks == 3


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=30,
)


@given(st.lists(JSON, min_size=1) | st.dictionaries(st.text(max_size=8), JSON, min_size=1))
def test_every_small_value_stands_whole_in_its_tree_and_the_tags_match(value: Any) -> None:
    html = json_tree.tree(value).html
    bare = re.sub(r'<span class="mark"[^>]*><i>.*?</i></span>', "", html)
    for name in ("ul", "li", "details", "summary", "span", "bdi"):
        assert len(re.findall(f"<{name}[ >]", bare)) == bare.count(f"</{name}>")
    shown = unescape(re.sub(r"<[^>]+>", "", html))
    for leaf in leaves(value):
        assert leaf.replace("\r\n", "\n").replace("\r", "\n") in shown or not leaf.isprintable()


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(leaf for each in value.values() for leaf in leaves(each))]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [written(value)]


@pytest.mark.parametrize(
    ("views", "pointers"),
    [
        ({}, []),
        ({"input": "auto", "output": "markdown", "markdown_context": ["document"]}, []),
        ({"output": "html"}, ["/content_views/output"]),
        ({"metadata": "text"}, ["/content_views/metadata"]),
        ({"markdown_context": "document"}, ["/content_views/markdown_context"]),
        ({"markdown_context": ["a\nb"]}, ["/content_views/markdown_context"]),
        ({"markdown_context": [f"kind {number}" for number in range(51)]}, ["/content_views/markdown_context"]),
        ({"images": "bright", "audio": "loud"}, ["/content_views/images", "/content_views/audio"]),
        ({"media_origins": ["https://a.example.com", "https://b.example.com:8443"]}, []),
        *(
            ({"media_origins": [origin]}, ["/content_views/media_origins"])
            for origin in (
                "http://a.example.com",
                "https://a.example.com/",
                "https://*.example.com",
                "https://A.example.com",
                "https://user@a.example.com",
                "https://localhost",
                "https://a.example.com; script-src *",
                "https://a.example.com 'unsafe-inline'",
                "https://a.example.com\n",
                "data:",
                "*",
                7,
            )
        ),
        (
            {"media_origins": [f"https://a{number}.example.com" for number in range(11)]},
            ["/content_views/media_origins"],
        ),
        ([], ["/content_views"]),
    ],
)
def test_what_a_pipeline_declares_is_checked(views: Any, pointers: list[str]) -> None:
    assert [problem.pointer for problem in view_problems(views)] == pointers


def test_what_is_as_it_would_be_anyway_is_not_stored() -> None:
    everything = {
        "input": "auto",
        "output": "text",
        "markdown_context": [],
        "media_origins": [],
        "images": "plain",
        "audio": "plain",
    }
    assert declared_views(everything) == {"output": "text"}
    assert with_every_view({"output": "text"}) == everything
