"""Receipts as files, for auditors who check them with tools of their own."""

from __future__ import annotations

import re
from pathlib import Path

from reviewqueue.ledger.models import Anchor, Checkpoint


def write_receipts(folder: Path) -> int:
    """Writes every receipt of the ledger beside the checkpoint that it is for; returns how many.

    A time stamp is `timestamp-<size>.tsr`, the cosignatures of a witness are appended to a copy of the note, as
    `<witness>-<size>.txt`. Raises FileExistsError.
    """
    folder.mkdir()
    written = 0
    for row in Anchor.objects.exclude(receipt=None).order_by("tree_size", "id").iterator():
        note = Checkpoint.objects.filter(tree_size=row.tree_size).values_list("note", flat=True).first()
        if note is None:
            continue
        _write_receipt(folder, row, note)
        written += 1
    return written


def _write_receipt(folder: Path, row: Anchor, note: str) -> None:
    receipt = bytes(row.receipt or b"")
    if row.sink == "timestamp":
        (folder / f"checkpoint-{row.tree_size}.txt").write_text(note)
        (folder / f"timestamp-{row.tree_size}.tsr").write_bytes(receipt)
    else:
        name = re.sub(r"[^A-Za-z0-9._-]", "_", row.sink)
        (folder / f"{name}-{row.tree_size}.txt").write_bytes(note.encode() + receipt)
