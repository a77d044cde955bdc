"""Signatures as the Standard Webhooks specification (1.0.0) writes them. Pure.

Signed is `<webhook-id>.<webhook-timestamp>.<body>`, byte by byte as sent. While a secret is being replaced the header
carries one signature of each secret, and the receiver may check any.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_BYTES = 32


class Scheme(StrEnum):
    """How an endpoint wants to be signed for: with a secret both sides know, or with one that never leaves us."""

    HMAC_SHA256 = "v1"
    ED25519 = "v1a"


@dataclass(frozen=True, slots=True)
class SigningSecret:
    """`key` is the HMAC key or the Ed25519 seed."""

    scheme: Scheme
    key: bytes = field(repr=False)

    @property
    def receiver_text(self) -> str:
        """What the receiver checks signatures with: `whsec_…` is a secret, `whpk_…` a public key."""
        if self.scheme == Scheme.HMAC_SHA256:
            return f"whsec_{_base64(self.key)}"
        return f"whpk_{_base64(self._private.public_key().public_bytes_raw())}"

    def sign(self, message_id: str, timestamp: int, body: bytes) -> str:
        """One entry of the `webhook-signature` header. `timestamp` in seconds since 1970."""
        signed = f"{message_id}.{timestamp}.".encode() + body
        if self.scheme == Scheme.HMAC_SHA256:
            signature = hmac.digest(self.key, signed, hashlib.sha256)
        else:
            signature = self._private.sign(signed)
        return f"{self.scheme.value},{_base64(signature)}"

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.key)


def new_secret(scheme: Scheme) -> SigningSecret:
    return SigningSecret(scheme, secrets.token_bytes(KEY_BYTES))


def signature_headers(
    signers: Sequence[SigningSecret], *, message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """The three headers of one attempt. The id is the message's for ever, the timestamp the attempt's."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signer.sign(message_id, timestamp, body) for signer in signers),
    }


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()
