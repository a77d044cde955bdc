"""Options as lines of text, and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.pipelines.form_options import option_problems
from reviewqueue.web.option_lines import as_lines, in_lines


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("true", "true"),
        ("yes = Yes, it does", {"value": "yes", "title": "Yes, it does"}),
        ("yes [y]", {"value": "yes", "key": "y"}),
        ("yes = Yes = sure [y]", {"value": "yes", "title": "Yes = sure", "key": "y"}),
        ("a=b", "a=b"),
        ("list[0]", "list[0]"),
    ],
)
def test_a_line_is_read_as_it_looks(line: str, option: Any) -> None:
    assert in_lines(f"\n  {line}  \r\n\n") == [option]
    assert as_lines([option]) == line


def test_an_option_that_looks_like_another_stands_as_json() -> None:
    assert as_lines(["a = b"]) == '"a = b"'
    assert in_lines('"a = b"') == ["a = b"]


TEXT = st.text(min_size=1, max_size=8) | st.sampled_from(["a = b", "a [b]", "= [", '"', "{", " a", "[k]", "x = y [z]"])
OPTION = TEXT | st.fixed_dictionaries({"value": TEXT}, optional={"title": TEXT, "key": st.sampled_from([*"bdfg"])})


@given(st.lists(OPTION, max_size=3))
def test_every_sound_list_comes_back_as_it_was(options: list[Any]) -> None:
    if not list(option_problems("/options", options, at_least=0)):
        assert in_lines(as_lines(options)) == options
