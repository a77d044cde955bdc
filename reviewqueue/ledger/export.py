"""Exports the sealed ledger, or its leaves between two moments, into a folder that verify_export.py proves alone.

Line i of the entries is leaf i exactly. An export that begins later carries the edge of the tree before it: the hashes
of the perfect subtrees over the leaves left out, which only fit the signed roots when they are the true ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from reviewqueue.errors import NotFound
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.models import Checkpoint, Pending
from reviewqueue.ledger.tiles import StoredTree
from reviewqueue.ledger.tree import perfect_nodes
from reviewqueue.ledger.verify import snapshot
from reviewqueue.transactions import service

FORMAT = "reviewqueue-ledger-export/1"
ENTRIES_PER_FILE = 250_000
MOST_CHECKPOINTS = 1_000
_CHUNK = 5_000

_LEAVES = """
    SELECT e.leaf FROM ledger.leaf l JOIN ledger.event e ON e.id = l.event_id
     WHERE l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index"""
_FIRST_AND_LAST = """
    SELECT min(l.leaf_index), max(l.leaf_index) FROM ledger.leaf l JOIN ledger.event e ON e.id = l.event_id
     WHERE e.recorded_us >= %s AND e.recorded_us < %s"""
_CHECKPOINTS = """
    SELECT note FROM (SELECT note, tree_size, row_number() OVER (ORDER BY tree_size DESC) - 1 AS place,
                             count(*) OVER () AS number
                        FROM ledger.checkpoint WHERE tree_size > %s AND tree_size <= %s) AS chosen
     WHERE place %% (1 + number / %s) = 0 ORDER BY tree_size"""


@dataclass(frozen=True, slots=True)
class Exported:
    """Leaves `first` to `size` - 1 lie in the folder, up to the checkpoint of `size`."""

    first: int
    size: int
    unsealed: int
    manifest_hash: str


def export_ledger(
    *, folder: Path, actor: Actor, since: datetime | None = None, until: datetime | None = None
) -> Exported:
    """Writes the new folder from one snapshot, and records that it was made.

    With a time, the export holds every event of that time and ends at the first checkpoint over all of them.
    Raises NotFound where nothing is sealed in that time, FileExistsError.
    """
    folder.mkdir()
    with snapshot():
        first, size = _range(since, until)
        unsealed = 0 if until else Pending.objects.count()
        files = list(_write_entries(folder, first, size))
        files.append(_write(folder / "checkpoints.txt", "\n\n".join(_notes(first, size))))
        manifest = _manifest(first, size, unsealed, files)
    _write(folder / "MANIFEST.json", manifest)
    exported = Exported(first, size, unsealed, sha256(manifest.encode()).hexdigest())
    _record(actor, exported)
    return exported


def _range(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            _FIRST_AND_LAST, [_microseconds(since) if since else 0, _microseconds(until) if until else 2**62]
        )
        first, last = cursor.fetchone()
    if last is None:
        raise NotFound("Nothing is sealed in this time.")
    sizes = Checkpoint.objects.filter(tree_size__gt=last).order_by("tree_size").values_list("tree_size", flat=True)
    size = sizes.first() if until else sizes.last()
    if size is None:
        raise NotFound(f"No checkpoint covers leaf {last}: the ledger is damaged, verify_ledger says where.")
    return (first if since else 0), size


def _microseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) * 1_000_000 + moment.microsecond


def _write_entries(folder: Path, first: int, size: int) -> Iterator[dict[str, object]]:
    for number, start in enumerate(range(first, size, ENTRIES_PER_FILE)):
        path = folder / f"entries-{number:04}.jsonl"
        digest, bytes_ = sha256(), 0
        with path.open("xb") as file:
            for leaf in _leaves(start, min(size, start + ENTRIES_PER_FILE)):
                line = leaf.encode() + b"\n"
                digest.update(line)
                bytes_ += file.write(line)
        yield {"name": path.name, "bytes": bytes_, "sha256": digest.hexdigest(), "first": start}


def _leaves(start: int, end: int) -> Iterator[str]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LEAVES, [start, end])
        while rows := cursor.fetchmany(_CHUNK):
            yield from (leaf for (leaf,) in rows)


def _notes(first: int, size: int) -> list[str]:
    """Those inside the range; thinned out evenly, back from the last one, where there are very many."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECKPOINTS, [first, size, MOST_CHECKPOINTS])
        return [note for (note,) in cursor.fetchall()]


def _write(path: Path, text: str) -> dict[str, object]:
    raw = text.encode()
    with path.open("xb") as file:
        file.write(raw)
    return {"name": path.name, "bytes": len(raw), "sha256": sha256(raw).hexdigest()}


def _manifest(first: int, size: int, unsealed: int, files: list[dict[str, Any]]) -> str:
    stored = StoredTree(size)
    return json.dumps(
        {
            "format": FORMAT,
            "origin": settings.LEDGER_ORIGIN,
            "first": first,
            "size": size,
            "edge": [stored.node(level, index).hex() for level, index in perfect_nodes(0, first)],
            "unsealed": unsealed,
            "files": files,
        },
        indent=2,
    )


@service
def _record(actor: Actor, exported: Exported) -> None:
    services.append(
        event="export.created",
        actor=actor,
        format="jsonl",
        rows=exported.size - exported.first,
        leaf_from=exported.first,
        leaf_to=exported.size - 1,
        tree_size=exported.size,
        manifest_hash=exported.manifest_hash,
    )
