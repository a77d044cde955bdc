"""The audit draw: one number per claim that nobody upstream can foresee and everybody can check afterwards.

`number = HMAC-SHA256(epoch key, the 16 bytes of the claim's id)`, its first 53 bits read as a fraction. The key of an
epoch is derived from the instance's sampling secret, committed to (`commitment`) before the epoch begins and revealed
after it has ended; then each recorded number can be recomputed.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final
from uuid import UUID

SHORTEST_SECRET: Final = 16
_BITS: Final = 53
"""All a floating point number in [0, 1) holds exactly at even steps."""


def audit_number(key: bytes, claim_id: UUID) -> float:
    """A number in [0, 1), uniform over claims; the claim is audited exactly when it is below the audit rate."""
    digest = hmac.digest(key, claim_id.bytes, "sha256")
    return (int.from_bytes(digest[:7], "big") >> (56 - _BITS)) / (1 << _BITS)


def epoch_key(master: bytes, pipeline: str, epoch: str) -> bytes:
    """The 32-byte key of one pipeline and epoch. Raises ValueError for a secret under 16 bytes."""
    if len(master) < SHORTEST_SECRET:
        raise ValueError(f"the sampling secret needs at least {SHORTEST_SECRET} bytes")
    name = pipeline.encode()
    length = len(name).to_bytes(4, "big")  # so that no other split of the two names gives the same key
    return hmac.digest(master, b"reviewqueue sampling key 1\0" + length + name + epoch.encode(), "sha256")


def commitment(key: bytes) -> str:
    """What may be published before the epoch: fixes the key and gives nothing of it away."""
    return hashlib.sha256(b"reviewqueue sampling commitment 1\0" + key).hexdigest()
