#!/usr/bin/env python3
"""Verifies an exported folder of the ledger. This file is all that is needed: Python 3.11, no network, no database.

    python3 verify_export.py FOLDER --key VKEY [--pin FILE]

The keys are the reader's own, never the export's. Memory does not grow with the export: the tree is its right edge,
and the chains of the claims are sorted by SQLite in a temporary file. Exit code 0: proven; 1: tampering or a
contradiction (the leaf or checkpoint is named); 2: unusable input; 3: proven as far as it goes, and incomplete.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any, NoReturn

PROVEN, TAMPERED, UNUSABLE, INCOMPLETE = 0, 1, 2, 3
MAX_LINE, MAX_SMALL_FILE, MAX_FINDINGS, MAX_SIGNATURES = 65_536, 64 << 20, 200, 100
DEFAULT_TOLERANCE_SECONDS = 600
_ENTRIES = re.compile(r"entries-[0-9]{4,8}\.jsonl")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_DECIDED_BY_NOBODY = frozenset({"accept", "accept_flagged", "reject"})
_OF_RULES = frozenset({"claim.decided", "claim.rerouted", "lease.granted", "label.submitted"})


class Unusable(Exception):
    """The input is no export, no key or no checkpoint: nothing was proven, nothing contradicted."""


# --- Ed25519 (RFC 8032), for the few checkpoints of an export; not for signing ------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_Point = tuple[int, int, int, int]


def _add(one: _Point, two: _Point) -> _Point:
    a, b = (one[1] - one[0]) * (two[1] - two[0]) % _P, (one[1] + one[0]) * (two[1] + two[0]) % _P
    c, d = 2 * one[3] * two[3] * _D % _P, 2 * one[2] * two[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: _Point) -> _Point:
    total: _Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point, scalar = _add(point, point), scalar >> 1
    return total


def _point(raw: bytes) -> _Point | None:
    y, sign = int.from_bytes(raw, "little") & (1 << 255) - 1, raw[31] >> 7
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the Ed25519 signature is the key's: by the package `cryptography` where it is installed."""
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return verifies_alone(public, signature, message)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verifies_alone(public: bytes, signature: bytes, message: bytes) -> bool:
    """The same with nothing but integers, in some milliseconds."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, nonce = _point(public), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    base = _point((4 * pow(5, _P - 2, _P) % _P).to_bytes(32, "little"))
    if key is None or nonce is None or base is None or scalar >= _L:
        return False
    challenge = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _L
    left, right = _times(scalar, base), _add(nonce, _times(challenge, key))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 == (left[1] * right[2] - right[1] * left[2]) % _P


# --- signed notes ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> Key:
        parts = text.strip().split("+", 2)
        raw = _base64(parts[2]) if len(parts) == 3 else b""
        if len(raw) != 33 or raw[0] != 1:
            raise Unusable("a key is <name>+<key id>+<base64> of an Ed25519 key")
        key_id = sha256(parts[0].encode() + b"\n" + raw).digest()[:4]
        if key_id.hex() != parts[1]:
            raise Unusable("the key id does not belong to this name and key")
        return cls(parts[0], key_id, raw[1:])


@dataclass(frozen=True)
class Head:
    origin: str
    size: int
    root: bytes
    place: str


def read_head(note: str, keys: list[Key], place: str) -> Head:
    """The checkpoint in a note that one of the keys signed. Raises ValueError, which says what is wrong."""
    text, separator, tail = note.rpartition("\n\n")
    lines, signatures = text.split("\n"), tail.split("\n")
    if not separator or len(lines) != 3 or signatures[-1] or not 2 <= len(signatures) <= MAX_SIGNATURES + 1:
        raise ValueError("is no checkpoint of three lines with 1 to 100 signatures")
    if not lines[0] or not _SIZE.fullmatch(lines[1]) or int(lines[1]) >= 1 << 63:
        raise ValueError("has no origin, or a size that is no plain decimal number")
    root = _base64(lines[2])
    if len(root) != 32:
        raise ValueError("has a root that is not 32 bytes")
    _check_signatures(text + "\n", signatures[:-1], keys)
    return Head(lines[0], int(lines[1]), root, place)


def _check_signatures(text: str, lines: list[str], keys: list[Key]) -> None:
    """Signatures of keys that are not known are passed over, as the format asks; those of known keys must be right."""
    known = 0
    for line in lines:
        dash, name, encoded = ([*line.split(" "), "", ""])[:3]
        raw = _base64(encoded)
        if dash != "\N{EM DASH}" or not name or len(raw) <= 4:
            raise ValueError("has a line that is no signature")
        for key in keys:
            if (key.name, key.key_id) == (name, raw[:4]):
                known += 1
                if not verifies(key.public, raw[4:], text.encode()):
                    raise ValueError(f"has a wrong signature of {name}+{raw[:4].hex()}")
    if not known:
        raise ValueError("has no signature by a known key")


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""


# --- the tree -------------------------------------------------------------------------------------------------------


class Edge:
    """The right edge of the tree: perfect subtrees, largest first."""

    def __init__(self, size: int, hashes: list[bytes]) -> None:
        if len(hashes) != size.bit_count() or any(len(each) != 32 for each in hashes):
            raise Unusable("MANIFEST.json: the edge does not fit the first leaf")
        self.size = size
        self._parts = hashes

    def append(self, hash_: bytes) -> None:
        index = self.size
        while index & 1:
            hash_ = sha256(b"\x01" + self._parts.pop() + hash_).digest()
            index >>= 1
        self._parts.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        if not self._parts:
            return sha256().digest()
        root = self._parts[-1]
        for left in reversed(self._parts[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        return root


# --- the entries ----------------------------------------------------------------------------------------------------


def read_entry(line: bytes) -> dict[str, Any]:
    """The document in a leaf. Raises ValueError unless it is in the one canonical form (RFC 8785, without floats)."""
    try:
        document = json.loads(line, parse_float=_refuse, parse_constant=_refuse)
        ordered = document if line.isascii() else _ordered(document)
        text = json.dumps(ordered, ensure_ascii=False, separators=(",", ":"), sort_keys=line.isascii()).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError("not canonical: no JSON of the kind a ledger holds") from error
    if text != line:
        raise ValueError("not canonical")
    if not isinstance(document, dict) or not isinstance(document.get("body"), dict):
        raise ValueError("not canonical: no event in its wrapper")
    return document


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _ordered(value: Any) -> Any:
    """Keys in the order of RFC 8785: by UTF-16 code units."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


@dataclass
class Verification:
    """One walk over an export; `findings` name places, `gaps` say what an export that is sound leaves unproven."""

    folder: Path
    keys: list[Key]
    pins: list[str]
    tolerance_us: int
    findings: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    omitted: int = 0
    size: int = 0
    root: str = ""
    kinds: dict[str, int] = field(default_factory=dict)
    checkpoints: int = 0
    _newest_us: int = 0
    _proposers: dict[tuple[Any, Any], str] = field(default_factory=dict)
    _approved: set[tuple[Any, Any]] = field(default_factory=set)

    def run(self) -> int:
        manifest = self._manifest()
        first, end = _whole(manifest, "first"), _whole(manifest, "size")
        edge = Edge(first, [_hex(each) for each in _list(manifest, "edge")])
        heads = self._heads(str(manifest.get("origin")), first, end)
        self._note_gaps(manifest, first, heads, end)
        with closing(sqlite3.connect("", isolation_level=None)) as chains:
            chains.execute("PRAGMA journal_mode = off")
            chains.execute("CREATE TABLE link (claim, seq, leaf, hash, prev, body)")
            chains.execute("BEGIN")
            self._walk(edge, heads, chains)
            self._check_chains(chains)
        if edge.size != end:
            self._found(
                f"leaf {min(edge.size, end)}: the manifest speaks of {end} leaves, the entries end at {edge.size}"
            )
        self.size, self.root = edge.size, edge.root().hex()
        return TAMPERED if self.findings else INCOMPLETE if self.gaps else PROVEN

    def _found(self, message: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(message)
        else:
            self.omitted += 1

    def _manifest(self) -> dict[str, Any]:
        try:
            manifest = json.loads(self._small("MANIFEST.json"))
        except (ValueError, RecursionError) as error:
            raise Unusable("MANIFEST.json is not JSON") from error
        if not isinstance(manifest, dict) or manifest.get("format") != "reviewqueue-ledger-export/1":
            raise Unusable("MANIFEST.json is not that of a ledger export")
        named = {str(file.get("name")) for file in _list(manifest, "files") if isinstance(file, dict)}
        there = {path.name for path in self.folder.iterdir()}
        for name in sorted(there ^ (named | {"MANIFEST.json"})):
            self._found(f"{name}: {'is not named by the manifest' if name in there else 'is missing'}")
        return manifest

    def _small(self, name: str) -> str:
        path = self.folder / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_SMALL_FILE:
            raise Unusable(f"{name} is missing, too large or no plain file")
        try:
            return path.read_bytes().decode()
        except UnicodeDecodeError as error:
            raise Unusable(f"{name} is not UTF-8") from error

    def _heads(self, origin: str, first: int, end: int) -> list[Head]:
        heads = []
        notes = self._small("checkpoints.txt")
        if not notes.endswith("\n"):
            self._found("checkpoints.txt does not end with a line")
        for number, note in enumerate(notes[:-1].split("\n\n\n"), start=1):
            place = f"checkpoint {number} of checkpoints.txt"
            try:
                heads.append(read_head(note + "\n", self.keys, place))
            except ValueError as error:
                self._found(f"{place} {error}")
        heads += [self._pin(pin, number) for number, pin in enumerate(self.pins, start=1)]
        for head in heads:
            if head.origin != origin:
                self._found(f"{head.place} belongs to {head.origin}, not to {origin}")
            if head.size > end:
                self._found(f"{head.place} covers {head.size} leaves, the export ends at {end}")
            elif head.size < first:
                self.gaps.append(f"{head.place} of size {head.size} lies before the export")
        return sorted((each for each in heads if first <= each.size <= end), key=lambda each: (each.size, each.place))

    def _pin(self, note: str, number: int) -> Head:
        try:
            return read_head(note, self.keys, f"pinned checkpoint {number}")
        except ValueError as error:
            raise Unusable(f"pinned checkpoint {number} {error}") from error

    def _note_gaps(self, manifest: dict[str, Any], first: int, heads: list[Head], end: int) -> None:
        if first:
            self.gaps.append(f"leaves 0 to {first - 1} are not part of the export")
        if unsealed := _whole(manifest, "unsealed"):
            self.gaps.append(f"{unsealed} events were not sealed yet")
        if not any(head.size == end for head in heads):
            self._found(f"no checkpoint covers the export to its end at {end} leaves")

    def _walk(self, edge: Edge, heads: list[Head], chains: sqlite3.Connection) -> None:
        waiting = iter(heads)
        head = next(waiting, None)
        good = edge.size
        for line in self._lines_and_start():
            if line is not None:
                self._check_line(line, edge, chains)
            while head and head.size == edge.size:
                self.checkpoints += 1
                if head.root == edge.root():
                    good = edge.size
                else:
                    self._found(
                        f"{head.place}: its root is not that of the leaves; it was edited, "
                        f"or one of the leaves {good} to {edge.size - 1} was"
                    )
                head = next(waiting, None)

    def _lines_and_start(self) -> Iterator[bytes | None]:
        yield None
        for path in sorted(each for each in self.folder.iterdir() if _ENTRIES.fullmatch(each.name)):
            if path.is_symlink() or not path.is_file():
                raise Unusable(f"{path.name} is no plain file")
            with path.open("rb") as file:
                while line := file.readline(MAX_LINE + 2):
                    yield line

    def _check_line(self, line: bytes, edge: Edge, chains: sqlite3.Connection) -> None:
        leaf, text = edge.size, line[:-1]
        if not line.endswith(b"\n") or len(text) > MAX_LINE:
            self._found(f"leaf {leaf}: its line has no end or more than {MAX_LINE} bytes")
            text = line
        hash_ = sha256(b"\x00" + text).digest()
        edge.append(hash_)
        try:
            self._check_event(leaf, hash_, read_entry(text), chains)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._found(f"leaf {leaf}: {error if type(error) is ValueError else 'lacks what every event has'}")

    def _check_event(self, leaf: int, hash_: bytes, document: dict[str, Any], chains: sqlite3.Connection) -> None:
        body, recorded = document["body"], int(document["recorded_us"])
        kind = str(body["event"])
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if recorded < self._newest_us - self.tolerance_us:
            self._found(
                f"leaf {leaf}: R9, recorded {(self._newest_us - recorded) // 1_000_000} s before an earlier leaf"
            )
        self._newest_us = max(self._newest_us, recorded)
        if body.get("claim") is not None:
            rule = json.dumps(body) if kind in _OF_RULES else None
            row = (str(body["claim"]), int(body["claim_seq"]), leaf, hash_.hex(), body["claim_prev"], rule)
            chains.execute("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?)", row)
        elif kind.startswith("policy."):
            self._check_policy(leaf, kind, body)

    def _check_policy(self, leaf: int, kind: str, body: dict[str, Any]) -> None:
        policy = (body.get("pipeline"), body.get("policy_version"))
        if kind == "policy.proposed":
            self._proposers[policy] = str(body["actor"]["id"])
        elif kind == "policy.approved":
            self._approved.add(policy)
            if self._proposers.get(policy) == str(body["actor"]["id"]) and body.get("one_person") is not True:
                self._found(f"leaf {leaf}: R5, a policy approved by the person who proposed it")
        elif kind == "policy.activated" and policy in self._proposers and policy not in self._approved:
            self._found(f"leaf {leaf}: R5, a policy activated without an approval")

    def _check_chains(self, chains: sqlite3.Connection) -> None:
        claim, seq, hash_, whole = None, 0, None, False
        leases: dict[Any, Any] = {}
        for now, number, leaf, own, prev, body in chains.execute(
            "SELECT claim, seq, leaf, hash, prev, body FROM link ORDER BY claim, seq, leaf"
        ):
            if now != claim:
                claim, seq, hash_, whole, leases = now, number - 1, prev, number == 1, {}
                if number > 1 and not self._starts_late():
                    self._found(f"leaf {leaf}: the first event of claim {claim} is numbered {number}")
            if number != seq + 1 or prev != hash_ or (number == 1 and prev is not None):
                self._found(f"leaf {leaf}: does not follow the event before it in claim {claim}")
            seq, hash_ = number, own
            if body is not None:
                self._check_claim_rules(leaf, json.loads(body), leases, whole)

    def _starts_late(self) -> bool:
        return any(gap.startswith("leaves 0 to ") for gap in self.gaps)

    def _check_claim_rules(self, leaf: int, body: dict[str, Any], leases: dict[Any, Any], whole: bool) -> None:
        kind = body["event"]
        if kind == "lease.granted":
            leases[body.get("lease")] = body.get("reviewer")
        elif kind == "label.submitted":
            if whole and body.get("lease") is not None and leases.get(body["lease"]) != body.get("reviewer"):
                self._found(f"leaf {leaf}: R2, a label without a lease granted to its reviewer")
        elif body.get("mandatory") is True and body.get("route") in _DECIDED_BY_NOBODY:
            self._found(f"leaf {leaf}: R1, mandatory review and yet decided by nobody")

    def report(self, code: int) -> dict[str, Any]:
        return {
            "exit": code,
            "size": self.size,
            "root": self.root,
            "checkpoints": self.checkpoints,
            "findings": self.findings,
            "omitted": self.omitted,
            "gaps": self.gaps,
            "events": dict(sorted(self.kinds.items())),
        }


def _whole(manifest: dict[str, Any], name: str) -> int:
    value = manifest.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise Unusable(f"MANIFEST.json: {name} is no count")
    return value


def _list(manifest: dict[str, Any], name: str) -> list[Any]:
    value = manifest.get(name)
    if not isinstance(value, list):
        raise Unusable(f"MANIFEST.json: {name} is no list")
    return value


def _hex(value: object) -> bytes:
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        return b""


def as_text(report: dict[str, Any]) -> str:
    verdict = {PROVEN: "proven", TAMPERED: "TAMPERED", INCOMPLETE: "proven, but incomplete"}[report["exit"]]
    lines = [f"{verdict}: {report['size']} leaves, {report['checkpoints']} checkpoints", f"root {report['root']}"]
    lines += [f"- {finding}" for finding in report["findings"]]
    lines += [f"- and {report['omitted']} more"] if report["omitted"] else []
    lines += [f"  not proven: {gap}" for gap in report["gaps"]]
    return "\n".join(lines + [f"  {count:>9} {kind}" for kind, count in report["events"].items()])


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verifies an exported ledger, from its folder alone.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--key", action="append", required=True, help="a public key you trust; may be repeated")
    parser.add_argument("--pin", action="append", default=[], type=Path, help="a checkpoint you kept; may be repeated")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--tolerance", type=int, default=DEFAULT_TOLERANCE_SECONDS, help="seconds of rule R9")
    given = parser.parse_args(words)
    try:
        pins = [path.read_bytes().decode() for path in given.pin]
        keys = [Key.parse(text) for text in given.key]
        verification = Verification(given.folder, keys, pins, given.tolerance * 1_000_000)
        code = verification.run()
    except (Unusable, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"unusable: {error}\n")
        return UNUSABLE
    report = verification.report(code)
    sys.stdout.write((json.dumps(report, indent=2, sort_keys=True) if given.json else as_text(report)) + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
