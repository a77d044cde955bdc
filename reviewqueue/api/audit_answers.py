"""The answers about the ledger as types, like those of `answers`. Hashes are hexadecimal."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from reviewqueue.api.answers import Count

Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class LedgerEvent(Struct, frozen=True, kw_only=True):
    index: Annotated[Count | None, Meta(description="Its place in the tree; null while it is not sealed.")]
    id: str
    kind: str
    actor: Annotated[str, Meta(description="`<kind>:<pseudonymous id>` of who did it.")]
    claim: str | None
    recorded_at: str
    leaf: Annotated[str, Meta(description="The entry itself, exactly as it is hashed.")]
    leaf_hash: Annotated[Hash, Meta(description="sha256(0x00 ‖ leaf).")]


class LedgerEventPage(Struct, frozen=True, kw_only=True):
    results: list[LedgerEvent]
    next: str | None


class LedgerCheckpoint(Struct, frozen=True, kw_only=True):
    size: Count
    root: Hash
    sealed_at: str
    note: Annotated[str, Meta(description="The signed note.")]


class LedgerCheckpointPage(Struct, frozen=True, kw_only=True):
    results: list[LedgerCheckpoint]
    next: str | None


class Inclusion(Struct, frozen=True, kw_only=True):
    index: Count
    size: Count
    leaf_hash: Hash
    hashes: Annotated[list[Hash], Meta(description="From the leaf upwards (RFC 9162, 2.1.3).")]
    root: Hash
    checkpoint: Annotated[str | None, Meta(description="The signed note of this size, where that size was signed.")]


class Consistency(Struct, frozen=True, kw_only=True):
    first: Count
    second: Count
    hashes: Annotated[list[Hash], Meta(description="As in RFC 9162, 2.1.4.")]
    first_root: Hash
    second_root: Hash
