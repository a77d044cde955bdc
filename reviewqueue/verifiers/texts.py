"""How texts are taken apart: sentences, words, passages. Rules of thumb for any language, and said to be that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Final

_SENTENCE_END: Final = re.compile(r"(?<=[.!?…])[\"'”’)\]]{0,3}\s+|(?<=[。！？])|\n+")
_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+", re.UNICODE)
_PARAGRAPH: Final = re.compile(r"\n\s{0,200}\n")
_CITATION: Final = re.compile(r"\[[^\[\]\n]{1,300}\]")


def sentences(text: str) -> list[str]:
    """Pieces that hold a word, cut at sentence ends and at line ends."""
    return [piece.strip() for piece in _SENTENCE_END.split(text) if _WORD.search(piece)]


def words(text: str) -> list[str]:
    """Words and numbers, in one case and width."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def is_number(word: str) -> bool:
    return word[0].isdigit()


def passages(text: str) -> list[str]:
    """The paragraphs of a document."""
    return [piece for piece in _PARAGRAPH.split(text) if piece.strip()]


def citations(text: str) -> list[str]:
    """What stands in square brackets."""
    return [found[1:-1].strip() for found in _CITATION.findall(text)]


def without_citations(text: str) -> str:
    return _CITATION.sub(" ", text)


def texts_in(value: Any) -> Iterator[str]:
    """Every text inside a JSON value, in order; keys are not said by anybody."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_in(item)
