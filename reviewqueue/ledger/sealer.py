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

from reviewqueue.ledger.anchors import Anchor as Place
from reviewqueue.ledger.canonical import NotCanonical, read_leaf
from reviewqueue.ledger.models import Anchor, Checkpoint, Leaf
from reviewqueue.ledger.note import NoteError, SigningKey, TreeHead, open_note, parse_note, sign_note
from reviewqueue.ledger.origins import former_names, former_origins
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


_REFUSE = """
    INSERT INTO ledger.refusal AS standing (code, reason) VALUES (%s, %s)
    ON CONFLICT (one) DO UPDATE SET code = excluded.code, reason = excluded.reason,
       since = CASE WHEN standing.code = excluded.code THEN standing.since ELSE excluded.since END"""
_RECEIPT = "INSERT INTO ledger.anchor (tree_size, sink) VALUES (%s, %s)"
_HANDED_OVER = """
    SELECT at > clock_timestamp() - make_interval(secs => %s) FROM ledger.anchor
     WHERE sink = %s ORDER BY tree_size DESC LIMIT 1"""


class SealRefused(Exception):
    """Signing now would put a name under a history that contradicts an earlier signed one."""

    def __init__(self, reason: str, code: str = "damaged") -> None:
        super().__init__(reason)
        self.code = code


@dataclass(frozen=True, slots=True)
class Remembered:
    """The largest checkpoint that a place outside the database holds."""

    place: str
    note: str


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
def seal_batch(*, keys: Sequence[SigningKey], remembered: Sequence[Remembered], limit: int = BATCH) -> Sealed:
    """Seals up to `limit` events under a new checkpoint.

    `remembered` was read before: the database has all that it speaks of. Raises SealRefused when the stored tree
    contradicts itself or what is remembered.
    """
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        if not _locked():
            return Sealed(size=None)
        frontier = _checked_frontier(keys, remembered)
        cursor.execute("DELETE FROM ledger.refusal")
        rows, alarms = _take(limit)
        if rows:
            _store(frontier, rows)
            _sign(frontier, keys)
    for alarm in alarms:
        log.error("sealing: %s", alarm)
    return Sealed(frontier.size, len(rows), tuple(alarms))


@service
def note_refusal(*, code: str, reason: str) -> None:
    """Lets every process tell why nothing is signed; the next run that may sign takes it back."""
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        cursor.execute(_REFUSE, [code, reason])


def hand_over(place: Place) -> None:
    """Hands the newest checkpoint to the place, also one that an earlier run signed and could not hand over.

    Raises OSError where the place takes none.
    """
    if place.ordered:
        _hand_over_in_order(place=place)
    elif (checkpoint := _due(place)) and _anchored_size(place) < checkpoint.tree_size:
        place.add(checkpoint.note)
        _receipt(size=checkpoint.tree_size, sink=place.name)


@service
def _hand_over_in_order(*, place: Place) -> None:
    """Under the sealing lock, or two sealers could leave it with a smaller checkpoint after a larger one."""
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        checkpoint = _due(place) if _locked() else None
        if checkpoint and _anchored_size(place) < checkpoint.tree_size:
            place.add(checkpoint.note)
            cursor.execute(_RECEIPT, [checkpoint.tree_size, place.name])


@service
def _receipt(*, size: int, sink: str) -> None:
    with connection.cursor() as cursor, acting_as(cursor, SEALER):
        cursor.execute(_RECEIPT, [size, sink])


def _due(place: Place) -> Checkpoint | None:
    """The newest checkpoint, unless the place got one a moment ago."""
    if place.every:
        with connection.cursor() as cursor:
            cursor.execute(_HANDED_OVER, [place.every, place.name])
            if cursor.fetchone() == (True,):
                return None
    return Checkpoint.objects.order_by("-tree_size").first()


def _locked() -> bool:
    """Takes the sealing lock until the end of the transaction; False when another sealer has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEALING_LOCK])
        return bool(cursor.fetchone() == (True,))


def _anchored_size(place: Place) -> int:
    """How far the place has this ledger, under its present name."""
    note = place.newest()
    head = TreeHead.parse(parse_note(note).text) if note else None
    return head.size if head and head.origin == settings.LEDGER_ORIGIN else 0


def _checked_frontier(keys: Sequence[SigningKey], remembered: Sequence[Remembered]) -> Frontier:
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
        for memory in remembered:
            _check_memory(memory, tree)
    except (DamagedTree, NoteError) as error:
        raise SealRefused(str(error)) from error
    return frontier


def _check_last(last: Checkpoint, frontier: Frontier, keys: Sequence[SigningKey]) -> None:
    if frontier.root() != bytes(last.root):
        raise SealRefused(f"the stored tree does not have the root of the checkpoint of size {last.tree_size}")
    verifiers = [key.verifier for key in keys]
    try:
        head = TreeHead.parse(parse_note(last.note).text)
        if head not in former_names(verifiers).values():  # the last one of a former name is countersigned
            open_note(last.note, verifiers)
    except NoteError as error:
        raise SealRefused(f"the note of the checkpoint of size {last.tree_size}: {error}") from error
    if (head.size, head.root) != (last.tree_size, bytes(last.root)):
        raise SealRefused(f"the note of the checkpoint of size {last.tree_size} says something else than its row")
    if head.origin != settings.LEDGER_ORIGIN and head not in former_names(verifiers).values():
        raise SealRefused(f"the last checkpoint belongs to {head.origin}, not to {settings.LEDGER_ORIGIN}", "origin")


def _check_memory(memory: Remembered, tree: StoredTree) -> None:
    """A database behind its anchor was restored from a backup; one that differs was rewritten or forked."""
    head = TreeHead.parse(parse_note(memory.note).text)
    if head.origin != settings.LEDGER_ORIGIN:
        if head.origin in former_origins():
            return  # it holds nothing yet of the name that this ledger was restarted under
        raise SealRefused(f"the {memory.place} belongs to {head.origin}, not to {settings.LEDGER_ORIGIN}", "origin")
    if head.size > tree.size:
        raise SealRefused(
            f"the database ends at {tree.size} leaves, the anchored checkpoint has {head.size}: a rollback, says the"
            f" {memory.place}; recover what is missing, or see restart_ledger",
            "rollback",
        )
    if root_at(tree.node, head.size) != head.root:
        both = Checkpoint.objects.filter(tree_size=head.size).exists()
        raise SealRefused(
            f"the tree of {head.size} leaves does not have the root in the {memory.place}: another history"
            + (", and two checkpoints of one size" if both else ""),
            "two_of_one_size" if both else "another_history",
        )


def remembered_by(places: Sequence[Place]) -> tuple[list[Remembered], list[str]]:
    """What the places hold, and the alarms about those that could not say."""
    found, alarms = [], []
    for place in places:
        try:
            note = place.newest()
        except OSError as error:
            alarms.append(f"the anchor in the {place.name} cannot be read: {error}")
            continue
        if note is not None:
            found.append(Remembered(place.name, note))
        elif Anchor.objects.filter(sink=place.name).exists():
            alarms.append(f"the {place.name} is empty though checkpoints were handed to it")
    return found, alarms


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
