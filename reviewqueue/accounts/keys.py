"""The text form of an API key: `hrq_<environment>_<8 public characters>_<43 secret characters><6 checksum>`.

The fixed start lets secret scanners find leaked keys; the checksum refuses typing errors before any database look-up.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass

_SHAPE = re.compile(r"hrq_([a-z]{2,10})_([a-z0-9]{8})_([A-Za-z0-9_-]{43})([0-9a-f]{6})")
_PUBLIC_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class KeyText:
    environment: str
    public_id: str
    secret: str

    @property
    def prefix(self) -> str:
        """What people may see of the key."""
        return f"hrq_{self.environment}_{self.public_id}"

    @property
    def text(self) -> str:
        body = f"{self.prefix}_{self.secret}"
        return body + _checksum(body)

    def secret_hash(self, *, pepper: str) -> bytes:
        """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess slowly."""
        return hashlib.sha256(f"{pepper}:{self.secret}".encode()).digest()


def new_key(*, environment: str) -> KeyText:
    public_id = "".join(secrets.choice(_PUBLIC_ALPHABET) for _ in range(8))
    return KeyText(environment=environment, public_id=public_id, secret=secrets.token_urlsafe(32))


def parse_key(text: str) -> KeyText | None:
    """The key in `text`, or None when it is not one (wrong shape or checksum)."""
    match = _SHAPE.fullmatch(text)
    if match is None:
        return None
    environment, public_id, secret, checksum = match.groups()
    key = KeyText(environment=environment, public_id=public_id, secret=secret)
    return key if secrets.compare_digest(key.text[-6:], checksum) else None


def _checksum(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()[:6]
