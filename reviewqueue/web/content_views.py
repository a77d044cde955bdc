"""In which ways a value that came with a claim can be looked at. Pure.

Every value can be read as plain text. What fits its shape, or what the pipeline says of it, comes first:

- `markdown`: a text of which the pipeline says so;
- `tree`, after the plain text: a text that is itself JSON, as models often write;
- `turns`: a list of objects that each have a role and a content, as conversations are written;
- `table`: a list of objects whose values are single ones;
- `tree`: every other object or list.

In a conversation of which the pipeline says that it is Markdown, each message is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

from reviewqueue.pipelines.content_views import AUTO, MARKDOWN, TEXT
from reviewqueue.strict_json import MalformedJSON, parse_strict
from reviewqueue.web import hostile, json_tree, markdown
from reviewqueue.web.context_items import Passage
from reviewqueue.web.hostile import Shown
from reviewqueue.web.markdown import Allowance

FIRST_SHOWN: Final = 20 * 1024
"""Characters of a long text shown at once; the rest is one click away."""
SHORT: Final = 500
FEW_LINES: Final = 12
"""What is longer may scroll in its frame, on a phone at least, so the Tab key stops there."""
LONGEST_JSON: Final = 64 * 1024
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
    is_markdown: bool
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
    comes_first: bool = True

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


def formatted(value: Any, wanted: str = AUTO, allowance: Allowance | None = None) -> View | None:
    """The way that fits, beside the plain text; None where there is none, or the page's allowance is used up."""
    allowance = allowance or Allowance()
    if wanted == TEXT:
        return None
    if isinstance(value, str):
        return _of_text(value, wanted, allowance)
    if not isinstance(value, dict | list) or not value:
        return None
    if _are_turns(value):
        return View("turns", _turns(value, allowance if wanted == MARKDOWN else None))
    if _are_rows(value):
        return View("table", _table(value))
    return View("tree", json_tree.tree(value))


def _of_text(text: str, wanted: str, allowance: Allowance) -> View | None:
    html = markdown.as_html(text, allowance) if wanted == MARKDOWN and text.strip() else None
    if html and html != _paragraph(text):
        return View("markdown", html)
    inner = _json_in(text) if wanted == AUTO else None
    return View("tree", json_tree.tree(inner), comes_first=False) if inner else None


def _paragraph(text: str) -> Shown:
    """What Markdown makes of a few plain words: a second view of them would show the same."""
    plain = hostile.shown(text.strip())
    return Shown(f"<p>{plain.html}</p>", plain.marks)


def _json_in(text: str) -> Any:
    """The object or list that a text is, read as strictly as everything that comes in; None for any other text."""
    if len(text) > LONGEST_JSON or not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return parse_strict(text.encode())
    except (MalformedJSON, UnicodeEncodeError):
        return None


def _are_turns(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and all(
        isinstance(each, dict) and isinstance(each.get("role"), str) and "content" in each for each in value
    )


def _turns(value: Sequence[dict[str, Any]], allowance: Allowance | None) -> Turns:
    """With an allowance, messages are Markdown as far as it goes."""
    turns = [_turn(each, allowance) for each in value[:MOST_TURNS]]
    return Turns(turns, len(value) - len(turns))


def _turn(turn: dict[str, Any], allowance: Allowance | None) -> Turn:
    more = {key: value for key, value in turn.items() if key not in ("role", "content")}
    content = turn["content"]
    html = markdown.as_html(content, allowance) if allowance and isinstance(content, str) else None
    return Turn(
        role=hostile.shown(turn["role"]),
        text=html or _cut(written(content), FIRST_SHOWN),
        is_json=not isinstance(content, str),
        is_markdown=html is not None,
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
