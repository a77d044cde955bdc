"""Exports the sealed ledger, or its leaves between two moments, into what verify_export.py proves alone: a folder, or
a zip file of one.

Line i of the entries is leaf i exactly. An export that begins later carries the edge of the tree before it: the hashes
of the perfect subtrees over the leaves left out, which only fit the signed roots when they are the true ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from reviewqueue.errors import NotFound
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.export_targets import Target, target_at
from reviewqueue.ledger.models import Checkpoint
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
_UNSEALED = """
    SELECT count(*) FROM ledger.pending p JOIN ledger.event e ON e.id = p.event_id
     WHERE e.recorded_us >= %s AND e.recorded_us < %s"""
_CHECKPOINTS = """
    SELECT note FROM (SELECT note, tree_size, row_number() OVER (ORDER BY tree_size DESC) - 1 AS place,
                             count(*) OVER () AS number
                        FROM ledger.checkpoint
                       WHERE tree_size > %s AND tree_size <= %s AND starts_with(note, %s)) AS chosen
     WHERE place %% (1 + number / %s) = 0 ORDER BY tree_size"""


@dataclass(frozen=True, slots=True)
class Exported:
    """Leaves `first` to `size` - 1 lie in the folder, up to the checkpoint of `size`."""

    first: int
    size: int
    unsealed: int
    manifest_hash: str


class Enclosed(NamedTuple):
    """A file that is laid beside the entries, line by line."""

    name: str
    lines: Iterable[bytes]


Enclosing = Callable[[int, int], Iterable[Enclosed]]
"""Asked within the snapshot of the export for what belongs to its leaves, `first` to `size` - 1."""


def export_ledger(
    *,
    path: Path,
    actor: Actor,
    since: datetime | None = None,
    until: datetime | None = None,
    leaves: tuple[int, int] | None = None,
    enclosing: Enclosing | None = None,
) -> Exported:
    """Writes a new folder, or a new file where the name ends in ".zip", from one snapshot; records that it was made.

    With a time, the export holds every event of that time and ends at the first checkpoint over all of them;
    with `leaves`, those from the first to before the size of a checkpoint, whatever the time.
    Raises NotFound where nothing is sealed in that time or no checkpoint has that size, FileExistsError.
    """
    with target_at(path) as target:
        with snapshot():
            first, size = range_of(since, until) if leaves is None else leaves
            origin = _name_at(size)
            unsealed = unsealed_between(since, until)
            files = list(_write_entries(target, first, size))
            files.append(target.write("checkpoints.txt", ["\n\n".join(_notes(first, size, origin)).encode()]))
            files += [target.write(each.name, each.lines) for each in (enclosing(first, size) if enclosing else ())]
            manifest = _manifest(origin, first, size, unsealed, until, files)
        target.write("MANIFEST.json", [manifest.encode()])
    exported = Exported(first, size, unsealed, sha256(manifest.encode()).hexdigest())
    _record(actor, exported, [str(file["name"]) for file in files])
    return exported


def range_of(since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The leaves of a time, up to a checkpoint over all of them: the first, and the size. Raises NotFound."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_AND_LAST, _between(since, until))
        first, last = cursor.fetchone()
    if last is None:
        raise NotFound("Nothing is sealed in this time.")
    over = Checkpoint.objects.filter(tree_size__gt=last, note__startswith=_present_name())
    sizes = over.order_by("tree_size").values_list("tree_size", flat=True)
    size = sizes.first() if until else sizes.last()
    if size is None:
        raise NotFound(f"No checkpoint covers leaf {last}: the ledger is damaged, verify_ledger says where.")
    return (first if since else 0), size


def _name_at(size: int) -> str:
    """The name of the ledger that the checkpoint of a size was signed under. Raises NotFound."""
    checkpoint = Checkpoint.objects.filter(tree_size=size).first()
    if checkpoint is None:
        raise NotFound(f"No checkpoint has {size} entries: the ledger is damaged, verify_ledger says where.")
    return str(checkpoint.note.partition("\n")[0])


def _present_name() -> str:
    """How notes begin that were signed under the present name: those from before a restart prove nothing of it."""
    return f"{settings.LEDGER_ORIGIN}\n"


def _between(since: datetime | None, until: datetime | None) -> list[int]:
    """The first microsecond, and the first one that is not among them any more."""
    return [_microseconds(since) if since else 0, _microseconds(until) if until else 2**62]


def _microseconds(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp()) * 1_000_000 + moment.microsecond


def _write_entries(target: Target, first: int, size: int) -> Iterator[dict[str, object]]:
    for number, start in enumerate(range(first, size, ENTRIES_PER_FILE)):
        leaves = _leaves(start, min(size, start + ENTRIES_PER_FILE))
        yield {**target.write(f"entries-{number:04}.jsonl", (leaf.encode() + b"\n" for leaf in leaves)), "first": start}


def _leaves(start: int, end: int) -> Iterator[str]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LEAVES, [start, end])
        while rows := cursor.fetchmany(_CHUNK):
            yield from (leaf for (leaf,) in rows)


def unsealed_between(since: datetime | None, until: datetime | None) -> int:
    """Events of the time that are not under a checkpoint yet."""
    with connection.cursor() as cursor:
        cursor.execute(_UNSEALED, _between(since, until))
        return int(cursor.fetchone()[0])


def _notes(first: int, size: int, origin: str) -> list[str]:
    """Those of one name inside the range; thinned out evenly, back from the last one, where there are very many."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECKPOINTS, [first, size, f"{origin}\n", MOST_CHECKPOINTS])
        return [note for (note,) in cursor.fetchall()]


def _manifest(
    origin: str, first: int, size: int, unsealed: int, until: datetime | None, files: list[dict[str, Any]]
) -> str:
    stored = StoredTree(size)
    return json.dumps(
        {
            "format": FORMAT,
            "origin": origin,
            "first": first,
            "size": size,
            "edge": [stored.node(level, index).hex() for level, index in perfect_nodes(0, first)],
            "unsealed": unsealed,
            "until": until.astimezone(UTC).isoformat() if until else None,
            "files": files,
        },
        indent=2,
    )


@service
def _record(actor: Actor, exported: Exported, names: list[str]) -> None:
    services.append(
        event="export.created",
        actor=actor,
        format="jsonl",
        payloads=any(name.startswith("payloads-") for name in names),
        rows=exported.size - exported.first,
        leaf_from=exported.first,
        leaf_to=exported.size - 1,
        tree_size=exported.size,
        manifest_hash=exported.manifest_hash,
    )
