"""The evidence of a claim as the review page shows it: in pieces, with the passages that the output points at. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from reviewqueue.web.citations import Cited, cited_in
from reviewqueue.web.media import Media, media_of

_OF_ITS_OWN: Final = ("title", "url", "id", "attachment")
"""What a message has none of; with one of these it is a piece by itself."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A range of a text, and the name by which a page can lead there."""

    start: int
    end: int
    anchor: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One context item, or the messages of one conversation; `number` is what a citation of the first calls it."""

    number: int
    anchor: str
    item: Mapping[str, Any]
    passages: Sequence[Passage]
    turns: Sequence[Mapping[str, str]]
    media: Media | None


@dataclass(frozen=True, slots=True)
class Pointer:
    """Something in the output that points at evidence. Without an anchor it points at nothing."""

    said: str
    is_quote: bool
    anchor: str
    title: str
    has_passage: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    name: str
    pieces: Sequence[Piece]
    pointers: Sequence[Pointer]

    @property
    def has_media(self) -> bool:
        return any(piece.media for piece in self.pieces)


def evidence_of(
    task: Mapping[str, Any], origins: Collection[str] = (), files: Mapping[str, Media] | None = None
) -> Evidence:
    """Of a task as `review.showing` writes it. What is hidden of the output is not in it, so nothing points then."""
    context, prefix = task["context"], f"evidence-{task['id']}"
    cited = cited_in(task["claim"].get("output"), context)
    pieces, holding = [], {}
    for group in _groups(context):
        first, turns = group[0], _turns(context, group)
        anchor = f"{prefix}-{first + 1}"
        passages = [] if turns else _passages(anchor, first, cited)
        piece = Piece(
            first + 1, anchor, context[first], passages, turns, media_of(context[first], origins, files or {})
        )
        pieces.append(piece)
        holding.update(dict.fromkeys(group, piece))
    return Evidence(prefix, pieces, [_pointer(each, context, holding) for each in cited])


def _groups(context: Sequence[Mapping[str, Any]]) -> Iterator[list[int]]:
    """Messages that follow each other are one piece; so is everything else by itself."""
    for is_message, places in groupby(range(len(context)), key=lambda place: _is_message(context[place])):
        if is_message:
            yield list(places)
        else:
            yield from ([place] for place in places)


def _is_message(item: Mapping[str, Any]) -> bool:
    return bool(item.get("role")) and not any(item.get(key) for key in _OF_ITS_OWN)


def _turns(context: Sequence[Mapping[str, Any]], group: Sequence[int]) -> list[dict[str, str]]:
    if len(group) < 2:
        return []
    return [{"role": context[place]["role"], "content": context[place].get("text") or ""} for place in group]


def _passages(anchor: str, place: int, cited: Sequence[Cited]) -> list[Passage]:
    """Those in one text, in order. Of two that overlap the one that begins first stands for both."""
    ranges = sorted({(each.start, each.end) for each in cited if each.item == place and each.has_passage})
    kept: list[Passage] = []
    for start, end in ranges:
        if kept and start < kept[-1].end:
            kept[-1] = Passage(kept[-1].start, max(end, kept[-1].end), kept[-1].anchor)
        else:
            kept.append(Passage(start, end, f"{anchor}-passage-{len(kept) + 1}"))
    return kept


def _pointer(cited: Cited, context: Sequence[Mapping[str, Any]], holding: Mapping[int, Piece]) -> Pointer:
    """It leads to the passage, or to the conversation that holds it."""
    if cited.item is None:
        return Pointer(cited.said, cited.is_quote, "", "", has_passage=False)
    piece, item = holding[cited.item], context[cited.item]
    inside = [each.anchor for each in piece.passages if cited.has_passage and each.start <= cited.start < each.end]
    title = item.get("title") or f"{item.get('kind', 'document')} {cited.item + 1}"
    return Pointer(cited.said, cited.is_quote, inside[0] if inside else piece.anchor, title, cited.has_passage)
