"""How payloads are encrypted: AES-256-GCM under a key of the claim's own, which lies wrapped under a master key.

Associated data binds every ciphertext to its claim, to what it is and to its row, and every wrapped key to its claim:
what is put in another place does not open. No database here.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

NONCE_BYTES: Final = 12
SALT_BYTES: Final = 32
_PURPOSE: Final = b"reviewqueue payload master key 1"
_NAME: Final = b"reviewqueue payload master key name 1"
_WRAP: Final = b"reviewqueue payload key 1\0"
_TEXT: Final = b"reviewqueue payload 1\0"


class PayloadUnreadable(Exception):
    """Changed, in another place than where it was written, or wrapped under a master key that is not configured."""


@dataclass(frozen=True, slots=True)
class ClaimKey:
    """A claim's own key, open and as it is stored, with the salt of the claim's commitments.

    A file has one too, and a golden item: `claim_id` is then the id of that.
    """

    claim_id: UUID
    key: AESGCM
    wrapped: bytes
    salt: bytes
    master: str

    def close(self, text: bytes, *, kind: str, row: UUID) -> bytes:
        return _closed(self.key, text, _bound(self.claim_id, kind, row))

    def open(self, ciphertext: bytes, *, kind: str, row: UUID) -> bytes:
        """Raises PayloadUnreadable."""
        return _opened(self.key, ciphertext, _bound(self.claim_id, kind, row))


def new_key(claim_id: UUID) -> ClaimKey:
    name, master = _masters()[0]
    key = AESGCM.generate_key(256)
    wrapped = _closed(master, key, _WRAP + claim_id.bytes)
    return ClaimKey(claim_id, AESGCM(key), wrapped, secrets.token_bytes(SALT_BYTES), name)


def known_key(claim_id: UUID, wrapped: bytes, salt: bytes, master: str) -> ClaimKey:
    """A stored key. Raises PayloadUnreadable."""
    key = _opened(_master(master), wrapped, _WRAP + claim_id.bytes)
    return ClaimKey(claim_id, AESGCM(key), wrapped, salt, master)


def rewrapped(claim_id: UUID, wrapped: bytes, master: str) -> tuple[bytes, str]:
    """The same key under the first master key, and that one's name. Raises PayloadUnreadable."""
    name, first = _masters()[0]
    bound = _WRAP + claim_id.bytes
    return _closed(first, _opened(_master(master), wrapped, bound), bound), name


def current_master() -> str:
    return _masters()[0][0]


def written(said: Any) -> bytes:
    """As it is encrypted: JSON."""
    return json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _bound(claim_id: UUID, kind: str, row: UUID) -> bytes:
    return _TEXT + kind.encode() + b"\0" + claim_id.bytes + row.bytes


def _closed(key: AESGCM, text: bytes, bound: bytes) -> bytes:
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + key.encrypt(nonce, text, bound)


def _opened(key: AESGCM, ciphertext: bytes, bound: bytes) -> bytes:
    try:
        return key.decrypt(ciphertext[:NONCE_BYTES], ciphertext[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        raise PayloadUnreadable from None


# --- the master keys -------------------------------------------------------------------------------------------------


def _master(name: str) -> AESGCM:
    for known, key in _masters():
        if known == name:
            return key
    raise PayloadUnreadable(f"the master key {name} is not among those configured")


def _masters() -> tuple[tuple[str, AESGCM], ...]:
    """The first wraps new keys, any of them unwraps. Those that SECRET_KEY gives come last: for the time before."""
    return _masters_of((*settings.PAYLOAD_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _masters_of(texts: tuple[str, ...]) -> tuple[tuple[str, AESGCM], ...]:
    return tuple((_derived(text, _NAME, 8).hex(), AESGCM(_derived(text, _PURPOSE, 32))) for text in texts)


def _derived(text: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(text.encode())
