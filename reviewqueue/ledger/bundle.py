"""Everything the ledger says of one claim, as one file that proves itself.

The entries of the claim, in order, each with its inclusion proof to one signed checkpoint. Who holds the public key
needs nothing else: a changed entry fits no proof, and one left out breaks the numbering of the claim's own chain.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, Final
from uuid import UUID

from reviewqueue.errors import NotFound
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.selectors import InclusionProof
from reviewqueue.ledger.tiles import StoredTree
from reviewqueue.ledger.tree import inclusion_proof
from reviewqueue.ledger.verify import snapshot

FORMAT: Final = "reviewqueue-claim-bundle/1"
TLOG_PROOF: Final = "c2sp.org/tlog-proof@v1"


def claim_bundle(claim: UUID, *, size: int | None = None, payload: dict[str, Any] | None = None) -> dict[str, Any]:
    """The bundle up to the checkpoint of `size` entries, or up to the newest.

    `payload` is {"salt": hex, "text": canonical content} for whoever may read it: the ledger itself
    holds nothing readable. Raises NotFound where there is no such checkpoint, or no entry of the claim under it.
    """
    with snapshot():
        checkpoint = _checkpoint(size)
        events = list(
            Event.objects.filter(subject=claim, leaf_row__leaf_index__lt=checkpoint.tree_size)
            .select_related("leaf_row")
            .order_by("claim_seq")
        )
        if not events:
            raise NotFound("No entry of this claim is sealed yet.")
        tree = StoredTree(checkpoint.tree_size)
        entries = [_entry(event.leaf, event.leaf_row.leaf_index, tree) for event in events]
    return {
        "format": FORMAT,
        "origin": checkpoint.note.partition("\n")[0],
        "claim": str(claim),
        "checkpoint": checkpoint.note,
        "entries": entries,
        "payload": payload,
    }


def _checkpoint(size: int | None) -> Checkpoint:
    rows = Checkpoint.objects.order_by("-tree_size")
    checkpoint: Checkpoint | None = (rows if size is None else rows.filter(tree_size=size)).first()
    if checkpoint is None:
        raise NotFound("Nothing is sealed yet." if size is None else f"No checkpoint has {size} entries.")
    return checkpoint


def _entry(leaf: str, index: int, tree: StoredTree) -> dict[str, Any]:
    """One StoredTree for all of them: neighbouring proofs share most of their tiles."""
    proof = inclusion_proof(tree.node, index, tree.size)
    return {"index": index, "leaf": leaf, "proof": [each.hex() for each in proof]}


def tlog_proof(proof: InclusionProof) -> str:
    """The proof of one leaf under a signed checkpoint, in the text form of c2sp.org/tlog-proof."""
    hashes = [b64encode(each).decode() for each in proof.hashes]
    return "\n".join([TLOG_PROOF, f"index {proof.index}", *hashes, "", proof.note or ""])
