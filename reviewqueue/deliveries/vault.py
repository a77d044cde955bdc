"""Signing secrets as they lie in the database: encrypted under keys that are not in it."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_PURPOSE = b"reviewqueue webhook signing secrets 1"


class SecretUnreadable(Exception):
    """Encrypted under a SECRET_KEY that is neither in use nor among the fallbacks."""


def sealed(secret: bytes) -> str:
    return _vault().encrypt(secret).decode()


def unsealed(text: str) -> bytes:
    try:
        return _vault().decrypt(text)
    except InvalidToken:
        raise SecretUnreadable from None


def _vault() -> MultiFernet:
    return _vault_of((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=8)
def _vault_of(keys: tuple[str, ...]) -> MultiFernet:
    """Encrypts under the first key, decrypts under any."""
    return MultiFernet([Fernet(urlsafe_b64encode(_derived(key))) for key in keys])


def _derived(key: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())
