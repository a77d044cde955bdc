"""Whether an entry, as it is shown, is what was sealed. A page that shows a proof has checked it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reviewqueue.errors import NotFound
from reviewqueue.ledger.note import NoteError, TreeHead, parse_note
from reviewqueue.ledger.selectors import InclusionProof, LedgerEntry, inclusion_proof
from reviewqueue.ledger.tiles import DamagedTree
from reviewqueue.ledger.tree import leaf_hash, verify_inclusion


@dataclass(frozen=True, slots=True)
class EntryProof:
    """`proof` is None where the stored tree is too damaged to make one. Without `problems`, it holds."""

    proof: InclusionProof | None
    problems: tuple[str, ...]


def proof_of_entry(entry: LedgerEntry) -> EntryProof:
    """Of a sealed entry, to the newest checkpoint. Raises NotFound for one that is not."""
    if entry.index is None:
        raise NotFound("This entry is not sealed yet.")
    try:
        proof = inclusion_proof(index=entry.index)
    except DamagedTree as error:
        return EntryProof(None, (f"no proof can be made: {error.detail}",))
    return EntryProof(proof, tuple(_problems(entry, proof)))


def _problems(entry: LedgerEntry, proof: InclusionProof) -> Iterator[str]:
    computed = leaf_hash(entry.leaf.encode())
    if computed != proof.leaf_hash or computed != entry.leaf_hash:
        yield "its text is not the one that was sealed: the hash of the text is another"
    if not verify_inclusion(
        leaf=proof.leaf_hash, index=proof.index, size=proof.size, proof=proof.hashes, root=proof.root
    ):
        yield "the proof does not lead from its hash to the root of the tree"
    if _signed_root(proof.note) != proof.root:
        yield "the tree of today does not have the root that the checkpoint signs"


def _signed_root(note: str | None) -> bytes | None:
    try:
        return TreeHead.parse(parse_note(note or "").text).root
    except NoteError:
        return None
