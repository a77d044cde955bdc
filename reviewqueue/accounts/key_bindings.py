"""The keys of the review pages, and what a person may put in their place. Pure.

An action is known by the key it has for everybody who changed nothing. Stored are the changes alone:
`{"off": false, "keys": {"a": "f"}}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from reviewqueue.errors import FieldProblem, Invalid

ACTIONS: Final[Mapping[str, str]] = {
    "a": "correct",
    "x": "incorrect",
    "c": "write a correction",
    "q": "cannot judge, beside choices",
    "n": "note",
    "z": "undo the last answer",
    "u": "your last ten answers",
    "s": "skip, then a digit for the reason",
    "e": "pass to the seniors, with a note",
    "h": "keep for later, then a digit for how long",
    "g": "hand over to somebody, with a note",
    ".": "hold the task longer",
    "p": "policy text",
    "[": "previous piece of evidence",
    "]": "next piece of evidence",
    "v": "plain text, and back",
    "j": "scroll down",
    "k": "scroll up",
    "?": "the sheet of keys",
}
"""Digits, Enter, Escape, Tab and the arrows do what they do everywhere, and stay."""


def own_keys(stored: Mapping[str, Any]) -> dict[str, str]:
    """The key of every action for a person; of a stored key that is none any more, the standard one."""
    given = stored.get("keys", {})
    return {action: given.get(action, action) for action in ACTIONS}


def are_off(stored: Mapping[str, Any]) -> bool:
    return bool(stored.get("off", False))


def bindings(keys: Mapping[str, str], *, off: bool, taken: Collection[str] = ()) -> dict[str, Any]:
    """What is stored for these keys (one per action of ACTIONS); `taken` are keys that forms use themselves.

    Raises:
        Invalid: with every problem; pointers name the action's standard key.
    """
    lowered = {action: key.lower() for action, key in keys.items()}
    problems = list(_problems(lowered, frozenset(taken)))
    if problems:
        raise Invalid(problems)
    changed = {action: key for action, key in lowered.items() if key != action}
    return {"off": off, "keys": changed}


def _problems(keys: Mapping[str, str], taken: frozenset[str]) -> Iterator[FieldProblem]:
    uses = Counter(keys.values())
    for action, key in keys.items():
        pointer = f"/keys/{action}"
        if action not in ACTIONS:
            yield FieldProblem(pointer, "unknown", "There is no such action.")
        elif len(key) != 1 or not key.isprintable() or key.isspace():
            yield FieldProblem(pointer, "key", "This is one character that a key writes.")
        elif key.isdigit():
            yield FieldProblem(pointer, "key", "Digits choose answers.")
        elif uses[key] > 1:
            others = ", ".join(ACTIONS[other] for other, same in keys.items() if same == key and other != action)
            yield FieldProblem(pointer, "clash", f"“{key}” is also: {others}.")
        elif key in taken and key != action:
            yield FieldProblem(pointer, "clash", f"“{key}” chooses an answer in a pipeline you review.")
