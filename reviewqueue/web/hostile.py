"""Hostile text made safe to look at: what is invisible or moves other text about becomes a visible mark. Pure.

Model output is written by whoever wrote to the model. It may hide instructions in characters nobody sees, turn the
order of the page around, or pile up marks until they cover the buttons. The result is HTML in which every such
character stands in a small isolated box with its name; copying still gives the text as it was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

MOST_COMBINING: Final = 8
"""Combining marks one base character may carry; real scripts stay below."""

NAMES: Final = {
    0x00AD: "SHY",
    0x034F: "CGJ",
    0x061C: "ALM",
    0x180E: "MVS",
    0x200B: "ZWSP",
    0x200C: "ZWNJ",
    0x200D: "ZWJ",
    0x200E: "LRM",
    0x200F: "RLM",
    0x2028: "LSEP",
    0x2029: "PSEP",
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2060: "WJ",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
    0x2800: "BLANK",
    0x3164: "FILLER",
    0xFEFF: "BOM",
}

_LINE_BREAKS: Final = re.compile("\r\n|\r|\n")
_HIDDEN_PRINTABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_JOINER: Final = "\u200d"
_PRESENTATION: Final = frozenset("\ufe0e\ufe0f")
_VISIBLE_FORMAT: Final = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u08e2\U000110bd\U000110cd")


@dataclass(frozen=True, slots=True)
class Shown:
    """Escaped HTML with the marks in it, and how many characters were marked."""

    html: str
    marks: int

    def __html__(self) -> str:
        """For templates and `format_html`, which would otherwise escape it once more."""
        return self.html


def shown(text: str) -> Shown:
    lines = _LINE_BREAKS.sub("\n", text)
    if _is_plain(lines):
        return Shown(escape(lines), 0)
    parts, marks = [], 0
    for piece, is_marked in _pieces(lines):
        marks += len(piece) if is_marked else 0
        parts.append(_mark(piece) if is_marked else escape(piece))
    return Shown("".join(parts), marks)


def _is_plain(text: str) -> bool:
    """The quick way for nearly every text: nothing in it can need a mark."""
    if not text.replace("\n", "").replace("\t", "").isprintable() or _HIDDEN_PRINTABLE.search(text):
        return False
    return text.isascii() or not any(map(unicodedata.combining, text))


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Runs of ordinary text, and what has to be marked: one character, or one run of excess combining marks."""
    start = place = 0
    while place < len(text):
        end = _marked_until(text, place)
        if end == place:
            place += 1
            continue
        if start < place:
            yield text[start:place], False
        yield text[place:end], True
        start = place = end
    if start < len(text):
        yield text[start:], False


def _marked_until(text: str, place: int) -> int:
    """Where the mark that starts at `place` ends; `place` itself when nothing starts there."""
    char = text[place]
    if char.isascii():
        return place if char.isprintable() or char in "\n\t" else place + 1
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me"):
        return _combining_until(text, place)
    hidden = char in _BLANK or not (char.isprintable() or char in _VISIBLE_FORMAT or unicodedata.category(char) == "Zs")
    return place + 1 if hidden and not _joins_emoji(text, place) else place


def _combining_until(text: str, place: int) -> int:
    char = text[place]
    if char in _PRESENTATION:
        return place if place and _takes_presentation(text[place - 1]) else place + 1
    if char in _BLANK or 0xFE00 <= ord(char) <= 0xFE0F or 0xE0100 <= ord(char) <= 0xE01EF:
        return place + 1
    if place < MOST_COMBINING or not all(unicodedata.combining(each) for each in text[place - MOST_COMBINING : place]):
        return place
    end = place
    while end < len(text) and unicodedata.combining(text[end]):
        end += 1
    return end


def _takes_presentation(char: str) -> bool:
    return char in "#*0123456789" or unicodedata.category(char) in ("So", "Sm", "Po", "Sk")


def _joins_emoji(text: str, place: int) -> bool:
    """A zero-width joiner between two emoji makes one picture of them, as in families and flags."""
    if text[place] != _JOINER or not 0 < place < len(text) - 1:
        return False
    before, after = text[place - 1], text[place + 1]
    return unicodedata.category(after) == "So" and (
        before in _PRESENTATION or unicodedata.category(before) in ("So", "Sk")
    )


def _mark(piece: str) -> str:
    code = ord(piece[0])
    if len(piece) > 1:
        name, title = f"+{len(piece)}", f"{len(piece)} more combining marks"
    else:
        name = NAMES.get(code) or _name_of(code)
        title = f"U+{code:04X} {unicodedata.name(piece, 'without a name').lower()}"
    raw = escape(piece) if 0x20 <= code < 0x7F or code >= 0xA0 else ""
    line_break = "\n" if name in ("LSEP", "PSEP") else ""
    said = escape(title)
    opening = f'<span class="mark" role="img" aria-label="{said}" title="{said}" data-mark="{escape(name)}">'
    return f"{opening}<i>{raw}</i></span>{line_break}"


def _name_of(code: int) -> str:
    """Tag characters spell ASCII out of sight: they are named by the letter they hide."""
    if 0xE0020 < code < 0xE007F:
        return f"tag {chr(code - 0xE0000)}"
    return f"U+{code:04X}"
