"""Which keys do what for a person."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.accounts.key_bindings import ACTIONS, bindings, own_keys
from reviewqueue.errors import Invalid

STANDARD = {action: action for action in ACTIONS}


def pointers(keys: dict[str, str], **more: object) -> list[str]:
    with pytest.raises(Invalid) as refused:
        bindings({**STANDARD, **keys}, off=False, **more)
    return [problem.pointer for problem in refused.value.problems]


def test_only_what_differs_is_stored() -> None:
    assert bindings(STANDARD, off=False) == {"off": False, "keys": {}}
    assert bindings({**STANDARD, "a": "F"}, off=True) == {"off": True, "keys": {"a": "f"}}


def test_two_actions_may_change_places() -> None:
    stored = bindings({**STANDARD, "a": "x", "x": "a"}, off=False)
    assert own_keys(stored)["a"] == "x"
    assert own_keys(stored)["x"] == "a"


def test_one_key_does_one_thing() -> None:
    assert pointers({"a": "n"}) == ["/keys/a", "/keys/n"]


@pytest.mark.parametrize("key", ["", "ab", " ", "5", "\t", "\x00", "٣", "\u200b"])
def test_a_key_is_one_character_that_shows_and_is_no_digit(key: str) -> None:
    assert pointers({"a": key}) == ["/keys/a"]


def test_a_key_that_a_form_uses_is_taken() -> None:
    assert pointers({"a": "f"}, taken={"f", "q"}) == ["/keys/a"]


def test_an_action_that_does_not_exist_is_refused() -> None:
    assert pointers({"nonsense": "f"}) == ["/keys/nonsense"]


@given(
    st.dictionaries(st.sampled_from(sorted(ACTIONS)), st.sampled_from("abcdefghijklmnopqrstuvwxyzäöü,.-#+"), max_size=8)
)
def test_what_is_accepted_comes_back_and_no_key_does_two_things(wanted: dict[str, str]) -> None:
    keys = {**STANDARD, **wanted}
    try:
        stored = bindings(keys, off=False)
    except Invalid:
        assert len(set(keys.values())) < len(keys)
        return
    assert own_keys(stored) == keys
    assert len(set(keys.values())) == len(keys)
