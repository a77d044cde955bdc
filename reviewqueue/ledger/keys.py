"""The signing key of the ledger: a file that only the sealing process can read.

One key per line, newest first. Two lines are a rotation: checkpoints are signed by both until the old line is removed.
"""

from __future__ import annotations

import secrets
import stat
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from reviewqueue.ledger.lasting import put_in_place, write_new
from reviewqueue.ledger.note import MalformedNote, SigningKey, VerifierKey, is_key_name


def create_key(path: Path, *, name: str) -> VerifierKey:
    """Writes a new private key to `path`, which must not exist, readable by its owner alone."""
    if not is_key_name(name):
        raise ImproperlyConfigured("the name of a ledger (LEDGER_ORIGIN) has neither spaces nor '+'")
    key = SigningKey(name, secrets.token_bytes(32))
    write_new(path, key.secret_text() + "\n")
    return key.verifier


def write_keys(path: Path, keys: Sequence[SigningKey]) -> None:
    """Puts these keys, newest first, in the place of the file's: all of them or none. Its mode stays what it was."""
    text = "".join(key.secret_text() + "\n" for key in keys)
    put_in_place(path, text, mode=stat.S_IMODE(path.stat().st_mode))


def signing_keys() -> list[SigningKey]:
    """The keys of LEDGER_SIGNING_KEY_FILE. Raises ImproperlyConfigured when they may not be used to sign."""
    path = settings.LEDGER_SIGNING_KEY_FILE
    if not path:
        raise ImproperlyConfigured("this process was given no signing key (LEDGER_SIGNING_KEY_FILE)")
    keys = _read(Path(path))
    if not keys or any(key.name != settings.LEDGER_ORIGIN for key in keys):
        raise ImproperlyConfigured(
            f"the key file {path} holds no key for {settings.LEDGER_ORIGIN}, or one for another name"
        )
    return keys


def verifier_keys() -> list[VerifierKey]:
    """The public halves of the signing keys; none in a process that was not given the key file."""
    return [key.verifier for key in signing_keys()] if settings.LEDGER_SIGNING_KEY_FILE else []


def _read(path: Path) -> list[SigningKey]:
    try:
        if stat.S_IMODE(path.stat().st_mode) & stat.S_IRWXO:
            raise ImproperlyConfigured(f"the key file {path} is open to every user of this machine")
        return [SigningKey.parse(line) for line in path.read_text().splitlines() if line]
    except OSError as error:
        raise ImproperlyConfigured(f"the key file {path} cannot be read: {error.strerror}") from error
    except MalformedNote as error:
        raise ImproperlyConfigured(f"the key file {path} holds no usable key: {error}") from error
