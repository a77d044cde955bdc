"""What a witness signs (c2sp.org/tlog-cosignature): that at a time it knew no larger tree of this log. Pure."""

from __future__ import annotations

from typing import Final

from reviewqueue.ledger.note import PrivateKey, PublicKey, Signature, parse_signatures

_TIME_BYTES: Final = 8


class CosignerKey(PublicKey):
    """What the cosignatures of a witness are checked with."""

    __slots__ = ()
    ALGORITHM = b"\x04"

    def time_of(self, text: str, signature: Signature) -> int | None:
        """When the witness signed `text`, in seconds since 1970; None where it is not this witness's good signature."""
        raw = signature.signature
        if (signature.name, signature.key_id) != (self.name, self.key_id) or len(raw) != _TIME_BYTES + 64:
            return None
        at = int.from_bytes(raw[:_TIME_BYTES])
        if at >= 1 << 63 or not self.has_signed(_message(text, at), raw[_TIME_BYTES:]):
            return None
        return at


class CosigningKey(PrivateKey[CosignerKey]):
    """What a witness signs with."""

    __slots__ = ()
    PUBLIC = CosignerKey

    def cosign(self, text: str, *, at: int) -> Signature:
        raw = at.to_bytes(_TIME_BYTES) + self.signature_of(_message(text, at))
        return Signature(self.name, self.verifier.key_id, raw)


def good_cosignatures(text: str, lines: str, key: CosignerKey) -> list[Signature]:
    """Those of the signature lines that are this witness's, and good. Raises MalformedNote."""
    return [signature for signature in parse_signatures(lines) if key.time_of(text, signature) is not None]


def _message(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()
