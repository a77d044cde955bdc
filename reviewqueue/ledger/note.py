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
from typing import ClassVar, Generic, Self, TypeVar, cast

from cryptography.exceptions import InvalidSignature as CryptographicMismatch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100
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
class PublicKey:
    """An Ed25519 key with the name it signs under, for one kind of signature; as text `<name>+<key id>+<base64>`."""

    ALGORITHM: ClassVar[bytes]

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        return sha256(self.name.encode() + b"\n" + self.ALGORITHM + self.public).digest()[:4]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MalformedNote."""
        key = cls(*_parse_key(text, cls.ALGORITHM))
        if str(key) != text:
            raise MalformedNote("the key id does not belong to this name and key")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.ALGORITHM + self.public).decode()}"

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except CryptographicMismatch:
            return False
        return True


K = TypeVar("K", bound=PublicKey)


@dataclass(frozen=True, slots=True, repr=False)
class PrivateKey(Generic[K]):
    """The private half; as text `PRIVATE+KEY+<name>+<key id>+<base64>`. Never shown by repr."""

    PUBLIC: ClassVar[type[PublicKey]]

    name: str
    seed: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises MalformedNote."""
        if not text.startswith(_PRIVATE):
            raise MalformedNote("no private key")
        key = cls(*_parse_key(text.removeprefix(_PRIVATE), cls.PUBLIC.ALGORITHM))
        if key.secret_text() != text:
            raise MalformedNote("the key id does not belong to this name and key")
        return key

    @property
    def verifier(self) -> K:
        return cast(K, self.PUBLIC(self.name, self._private.public_key().public_bytes_raw()))

    def secret_text(self) -> str:
        secret = base64.b64encode(self.PUBLIC.ALGORITHM + self.seed).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{secret}"

    def signature_of(self, message: bytes) -> bytes:
        return self._private.sign(message)

    @property
    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.verifier})"


class VerifierKey(PublicKey):
    """What the notes of a ledger are checked with."""

    __slots__ = ()
    ALGORITHM = b"\x01"

    def verifies(self, text: str, signature: bytes) -> bool:
        return self.has_signed(text.encode(), signature)


class SigningKey(PrivateKey[VerifierKey]):
    """What notes are signed with."""

    __slots__ = ()
    PUBLIC = VerifierKey

    def sign(self, text: str) -> Signature:
        return Signature(self.name, self.verifier.key_id, self.signature_of(text.encode()))


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


def parse_signatures(lines: str) -> list[Signature]:
    """Signature lines that stand alone, as a witness sends them. Raises MalformedNote."""
    if not lines.endswith("\n") or lines.count("\n") > MAX_SIGNATURES:
        raise MalformedNote(f"these are not 1 to {MAX_SIGNATURES} signature lines")
    return [_parse_signature(line) for line in lines.split("\n")[:-1]]


def _parse_key(text: str, algorithm: bytes) -> tuple[str, bytes]:
    """Name and 32 bytes of `<name>+<key id>+<base64>`; whether the key id fits is for the caller to check."""
    parts = text.split("+", 2)
    if len(parts) != 3 or not is_key_name(parts[0]):
        raise MalformedNote("a key is <name>+<key id>+<base64>")
    raw = _decode(parts[2])
    if raw[:1] != algorithm or len(raw) != 33:
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
