"""A JSON value as nested lists that open and close. Pure; keys and values are what others wrote.

Bounded in depth, in entries and in the length of each text. What is left out is counted where it would stand, and the
plain text beside the tree holds all of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from reviewqueue.web.hostile import Shown, shown

MOST_ENTRIES: Final = 1_000
DEEPEST: Final = 12
LONGEST_TEXT: Final = 4_000
OPEN_ENTRIES: Final = 150
"""The first ones stand open, so that a small value is read without a click."""


def tree(value: dict[str, Any] | list[Any]) -> Shown:
    writer = _Writer()
    html = "".join(writer.entries(value, 0))
    return Shown(html, writer.marks)


class _Writer:
    def __init__(self) -> None:
        self.marks = 0
        self._written = 0

    def entries(self, value: Any, depth: int) -> Iterator[str]:
        pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
        yield "<ul>"
        for place, (key, each) in enumerate(pairs):
            if self._written >= MOST_ENTRIES:
                yield f'<li class="left-out">{len(pairs) - place} more, in the plain text</li>'
                break
            self._written += 1
            yield "<li>"
            yield from self._entry(key, each, depth)
            yield "</li>"
        yield "</ul>"

    def _entry(self, key: str | int, value: Any, depth: int) -> Iterator[str]:
        name = f'<span class="tree-key">{self._text(str(key))}</span>'
        if not isinstance(value, dict | list) or not value:
            yield f"{name} {self._scalar(value)}"
        elif depth + 1 >= DEEPEST:
            yield f'{name} <span class="left-out">{_size(value)}, nested too deep: in the plain text</span>'
        else:
            opened = " open" if self._written <= OPEN_ENTRIES else ""
            yield f'<details{opened}><summary>{name} <span class="hint">{_size(value)}</span></summary>'
            yield from self.entries(value, depth + 1)
            yield "</details>"

    def _scalar(self, value: Any) -> str:
        kind = "text" if isinstance(value, str) else "value"
        written = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        more = len(written) - LONGEST_TEXT
        rest = f' <span class="left-out">{more} more characters, in the plain text</span>' if more > 0 else ""
        return f'<bdi class="tree-{kind}">{self._text(written[:LONGEST_TEXT])}</bdi>{rest}'

    def _text(self, text: str) -> str:
        found = shown(text)
        self.marks += found.marks
        return found.html


def _size(value: dict[str, Any] | list[Any]) -> str:
    kind = ("field" if isinstance(value, dict) else "entry", "fields" if isinstance(value, dict) else "entries")
    return f"{len(value)} {kind[len(value) != 1]}"
