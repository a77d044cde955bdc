"""Reading the ledger."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models

from reviewqueue.errors import NotFound
from reviewqueue.ledger import tree
from reviewqueue.ledger.models import Anchor, Checkpoint, Event, Leaf, Pending, Refusal
from reviewqueue.ledger.tiles import StoredTree
from reviewqueue.ledger.times import EPOCH, microseconds

CLOCK_SLACK = timedelta(hours=1)
"""Entries whose times run backwards by more than this are not sure to be found by time."""
_OLDEST_UNSEALED = """
    SELECT extract(epoch FROM clock_timestamp()) - recorded_us / 1e6
      FROM ledger.event WHERE id = (SELECT min(event_id) FROM ledger.pending)"""

_SEALED_BY = """
    SELECT leaf, tree_size, sealed_at FROM unnest(%s::bigint[]) AS leaf
      CROSS JOIN LATERAL (SELECT tree_size, sealed_at FROM ledger.checkpoint
                           WHERE tree_size > leaf ORDER BY tree_size LIMIT 1) AS first"""


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One event as people and programs read it. `index` is its place in the tree, None while it is not sealed."""

    id: int
    uuid: UUID
    kind: str
    actor: str
    claim: UUID | None
    claim_seq: int | None
    recorded_at: datetime
    body: dict[str, Any]
    leaf: str
    leaf_hash: bytes
    index: int | None


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries to list. None, and no kinds, leave all; an empty collection of claims or actors leaves nothing.

    Actors are "<kind>:<id>", as in LedgerEntry; `index` is a leaf; a policy's version is only unique in its pipeline.
    """

    claims: Collection[UUID] | None = None
    kinds: Collection[str] = ()
    actors: Collection[str] | None = None
    pipeline: str | None = None
    source: str | None = None
    policy_version: str | None = None
    request: str | None = None
    index: int | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """`next` goes into `before` for the following page; None after the last."""

    entries: list[LedgerEntry]
    next: int | None


@dataclass(frozen=True, slots=True)
class SealingState:
    size: int
    sealed_at: datetime | None
    anchored_size: int
    unsealed: int
    oldest_unsealed_seconds: float | None


@dataclass(frozen=True, slots=True)
class SealedBy:
    """The first checkpoint over a leaf."""

    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That `leaf_hash` is leaf `index` of the tree of `size` leaves under `root`; `note` where that size was signed."""

    index: int
    size: int
    leaf_hash: bytes
    hashes: list[bytes]
    root: bytes
    note: str | None


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of `first` leaves is a prefix of the tree of `second`."""

    first: int
    second: int
    hashes: list[bytes]
    first_root: bytes
    second_root: bytes


def entries(
    *,
    filters: EntryFilter | None = None,
    before: int | None = None,
    limit: int = 100,
    visible: models.Q | None = None,
    window: int | None = None,
) -> EntryPage:
    """Newest first. `before` is the `next` of the page read last.

    Only those that are `visible`, a condition on the columns. No more than `window` ids are
    looked through for one page, which then may be short and still have a next one.
    """
    rows = _filtered(filters or EntryFilter())
    if visible is not None:
        rows = rows.filter(visible)
    floor = _floor(before, window) if window is not None else 0
    if before is not None:
        rows = rows.filter(id__lt=before)
    if floor:
        rows = rows.filter(id__gte=floor)
    found = [_entry(event) for event in rows.order_by("-id")[: limit + 1]]
    if len(found) > limit:
        return EntryPage(found[:limit], found[limit - 1].id)
    return EntryPage(found, floor if floor and Event.objects.filter(id__lt=floor).exists() else None)


def _floor(before: int | None, window: int) -> int:
    """The smallest id of a page that looks through `window` ids."""
    if before is None:
        newest: int = Event.objects.aggregate(newest=models.Max("id"))["newest"] or 0
        before = newest + 1
    return max(0, before - window)


def entries_in_turn(*, filters: EntryFilter, most: int, chunk: int = 1_000) -> Iterator[LedgerEntry]:
    """All that fit, newest first, up to `most`, a page at a time."""
    before, left = None, most
    while left > 0:
        page = entries(filters=filters, before=before, limit=min(chunk, left))
        yield from page.entries
        before, left = page.next, left - len(page.entries)
        if before is None:
            return


def life_of_claim(claim: UUID) -> list[LedgerEntry]:
    """Everything that happened to one claim, first event first."""
    rows = Event.objects.filter(subject=claim).select_related("leaf_row").order_by("claim_seq")
    return [_entry(event) for event in rows]


def entry_at(index: int) -> LedgerEntry:
    event = Event.objects.filter(leaf_row__leaf_index=index).select_related("leaf_row").first()
    if event is None:
        raise NotFound(f"There is no entry {index} in the sealed ledger.")
    return _entry(event)


def latest_checkpoint() -> Checkpoint | None:
    return Checkpoint.objects.order_by("-tree_size").first()


def sealed_by(indexes: Sequence[int]) -> dict[int, SealedBy]:
    """The first checkpoint over each of these leaves: when it was sealed. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SEALED_BY, [list(indexes)])
        return {index: SealedBy(size, at) for index, size, at in cursor.fetchall()}


def checkpoints(*, before: int | None = None, limit: int = 100) -> list[Checkpoint]:
    """Largest first; `before` is a tree size."""
    rows = Checkpoint.objects.order_by("-tree_size")
    return list(rows.filter(tree_size__lt=before)[:limit] if before is not None else rows[:limit])


def sealing_state() -> SealingState:
    """How far sealing is behind. Ages are by the database's clock."""
    last = latest_checkpoint()
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_UNSEALED)
        oldest = cursor.fetchone()
    return SealingState(
        size=last.tree_size if last else 0,
        sealed_at=last.sealed_at if last else None,
        anchored_size=Anchor.objects.aggregate(size=models.Max("tree_size"))["size"] or 0,
        unsealed=Pending.objects.count(),
        oldest_unsealed_seconds=float(oldest[0]) if oldest else None,
    )


def refusal() -> Refusal | None:
    """Why nothing is signed at this moment."""
    found: Refusal | None = Refusal.objects.first()
    return found


def inclusion_proof(*, index: int, size: int | None = None) -> InclusionProof:
    """Raises NotFound when there is no such leaf, or no tree of that size."""
    stored, size = _tree_of(size)
    leaf = Leaf.objects.filter(leaf_index=index, leaf_index__lt=size).first()
    if leaf is None:
        raise NotFound(f"There is no entry {index} in the ledger of size {size}.")
    return InclusionProof(
        index=index,
        size=size,
        leaf_hash=bytes(leaf.leaf_hash),
        hashes=tree.inclusion_proof(stored.node, index, size),
        root=tree.root_at(stored.node, size),
        note=Checkpoint.objects.filter(tree_size=size).values_list("note", flat=True).first(),
    )


def consistency_proof(*, first: int, second: int | None = None) -> ConsistencyProof:
    """Raises NotFound when there is no tree of either size, or `first` is the larger."""
    stored, second = _tree_of(second)
    if not 0 <= first <= second:
        raise NotFound(f"The ledger of size {second} has no earlier state of size {first}.")
    return ConsistencyProof(
        first=first,
        second=second,
        hashes=tree.consistency_proof(stored.node, first, second),
        first_root=tree.root_at(stored.node, first),
        second_root=tree.root_at(stored.node, second),
    )


def tile_hashes(*, level: int, index: int, width: int) -> bytes:
    """`width` hashes of a tile, of the latest checkpoint's tree or any smaller one. Raises NotFound beyond it."""
    stored, size = _tree_of(None)
    start = index * tree.TILE_WIDTH
    if level * tree.TILE_HEIGHT > 62 or start + width > size >> (tree.TILE_HEIGHT * level):
        raise NotFound(f"The sealed ledger of size {size} has no such tile.")
    return b"".join(stored.hashes(level, start, start + width))


def tile_leaves(*, index: int, width: int) -> list[str]:
    """The texts behind `width` hashes of a tile of the lowest level. Raises NotFound beyond the latest checkpoint."""
    _, size = _tree_of(None)
    start = index * tree.TILE_WIDTH
    if start + width > size:
        raise NotFound(f"The sealed ledger of size {size} has no such tile.")
    rows = Leaf.objects.filter(leaf_index__gte=start, leaf_index__lt=start + width).order_by("leaf_index")
    return list(rows.values_list("event__leaf", flat=True))


def unlisted_events(*, limit: int = 100) -> list[int]:
    """Ids of events that have no leaf and wait for none: somebody deleted rows of the work list."""
    rows = Event.objects.filter(leaf_row__isnull=True).exclude(id__in=Pending.objects.values("event_id"))
    return list(rows.order_by("id").values_list("id", flat=True)[:limit])


def _tree_of(size: int | None) -> tuple[StoredTree, int]:
    last = latest_checkpoint()
    sealed = last.tree_size if last else 0
    if size is not None and not 0 <= size <= sealed:
        raise NotFound(f"The sealed ledger has {sealed} entries, not {size}.")
    return StoredTree(sealed), sealed if size is None else size


def _filtered(filters: EntryFilter) -> models.QuerySet[Event]:
    wanted = {
        "subject__in": filters.claims,
        "kind__in": filters.kinds or None,
        "actor__in": filters.actors,
        "pipeline": filters.pipeline,
        "source": filters.source,
        "policy_version": filters.policy_version,
        "request": filters.request,
        "leaf_row__leaf_index": filters.index,
        "recorded_us__gte": microseconds(filters.since) if filters.since else None,
        "recorded_us__lt": microseconds(filters.until) if filters.until else None,
        **_bounds(filters),
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    return Event.objects.select_related("leaf_row").filter(**given)


def _bounds(filters: EntryFilter) -> dict[str, int | None]:
    """Ids of events well before and well after a time, so that a list in the order of ids need not read its way there.

    By the index of the event ids, which begin with their time; with room for a clock that was set back.
    """
    ids = Event.objects.values_list("id", flat=True)
    before = _first_uuid(filters.since - CLOCK_SLACK) if filters.since else None
    after = _first_uuid(filters.until + CLOCK_SLACK) if filters.until else None
    return {
        "id__gte": ids.filter(event_uuid__lt=before).order_by("-event_uuid").first() if before else None,
        "id__lte": ids.filter(event_uuid__gte=after).order_by("event_uuid").first() if after else None,
    }


def _first_uuid(moment: datetime) -> UUID:
    return UUID(int=max(microseconds(moment) // 1000, 0) << 80)


def _entry(event: Event) -> LedgerEntry:
    leaf = getattr(event, "leaf_row", None)
    return LedgerEntry(
        id=event.id,
        uuid=event.event_uuid,
        kind=event.kind,
        actor=event.actor,
        claim=event.subject,
        claim_seq=event.claim_seq,
        recorded_at=EPOCH + timedelta(microseconds=event.recorded_us),
        body=json.loads(event.leaf)["body"],
        leaf=event.leaf,
        leaf_hash=bytes(event.leaf_hash),
        index=leaf.leaf_index if leaf else None,
    )
