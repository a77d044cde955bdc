"""What the entries of one claim prove by themselves, and which checkpoint holds each of them fast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reviewqueue.ledger.selectors import LedgerEntry, SealedBy, sealed_by
from reviewqueue.ledger.tree import leaf_hash


@dataclass(frozen=True, slots=True)
class ClaimProof:
    """`broken` says where the chain of the claim's entries does not hold, None where it does."""

    broken: str | None
    unsealed: int
    seals: dict[int, SealedBy]


def proof_of(entries: Sequence[LedgerEntry]) -> ClaimProof:
    """Of all the entries of a claim, first one first. One query."""
    indexes = [entry.index for entry in entries if entry.index is not None]
    return ClaimProof(_first_break(entries), len(entries) - len(indexes), sealed_by(indexes))


def _first_break(entries: Sequence[LedgerEntry]) -> str | None:
    before: str | None = None
    for number, entry in enumerate(entries, start=1):
        place = f"event {entry.id}" if entry.index is None else f"leaf {entry.index}"
        if leaf_hash(entry.leaf.encode()) != entry.leaf_hash:
            return f"{place}: its text does not match its hash"
        if entry.claim_seq != number:
            return f"{place}: it is numbered {entry.claim_seq}, and is the {number}. that is there"
        if entry.body.get("claim_prev") != before:
            return f"{place}: it does not follow the entry before it"
        before = entry.leaf_hash.hex()
    return None
