"""In which ways a value that came with a claim can be looked at. Pure.

Every value can be read as plain text. What fits its shape, or what the pipeline says of it, comes first:

- `markdown`: a text of which the pipeline says so;
- `turns`: a list of objects that each have a role and a content, as conversations are written;
- `table`: a list of objects whose values are single ones;
- `tree`: every other object or list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from reviewqueue.pipelines.content_views import AUTO, MARKDOWN, TEXT
from reviewqueue.web import hostile, json_tree, markdown
from reviewqueue.web.context_items import Passage
from reviewqueue.web.hostile import Shown

FIRST_SHOWN: Final = 20 * 1024
"""Characters of a long text shown at once; the rest is one click away."""
MOST_ROWS: Final = 200
MOST_COLUMNS: Final = 20
MOST_TURNS: Final = 100
LONGEST_CELL: Final = 1_000
NAMES: Final = {
    "text": "Plain text",
    "markdown": "Markdown",
    "tree": "Tree",
    "table": "Table",
    "turns": "Conversation",
}


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Shown]
    rows: Sequence[Sequence[Shown | None]]
    left_out: int


@dataclass(frozen=True, slots=True)
class Turn:
    role: Shown
    text: Shown
    is_json: bool
    more: Shown | None
    """What else the turn holds, as JSON."""


@dataclass(frozen=True, slots=True)
class Turns:
    turns: Sequence[Turn]
    left_out: int


@dataclass(frozen=True, slots=True)
class View:
    """One way to look at the value. `body` is Shown for Markdown and trees, and what its name says otherwise."""

    kind: str
    body: Shown | Table | Turns

    @property
    def name(self) -> str:
        return NAMES[self.kind]

    @property
    def marks(self) -> int:
        """Markdown may spell hidden characters out, so that they are hidden in this view alone."""
        return self.body.marks if isinstance(self.body, Shown) else 0


def written(value: Any) -> str:
    """The plain text of a value: texts as they are, everything else as indented JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its hidden characters marked: what is shown at once, and the rest."""

    head: Shown
    rest: Shown
    rest_length: int


def text_view(text: str, passages: Sequence[Passage] = ()) -> Text:
    """`passages` are highlighted; one that goes over the cut is highlighted on both sides of it."""
    head = _with_passages(text, 0, min(FIRST_SHOWN, len(text)), passages)
    rest = _with_passages(text, FIRST_SHOWN, len(text), passages)
    return Text(head, rest, len(text) - FIRST_SHOWN)


def _with_passages(text: str, start: int, end: int, passages: Sequence[Passage]) -> Shown:
    parts, place = [], start
    for passage in passages:
        first, last = max(passage.start, place), min(passage.end, end)
        if first >= last:
            continue
        name = f' id="{passage.anchor}"' if first == passage.start else ""
        inside = hostile.shown(text[first:last])
        parts += [
            hostile.shown(text[place:first]),
            Shown(f'<mark class="passage"{name} tabindex="-1">{inside.html}</mark>', inside.marks),
        ]
        place = last
    parts.append(hostile.shown(text[place:end]))
    return Shown("".join(part.html for part in parts), sum(part.marks for part in parts))


def formatted(value: Any, wanted: str = AUTO) -> View | None:
    """The way that comes before the plain text; None where there is none."""
    if wanted == TEXT:
        return None
    if isinstance(value, str):
        html = markdown.as_html(value) if wanted == MARKDOWN and value.strip() else None
        return View("markdown", html) if html else None
    if not isinstance(value, dict | list) or not value:
        return None
    if _are_turns(value):
        return View("turns", _turns(value))
    if _are_rows(value):
        return View("table", _table(value))
    return View("tree", json_tree.tree(value))


def _are_turns(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(
        isinstance(each, dict) and isinstance(each.get("role"), str) and "content" in each for each in value
    )


def _turns(value: Sequence[dict[str, Any]]) -> Turns:
    turns = [_turn(each) for each in value[:MOST_TURNS]]
    return Turns(turns, len(value) - len(turns))


def _turn(turn: dict[str, Any]) -> Turn:
    more = {key: value for key, value in turn.items() if key not in ("role", "content")}
    content = turn["content"]
    return Turn(
        role=hostile.shown(turn["role"]),
        text=_cut(written(content), FIRST_SHOWN),
        is_json=not isinstance(content, str),
        more=_cut(written(more), LONGEST_CELL) if more else None,
    )


def _are_rows(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) and each for each in value):
        return False
    if any(isinstance(cell, dict | list) for each in value for cell in each.values()):
        return False
    return len({key for each in value for key in each}) <= MOST_COLUMNS


def _table(value: Sequence[dict[str, Any]]) -> Table:
    columns = list(dict.fromkeys(key for each in value for key in each))
    rows = [[_cell(each[key]) if key in each else None for key in columns] for each in value[:MOST_ROWS]]
    return Table([hostile.shown(key) for key in columns], rows, len(value) - len(rows))


def _cell(value: Any) -> Shown:
    return _cut(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), LONGEST_CELL)


def _cut(text: str, longest: int) -> Shown:
    """What is cut away is in the plain text, which is the same for all views."""
    return hostile.shown(text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest} more)")
