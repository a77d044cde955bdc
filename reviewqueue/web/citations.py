"""Which passages of the evidence an output points at. Pure; words are compared, not meanings.

An output points at evidence in two ways:

- it quotes: words in quotation marks, or in a field called `quote`, that stand in the evidence as they are but for case
  and spaces;
- it cites: a number from 1, an id or a title in square brackets, or in a field called `citations` or `sources`. The
  passage is then the one that shares most words with the sentence before the brackets, and all its numbers.

What points at nothing is found as well: a reviewer wants to know that first.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from reviewqueue.verifiers.texts import is_number, texts_in, words

MOST: Final = 30
MOST_LOOKED_AT: Final = 200
MOST_SEARCHED: Final = 6_000_000
"""Characters of evidence that are gone through for quotes: an eighth of a second."""
LONGEST_QUOTE: Final = 600
SHORTEST_QUOTE: Final = 12
LONGEST_LOOKED_AT: Final = 64 * 1024
LONGEST_PASSAGE: Final = 400
SUPPORT: Final = 0.5
"""The share of a sentence's words that a passage has to hold."""
SHORTEST_WORD: Final = 3
LONGEST_NUMBER: Final = 3
"""Digits. More of them in brackets are a year, not a citation."""

_QUOTED: Final = re.compile('“([^“”]{1,600})”|„([^„“”]{1,600})[“”]|«([^«»]{1,600})»|"([^"\n]{1,600})"')
_CITED: Final = re.compile(r"\[([^\[\]\n]{1,300})\](?!\()")
_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])[\"'”’)]{0,3}\s+|(?<=[。！？])|\n+")
_PARAGRAPH: Final = re.compile(r"\n\s{0,200}\n")
_PARTED: Final = re.compile("[,;]")
_QUOTE_FIELDS: Final = frozenset({"quote", "quotes", "excerpt", "excerpts", "passage", "passages"})
_CITING_FIELDS: Final = frozenset({"citation", "citations", "source", "sources", "references"})

_Piece = tuple[int, int, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Cited:
    """What the output points with, and the place: a piece of evidence (from 0) and a range of its text, if any."""

    said: str
    is_quote: bool
    item: int | None = None
    start: int = 0
    end: int = 0

    @property
    def has_passage(self) -> bool:
        return self.end > self.start


def cited_in(output: Any, context: Sequence[Mapping[str, Any]]) -> list[Cited]:
    """In the order of the output, each once. Of a claim without evidence nothing is asked."""
    if not context:
        return []
    evidence = _Evidence(context)
    found: dict[tuple[str, bool], Cited] = {}
    for said, is_quote, sentence in islice(_pointers(output, evidence), MOST_LOOKED_AT):
        if (said, is_quote) not in found:
            place = evidence.quoted(said) if is_quote else evidence.cited(said, sentence)
            if place is not None:
                found[said, is_quote] = place
    return list(found.values())[:MOST]


def _pointers(output: Any, evidence: _Evidence) -> Iterator[tuple[str, bool, str]]:
    """What may point at evidence: the words, whether they are a quote, and the sentence they stand in."""
    if isinstance(output, str):
        yield from _in_text(output[:LONGEST_LOOKED_AT], evidence)
    elif isinstance(output, Mapping):
        for key, value in output.items():
            if key.casefold() in _QUOTE_FIELDS:
                yield from ((text.strip(), True, "") for text in texts_in(value))
            elif key.casefold() in _CITING_FIELDS and not isinstance(value, Mapping):
                yield from _in_list(value if isinstance(value, list) else [value], evidence)
            else:
                yield from _pointers(value, evidence)
    elif isinstance(output, list):
        for each in output:
            yield from _pointers(each, evidence)


def _in_list(values: Sequence[Any], evidence: _Evidence) -> Iterator[tuple[str, bool, str]]:
    for value in values:
        if isinstance(value, Mapping):
            yield from _pointers(value, evidence)
        elif isinstance(value, str | int) and not isinstance(value, bool):
            yield str(value).strip().strip("[]"), False, ""


def _in_text(text: str, evidence: _Evidence) -> Iterator[tuple[str, bool, str]]:
    quotes = ((match.start(), match) for match in _QUOTED.finditer(text))
    brackets = ((match.start(), match) for match in _CITED.finditer(text))
    for start, match in heapq.merge(quotes, brackets, key=lambda each: each[0]):
        words_in = next(filter(None, match.groups()))
        if match.re is _QUOTED:
            yield words_in.strip(), True, ""
        else:
            sentence = _sentence_before(text, start)
            yield from ((name, False, sentence) for name in evidence.members(words_in))


def _sentence_before(text: str, end: int) -> str:
    """The sentence that ends at, or around, the brackets."""
    start = 0
    window = text[max(0, end - 1_000) : end].rstrip()
    for match in _SENTENCE_END.finditer(window):
        if match.end() < len(window):
            start = match.end()
    return _CITED.sub(" ", window[start:])


class _Evidence:
    def __init__(self, context: Sequence[Mapping[str, Any]]) -> None:
        self._texts = [item.get("text") or "" for item in context]
        self._places = _names(context)
        self._paragraphs: dict[int, list[_Piece]] = {}
        self._to_search = MOST_SEARCHED

    def members(self, group: str) -> list[str]:
        """What stands in one pair of brackets. A title may hold a comma itself."""
        return [group.strip()] if _folded(group) in self._places else [each.strip() for each in _PARTED.split(group)]

    def quoted(self, said: str) -> Cited | None:
        """None for what is too short, or too long, to be the quote of a source."""
        quote = said.strip(" .,;:!?…")
        if not SHORTEST_QUOTE <= len(quote) <= LONGEST_QUOTE or len(quote.split()) < 2:
            return None
        self._to_search -= sum(map(len, self._texts))
        if self._to_search < 0:
            return None
        pattern = re.compile(r"\s{1,20}".join(map(re.escape, quote.split())), re.IGNORECASE)
        for place, text in enumerate(self._texts):
            if match := pattern.search(text):
                return Cited(said, True, place, match.start(), match.end())
        return Cited(said, True)

    def cited(self, said: str, sentence: str) -> Cited | None:
        """None for brackets that look like no citation: only a number, or what an item is called, is one for sure."""
        place = self._places.get(_folded(said))
        if place is None:
            return Cited(said, False) if said.isdecimal() and len(said) <= LONGEST_NUMBER else None
        return Cited(said, False, place, *self._passage(_content(sentence), place))

    def _passage(self, wanted: frozenset[str], place: int) -> tuple[int, int]:
        """Where the text shares most of the sentence; nowhere if that is too little."""
        if not wanted:
            return 0, 0
        text = self._texts[place][:LONGEST_LOOKED_AT]
        if place not in self._paragraphs:
            self._paragraphs[place] = list(_pieces(text, _PARAGRAPH))
        start, end = _best(wanted, self._paragraphs[place])
        if end - start <= LONGEST_PASSAGE:
            return start, end
        inner = _best(wanted, _pieces(text[start:end], _SENTENCE_END))
        return (start + inner[0], start + inner[1]) if inner[1] else (start, end)


def _names(context: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Ids and titles before numbers, and the first of equal ones, as the check of a policy reads them."""
    names: dict[str, int] = {}
    for place, item in enumerate(context):
        for key in ("id", "title"):
            if name := _folded(str(item.get(key) or "")):
                names.setdefault(name, place)
    for place in range(len(context)):
        names.setdefault(str(place + 1), place)
    return names


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _best(wanted: frozenset[str], pieces: Iterable[_Piece]) -> tuple[int, int]:
    best, place = 0.0, (0, 0)
    for start, end, content in pieces:
        held = wanted & content
        share = len(held) / len(wanted)
        if share >= SUPPORT and share > best and all(word in held for word in wanted if is_number(word)):
            best, place = share, (start, end)
    return place


def _pieces(text: str, boundary: re.Pattern[str]) -> Iterator[_Piece]:
    start = 0
    for end, next_start in [*((match.start(), match.end()) for match in boundary.finditer(text)), (len(text), 0)]:
        piece = text[start:end]
        yield end - len(piece.lstrip()), start + len(piece.rstrip()), _content(piece)
        start = next_start


def _content(text: str) -> frozenset[str]:
    return frozenset(word for word in words(text) if is_number(word) or len(word) >= SHORTEST_WORD)
