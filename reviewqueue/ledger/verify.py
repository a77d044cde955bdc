"""Recomputes the whole ledger from its texts and names what does not fit.

Everything is streamed from one snapshot; memory does not grow with the ledger. A ledger rewritten from the first event
on and signed again with the stolen key is sound in itself: only checkpoints kept elsewhere (the anchor, pins) tell.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from operator import attrgetter

from django.db import DataError, connection, transaction

from reviewqueue.ledger.anchors import FileAnchor
from reviewqueue.ledger.heads import Head, anchored_heads, pinned_heads, stored_heads
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.rows import SEALED, UNSEALED, EventRow, event_problems, stream
from reviewqueue.ledger.rows_beside import row_problems
from reviewqueue.ledger.tree import HASH_BYTES, TILE_HEIGHT, Frontier, FullTile

MAX_FINDINGS = 200
TELL_EVERY = 10_000
MAX_GAP = 100_000  # missing leaves that are stood in for, so that later places still fit

_TILE = "SELECT hashes, root FROM ledger.tile WHERE level = %s AND idx = %s"
_SURPLUS_TILES = "SELECT level, idx FROM ledger.tile WHERE idx >= %s::bigint >> (8 * (level + 1)) ORDER BY level, idx"
_STALE_WORK = """
    SELECT p.event_id, l.leaf_index FROM ledger.pending p
      LEFT JOIN ledger.event e ON e.id = p.event_id LEFT JOIN ledger.leaf l ON l.event_id = p.event_id
     WHERE e.id IS NULL OR l.event_id IS NOT NULL ORDER BY p.event_id"""
_BROKEN_CHAINS = """
    SELECT id, leaf_index, subject, claim_seq, expected_seq
      FROM (SELECT e.id, l.leaf_index, e.subject, e.claim_seq, row_number() OVER claim AS expected_seq,
                   coalesce(e.leaf::jsonb -> 'body' ->> 'claim_prev', '') AS stated,
                   coalesce(encode(lag(e.leaf_hash) OVER claim, 'hex'), '') AS expected
              FROM ledger.event e LEFT JOIN ledger.leaf l ON l.event_id = e.id
             WHERE e.subject IS NOT NULL WINDOW claim AS (PARTITION BY e.subject ORDER BY e.claim_seq)) AS linked
     WHERE claim_seq IS DISTINCT FROM expected_seq OR stated <> expected ORDER BY id LIMIT %s"""


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is for programs (leaf, event, tile, checkpoint, chain, work_list, row); `message` names the place."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """The ledger at one moment. `unsealed` events are not proven yet; that is no finding."""

    size: int
    root: str
    unsealed: int
    checkpoints: int
    signatures_checked: bool
    findings: tuple[Finding, ...]
    omitted: int

    @property
    def sound(self) -> bool:
        return not self.findings

    def summary(self) -> str:
        verdict = "sound" if self.sound else f"{len(self.findings) + self.omitted} findings"
        signatures = "signatures verified" if self.signatures_checked else "signatures not checked"
        return f"{verdict}: {self.size} leaves, {self.checkpoints} checkpoints, {signatures}, {self.unsealed} unsealed"

    def as_dict(self) -> dict[str, object]:
        return {"sound": self.sound, **asdict(self)}


def verify(
    *,
    keys: Sequence[VerifierKey],
    anchor: FileAnchor | None = None,
    pins: Sequence[str] = (),
    with_rows: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Report:
    """Checks every leaf, tile, checkpoint, claim chain and the unsealed tail against each other.

    `with_rows` also holds the rows of the application against their entries (rows_beside.py).
    `keys` are the caller's own trust; without any, signatures are not checked. `pins` are signed notes kept outside;
    NoteError is raised for one that is no checkpoint of this ledger. `tell` hears how many leaves were read, now and
    then.
    """
    anchored = anchor.notes() if anchor else ()  # taken before the snapshot, which therefore has all they speak of
    outside = [anchored_heads(anchored, keys), iter(pinned_heads(pins, keys))]
    with snapshot():
        walk = _TreeWalk(heapq.merge(stored_heads(keys), *outside, key=attrgetter("size")), tell=tell)
        tail = _Tail()
        kept: list[Finding] = []
        omitted = 0
        beside = (Finding("row", problem) for problem in row_problems(MAX_FINDINGS if with_rows else 0))
        for finding in chain(
            walk.findings(), tail.findings(), _broken_chains(), _surplus_tiles(walk), _stale_work(), beside
        ):
            if len(kept) < MAX_FINDINGS:
                kept.append(finding)
            else:
                omitted += 1
    root = walk.frontier.root().hex()
    return Report(walk.frontier.size, root, tail.count, walk.checked, bool(keys), tuple(kept), omitted)


@contextmanager
def snapshot() -> Iterator[None]:
    """One state of the database for all that is read, where the caller has not opened a transaction already."""
    own = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if own:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SET LOCAL statement_timeout = 0")
        yield


@dataclass(slots=True)
class _TreeWalk:
    """Grows the tree again leaf by leaf beside the stored one, and stops at every checkpoint on the way."""

    heads: Iterator[Head]
    tell: Callable[[int], None] | None = None
    frontier: Frontier = field(default_factory=Frontier)
    checked: int = 0
    _head: Head | None = None
    _good: int = 0
    _differing: int = 0

    def findings(self) -> Iterator[Finding]:
        self._head = next(self.heads, None)
        yield from self._pass_heads()
        for row in stream(SEALED):
            yield from self._reach(row)
            yield from (Finding("leaf", f"{row.place}: {problem}") for problem in event_problems(row))
            yield from self._grow(row.leaf_hash)
            if self.tell and self.frontier.size % TELL_EVERY == 0:
                self.tell(self.frontier.size)
        yield from self._heads_beyond()

    def _grow(self, hash_: bytes) -> Iterator[Finding]:
        for tile in self.frontier.append(hash_):
            yield from _check_tile(tile)
        yield from self._pass_heads()

    def _reach(self, row: EventRow) -> Iterator[Finding]:
        """Stands in for missing leaves, so that what follows is compared at its own place."""
        missing = (row.leaf_index or 0) - self.frontier.size
        if missing > 0:
            yield Finding("leaf", f"leaf {self.frontier.size}: {missing} missing before {row.place}")
        elif missing < 0:
            yield Finding("leaf", f"{row.place}: its index is taken twice")
        for _ in range(min(missing, MAX_GAP)):
            yield from self._grow(bytes(HASH_BYTES))

    def _pass_heads(self) -> Iterator[Finding]:
        while self._head and self._head.size <= self.frontier.size:
            yield from self._check_head(self._head)
            self._head = next(self.heads, None)

    def _check_head(self, head: Head) -> Iterator[Finding]:
        self.checked += 1
        yield from (Finding("checkpoint", f"{head.place}: {problem}") for problem in head.problems)
        if head.size < self.frontier.size:
            yield Finding("checkpoint", f"{head.place}: out of order")
        elif head.root is not None and head.root != self.frontier.root():
            if not self._differing:
                yield Finding(
                    "checkpoint", f"{head.place}: its root is not the root of the leaves: {self._cause(head)}"
                )
            self._differing += 1
        else:
            self._good, self._differing = head.size, 0

    def _cause(self, head: Head) -> str:
        if head.size == self._good:
            return "another checkpoint of this size fits them"
        return f"it was edited, or one of the leaves {self._good} to {head.size - 1} was"

    def _heads_beyond(self) -> Iterator[Finding]:
        if self._differing > 1:
            yield Finding("checkpoint", f"{self._differing - 1} later checkpoints have another root too")
        for head in chain([self._head] if self._head else [], self.heads):
            gone = f"covers leaves that are gone: only {self.frontier.size} are left"
            yield Finding("checkpoint", f"{head.place}: {gone}")
        if self._good < self.frontier.size and not self._differing:
            yield Finding("leaf", f"leaf {self._good}: no checkpoint covers the leaves from here to the end")


@dataclass(slots=True)
class _Tail:
    """Events without a leaf: allowed only while they wait on the work list."""

    count: int = 0

    def findings(self) -> Iterator[Finding]:
        for row in stream(UNSEALED):
            self.count += 1
            yield from (Finding("event", f"{row.place}: {problem}") for problem in event_problems(row))
            if not row.pending:
                yield Finding("work_list", f"{row.place}: has no leaf and is not on the work list")


def _check_tile(tile: FullTile) -> Iterator[Finding]:
    place = f"tile {tile.index} of level {tile.level}"
    with connection.cursor() as cursor:
        cursor.execute(_TILE, [tile.level, tile.index])
        stored = cursor.fetchone()
    if stored is None:
        yield Finding("tile", f"{place}: is missing")
        return
    hashes, root = bytes(stored[0]), bytes(stored[1])
    if differing := _differing_places(hashes, tile.hashes):
        more = f" and at {len(differing) - 1} later places" if len(differing) > 1 else ""
        yield Finding("tile", f"{place}: differs at {_entry_name(tile, differing[0])}{more}")
    if root != tile.root:
        yield Finding("tile", f"{place}: its root is not the root of the leaves")


def _differing_places(stored: bytes, computed: bytes) -> list[int]:
    starts = range(0, len(computed), HASH_BYTES)
    return [
        start // HASH_BYTES
        for start in starts
        if stored[start : start + HASH_BYTES] != computed[start : start + HASH_BYTES]
    ]


def _entry_name(tile: FullTile, offset: int) -> str:
    """What stands at one place of a tile: a leaf with its event, or the root of a tile below."""
    index = (tile.index << TILE_HEIGHT) + offset
    if tile.level:
        return f"the root of tile {index} of level {tile.level - 1}"
    with connection.cursor() as cursor:
        cursor.execute("SELECT event_id FROM ledger.leaf WHERE leaf_index = %s", [index])
        row = cursor.fetchone()
    return f"leaf {index} (event {row[0] if row else 'missing'})"


def _surplus_tiles(walk: _TreeWalk) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_SURPLUS_TILES, [walk.frontier.size])
        for level, index in cursor.fetchall():
            yield Finding("tile", f"tile {index} of level {level}: covers leaves that are gone")


def _stale_work() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute(_STALE_WORK)
        for event_id, leaf_index in cursor.fetchall():
            why = "does not exist" if leaf_index is None else f"is sealed already, as leaf {leaf_index}"
            yield Finding("work_list", f"event {event_id} is on the work list and {why}")


def _broken_chains() -> Iterator[Finding]:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_BROKEN_CHAINS, [MAX_FINDINGS])
            rows = cursor.fetchall()
    except DataError:
        yield Finding("chain", "the chains of the claims cannot be read: some text is not JSON")
        return
    for event_id, leaf_index, claim, seq, expected in rows:
        place = EventRow.name_of(event_id, leaf_index)
        if seq != expected:
            yield Finding("chain", f"{place}: numbered {seq} in claim {claim}, the {expected}. that is there")
        else:
            yield Finding("chain", f"{place}: claim_prev is not the hash of the event before in claim {claim}")
