"""Entries that a search found, as a file. An answer for reading on, no evidence: that is an export or a bundle."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from django.http import HttpResponse

from reviewqueue.ledger.selectors import LedgerEntry
from reviewqueue.transfers.spreadsheet import quoted

MOST_ROWS: Final = 10_000
FILES: Final = {"csv": ("CSV", "text/csv; charset=utf-8"), "jsonl": ("JSON Lines", "application/jsonl; charset=utf-8")}
COLUMNS: Final = ("index", "recorded_at", "kind", "actor", "claim", "claim_seq", "pipeline", "id", "leaf_hash", "leaf")


def as_file(entries: Iterable[LedgerEntry], *, kind: str) -> HttpResponse:
    rows = map(_row, entries)
    response = HttpResponse(_csv(rows) if kind == "csv" else _lines(rows), content_type=FILES[kind][1])
    response["Content-Disposition"] = f'attachment; filename="ledger-entries.{kind}"'
    return response


def _row(entry: LedgerEntry) -> dict[str, Any]:
    return {
        "index": entry.index,
        "recorded_at": entry.recorded_at.isoformat(timespec="microseconds"),
        "kind": entry.kind,
        "actor": entry.actor,
        "claim": str(entry.claim) if entry.claim else None,
        "claim_seq": entry.claim_seq,
        "pipeline": entry.body.get("pipeline"),
        "id": str(entry.uuid),
        "leaf_hash": entry.leaf_hash.hex(),
        "leaf": entry.leaf,
    }


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: quoted(value) if isinstance(value, str) else value for name, value in row.items()})
    return file.getvalue()


def _lines(rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
