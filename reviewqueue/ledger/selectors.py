"""Reading the ledger."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, models
from django.db.models.functions import Cast

from reviewqueue.errors import NotFound
from reviewqueue.ledger import tree
from reviewqueue.ledger.models import Anchor, Checkpoint, Event, Leaf, Pending
from reviewqueue.ledger.tiles import StoredTree

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_OLDEST_UNSEALED = """
    SELECT extract(epoch FROM clock_timestamp()) - recorded_us / 1e6
      FROM ledger.event WHERE id = (SELECT min(event_id) FROM ledger.pending)"""


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
    """Which entries to list; an empty field leaves all. `actor` is "<kind>:<id>", as in LedgerEntry."""

    claim: UUID | None = None
    kinds: Sequence[str] = ()
    actor: str | None = None
    pipeline: str | None = None
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


def entries(*, filters: EntryFilter | None = None, before: int | None = None, limit: int = 100) -> EntryPage:
    """Newest first. `before` is the `next` of the page read last."""
    rows = _filtered(filters or EntryFilter())
    if before is not None:
        rows = rows.filter(id__lt=before)
    found = [_entry(event) for event in rows.order_by("-id")[: limit + 1]]
    return EntryPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


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
    rows = Event.objects.select_related("leaf_row")
    if filters.claim is not None:
        rows = rows.filter(subject=filters.claim)
    if filters.kinds:
        rows = rows.filter(kind__in=filters.kinds)
    if filters.actor is not None:
        rows = rows.filter(actor=filters.actor)
    if filters.since is not None:
        rows = rows.filter(recorded_us__gte=_microseconds(filters.since))
    if filters.until is not None:
        rows = rows.filter(recorded_us__lt=_microseconds(filters.until))
    if filters.pipeline is not None:
        rows = rows.alias(document=Cast("leaf", models.JSONField())).filter(document__body__pipeline=filters.pipeline)
    return rows


def _entry(event: Event) -> LedgerEntry:
    leaf = getattr(event, "leaf_row", None)
    return LedgerEntry(
        id=event.id,
        uuid=event.event_uuid,
        kind=event.kind,
        actor=event.actor,
        claim=event.subject,
        claim_seq=event.claim_seq,
        recorded_at=_EPOCH + timedelta(microseconds=event.recorded_us),
        body=json.loads(event.leaf)["body"],
        leaf=event.leaf,
        leaf_hash=bytes(event.leaf_hash),
        index=leaf.leaf_index if leaf else None,
    )


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
