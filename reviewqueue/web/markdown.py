"""Markdown as HTML that holds bare tags and text, and nothing else. Pure.

Three walls: the reader lets no HTML through and nothing becomes a link or a picture; a cleaner that reads HTML as
browsers do drops every other tag and every attribute; and what it returns is put together anew from tags of the list
below, with everything else shown as text and its hidden characters marked.

Nothing that stands in the text gets lost on the way. Markdown has places that no reader sees: addresses and titles of
links, names of pictures, definitions, words behind the fence of a code block, cells beyond the last column, and all
that is nested too deep. A model, or whoever writes to one, could put there what a reviewer is not to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_block.table import escapedSplit
from markdown_it.token import Token

from reviewqueue.web.hostile import Shown, shown

LONGEST: Final = 32 * 1024
"""Characters. Beyond, the reading takes longer than a page may; the plain text shows it all."""
MOST_SIGNS: Final = 12_000
"""Characters that mean something in Markdown, in all texts of a page. They are what reading takes its time for, and a
claim made of brackets alone would take seconds."""
_SIGNS: Final = "[]*_`|<!~&->"
MOST_TOKENS: Final = 20_000
"""A wide table of empty rows is short to write and long to show."""
DEEPEST: Final = 20
"""Levels of quotes and lists. The reader drops what lies deeper, so such a text stays plain."""

_BLOCKS: Final = ("p", "br", "hr", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "pre")
_SPANS: Final = ("code", "samp", "em", "strong", "del")
TAGS: Final = frozenset((*_BLOCKS, *_SPANS, "table", "thead", "tbody", "tr", "th", "td"))
_HEADINGS: Final = {"h1": "h4", "h2": "h5", "h3": "h6"}
_RENAMED: Final = {**_HEADINGS, "s": "del"}
_READER: Final = MarkdownIt("commonmark", {"html": False, "maxNesting": DEEPEST}).enable(["table", "strikethrough"])
_LINE_BREAK: Final = re.compile("\r\n?|\n")
_TAG: Final = re.compile(r"(</?[a-z0-9]+>)")
_BARE: Final = frozenset(f"<{slash}{tag}>" for tag in TAGS for slash in ("", "/"))


class Allowance:
    """How much may still be read for one page. What comes first is served first."""

    def __init__(self) -> None:
        self._signs = MOST_SIGNS

    def covers(self, text: str) -> bool:
        signs = sum(map(text.count, _SIGNS))
        if len(text) > LONGEST or signs > self._signs:
            return False
        self._signs -= signs
        return True


def as_html(text: str, allowance: Allowance | None = None) -> Shown | None:
    """None where the text is too long, too intricate or nested too deep to be read as Markdown."""
    if not (allowance or Allowance()).covers(text):
        return None
    env: dict[str, Any] = {}
    tokens = _READER.parse(text, env)
    if len(tokens) > MOST_TOKENS or any(token.level >= DEEPEST - 1 for token in tokens):
        return None
    written = "".join([*_blocks(tokens, _LINE_BREAK.split(text)), *_definitions(env)])
    return _marked(nh3.clean(written, tags=set(TAGS), attributes={}, link_rel=None))


def _marked(cleaned: str) -> Shown:
    """Only bare tags of the list are tags; all other pieces are text, whatever they look like."""
    parts, marks = [], 0
    for piece in _TAG.split(cleaned):
        if piece in _BARE:
            parts.append(piece)
        elif piece:
            text = shown(unescape(piece))
            parts.append(text.html)
            marks += text.marks
    return Shown("".join(parts), marks)


class _Columns:
    """How many columns the head of the present table has, and which line the present row stands on."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._known = 0
        self._line: int | None = None

    def see(self, token: Token) -> None:
        if token.type == "table_open":
            self._known, self._line = 0, None
        elif token.type == "th_open":
            self._known += 1
        elif token.type == "tr_open" and token.map:
            self._line = token.map[0]

    def cells_beyond(self) -> str:
        """Cells of a row that the head has no column for. The reader drops them."""
        if self._line is None:
            return ""
        line = self._lines[self._line].strip(" \t>")
        whole = line.removeprefix("|") if line.endswith("\\|") else line.removeprefix("|").removesuffix("|")
        return "".join(f"<td>{escape(cell.strip())}</td>" for cell in escapedSplit(whole)[self._known :])


def _blocks(tokens: Sequence[Token], lines: Sequence[str]) -> Iterator[str]:
    columns = _Columns(lines)
    for token in tokens:
        columns.see(token)
        if token.type == "inline":
            yield from _inline(token.children or ())
        elif token.type in ("fence", "code_block"):
            yield _code(token)
        else:
            yield (columns.cells_beyond() if token.type == "tr_close" else "") + _tag(token)


def _tag(token: Token) -> str:
    name = _RENAMED.get(token.tag, token.tag)
    if token.hidden:  # the paragraphs of a tight list
        return "" if token.nesting > 0 else "\n"
    number = f"{escape(token.info + token.markup)} " if token.type == "list_item_open" and token.info else ""
    return f"</{name}>" if token.nesting < 0 else f"<{name}>{number}"


def _code(token: Token) -> str:
    info = f"<samp>{escape(token.info)}</samp>\n" if token.info.strip() else ""
    return f"<pre><code>{info}{escape(token.content)}</code></pre>"


def _inline(tokens: Sequence[Token]) -> Iterator[str]:
    links: list[tuple[str, str, list[str]]] = []
    for token in tokens:
        for _, _, words in links:
            words.append(token.content)
        if token.type == "link_open":
            links.append((_attribute(token, "href"), _attribute(token, "title"), []))
        elif token.type == "link_close":
            href, title, words = links.pop()
            yield _address(href, title) if title or "".join(words) != href else ""
        else:
            yield _span(token)


def _span(token: Token) -> str:
    if token.type == "image":
        address = _address(_attribute(token, "src"), _attribute(token, "title"))
        return f"<samp>image</samp> {escape(token.content)}{address}"
    if token.type == "code_inline":
        return f"<code>{escape(token.content)}</code>"
    if token.type == "softbreak":
        return "\n"
    return _tag(token) if token.tag else escape(token.content)


def _address(href: str, title: str) -> str:
    """Where a link would lead, in words, for there are no links."""
    return f" <samp>{escape(href or 'no address')}</samp>" + (f" <samp>{escape(title)}</samp>" if title else "")


def _attribute(token: Token, name: str) -> str:
    return str(token.attrs.get(name, ""))


def _definitions(env: dict[str, Any]) -> Iterator[str]:
    """Addresses that are defined apart from the text; nobody would see them, used or not."""
    defined = [*env.get("references", {}).items(), *((each["label"], each) for each in env.get("duplicate_refs", ()))]
    if defined:
        entries = [f"<li>[{escape(label)}]{_address(each['href'], each['title'])}</li>" for label, each in defined]
        yield f"<hr><p><samp>addresses defined in the text</samp></p><ul>{''.join(entries)}</ul>"
