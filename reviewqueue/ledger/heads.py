"""Checkpoints from everywhere they are kept, smallest first, each read and its signature checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from django.conf import settings

from reviewqueue.ledger.models import Checkpoint
from reviewqueue.ledger.note import NoteError, TreeHead, VerifierKey, open_note, parse_note


class Head(NamedTuple):
    """A statement about the first `size` leaves; `root` is None where the note could not be read."""

    size: int
    root: bytes | None
    place: str
    problems: tuple[str, ...] = ()


def stored_heads(keys: Sequence[VerifierKey]) -> Iterator[Head]:
    """The checkpoints of the database: row and note must say the same."""
    for row in Checkpoint.objects.order_by("tree_size").iterator():
        place, root = f"checkpoint of size {row.tree_size}", bytes(row.root)
        try:
            head = read_head(row.note, keys)
        except NoteError as error:
            yield Head(row.tree_size, root, place, (f"its note: {error}",))
        else:
            same = (head.size, head.root) == (row.tree_size, root)
            yield Head(row.tree_size, root, place, () if same else ("its row and its note differ",))


def anchored_heads(notes: Iterable[str], keys: Sequence[VerifierKey]) -> Iterator[Head]:
    """The notes of an anchor, oldest first."""
    size = 0
    for number, note in enumerate(notes, start=1):
        place = f"anchored checkpoint {number}"
        try:
            head = read_head(note, keys)
        except NoteError as error:
            yield Head(size, None, place, (str(error),))
        else:
            size = head.size
            yield Head(size, head.root, f"{place} of size {size}")


def pinned_heads(notes: Sequence[str], keys: Sequence[VerifierKey]) -> list[Head]:
    """Raises NoteError: a pin that cannot be read proves nothing, and its owner must know."""
    heads = [read_head(note, keys) for note in notes]
    return sorted(Head(head.size, head.root, f"pinned checkpoint of size {head.size}") for head in heads)


def read_head(note: str, keys: Sequence[VerifierKey]) -> TreeHead:
    """What a checkpoint of this ledger says; its signature is checked when there are keys."""
    text = open_note(note, keys).text if keys else parse_note(note).text
    head = TreeHead.parse(text)
    if head.origin != settings.LEDGER_ORIGIN:
        raise NoteError(f"a checkpoint of {head.origin}, not of {settings.LEDGER_ORIGIN}")
    return head
