"""The proof of a report: its own entry, which holds the hash of its bytes, under a checkpoint that came after it.

The entry lies behind the leaves that the report speaks of. So beside the proof of its place there is one that the later
checkpoint continues the one the report rests on. `verify_export.py` reads it, beside the entries or alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from reviewqueue.ledger.models import Checkpoint, Event, Leaf
from reviewqueue.ledger.selectors import consistency_proof, inclusion_proof
from reviewqueue.ledger.verify_export import REPORT_PROOF_FORMAT
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.selectors import ReportDamaged, ReportNotThere


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """The line of the entry; `index` and `checkpoint` are None for the seconds until it is sealed."""

    leaf: str
    index: int | None
    checkpoint: Checkpoint | None


def own_entry(report: AuditReport) -> OwnEntry:
    """Under the first checkpoint over it that has the name of the one the report rests on.

    Raises ReportNotThere, ReportDamaged.
    """
    if report.event_id is None or report.tree_size is None:
        raise ReportNotThere("This report is not made yet, or could not be made: there is no entry of it.")
    event = Event.objects.filter(pk=report.event_id).select_related("leaf_row").first()
    if event is None:
        raise ReportDamaged("The entry that holds the hash of this report is gone: the ledger is damaged.")
    leaf: Leaf | None = getattr(event, "leaf_row", None)
    checkpoint = _checkpoint_over(leaf.leaf_index, report.tree_size) if leaf else None
    return OwnEntry(event.leaf, leaf.leaf_index if leaf and checkpoint else None, checkpoint)


def _checkpoint_over(index: int, size: int) -> Checkpoint | None:
    own = Checkpoint.objects.filter(tree_size=size).first()
    if own is None:
        return None
    name = own.note.partition("\n")[0]
    over = Checkpoint.objects.filter(tree_size__gt=index, note__startswith=f"{name}\n")
    found: Checkpoint | None = over.order_by("tree_size").first()
    return found


def proof_of(report: AuditReport) -> bytes:
    """`report-proof.json`: of an entry that is not sealed yet it has the line alone, and says so."""
    entry = own_entry(report)
    proof: list[bytes] = []
    consistency: list[bytes] = []
    if entry.index is not None and entry.checkpoint is not None:
        size = entry.checkpoint.tree_size
        proof = inclusion_proof(index=entry.index, size=size).hashes
        consistency = consistency_proof(first=report.tree_size or 0, second=size).hashes
    document = {
        "format": REPORT_PROOF_FORMAT,
        "report": str(report.pk),
        "sealed": entry.checkpoint is not None,
        "leaf": entry.leaf,
        "index": entry.index,
        "checkpoint": entry.checkpoint.note if entry.checkpoint else None,
        "proof": [each.hex() for each in proof],
        "consistency": [each.hex() for each in consistency],
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"
