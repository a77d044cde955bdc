"""Sealing: gives the new events their places in the tree and signs the tree's head.

Whatever happens to the process, the database holds the old state or the new one: everything is one transaction, and
nothing is kept in memory that cannot be rebuilt from it. Content never blocks sealing; a contradiction in the tree
always does.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from reviewqueue.ledger.anchors import FileAnchor
from reviewqueue.ledger.canonical import NotCanonical, read_leaf
from reviewqueue.ledger.models import Anchor, Checkpoint, Leaf
from reviewqueue.ledger.note import NoteError, SigningKey, TreeHead, open_note, parse_note, sign_note
from reviewqueue.ledger.roles import SEALER, acting_as
from reviewqueue.ledger.tiles import DamagedTree, StoredTree
from reviewqueue.ledger.tree import Frontier, FullTile, leaf_hash, root_at
from reviewqueue.transactions import service

log = logging.getLogger(__name__)

BATCH = 20_000
SEALING_LOCK = 0x6C656467  # "ledg"

_TAKE = """
    DELETE FROM ledger.pending
     WHERE event_id IN (SELECT event_id FROM ledger.pending ORDER BY event_id LIMIT %s)
    RETURNING event_id"""
_EVENTS = """
    SELECT id, leaf, leaf_hash FROM ledger.event
     WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM ledger.leaf WHERE event_id = id)
     ORDER BY id"""


class SealRefused(Exception):
    """Signing now would put a name under a history that contradicts an earlier signed one."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run did. `size` is None when another sealer was at work."""

    size: int | None
    added: int = 0
    alarms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Row:
    event_id: int
    leaf: str
    leaf_hash: bytes


@service
def seal_batch(*, keys: Sequence[SigningKey], anchor: FileAnchor | None, limit: int = BATCH) -> Sealed:
    """Seals up to `limit` events under a new checkpoint. Raises SealRefused when the stored tree contradicts itself."""
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        if not _locked():
            return Sealed(size=None)
        frontier = _checked_frontier(keys, anchor)
        rows, alarms = _take(limit)
        if rows:
            _store(frontier, rows)
            _sign(frontier, keys)
    for alarm in alarms:
        log.error("sealing: %s", alarm)
    return Sealed(frontier.size, len(rows), tuple(alarms))


@service
def hand_over(anchor: FileAnchor) -> None:
    """Hands the newest checkpoint to the anchor, also one that an earlier run signed and could not hand over.

    Under the sealing lock, or two sealers could leave the anchor with a smaller checkpoint after a larger one.
    """
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        checkpoint = Checkpoint.objects.order_by("-tree_size").first() if _locked() else None
        if checkpoint and _anchored_size(anchor) < checkpoint.tree_size:
            anchor.add(checkpoint.note)
            cursor.execute(
                "INSERT INTO ledger.anchor (tree_size, sink) VALUES (%s, %s)", [checkpoint.tree_size, anchor.name]
            )


def _locked() -> bool:
    """Takes the sealing lock until the end of the transaction; False when another sealer has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING_LOCK])
        return bool(cursor.fetchone() == (True,))


def _anchored_size(anchor: FileAnchor) -> int:
    note = anchor.newest()
    return TreeHead.parse(parse_note(note).text).size if note else 0


def _checked_frontier(keys: Sequence[SigningKey], anchor: FileAnchor | None) -> Frontier:
    """The right edge of the stored tree, after comparing it with everything that was signed before."""
    last = Checkpoint.objects.order_by("-tree_size").first()
    size = last.tree_size if last else 0
    if Leaf.objects.filter(leaf_index__gte=size).exists():
        raise SealRefused(f"there are leaves beyond the last checkpoint, which has size {size}")
    tree = StoredTree(size)
    try:
        frontier = tree.frontier()
        if last:
            _check_last(last, frontier, keys)
        if anchor:
            _check_anchor(anchor, tree)
    except (DamagedTree, NoteError) as error:
        raise SealRefused(str(error)) from error
    return frontier


def _check_last(last: Checkpoint, frontier: Frontier, keys: Sequence[SigningKey]) -> None:
    if frontier.root() != bytes(last.root):
        raise SealRefused(f"the stored tree does not have the root of the checkpoint of size {last.tree_size}")
    try:
        head = TreeHead.parse(open_note(last.note, [key.verifier for key in keys]).text)
    except NoteError as error:
        raise SealRefused(f"the note of the checkpoint of size {last.tree_size}: {error}") from error
    if head != TreeHead(settings.LEDGER_ORIGIN, last.tree_size, bytes(last.root)):
        raise SealRefused(f"the note of the checkpoint of size {last.tree_size} says something else than its row")


def _check_anchor(anchor: FileAnchor, tree: StoredTree) -> None:
    """A database behind its anchor was restored from a backup; one that differs was rewritten or forked."""
    note = anchor.newest()
    if note is None:
        if Anchor.objects.filter(sink=anchor.name).exists():
            log.error("sealing: the anchor %s is empty though checkpoints were handed to it", anchor.path)
        return
    head = TreeHead.parse(parse_note(note).text)
    if head.origin != settings.LEDGER_ORIGIN:
        raise SealRefused(f"the anchor belongs to {head.origin}, not to {settings.LEDGER_ORIGIN}")
    if head.size > tree.size:
        raise SealRefused(
            f"the database ends at {tree.size} leaves, the anchored checkpoint has {head.size}: a rollback"
        )
    if root_at(tree.node, head.size) != head.root:
        raise SealRefused(f"the tree of {head.size} leaves does not have the anchored root: another history")


def _take(limit: int) -> tuple[list[_Row], list[str]]:
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [limit])
        wanted = [event_id for (event_id,) in cursor.fetchall()]
        cursor.execute(_EVENTS, [wanted])
        rows = [_Row(event_id, leaf, bytes(hash_)) for event_id, leaf, hash_ in cursor.fetchall()]
    missing = sorted(set(wanted) - {row.event_id for row in rows})
    alarms = [f"event {event_id} was on the work list, but is missing or sealed already" for event_id in missing]
    return rows, alarms + [alarm for row in rows for alarm in _alarms(row)]


def _alarms(row: _Row) -> list[str]:
    """Sealed all the same, under the hash the database gave it on arrival: verification will name it for ever."""
    alarms = []
    if leaf_hash(row.leaf.encode()) != row.leaf_hash:
        alarms.append(f"event {row.event_id}: text does not match its hash")
    try:
        read_leaf(row.leaf)
    except NotCanonical as error:
        alarms.append(f"event {row.event_id}: {error}")
    return alarms


def _store(frontier: Frontier, rows: Sequence[_Row]) -> None:
    tiles: list[FullTile] = []
    with connection.wrap_database_errors, connection.cursor() as cursor:  # COPY is not wrapped by Django's cursor
        with cursor.copy("COPY ledger.leaf (leaf_index, event_id, leaf_hash) FROM STDIN") as copy:
            for row in rows:
                copy.write_row((frontier.size, row.event_id, row.leaf_hash))
                tiles += frontier.append(row.leaf_hash)
        with cursor.copy("COPY ledger.tile (level, idx, hashes, root) FROM STDIN") as copy:
            for tile in tiles:
                copy.write_row((tile.level, tile.index, tile.hashes, tile.root))


def _sign(frontier: Frontier, keys: Sequence[SigningKey]) -> None:
    head = TreeHead(settings.LEDGER_ORIGIN, frontier.size, frontier.root())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger.checkpoint (tree_size, root, note) VALUES (%s, %s, %s)",
            [head.size, head.root, sign_note(head.text(), keys)],
        )
