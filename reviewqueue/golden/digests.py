"""What the ledger knows of items and answers: one digest of them all, which stays valid when texts are erased. Pure.

Each item or answer is hashed with its commitment, SHA-256(0x02, salt, canonical content), in the place of its text;
the digest is the hash of these hashes in the order of the keys.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from reviewqueue.ledger.quick_canonical import quick_canonical


def item_leaf(
    *, key: str, comparison: str, tolerance: float | None, category: str, segments: Mapping[str, str], commitment: bytes
) -> bytes:
    return _leaf([key, comparison, tolerance, category, dict(segments), commitment.hex()])


def answer_leaf(*, key: str, confidence: float, right: bool, commitment: bytes) -> bytes:
    return _leaf([key, confidence, right, commitment.hex()])


def digest_of(leaves: Iterable[tuple[str, bytes]]) -> bytes:
    """Of leaves by the key of their item."""
    return hashlib.sha256(b"".join(leaf for _, leaf in sorted(leaves))).digest()


def _leaf(content: list[Any]) -> bytes:
    return hashlib.sha256(b"\x02" + quick_canonical(content)).digest()
