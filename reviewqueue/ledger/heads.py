"""Checkpoints from everywhere they are kept, smallest first, each read and its signature checked."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from django.conf import settings

from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.note import NoteError, TreeHead, VerifierKey, open_note, parse_note
from reviewqueue.ledger.origins import former_names, former_origins


class Head(NamedTuple):
    """A statement about the first `size` leaves; `root` is None where the note could not be read."""

    size: int
    root: bytes | None
    place: str
    problems: tuple[str, ...] = ()


def stored_heads(keys: Sequence[VerifierKey]) -> Iterator[Head]:
    """The checkpoints of the database: row and note must say the same."""
    former = former_names(keys)
    stated = [Head(head.size, head.root, f"last checkpoint of {head.origin}") for head in former.values()]
    yield from heapq.merge(_rows(keys, former), sorted(stated), key=attrgetter("size"))


def _rows(keys: Sequence[VerifierKey], former: Mapping[str, TreeHead]) -> Iterator[Head]:
    for row in Checkpoint.objects.order_by("tree_size").iterator():
        place, root = f"checkpoint of size {row.tree_size}", bytes(row.root)
        try:
            head = read_head(row.note, keys, former)
        except NoteError as error:
            yield Head(row.tree_size, root, place, (f"its note: {error}",))
        else:
            same = (head.size, head.root) == (row.tree_size, root)
            yield Head(row.tree_size, root, place, () if same else ("its row and its note differ",))


def anchored_heads(notes: Iterable[str], keys: Sequence[VerifierKey]) -> Iterator[Head]:
    """The notes of an anchor, oldest first. What was lost before a restart is known to be, and no contradiction."""
    size, former, kept = 0, former_names(keys), former_origins()
    for number, note in enumerate(notes, start=1):
        place = f"anchored checkpoint {number}"
        try:
            head = read_head(note, keys, dict.fromkeys(former))
        except NoteError as error:
            yield Head(size, None, place, (str(error),))
        else:
            if head.size <= kept.get(head.origin, head.size):
                size = max(size, head.size)
                yield Head(head.size, head.root, f"{place} of size {head.size}")


def pinned_heads(notes: Sequence[str], keys: Sequence[VerifierKey]) -> list[Head]:
    """Raises NoteError: a pin that cannot be read proves nothing, and its owner must know."""
    heads = [read_head(note, keys, former_names(keys)) for note in notes]
    return sorted(Head(head.size, head.root, f"pinned checkpoint of size {head.size}") for head in heads)


def read_head(note: str, keys: Sequence[VerifierKey], former: Mapping[str, TreeHead | None] | None = None) -> TreeHead:
    """What a checkpoint of this ledger says; its signature is checked when there are keys.

    One of a `former` name is checked by the keys of that name, as far as there are any, and is no larger than the last
    one of that name.
    """
    former = former or {}
    head = TreeHead.parse(parse_note(note).text)
    if keys and (head.origin not in former or any(key.name == head.origin for key in keys)):
        open_note(note, keys)
    if head.origin != settings.LEDGER_ORIGIN and head.origin not in former:
        raise NoteError(f"a checkpoint of {head.origin}, not of {settings.LEDGER_ORIGIN}")
    last = former.get(head.origin)
    if last is not None and head.size > last.size:
        raise NoteError(f"a checkpoint of {head.origin}, of which {last.size} is the last size")
    return head
