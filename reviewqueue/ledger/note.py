"""Signed notes and checkpoints of transparency logs (c2sp.org/signed-note, c2sp.org/tlog-checkpoint). Pure.

Ed25519 only. The three classes of failure matter: a note that is no note, a note nobody known signed, and a note
whose signature by a known key is wrong.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from cryptography.exceptions import InvalidSignature as CryptographicMismatch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_PRIVATE = "PRIVATE+KEY+"
_DASH = "\N{EM DASH} "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


class NoteError(ValueError):
    pass


class MalformedNote(NoteError):
    """Not a note, not a checkpoint, or not a key."""


class UnknownSigner(NoteError):
    """No signature by any of the given keys."""


class WrongSignature(NoteError):
    """A given key's name and id stand under the note, but the signature is not the key's."""


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


@dataclass(frozen=True, slots=True)
class SignedNote:
    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with the name it signs under; as text `<name>+<key id>+<base64>`."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        name, public = _parse_key(text)
        key = cls(name, public)
        if str(key) != text:
            raise MalformedNote("the key id does not belong to this name and key")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    def verifies(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except CryptographicMismatch:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key; as text `PRIVATE+KEY+<name>+<key id>+<base64>`. Never shown by repr."""

    name: str
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        if not text.startswith(_PRIVATE):
            raise MalformedNote("no private key")
        name, seed = _parse_key(text.removeprefix(_PRIVATE))
        key = cls(name, seed)
        if key.secret_text() != text:
            raise MalformedNote("the key id does not belong to this name and key")
        return key

    @property
    def verifier(self) -> VerifierKey:
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key()
        return VerifierKey(self.name, public.public_bytes(Encoding.Raw, PublicFormat.Raw))

    def secret_text(self) -> str:
        secret = base64.b64encode(_ED25519 + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{secret}"

    def sign(self, text: str) -> Signature:
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return Signature(self.name, self.verifier.key_id, signature)

    def __repr__(self) -> str:
        return f"SigningKey({self.verifier})"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a checkpoint says: the log `origin` has `size` leaves under `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Exactly three lines: extension lines cannot be audited and are refused."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3] or not lines[0]:
            raise MalformedNote("a checkpoint is three lines: origin, size, root")
        if not _SIZE.fullmatch(lines[1]) or int(lines[1]) >= 1 << 63:
            raise MalformedNote("the size is no plain decimal number")
        root = _decode(lines[2])
        if len(root) != 32:
            raise MalformedNote("the root is not 32 bytes")
        return cls(lines[0], int(lines[1]), root)


def sign_note(text: str, keys: Sequence[SigningKey]) -> str:
    """The note `text` (ending in a newline) under one signature per key."""
    if not keys:
        raise ValueError("a note needs a key")
    note = text + "\n" + "".join(key.sign(text).line() for key in keys)
    parse_note(note)
    return note


def parse_note(note: str) -> SignedNote:
    """Structure only: nothing is verified. Raises MalformedNote."""
    if len(note) > MAX_BYTES or _CONTROL.search(note) or not _is_utf8(note):
        raise MalformedNote("too long, or with control characters or unpaired surrogates")
    text, separator, tail = note.rpartition("\n\n")
    lines = tail.split("\n")
    if not separator or not tail.endswith("\n") or len(lines) - 1 > MAX_SIGNATURES:
        raise MalformedNote(f"a note is text, an empty line, and 1 to {MAX_SIGNATURES} signature lines")
    return SignedNote(text + "\n", tuple(_parse_signature(line) for line in lines[:-1]))


def open_note(note: str, keys: Iterable[VerifierKey]) -> SignedNote:
    """The note with the signatures of the given keys, all verified; those of others are dropped, as the format asks.

    Raises MalformedNote, WrongSignature or UnknownSigner.
    """
    parsed = parse_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    ours = [signature for signature in parsed.signatures if (signature.name, signature.key_id) in known]
    for signature in ours:
        if not known[signature.name, signature.key_id].verifies(parsed.text, signature.signature):
            raise WrongSignature(f"the signature of {signature.name}+{signature.key_id.hex()} is wrong")
    if not ours:
        raise UnknownSigner("no signature by a known key")
    return SignedNote(parsed.text, tuple(ours))


def is_key_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(char.isspace() for char in name)


def _parse_signature(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space or not is_key_name(name):
        raise MalformedNote("a signature line is an em dash, the key's name and base64")
    raw = _decode(encoded)
    if len(raw) <= 4:
        raise MalformedNote("a signature is a key id of four bytes and more")
    return Signature(name, raw[:4], raw[4:])


def _parse_key(text: str) -> tuple[str, bytes]:
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise MalformedNote("a key is <name>+<key id>+<base64>")
    raw = _decode(parts[2])
    if raw[:1] != _ED25519 or len(raw) != 33:
        raise MalformedNote("not an Ed25519 key")
    return parts[0], raw[1:]


def _decode(encoded: str) -> bytes:
    try:
        raw = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedNote("not base64") from error
    if base64.b64encode(raw).decode() != encoded:
        raise MalformedNote("not base64 in its one canonical form")
    return raw


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
