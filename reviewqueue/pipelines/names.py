"""Enumerated names: plain printable ASCII, so that no two of them look alike. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reviewqueue.errors import FieldProblem

MAX_NAME: Final = 80
RULE: Final = f"Names are 1 to {MAX_NAME} printable ASCII characters."


def is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_NAME and value.isascii() and value.isprintable()


def name_problems(pointer: str, names: Sequence[object]) -> list[FieldProblem]:
    return [] if all(map(is_name, names)) else [FieldProblem(pointer, "name", RULE)]


def pointer_to(*steps: str) -> str:
    """A JSON Pointer to a member that somebody else named."""
    return "".join("/" + step[:MAX_NAME].replace("~", "~0").replace("/", "~1") for step in steps)
