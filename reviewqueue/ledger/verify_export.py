#!/usr/bin/env python3
"""Verifies an export of the ledger. This file is all that is needed: Python 3.11, no network, no database.

    python3 verify_export.py EXPORT --key VKEY [--pin FILE] [--report FILE [--report-proof FILE]]

EXPORT is a folder, a zip file of one, the bundle of a single claim (JSON), or the proof of the report that is given
(JSON). The keys are the reader's own, never the export's. Memory does not grow with the export: the tree is its right
edge, and what happened to each claim is sorted by SQLite in a temporary file. Exit code 0: proven; 1: tampering or a
contradiction (the leaf or checkpoint is named); 2: unusable input; 3: proven as far as it goes, and incomplete.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import heapq
import hmac
import json
import math
import re
import sqlite3
import sys
import zipfile
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256, sha512
from itertools import combinations
from pathlib import Path
from typing import IO, Any, NoReturn

PROVEN, TAMPERED, UNUSABLE, INCOMPLETE = 0, 1, 2, 3
MAX_LINE, MAX_SMALL_FILE, MAX_FINDINGS, MAX_SIGNATURES = 65_536, 64 << 20, 200, 100
MAX_PAYLOAD_LINE = 16 << 20
DEFAULT_TOLERANCE_SECONDS = 600
EXPORT_FORMAT, BUNDLE_FORMAT = "reviewqueue-ledger-export/1", "reviewqueue-claim-bundle/1"
REPORT_FORMAT, TLOG_PROOF = "reviewqueue-audit-report/1", "c2sp.org/tlog-proof@v1"
REPORT_PROOF, REPORT_PROOF_FORMAT = "report-proof.json", "reviewqueue-report-proof/1"
_ENTRIES, _PAYLOADS = re.compile(r"entries-[0-9]{4,8}\.jsonl"), re.compile(r"payloads-[0-9]{4,8}\.jsonl")
_SELF_PROVING = re.compile(r"MANIFEST\.json|checkpoints\.txt|entries-[0-9]{4,8}\.jsonl")
_KNOWN = frozenset({"policies.jsonl", "report.json", REPORT_PROOF})
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


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


# --- where an export lies -------------------------------------------------------------------------------------------


class Folder:
    """An export as a folder. Links are followed nowhere."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        return sorted(path.name for path in self._path.iterdir())

    def size(self, name: str) -> int:
        path = self._path / name
        if path.is_symlink() or not path.is_file():
            raise Unusable(f"{name} is missing or no plain file")
        return path.stat().st_size

    def open(self, name: str) -> IO[bytes]:
        self.size(name)
        return (self._path / name).open("rb")


_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OverflowError)
"""What zipfile says of a damaged file: of versions and methods that it does not know as well (NotImplementedError)."""


class Zip:
    """An export as a zip file. Nothing is unpacked to the disk, so no path in it leads anywhere."""

    def __init__(self, path: Path) -> None:
        try:
            self._file = zipfile.ZipFile(path)
        except _DAMAGED as error:
            raise Unusable(f"{path.name} is no zip file") from error
        self._infos = {info.filename: info for info in self._file.infolist()}
        if len(self._infos) != len(self._file.infolist()):
            raise Unusable("the zip file names a file twice")

    def names(self) -> list[str]:
        return sorted(self._infos)

    def size(self, name: str) -> int:
        if name not in self._infos or self._infos[name].is_dir() or self._infos[name].flag_bits & 1:
            raise Unusable(f"{name} is missing or no plain file")
        if self._infos[name].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unusable(f"{name} is neither stored nor deflated in the zip file")
        return self._infos[name].file_size

    def open(self, name: str) -> IO[bytes]:
        self.size(name)
        try:
            return self._file.open(name)
        except _DAMAGED as error:
            raise Unusable(f"the zip file is damaged: {error}") from error


def source_at(path: Path) -> Folder | Zip:
    if path.is_dir():
        return Folder(path)
    if path.is_file():
        return Zip(path)
    raise Unusable(f"{path} is neither a folder nor a file")


def small_file(source: Folder | Zip, name: str) -> str:
    """The text of a file that is read whole."""
    if source.size(name) > MAX_SMALL_FILE:
        raise Unusable(f"{name} is too large")
    with source.open(name) as file:
        return _utf8(_some(file, MAX_SMALL_FILE + 1), name)


def digest_of(source: Folder | Zip, name: str) -> str:
    digest = sha256()
    with source.open(name) as file:
        while chunk := _some(file, 1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _some(file: IO[bytes], most: int) -> bytes:
    try:
        return file.read(most)
    except _DAMAGED as error:
        raise Unusable(f"the zip file is damaged: {error}") from error


def _utf8(raw: bytes, name: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unusable(f"{name} is not UTF-8") from error


def lines_of(source: Folder | Zip, name: str, longest: int) -> Iterator[bytes]:
    with source.open(name) as file:
        while True:
            try:
                line = file.readline(longest + 2)
            except _DAMAGED as error:
                raise Unusable(f"the zip file is damaged: {error}") from error
            if not line:
                return
            yield line


# --- the entries ----------------------------------------------------------------------------------------------------


def _refuse(_: str) -> NoReturn:
    raise ValueError


_decode = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse).decode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_encode_as_is = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read_entry(line: bytes) -> dict[str, Any]:
    """The document in a leaf. Raises ValueError unless it is in the one canonical form (RFC 8785, without floats)."""
    try:
        text = line.decode()
        document = _decode(text)
        written = _encode(document) if text.isascii() else _encode_as_is(_ordered(document))
    except (ValueError, RecursionError) as error:
        raise ValueError("not canonical: no JSON of the kind a ledger holds") from error
    if written != text:
        raise ValueError("not canonical")
    if not isinstance(document, dict) or not isinstance(document.get("body"), dict):
        raise ValueError("not canonical: no event in its wrapper")
    return document


def _ordered(value: Any) -> Any:
    """Keys in the order of RFC 8785: by UTF-16 code units."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: key.encode("utf-16-be"))}
    return [_ordered(each) for each in value] if isinstance(value, list) else value


# --- rules over the entries in their order ----------------------------------------------------------------------------
# A rule sees the documents of its kinds with their leaf, and yields what contradicts it; `finish` is asked at the end.

Said = Iterator[tuple[int, str]]
_DECIDED_BY_NOBODY = frozenset({"accept", "accept_flagged", "reject"})
_HELD = frozenset({"review", "escalate"})
_STRICTNESS = {"accept": 0, "accept_flagged": 0, "reject": 0, "uncertain": 1, "review": 2, "escalate": 3}
_BLOCKERS = frozenset({"drift_breaker", "shadow_mode", "step_budget_spent", "step_timeout", "band_unvalidated"})
_MANDATORY = frozenset({"mandatory_category", "mandatory_segment", "mandatory_case"})
_STRICTER_BY = _BLOCKERS | _MANDATORY | {"signal_rule", "verifier_failed", "uncalibrated_model"}


class PolicyRights:
    """R5: nobody approves their own policy, and none is activated without an approval."""

    kinds = ("policy.proposed", "policy.approved", "policy.activated")

    def __init__(self) -> None:
        self._proposers: dict[tuple[Any, Any], str] = {}
        self._approved: set[tuple[Any, Any]] = set()

    def see(self, leaf: int, document: dict[str, Any]) -> Said:
        body = document["body"]
        kind, policy = body["event"], (body.get("pipeline"), body.get("policy_version"))
        if kind == "policy.proposed":
            self._proposers[policy] = str(body["actor"]["id"])
        elif kind == "policy.approved":
            self._approved.add(policy)
            if self._proposers.get(policy) == str(body["actor"]["id"]) and body.get("one_person") is not True:
                yield leaf, "R5, a policy approved by the person who proposed it"
        elif policy in self._proposers and policy not in self._approved:
            yield leaf, "R5, a policy activated without an approval"


class PolicyInForce:
    """R1 and R6: each route is what the text of the policy in force asks for, with the band state that was recorded.

    Confidences are recorded in millionths, so the edge of a band is known to half a millionth.
    """

    kinds = ("claim.decided", "claim.rerouted", "policy.activated")

    def __init__(self, policies: dict[str, dict[str, Any]], *, whole: bool) -> None:
        self._policies = policies
        self._whole = whole
        self._activated: set[tuple[Any, Any]] = set()
        self._bands: dict[str, dict[str, dict[str, Any]]] = {}
        self._calibrators: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
        self.unread = 0
        self.by_signals = 0

    def see(self, leaf: int, document: dict[str, Any]) -> Said:
        body = document["body"]
        hash_ = body.get("policy_hash")
        if body["event"] == "policy.activated":
            self._activated.add((body.get("pipeline"), hash_))
            return
        if body.get("mandatory") is True and body.get("route") not in _HELD:
            yield leaf, "R1, mandatory review and yet decided by nobody"
        if hash_ is None:
            if body.get("route") != "review":
                yield leaf, "R6, decided without a policy and not held for people"
            return
        if self._whole and (body.get("pipeline"), hash_) not in self._activated:
            yield leaf, "R6, decided by a policy that was never activated"
        if hash_ not in self._policies:
            self.unread += 1
            return
        policy = self._policies[hash_]
        if body["event"] == "claim.decided":
            yield from ((leaf, problem) for problem in self._problems(hash_, policy, body))
        elif body.get("route") not in _HELD:
            yield leaf, "R6, routed again and not to people"

    def _problems(self, hash_: str, policy: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
        if body.get("mandatory") is not True and _is_mandatory(policy["mandatory"], body):
            yield "R1, the policy asks for review of this claim whatever its confidence"
        if hash_ not in self._bands:
            self._bands[hash_] = {key: band for band in policy["bands"] for key, band in _named_bands(band)}
            self._calibrators[hash_] = {_subject(entry): entry for entry in policy.get("calibrators", ())}
        name, route, reasons = body.get("band"), body.get("route"), set(body.get("reasons") or ())
        if name is None:
            if route not in _HELD:
                yield "R6, in no band and not held for people"
            return
        band = self._bands[hash_].get(name)
        if band is None:
            yield f"R6, the policy has no band {name}"
            return
        calibrated = body.get("calibrated_ppm")
        known = body.get("confidence_ppm") if calibrated is None else calibrated
        if known is not None and not _lies_in(known, band):
            yield f"R6, a confidence of {known} millionths does not lie in band {name}"
        yield from self._calibration_problems(self._calibrators[hash_].get(_subject(body)), body)
        yield from _route_problems(policy, band, body, route, reasons)

    def _calibration_problems(self, entry: dict[str, Any] | None, body: dict[str, Any]) -> Iterator[str]:
        name, recorded = body.get("calibrator"), body.get("calibrated_ppm")
        if entry is None or name != entry["name"]:
            if name is not None or recorded is not None or entry is not None:
                own = "no calibrator" if entry is None else f"the calibrator {entry['name']}"
                yield f"R6, the policy has {own} for this model version, the entry names {name or 'none'}"
        elif entry["map"].get("kind") in _MAPS_OF_SIGNALS:
            self.by_signals += 1
        else:
            least, most = calibrated_range(entry["map"], body)
            if recorded is None or not least <= recorded <= most:
                yield f"R6, {name} makes {least} to {most} millionths of the stated confidence, {recorded} are recorded"


# A calibrator maps a stated confidence to a measured one, by numbers that stand in the policy. Entries hold what was
# stated to the millionth, so what a map makes of it is a range, narrow unless the map is steep. Two kinds of maps look
# at signals as well, which no entry holds: what they made of a claim is taken as recorded, and counted.
_MAPS_OF_SIGNALS = frozenset({"combined", "boosted"})


def _subject(said: dict[str, Any]) -> tuple[Any, ...]:
    return said.get("model"), said.get("model_version"), said.get("prompt_version") or ""


def calibrated_range(map_: dict[str, Any], body: dict[str, Any]) -> tuple[int, int]:
    """The least and the most, in millionths, that a map makes of the stated confidence. ValueError for an odd map."""
    stated = body["confidence_ppm"]
    ends = max(stated - 0.5, 0) / 1e6, min(stated + 0.5, 1e6) / 1e6
    try:
        offset = _offset(map_.get("offsets") or {}, body)
        low, high = (_calibrated(map_, confidence, offset) for confidence in ends)
        return math.floor(low * 1e6 - 0.5), math.ceil(high * 1e6 + 0.5)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise ValueError(f"R6, the calibrator {body['calibrator']} of the policy is no map that is known") from error


def _calibrated(map_: dict[str, Any], confidence: float, offset: list[float]) -> float:
    kind = map_["kind"]
    if kind == "identity":
        return confidence
    if kind in ("platt", "beta"):
        clipped = min(max(confidence, map_["eps"]), 1 - map_["eps"])
        right, wrong = math.log(clipped), math.log1p(-clipped)
        if kind == "beta":
            return _share(map_["a"] * right - map_["b"] * wrong + map_["intercept"])
        return _share((map_["slope"] + offset[0]) * (right - wrong) + map_["intercept"] + offset[1])
    y = map_["y"]
    if kind == "histogram":
        return float(y[bisect_right(map_["edges"], confidence)])
    if kind != "isotonic":
        raise LookupError(kind)
    x = map_["x"]
    place = bisect_right(x, confidence)
    if place in (0, len(x)):
        return float(y[0] if place == 0 else y[-1])
    return float(y[place - 1] + (y[place] - y[place - 1]) * (confidence - x[place - 1]) / (x[place] - x[place - 1]))


def _share(logit: float) -> float:
    """The inverse of a logit. A fitted map never claims certainty."""
    grown = math.exp(-abs(logit))
    return min(max((1 if logit >= 0 else grown) / (1 + grown), 1e-8), 1 - 1e-8)


def _offset(offsets: dict[str, list[float]], body: dict[str, Any]) -> list[float]:
    """What the map adds for the first of the claim's segments that it treats apart: one alone before two together."""
    own = dict(body.get("segments") or {})
    if body.get("category"):
        own["category"] = body["category"]
    order = sorted(own, key=lambda name: (name != "category", name))
    pairs = combinations([name for name in order if "&" not in name and "=" not in name], 2)
    for names in [*((name,) for name in order), *pairs] if offsets else ():
        text = " & ".join(f"{name}={_plain(own[name])}" for name in names)
        if text in offsets:
            return offsets[text]
    return [0.0, 0.0]


def _plain(value: str) -> str:
    return value.replace("&", "&&") if "&" in value and "=" in value else value


def _named_bands(band: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    key = f"{_edge_text(band['low'])}-{_edge_text(band['high'])}"
    yield key, band
    if band.get("release"):
        yield key + "+verified", {**band, "next_step": None, **band["release"]}


def _edge_text(edge: float) -> str:
    whole, decimals = f"{edge:.8f}".split(".")
    return f"{whole}.{decimals.rstrip('0').ljust(2, '0')}"


def _lies_in(ppm: int, band: dict[str, Any]) -> bool:
    return bool(band["low"] - 1e-6 <= ppm / 1e6 <= band["high"] + 1e-6)


def _is_mandatory(mandatory: dict[str, Any], body: dict[str, Any]) -> bool:
    """Silence does not dodge a mandatory rule: a claim that leaves out what it asks about is held as well."""
    if mandatory["categories"] and (not body.get("category") or body["category"] in mandatory["categories"]):
        return True
    segments = body.get("segments") or {}
    return any(not segments.get(name) or segments[name] in values for name, values in mandatory["segments"].items())


def _route_problems(
    policy: dict[str, Any], band: dict[str, Any], body: dict[str, Any], route: Any, reasons: set[str]
) -> Iterator[str]:
    if route in _DECIDED_BY_NOBODY:
        if body.get("band_state") != "validated" or body.get("calibrator") is None or not band["audit_rate"]:
            yield "R6, decided by a band that had not earned it: not validated, not calibrated or not sampled"
        if policy["mode"] == "shadow":
            yield "R6, decided by a policy that may only watch"
        if blocking := sorted(reasons & _BLOCKERS):
            yield f"R6, decided although {', '.join(blocking)} was recorded"
    if route == band["route"]:
        return
    if _STRICTNESS.get(route, -1) < _STRICTNESS[band["route"]]:
        yield f"R6, the band asks for {band['route']}, the claim went to {route}"
    elif not reasons & _STRICTER_BY:
        yield f"R6, the band asks for {band['route']}, and no reason is recorded for {route}"


class Epochs:
    """R7: each revealed key is the one that was committed to, and a claim is drawn under the epoch of its time.

    With two committed keys at hand, a sample could be picked by choosing between them: the last epoch that had begun
    counts. Commitments without a span are those of versions that had no months.
    """

    kinds = ("sample.epoch_committed", "sample.epoch_revealed")

    def __init__(self) -> None:
        self.committed: dict[tuple[Any, Any], tuple[int, str]] = {}
        self.keys: dict[tuple[Any, Any], bytes] = {}
        self._revealed: dict[tuple[Any, Any], int] = {}
        self._begins: dict[Any, list[tuple[int, int, int]]] = {}
        self._begin_of: dict[tuple[Any, Any], int] = {}

    def see(self, leaf: int, document: dict[str, Any]) -> Said:
        body = document["body"]
        epoch = body.get("pipeline"), body.get("epoch")
        if body["event"] == "sample.epoch_committed":
            before = self.committed.setdefault(epoch, (leaf, str(body.get("commitment"))))
            if before[1] != body.get("commitment"):
                yield leaf, "R7, a second commitment for an epoch"
            elif isinstance(body.get("from_us"), int):
                self._begin_of.setdefault(epoch, body["from_us"])
                self._begins.setdefault(epoch[0], []).append((body["from_us"], int(document["recorded_us"]), leaf))
            return
        key = _hex(body.get("secret"))
        digest = sha256(b"reviewqueue sampling commitment 1\0" + key).hexdigest()
        if epoch in self.committed and self.committed[epoch][1] != digest:
            yield leaf, "R7, the revealed key is not the one that was committed to"
        self.keys[epoch] = key
        self._revealed.setdefault(epoch, leaf)

    def problems(self, leaf: int, at: int, facts: dict[str, Any], *, whole: bool) -> Iterator[str]:
        """What is wrong with the epoch that a claim was drawn under, whatever its key gives."""
        pipeline, name = epoch = facts["pipeline"], facts["epoch"]
        begins = [(begin, max(begin, said)) for begin, said, place in self._begins.get(pipeline, ()) if place < leaf]
        if name is None:
            if begins and facts["route"] in ("accept", "reject"):
                yield "decided by nobody, and no epoch is named that it was drawn under"
            return
        if whole and self.committed.get(epoch, (leaf, ""))[0] >= leaf:
            yield "drawn before the key of its epoch was committed to"
        if self._revealed.get(epoch, leaf) < leaf:
            yield "drawn after the key of its epoch was revealed"
        own = self._begin_of.get(epoch)
        if own is not None and at < own - EPOCH_SLACK_US:
            yield "drawn before its epoch began"
        if own is not None and any(own < begin and since < at - EPOCH_SLACK_US for begin, since in begins):
            yield "drawn under an epoch that a later one had taken over from"


# --- rules over the life of one claim ---------------------------------------------------------------------------------
# The facts of these kinds are kept beside the chain; what is not listed here is only counted.

_FACTS: dict[str, tuple[str, ...]] = {
    "claim.decided": (
        *("pipeline", "route", "band", "model", "model_version", "prompt_version", "category", "band_state"),
        *("mandatory", "audit_sampled", "inclusion_ppm", "audit_u", "audit_rate_ppm", "epoch", "content_commitment"),
    ),
    "claim.rerouted": ("route", "band", "mandatory"),
    "lease.granted": ("lease", "reviewer", "expires_us", "slot"),
    "lease.renewed": ("lease", "expires_us"),
    "lease.held": ("lease", "expires_us"),
    "lease.handed_over": ("lease",),
    "lease.expired": ("lease",),
    "lease.released": ("lease",),
    "label.submitted": ("label", "lease", "reviewer", "late", "verdict", "purpose", "task"),
    "label.amended": ("label", "supersedes", "reviewer", "verdict", "task"),
    "adjudication.decided": ("task", "actor"),
    "outcome.final": ("outcome", "correct", "basis", "label"),
    "outcome.superseded": ("outcome",),
    "payload.erased": ("payload",),
    "payload.viewed": ("payload",),
}


_LEASE_GOES_ON = frozenset({"lease.renewed", "lease.held"})
_LEASE_ENDS = frozenset({"lease.handed_over", "lease.expired", "lease.released"})
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
"""What a field of another type than ours leads to: a finding, never a crash."""


@dataclass
class Happened:
    """One event of a claim as it is sorted: `facts` by name, empty for a kind that no rule asks about."""

    leaf: int
    kind: str
    at: int
    facts: dict[str, Any]


class LifeOfClaim:
    """R2, R3 and R4 over the events of one claim in their order. `whole` where they begin with its first."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._leases: dict[Any, dict[str, Any]] = {}
        self._held_by: dict[Any, Any] = {}
        self._labels: dict[Any, Any] = {}
        self._by_task: dict[Any, set[Any]] = {}
        self._standing: Any = None
        self._sure = whole

    def see(self, event: Happened) -> Iterator[str]:
        kind, facts = event.kind, event.facts
        if kind == "lease.granted":
            self._leases[facts["lease"]] = {**facts, "ended": None}
            self._held_by[facts["slot"]] = facts["lease"]
        elif kind in _LEASE_GOES_ON or kind in _LEASE_ENDS:
            self._lease(kind, facts)
        elif kind == "label.submitted":
            yield from self._submitted(event)
        elif kind == "label.amended":
            yield from self._amended(facts)
        elif kind == "adjudication.decided":
            yield from self._adjudicated(facts)
        elif kind == "outcome.final":
            yield from self._final(facts)
        elif kind == "outcome.superseded":
            if self._sure and self._standing != facts["outcome"]:
                yield "R3, an outcome superseded that did not stand"
            self._standing, self._sure = None, True

    def _lease(self, kind: str, facts: dict[str, Any]) -> None:
        lease = self._leases.get(facts["lease"])
        if lease is None:
            return
        if kind in _LEASE_GOES_ON:
            lease.update(expires_us=facts["expires_us"], ended=None)
        else:
            lease["ended"] = kind

    def _submitted(self, event: Happened) -> Iterator[str]:
        facts = event.facts
        self._labels[facts["label"]] = facts["reviewer"]
        self._by_task.setdefault(facts["task"], set()).add(facts["reviewer"])
        if not self._whole:
            return
        lease = self._leases.get(facts["lease"])
        if lease is None or lease["reviewer"] != facts["reviewer"]:
            yield "R2, a label without a lease granted to its reviewer"
        elif self._held_by.get(lease["slot"]) != facts["lease"]:
            yield "R2, a label under a lease that somebody else had taken over"
        elif lease["ended"] not in (None, "lease.expired"):
            yield "R2, a label under a lease that was given back"
        elif facts["late"] is not True and (lease["ended"] or event.at > int(lease["expires_us"]) + GRACE_US):
            yield "R2, a label after its lease had run out, not marked as late"

    def _amended(self, facts: dict[str, Any]) -> Iterator[str]:
        before = self._labels.get(facts["supersedes"])
        self._labels[facts["label"]] = facts["reviewer"]
        if self._whole and before != facts["reviewer"]:
            yield "R2, a label changed by somebody who had not given it"

    def _adjudicated(self, facts: dict[str, Any]) -> Iterator[str]:
        senior = (facts["actor"] or {}).get("id") if isinstance(facts["actor"], dict) else None
        if any(senior in people for task, people in self._by_task.items() if task != facts["task"]):
            yield "R4, decided by somebody who had given one of the labels it is about"

    def _final(self, facts: dict[str, Any]) -> Iterator[str]:
        if self._sure and self._standing is not None:
            yield "R3, a second outcome while the first one stands"
        if self._whole and facts["label"] is not None and facts["label"] not in self._labels:
            yield "R3, an outcome before the label it names"
        self._standing, self._sure = facts["outcome"], True


EPOCH_SLACK_US = 3_600_000_000
"""How long around its first moment an epoch may be used early or the one before it late."""

GRACE_US = 5_000_000
"""How far the clocks of granting and submitting may differ: both are the database's, read at other moments."""


class Figures:
    """What can be counted from entries alone: the one definition, for reports and for this verifier.

    A claim counts where its `claim.decided` is among the entries, with what happened to it up to the end of them.
    """

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, Counter[str]]] = {}
        self._bands: dict[str, dict[str, dict[str, list[int]]]] = {}

    def event(self, body: dict[str, Any]) -> None:
        """An event about no claim."""
        if body.get("pipeline") is not None:
            self._of(body["pipeline"], "events")[str(body["event"])] += 1

    def claim(self, events: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """The events of one claim, by kind with their facts (see `facts_of`), the first of them `claim.decided`."""
        pipeline: Any = None
        decided: dict[str, Any] = {}
        standing: dict[str, Any] | None = None
        for kind, facts in events:
            if kind == "claim.decided" and not decided:
                decided, pipeline = facts, facts["pipeline"]
                self._decided(pipeline, facts)
            if pipeline is None:
                continue
            self._of(pipeline, "events")[kind] += 1
            if kind in ("label.submitted", "label.amended"):
                self._of(pipeline, "verdicts")[str(facts["verdict"])] += 1
            elif kind == "outcome.final":
                standing = facts
            elif kind == "outcome.superseded":
                standing = None
        if standing is not None:
            self._settled(pipeline, decided, standing)

    def _decided(self, pipeline: Any, facts: dict[str, Any]) -> None:
        for name in ("route", "band", "band_state", "model", "model_version", "category"):
            self._of(pipeline, f"decisions by {name}")[str(facts[name] if facts[name] is not None else "")] += 1
        mandatory = self._of(pipeline, "mandatory")
        if facts["mandatory"] is True:
            mandatory["claims"] += 1
            mandatory["decided by nobody"] += facts["route"] not in _HELD
        if facts["audit_sampled"] is True:
            self._of(pipeline, "audit sample")["drawn"] += 1

    def _settled(self, pipeline: Any, decided: dict[str, Any], outcome: dict[str, Any]) -> None:
        self._of(pipeline, "outcomes by basis")[str(outcome["basis"])] += 1
        said = {True: "right", False: "wrong"}.get(outcome["correct"], "unknown")
        self._of(pipeline, "outcomes")[said] += 1
        if decided["mandatory"] is True:
            self._of(pipeline, "mandatory")["with an outcome"] += 1
        if outcome["basis"] in MEASURING and said != "unknown":
            rates = self._bands.setdefault(str(pipeline), {}).setdefault(str(decided["band"] or ""), {})
            count = rates.setdefault(str(decided["inclusion_ppm"]), [0, 0])
            count[0] += 1
            count[1] += said == "right"

    def _of(self, pipeline: Any, name: str) -> Counter[str]:
        return self._counts.setdefault(str(pipeline), {}).setdefault(name, Counter())

    def as_dict(self, pipeline: str | None = None) -> dict[str, Any]:
        """By pipeline, or of one; `bands` holds labelled and right by the millionths of the chance to be labelled."""
        found = {
            name: {
                **{each: dict(sorted(counter.items())) for each, counter in sorted(counts.items()) if counter},
                "bands": {
                    band: {rate: {"labelled": n, "right": right} for rate, (n, right) in sorted(rates.items())}
                    for band, rates in sorted(self._bands.get(name, {}).items())
                },
            }
            for name, counts in sorted(self._counts.items())
        }
        return found if pipeline is None else found.get(pipeline, {})


MEASURING = frozenset({"labels", "adjudication"})
"""Outcomes that people who were asked have found; what sources report from outside measures nothing."""


def facts_of(body: dict[str, Any]) -> dict[str, Any]:
    """What rules and figures look at in an event about a claim."""
    return {name: body.get(name) for name in _FACTS.get(body["event"], ())}


# --- the whole export -------------------------------------------------------------------------------------------------

_TABLES = """
    CREATE TABLE link (claim, seq INTEGER, leaf INTEGER, hash BLOB, prev, kind, at INTEGER, facts);
    CREATE TABLE payload (claim PRIMARY KEY, digest BLOB) WITHOUT ROWID;
    CREATE TABLE snapshot (leaf INTEGER, leaf_to INTEGER, subject, counts, pipeline);
    CREATE TABLE moved (leaf INTEGER, subject, band, rate, labelled INTEGER, right INTEGER);"""
_BUFFER = 2_000


class Few(list[str]):
    """Up to so many messages, and how many more there were: an export may lack a million payloads."""

    def __init__(self, most: int = MAX_FINDINGS) -> None:
        super().__init__()
        self._most = most
        self.more = 0

    def append(self, message: str) -> None:
        if len(self) < self._most:
            super().append(message)
        else:
            self.more += 1

    def said(self) -> list[str]:
        return [*self, f"{self.more} more of this kind"] if self.more else list(self)


class Earliest:
    """The findings of the lowest leaves, whatever the order they come in; `more` were left out."""

    def __init__(self, most: int = MAX_FINDINGS) -> None:
        self._most = most
        self._kept: list[tuple[int, str]] = []
        self.more = 0

    def append(self, leaf: int, message: str) -> None:
        heapq.heappush(self._kept, (-leaf, message))
        if len(self._kept) > self._most:
            heapq.heappop(self._kept)
            self.more += 1

    def in_order(self) -> list[tuple[int, str]]:
        return sorted((-place, message) for place, message in self._kept)


@dataclass
class Verification:
    """One walk over an export; `findings` name places, `gaps` say what an export that is sound leaves unproven."""

    path: Path
    keys: list[Key]
    pins: list[str]
    tolerance_us: int = DEFAULT_TOLERANCE_SECONDS * 1_000_000
    report_text: str | None = None
    report_proof: str | None = None
    findings: list[str] = field(default_factory=list)
    gaps: Few = field(default_factory=Few)
    notes: Few = field(default_factory=Few)
    omitted: int = 0
    size: int = 0
    root: str = ""
    kinds: Counter[str] = field(default_factory=Counter)
    checkpoints: int = 0
    figures: Figures = field(default_factory=Figures)
    _newest_us: int = 0
    _first: int = 0
    _found_at: Earliest = field(default_factory=Earliest)

    def run(self) -> int:
        self._source = source_at(self.path)
        manifest = self._manifest()
        self._first, end = _whole(manifest, "first"), _whole(manifest, "size")
        edge = Edge(self._first, [_hex(each) for each in _list(manifest, "edge")])
        self._report = self._read_report()
        heads = self._heads(manifest, self._first, end)
        self._note_gaps(manifest, heads, end)
        self._epochs = Epochs()
        self._in_force = PolicyInForce(self._policies(), whole=not self._first)
        self._by_kind = _by_kind([PolicyRights(), self._in_force, self._epochs])
        with closing(sqlite3.connect("", isolation_level=None)) as self._sorted:
            self._sorted.executescript("PRAGMA journal_mode = off;" + _TABLES)
            self._sorted.execute("BEGIN")
            self._payload_files = self._read_payloads()
            self._walk(edge, heads, end)
            self._check_claims()
            self._check_other_payloads()
            self._check_snapshots()
        if edge.size != end:
            place = min(edge.size, end)
            self._found(f"leaf {place}: the manifest speaks of {end} leaves, the entries end at {edge.size}")
        self._check_other_files(manifest)
        self._check_report(manifest, edge)
        self._say_what_is_open()
        self.size, self.root = edge.size, edge.root().hex()
        return TAMPERED if self.findings else INCOMPLETE if self.gaps else PROVEN

    def _found(self, message: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(message)
        else:
            self.omitted += 1

    # -- files that are read whole

    def _manifest(self) -> dict[str, Any]:
        manifest = _json(small_file(self._source, "MANIFEST.json"), "MANIFEST.json")
        if not isinstance(manifest, dict) or manifest.get("format") != EXPORT_FORMAT:
            raise Unusable("MANIFEST.json is not that of a ledger export")
        named = {str(file.get("name")) for file in _list(manifest, "files") if isinstance(file, dict)}
        there = set(self._source.names())
        for name in sorted(there ^ (named | {"MANIFEST.json"})):
            self._found(f"{name}: {'is not named by the manifest' if name in there else 'is missing'}")
        return manifest

    def _check_other_files(self, manifest: dict[str, Any]) -> None:
        """Files that no checkpoint covers. The manifest is not signed: this shows damage, and proves nothing."""
        there = set(self._source.names())
        for name in sorted(there):
            if not (_SELF_PROVING.fullmatch(name) or _PAYLOADS.fullmatch(name) or name in _KNOWN):
                self.gaps.append(f"{name}: nothing here proves this file")
        for file in manifest["files"]:
            name, stated = (str(file.get("name")), file.get("sha256")) if isinstance(file, dict) else ("", None)
            if stated is None or name not in there or _SELF_PROVING.fullmatch(name):
                continue
            if digest_of(self._source, name) != stated:
                self._found(f"{name}: is not the file that the manifest names")

    def _heads(self, manifest: dict[str, Any], first: int, end: int) -> list[Head]:
        """A pin beyond the end is a rollback, unless the export says itself that it ends before the present."""
        heads: list[Head] = []
        origin, ends_early = str(manifest.get("origin")), manifest.get("until") is not None
        notes = small_file(self._source, "checkpoints.txt")
        if not notes.endswith("\n"):
            self._found("checkpoints.txt does not end with a line")
        for number, note in enumerate(notes[:-1].split("\n\n\n"), start=1):
            place = f"checkpoint {number} of checkpoints.txt"
            try:
                heads.append(read_head(note + "\n", self.keys, place))
            except ValueError as error:
                self._found(f"{place} {error}")
        heads += [pinned_head(pin, self.keys, number) for number, pin in enumerate(self.pins, start=1)]
        later = [self._report.later] if self._report and self._report.later else []
        for head in heads:
            if head.origin != origin:
                self._found(f"{head.place} belongs to {head.origin}, not to {origin}")
            is_pin = head.place.startswith("pinned")
            if head.size > end and is_pin and any(head.size == each.size for each in later):
                continue  # the same as the one over the entry of the report, or two histories
            if head.size > end and is_pin and ends_early:
                self.gaps.append(f"{head.place} covers {head.size} leaves, the export ends at {end} on purpose")
            elif head.size > end:
                self._found(f"{head.place} covers {head.size} leaves, the export ends at {end}")
            elif head.size < first:
                self.gaps.append(f"{head.place} of size {head.size} lies before the export")
        for message in two_histories([*heads, *later]):
            self._found(message)
        return sorted((each for each in heads if first <= each.size <= end), key=lambda each: (each.size, each.place))

    def _note_gaps(self, manifest: dict[str, Any], heads: list[Head], end: int) -> None:
        if self._first:
            self.gaps.append(f"leaves 0 to {self._first - 1} are not part of the export")
        if unsealed := _whole(manifest, "unsealed"):
            self.gaps.append(f"{unsealed} events were not sealed yet")
        if not any(head.size == end for head in heads):
            self._found(f"no checkpoint covers the export to its end at {end} leaves")

    def _policies(self) -> dict[str, dict[str, Any]]:
        """Each line is one policy in its canonical form: the hash of the line is the hash that the entries name."""
        if "policies.jsonl" not in self._source.names():
            return {}
        policies = {}
        for line in small_file(self._source, "policies.jsonl").splitlines():
            document = _json(line, "policies.jsonl")
            if not isinstance(document, dict):
                raise Unusable("policies.jsonl holds no policies")
            policies["sha256:" + sha256(line.encode()).hexdigest()] = document
        return policies

    def _read_payloads(self) -> bool:
        names = [name for name in self._source.names() if _PAYLOADS.fullmatch(name)]
        for name in names:
            for number, line in enumerate(lines_of(self._source, name, MAX_PAYLOAD_LINE), start=1):
                try:
                    said = json.loads(line)
                    row = str(said["claim"]).encode().decode(), payload_digest(said)
                except (*_MALFORMED, RecursionError):
                    self._found(f"{name}, line {number}: is no payload")
                    continue
                if self._sorted.execute("INSERT OR IGNORE INTO payload VALUES (?, ?)", row).rowcount != 1:
                    self._found(f"{name}, line {number}: a second payload of claim {row[0]}")
        return bool(names)

    # -- the walk over the leaves

    def _walk(self, edge: Edge, heads: list[Head], end: int) -> None:
        waiting = iter(heads)
        head = next(waiting, None)
        good, differing = edge.size, 0
        rows: list[tuple[Any, ...]] = []
        for line in self._start_and_lines():
            if line is not None:
                self._check_line(line, edge, rows)
                if len(rows) >= _BUFFER:
                    self._keep(rows)
            while head and head.size == edge.size:
                self.checkpoints += 1
                good, differing = self._check_root(head, edge, good, differing)
                head = next(waiting, None)
            if edge.size > end:
                break
        self._keep(rows)
        if differing > 1:
            self._found(f"{differing - 1} later checkpoints have another root too")

    def _check_root(self, head: Head, edge: Edge, good: int, differing: int) -> tuple[int, int]:
        """How many leaves are proven so far, and how many checkpoints in a row have another root than the leaves."""
        if head.root == edge.root():
            return edge.size, 0
        if not differing:
            self._found(
                f"{head.place}: its root is not that of the leaves; it was edited, "
                f"or one of the leaves {good} to {edge.size - 1} was"
            )
        return good, differing + 1

    def _start_and_lines(self) -> Iterator[bytes | None]:
        yield None
        for name in self._source.names():
            if _ENTRIES.fullmatch(name):
                yield from lines_of(self._source, name, MAX_LINE)

    def _check_line(self, line: bytes, edge: Edge, rows: list[tuple[Any, ...]]) -> None:
        leaf, text = edge.size, line[:-1]
        if line[-1:] != b"\n" or len(text) > MAX_LINE:
            self._found(f"leaf {leaf}: its line has no end or more than {MAX_LINE} bytes")
            text = line
        hash_ = sha256(b"\x00" + text).digest()
        edge.append(hash_)
        try:
            self._check_event(leaf, hash_, read_entry(text), rows)
        except _MALFORMED as error:
            self._found(f"leaf {leaf}: {error if type(error) is ValueError else 'lacks what every event has'}")

    def _check_event(self, leaf: int, hash_: bytes, document: dict[str, Any], rows: list[tuple[Any, ...]]) -> None:
        body, recorded = document["body"], int(document["recorded_us"])
        kind = body["event"]
        if type(kind) is not str:
            raise TypeError
        self.kinds[kind] += 1
        if recorded > self._newest_us:
            self._newest_us = recorded
        elif recorded < self._newest_us - self.tolerance_us:
            seconds = (self._newest_us - recorded) // 1_000_000
            self._found(f"leaf {leaf}: R9, recorded {seconds} s before an earlier leaf")
        for rule in self._by_kind.get(kind, ()):
            for place, message in rule.see(leaf, document):
                self._found(f"leaf {place}: {message}")
        claim = body.get("claim")
        if claim is not None:
            facts = _encode_as_is(facts_of(body)) if kind in _FACTS else None
            rows.append((str(claim), int(body["claim_seq"]), leaf, hash_, body["claim_prev"], kind, recorded, facts))
        elif kind == "accuracy.snapshot":
            self._keep_snapshot(leaf, body)
        else:
            self.figures.event(body)

    def _keep(self, rows: list[tuple[Any, ...]]) -> None:
        try:
            self._sorted.executemany("INSERT INTO link VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        except (sqlite3.Error, OverflowError):
            for row in rows:
                self._found(f"leaf {row[2]}: its place in the chain of its claim is no number or no hash")
        rows.clear()

    # -- the claims, one after the other

    def _check_claims(self) -> None:
        """The chain of each claim, what may happen to it, its payload and its draw."""
        moved: list[tuple[Any, ...]] = []
        for claim, rows in _grouped(
            self._sorted.execute(
                "SELECT claim, seq, leaf, hash, prev, kind, at, facts FROM link ORDER BY claim, seq, leaf"
            )
        ):
            self._check_chain(claim, rows)
            try:
                self._check_claim(claim, rows, moved)
            except _MALFORMED:
                self._found_at.append(rows[0][2], f"claim {claim} has an event that lacks what its kind has")
            if len(moved) >= _BUFFER:
                self._move(moved)
        self._move(moved)
        for leaf, message in self._found_at.in_order():
            self._found(f"leaf {leaf}: {message}")
        self.omitted += self._found_at.more

    def _check_claim(self, claim: str, rows: list[tuple[Any, ...]], moved: list[tuple[Any, ...]]) -> None:
        events = [Happened(row[2], row[5], row[6], json.loads(row[7]) if row[7] else {}) for row in rows]
        life = LifeOfClaim(whole=rows[0][1] == 1)
        for event in events:
            for message in life.see(event):
                self._found_at.append(event.leaf, message)
        if events[0].kind == "claim.decided":
            self.figures.claim((event.kind, event.facts) for event in events)
            self._check_draw(claim, events[0])
            moved += movements(events)
        self._check_payload(claim, events)

    def _check_chain(self, claim: str, rows: list[tuple[Any, ...]]) -> None:
        number, hash_ = rows[0][1] - 1, _hex(rows[0][4]) if rows[0][1] > 1 else None
        if number and not self._first:
            self._found_at.append(rows[0][2], f"the first event of claim {claim} is numbered {number + 1}")
        for _, seq, leaf, own, prev, *_ in rows:
            if seq != number + 1 or (prev if prev is None else _hex(prev)) != hash_:
                self._found_at.append(leaf, f"does not follow the event before it in claim {claim}")
            number, hash_ = seq, own

    def _check_draw(self, claim: str, decided: Happened) -> None:
        """R7: the number drawn is that of the epoch's key, committed to before, and decides who is audited."""
        facts = decided.facts
        epoch = facts["pipeline"], facts["epoch"]
        whole = not self._first
        for problem in self._epochs.problems(decided.leaf, decided.at, facts, whole=whole):
            self._found_at.append(decided.leaf, f"R7, {problem}")
        if epoch in self._epochs.keys:
            for problem in draw_problems(self._epochs.keys[epoch], claim, facts):
                self._found_at.append(decided.leaf, f"R7, {problem}")

    def _check_payload(self, claim: str, events: list[Happened]) -> None:
        erased = next((each.leaf for each in events if erases(each, claim)), None)
        gone = f"payload of claim {claim} erased by event at leaf {erased}"
        decided = next((each for each in events if each.kind == "claim.decided"), None)
        if not self._payload_files or decided is None:
            if erased is not None:
                self.notes.append(gone)
            return
        row = self._sorted.execute("SELECT digest FROM payload WHERE claim = ?", (claim,)).fetchone()
        if row is None:
            self.gaps.append(f"payload of claim {claim} is not in the export" if erased is None else gone)
            return
        if erased is not None:
            self._found_at.append(erased, f"the payload of claim {claim} was erased, and yet the export holds one")
        if row[0].hex() != decided.facts["content_commitment"]:
            self._found_at.append(decided.leaf, f"the payload of claim {claim} is not what was committed to")
        self._sorted.execute("UPDATE payload SET digest = NULL WHERE claim = ?", (claim,))

    def _check_other_payloads(self) -> None:
        """What nothing in the export commits to: anybody could have said it."""
        for (claim,) in self._sorted.execute("SELECT claim FROM payload WHERE digest IS NOT NULL ORDER BY claim"):
            self._found(f"the payload of claim {claim}: no decision in the export commits to it")

    # -- R8: snapshots of accuracy

    def _keep_snapshot(self, leaf: int, body: dict[str, Any]) -> None:
        subject = subject_of(body)
        row = leaf, int(body["leaf_to"]), subject, _encode(body["bands"]), str(body.get("pipeline"))
        if int(body["leaf_from"]) or int(body["leaf_to"]) >= leaf:
            self._found(f"leaf {leaf}: R8, a snapshot that does not begin at leaf 0 or reaches beyond itself")
        counts = [count for rates in body["bands"].values() for count in rates.values()]
        sums = {"labelled": sum(count[0] for count in counts), "right": sum(count[1] for count in counts)}
        if any(body.get(name, total) != total for name, total in sums.items()):
            self._found(f"leaf {leaf}: R8, the sums of a snapshot are not those of its bands")
        digest = sha256(_encode_as_is(_ordered(body["bands"])).encode()).hexdigest()
        if body.get("result_hash", digest) != digest:
            self._found(f"leaf {leaf}: R8, the hash of a snapshot is not that of its counts")
        self._sorted.execute("INSERT INTO snapshot VALUES (?, ?, ?, ?, ?)", row)
        self.figures.event(body)

    def _move(self, moved: list[tuple[Any, ...]]) -> None:
        self._sorted.executemany("INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?)", moved)
        moved.clear()

    def _check_snapshots(self) -> None:
        """Counts grow along the leaves, and each snapshot is compared where it says it was taken."""
        if self._first:
            return
        counts: dict[str, dict[str, dict[str, list[int]]]] = {}
        changes = self._sorted.execute("SELECT leaf, subject, band, rate, labelled, right FROM moved ORDER BY leaf")
        change = changes.fetchone()
        for leaf, leaf_to, subject, stated in self._sorted.execute(
            "SELECT leaf, leaf_to, subject, counts FROM snapshot ORDER BY leaf_to, leaf"
        ).fetchall():
            while change is not None and change[0] <= leaf_to:
                _, of, band, rate, labelled, right = change
                count = counts.setdefault(of, {}).setdefault(band, {}).setdefault(rate, [0, 0])
                count[0], count[1] = count[0] + labelled, count[1] + right
                change = changes.fetchone()
            if _encode(without_zeros(counts.get(subject, {}))) != stated:
                self._found(f"leaf {leaf}: R8, the accuracy it states is not that of leaves 0 to {leaf_to}")

    # -- the report that came with the export, or was given

    def _read_report(self) -> ReportCheck | None:
        names = self._source.names()
        text, proof = self.report_text, self.report_proof
        if text is None and "report.json" in names:
            text = small_file(self._source, "report.json")
        if proof is None and REPORT_PROOF in names:
            proof = small_file(self._source, REPORT_PROOF)
        if text is not None:
            return ReportCheck(text.encode(), proof, self.keys)
        if proof is not None:
            self._found(f"{REPORT_PROOF}: the report that it speaks of is not in the export")
        return None

    def _check_report(self, manifest: dict[str, Any], edge: Edge) -> None:
        """Its range and its figures by the entries, and all of it by the entry that holds its hash."""
        check = self._report
        if check is None:
            return
        if check.range != (self._first, manifest["size"]):
            self._found("report.json: it speaks of another range of leaves than this export")
            return
        check.check()
        if check.head is not None:
            if check.head.origin != manifest.get("origin"):
                self._found(f"report.json: its checkpoint belongs to {check.head.origin}")
            if check.head.root != edge.root():
                self._found("report.json: its checkpoint has another root than the leaves")
            pipeline = check.report.get("pipeline")
            ours = self.figures.as_dict(pipeline) if pipeline else self.figures.as_dict()
            for place in differences(ours, check.report.get("ledger_figures")):
                self._found(f"report.json: {place}")
        for message in check.findings:
            self._found(message)
        for gap in check.gaps:
            self.gaps.append(gap)
        for note in check.notes:
            self.notes.append(note)

    def _say_what_is_open(self) -> None:
        if self._in_force.unread:
            self.gaps.append(
                f"the text of the policy behind {self._in_force.unread} decisions is not in the export (R6)"
            )
        if self._in_force.by_signals:
            self.notes.append(
                f"R6: the calibrated confidence of {self._in_force.by_signals} decisions rests on signals, which no"
                " entry holds; it is taken as recorded"
            )
        open_epochs = sorted(
            f"{pipeline}/{epoch}"
            for pipeline, epoch in self._epochs.committed
            if (pipeline, epoch) not in self._epochs.keys
        )
        if open_epochs:
            self.notes.append(f"R7: the keys of these epochs are not revealed yet: {', '.join(open_epochs)}")

    def report(self, code: int) -> dict[str, Any]:
        return {
            "exit": code,
            "size": self.size,
            "root": self.root,
            "checkpoints": self.checkpoints,
            "findings": self.findings,
            "omitted": self.omitted,
            "gaps": self.gaps.said(),
            "notes": self.notes.said(),
            "events": dict(sorted(self.kinds.items())),
            "figures": self.figures.as_dict(),
        }


def _by_kind(rules: list[Any]) -> dict[str, list[Any]]:
    table: dict[str, list[Any]] = {}
    for rule in rules:
        for kind in rule.kinds:
            table.setdefault(kind, []).append(rule)
    return table


def _grouped(rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    claim: str | None = None
    own: list[tuple[Any, ...]] = []
    for row in rows:
        if row[0] != claim:
            if own:
                yield own[0][0], own
            claim, own = row[0], []
        own.append(row)
    if own:
        yield own[0][0], own


def erases(event: Happened, claim: str) -> bool:
    """Whether the event is the erasure of what the claim said, not that of a file that came with it."""
    return event.kind == "payload.erased" and event.facts["payload"] == claim


def payload_digest(said: dict[str, Any]) -> bytes:
    """The commitment that belongs to an opened payload: its salt, and its canonical text. Raises ValueError."""
    return sha256(b"\x02" + bytes.fromhex(said["salt"]) + said["text"].encode()).digest()


def draw_problems(key: bytes, claim: str, facts: dict[str, Any]) -> Iterator[str]:
    """What is wrong with the draw of a claim under the revealed key of its epoch."""
    digest = hmac.digest(key, bytes.fromhex(claim.replace("-", "")), "sha256")
    number = (int.from_bytes(digest[:7], "big") >> 3) / (1 << 53)
    if facts["audit_u"] != f"{number:.18f}":
        yield "the number drawn is not the one that the key gives"
    elif facts["route"] in ("accept", "reject"):
        rate = facts["audit_rate_ppm"] / 1e6
        if abs(number - rate) > 1e-6 and (number < rate) is not facts["audit_sampled"]:
            yield "the audit sample was picked by hand: the number drawn says otherwise"


def subject_of(body: dict[str, Any]) -> str:
    """What a snapshot is about, as one text."""
    return _encode([body.get(name) for name in ("pipeline", "model", "model_version", "prompt_version")])


def movements(events: list[Happened]) -> Iterator[tuple[int, str, str, str, int, int]]:
    """How the counts of right and labelled move with the outcomes of one claim: (leaf, subject, band, rate, …)."""
    decided = events[0].facts
    where = subject_of(decided), str(decided["band"] or ""), str(decided["inclusion_ppm"])
    right: bool | None = None
    for event in events:
        if event.kind not in ("outcome.final", "outcome.superseded"):
            continue
        if right is not None:
            yield event.leaf, *where, -1, -int(right)
        measures = event.kind == "outcome.final" and event.facts["basis"] in MEASURING
        right = event.facts["correct"] if measures else None
        if right is not None:
            yield event.leaf, *where, 1, int(right)


def without_zeros(counts: dict[str, dict[str, list[int]]]) -> dict[str, dict[str, list[int]]]:
    kept = {band: {rate: count for rate, count in rates.items() if any(count)} for band, rates in counts.items()}
    return {band: rates for band, rates in kept.items() if rates}


def two_histories(heads: list[Head]) -> Iterator[str]:
    """Two checkpoints of one size with different roots: somebody was shown another history."""
    roots: dict[int, Head] = {}
    for head in heads:
        before = roots.setdefault(head.size, head)
        if before.root != head.root:
            yield f"{head.place} and {before.place} have the same size {head.size} and different roots: two histories"


def pinned_head(note: str, keys: list[Key], number: int) -> Head:
    try:
        return read_head(note, keys, f"pinned checkpoint {number}")
    except ValueError as error:
        raise Unusable(f"pinned checkpoint {number} {error}") from error


def differences(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """Where two JSON values differ, by path."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(set(ours) | set(theirs), key=str):
            yield from differences(ours.get(name), theirs.get(name), f"{path}/{name}")
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{path or 'ledger_figures'} is {theirs!r}, the entries say {ours!r}"


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{name} is not JSON") from error


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


# --- the bundle of one claim ------------------------------------------------------------------------------------------


def root_by_proof(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 6962, 2.1.1), None where it cannot be one."""
    if not 0 <= index < size:
        return None
    place, last, root = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            return None
        if place & 1 or place == last:
            root = sha256(b"\x01" + hash_ + root).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            root = sha256(b"\x01" + root + hash_).digest()
        place, last = place >> 1, last >> 1
    return root if last == 0 else None


@dataclass
class BundleVerification:
    """One claim, from its first event on, each under the same signed checkpoint."""

    bundle: dict[str, Any]
    keys: list[Key]
    pins: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    size: int = 0
    root: str = ""
    kinds: Counter[str] = field(default_factory=Counter)

    def run(self) -> int:
        claim, entries = self.bundle.get("claim"), self.bundle.get("entries")
        if self.bundle.get("format") != BUNDLE_FORMAT or not isinstance(claim, str) or not isinstance(entries, list):
            raise Unusable("this is no bundle of one claim")
        try:
            head = read_head(str(self.bundle.get("checkpoint")), self.keys, "the checkpoint")
        except ValueError as error:
            self.findings.append(f"the checkpoint {error}")
            return TAMPERED
        self.size, self.root = head.size, head.root.hex()
        if head.origin != self.bundle.get("origin"):
            self.findings.append(f"the checkpoint belongs to {head.origin}, not to {self.bundle.get('origin')}")
        pins = [pinned_head(pin, self.keys, number) for number, pin in enumerate(self.pins, start=1)]
        self.findings += two_histories([head, *pins])
        self._check(claim, entries, head)
        self.gaps += [f"{pin.place} of size {pin.size} is not this checkpoint" for pin in pins if pin.size != head.size]
        return TAMPERED if self.findings else INCOMPLETE if self.gaps else PROVEN

    def _check(self, claim: str, entries: list[Any], head: Head) -> None:
        before: bytes | None = None
        life, decided, last = LifeOfClaim(whole=True), None, -1
        erased = None
        for number, entry in enumerate(entries, start=1):
            try:
                place, text = int(entry["index"]), str(entry["leaf"]).encode()
                proof = [bytes.fromhex(each) for each in entry["proof"]]
                hash_ = sha256(b"\x00" + text).digest()
                self._check_place(place, last, root_by_proof(place, head.size, hash_, proof), head)
                body = read_entry(text)["body"]
                event = Happened(place, str(body["event"]), int(read_entry(text)["recorded_us"]), facts_of(body))
                if body.get("claim") != claim or body.get("claim_seq") != number:
                    self.findings.append(f"leaf {place}: is not event {number} of claim {claim}")
                if (None if body.get("claim_prev") is None else _hex(body["claim_prev"])) != before:
                    self.findings.append(f"leaf {place}: does not follow the event before it in claim {claim}")
                self.findings += [f"leaf {place}: {problem}" for problem in life.see(event)]
            except _MALFORMED as error:
                why = error if type(error) is ValueError else "lacks what every entry has"
                self.findings.append(f"entry {number} of the bundle: {why}")
                continue
            self.kinds[event.kind] += 1
            decided = decided or (event if event.kind == "claim.decided" else None)
            erased = event if erases(event, claim) else erased
            before, last = hash_, place
        if not entries or decided is None:
            self.findings.append(f"there is no decision about claim {claim}")
        else:
            self._check_payload(decided, erased)
        self.gaps.append(f"whether more happened to the claim after leaf {last} is not proven by a bundle")

    def _check_place(self, place: int, last: int, root: bytes | None, head: Head) -> None:
        if root != head.root:
            self.findings.append(f"leaf {place}: its proof does not lead to the root of the checkpoint")
        if place <= last:
            self.findings.append(f"leaf {place}: stands after leaf {last}")

    def _check_payload(self, decided: Happened, erased: Happened | None) -> None:
        payload = self.bundle.get("payload")
        if payload is None:
            said = f"erased by event at leaf {erased.leaf}" if erased else "not in the bundle"
            self.gaps.append(f"the payload is {said}")
            return
        try:
            fits = payload_digest(payload).hex() == decided.facts["content_commitment"]
        except _MALFORMED:
            fits = False
        if erased:
            self.findings.append(f"leaf {erased.leaf}: the payload was erased, and yet the bundle holds one")
        if not fits:
            self.findings.append(f"leaf {decided.leaf}: the payload is not what was committed to")

    def report(self, code: int) -> dict[str, Any]:
        return {
            "exit": code,
            "size": self.size,
            "root": self.root,
            "checkpoints": 1,
            "findings": self.findings[:MAX_FINDINGS],
            "omitted": max(0, len(self.findings) - MAX_FINDINGS),
            "gaps": self.gaps,
            "notes": [],
            "events": dict(sorted(self.kinds.items())),
            "figures": {},
        }


def verify_proof(text: str, leaf: bytes, keys: list[Key]) -> dict[str, Any]:
    """Whether `leaf`, the text of one entry, lies where a proof in the form of c2sp.org/tlog-proof says."""
    head_line, _, rest = text.partition("\n")
    proof, separator, note = rest.partition("\n\n")
    lines = [line for line in proof.split("\n") if not line.startswith("extra ")]
    place = lines[0].removeprefix("index ")
    if head_line != TLOG_PROOF or not separator or not _SIZE.fullmatch(place):
        raise Unusable("this is no proof of c2sp.org/tlog-proof@v1")
    bundle = {"format": BUNDLE_FORMAT, "claim": "", "entries": []}
    verification = BundleVerification(bundle, keys)
    try:
        head = read_head(note, keys, "the checkpoint")
        verification.size, verification.root = head.size, head.root.hex()
        hashes = [_base64(line) for line in lines[1:]]
        if root_by_proof(int(place), head.size, sha256(b"\x00" + leaf).digest(), hashes) != head.root:
            verification.findings.append(f"leaf {place}: its proof does not lead to the root of the checkpoint")
        verification.kinds[str(read_entry(leaf)["body"].get("event"))] += 1
    except ValueError as error:
        verification.findings.append(str(error))
    return verification.report(TAMPERED if verification.findings else PROVEN)


# --- a report and its own entry ---------------------------------------------------------------------------------------


def is_beginning(small: Head, large: Head, proof: list[bytes]) -> bool:
    """Whether a consistency proof shows that the one tree is the beginning of the other (RFC 9162, 2.1.4.2)."""
    if small.size == large.size or not small.size:
        return not proof and small.root == (large.root if small.size else sha256().digest())
    place, last = small.size - 1, large.size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    hashes = [small.root, *proof] if not small.size & (small.size - 1) else proof
    if small.size > large.size or not hashes:
        return False
    old = new = hashes[0]
    for hash_ in hashes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            old, new = sha256(b"\x01" + hash_ + old).digest(), sha256(b"\x01" + hash_ + new).digest()
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = sha256(b"\x01" + new + hash_).digest()
        place, last = place >> 1, last >> 1
    return last == 0 and (old, new) == (small.root, large.root)


class ReportCheck:
    """A report by its own entry, which was written when it was made and holds the SHA-256 of its bytes.

    The entry lies after the leaves that the report speaks of. So it comes with a proof of its own to a later
    checkpoint, `later`, and with one that this continues the checkpoint that the report rests on, `head`.
    """

    def __init__(self, text: bytes, proof: str | None, keys: list[Key]) -> None:
        """Raises Unusable where the text is no report, or the proof none of a report."""
        self.findings: list[str] = []
        self.gaps: list[str] = []
        self.notes: list[str] = []
        self._keys = keys
        self._digest = sha256(text).hexdigest()
        self.report = _json(_utf8(text, "report.json"), "report.json")
        if not isinstance(self.report, dict) or self.report.get("format") != REPORT_FORMAT:
            raise Unusable("report.json is no audit report")
        if not isinstance(self.report.get("pipeline"), str | None):
            raise Unusable("report.json names no pipeline and yet not all of them")
        checkpoint = self.report.get("checkpoint")
        self._checkpoint: dict[str, Any] = checkpoint if isinstance(checkpoint, dict) else {}
        self._proof: dict[str, Any] = {} if proof is None else _read_report_proof(proof)
        self.head = self._read_head(self._checkpoint.get("note"), "report.json")
        self._is_sealed = self._proof.get("index") is not None
        self.later = self._read_head(self._proof["checkpoint"], REPORT_PROOF) if self._is_sealed else None

    @property
    def range(self) -> tuple[Any, Any]:
        return self.report.get("first"), self._checkpoint.get("size")

    def check(self) -> None:
        head = self.head
        if head is not None and (head.size, head.root.hex()) != (self.range[1], self._checkpoint.get("root")):
            self.findings.append("report.json: its checkpoint and the signed note beside it differ")
        if unsealed := self.report.get("unsealed"):
            self.gaps.append(f"report.json: {unsealed} events of its period were not sealed when it was made")
        if not self._proof:
            self.gaps.append(
                f"report.json: the entry that holds its hash is not here ({REPORT_PROOF}), "
                "so nothing but its ledger_figures is proven"
            )
            return
        try:
            document = read_entry(self._proof["leaf"].encode())
            entry, body = str(document["id"]), document["body"]
        except _MALFORMED as error:
            why = error if type(error) is ValueError else "lacks what every entry has"
            self.findings.append(f"{REPORT_PROOF}: the entry {why}")
            return
        place = f"at leaf {self._proof['index']}" if self._is_sealed else f"of id {entry}"
        self._check_place(place)
        self._check_entry(place, body)

    def _check_place(self, place: str) -> None:
        if not self._is_sealed:
            self.gaps.append(
                f"report.json: its entry {place} was not sealed when it was taken along, so nothing but its "
                "ledger_figures is proven; take it along again"
            )
            return
        if self.head is None or self.later is None:
            return
        index, leaf = self._proof["index"], sha256(b"\x00" + self._proof["leaf"].encode()).digest()
        if self.later.origin != self.head.origin:
            self.findings.append(f"{REPORT_PROOF}: its checkpoint belongs to {self.later.origin}")
        if index < self.head.size:
            self.findings.append(f"report.json: its entry {place} lies among the leaves that it speaks of")
        if root_by_proof(index, self.later.size, leaf, _hashes(self._proof["proof"])) != self.later.root:
            self.findings.append(f"{REPORT_PROOF}: the proof of the entry {place} leads to another root")
        if not is_beginning(self.head, self.later, _hashes(self._proof["consistency"])):
            self.findings.append(f"{REPORT_PROOF}: its checkpoint does not continue the one that report.json rests on")

    def _check_entry(self, place: str, body: dict[str, Any]) -> None:
        """That the entry is the one of this report, whose bytes it holds the hash of."""
        first, size = self.range
        said = {
            "event": "export.created",
            "format": "report",
            "pipeline": self.report.get("pipeline"),
            "leaf_from": first,
            "leaf_to": size - 1 if type(size) is int else None,
            "tree_size": size,
        }
        said |= {name: self.report[of] for name, of in _BY_NAME.items() if name in body and of in self.report}
        found = {name: _to_milliseconds(body[name]) if name.endswith("_us") else body.get(name) for name in said}
        if body.get("manifest_hash") != self._digest:
            self.findings.append(
                f"report.json: its SHA-256 is {self._digest}, and not what its entry {place} says: "
                "it was changed, or the entry is that of another report"
            )
        elif other := [name for name, value in said.items() if _encode(value) != _encode(found[name])]:
            self.findings.append(f"report.json: its entry {place} speaks of another {', '.join(other)}")
        elif self._is_sealed and not self.findings:
            size = self.later.size if self.later else 0
            self.notes.append(f"report.json is what its entry {place} says, under the checkpoint of size {size}")

    def _read_head(self, note: Any, of: str) -> Head | None:
        try:
            return read_head(str(note), self._keys, f"the checkpoint of {of}")
        except ValueError as error:
            self.findings.append(f"{of}: its checkpoint {error}")
            return None


_BY_NAME = {"export": "report", "since_us": "since", "until_us": "until"}
"""What not all versions have in both, the entry and the report, by its names there. The hash binds them all."""


def _read_report_proof(text: str) -> dict[str, Any]:
    """An entry that is not sealed has neither index nor checkpoint. Raises Unusable."""
    proof = _json(text, REPORT_PROOF)
    types = {"leaf": str, "index": int | None, "checkpoint": str | None, "proof": list, "consistency": list}
    if not isinstance(proof, dict) or proof.get("format") != REPORT_PROOF_FORMAT:
        raise Unusable(f"{REPORT_PROOF} is no proof of a report")
    if any(name not in proof or not isinstance(proof[name], type_) for name, type_ in types.items()):
        raise Unusable(f"{REPORT_PROOF} is no proof of a report")
    if (proof["index"] is None) is not (proof["checkpoint"] is None):
        raise Unusable(f"{REPORT_PROOF} says in one place only that its entry is sealed")
    return proof


def _hashes(values: list[Any]) -> list[bytes]:
    return [_hex(value) for value in values]


def _to_milliseconds(us: Any) -> Any:
    """A time of an entry as reports write it."""
    try:
        moment = datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
    except (*_MALFORMED, OSError):
        return us
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def verify_report(text: bytes, proof: str, keys: list[Key], pins: Iterable[str] = ()) -> dict[str, Any]:
    """Whether a report is the one its entry was written for. Its figures are not computed: that takes the export."""
    check = ReportCheck(text, proof, keys)
    check.check()
    verification = BundleVerification({}, keys, list(pins), check.findings, check.gaps)
    heads = [head for head in (check.head, check.later) if head]
    held = [pinned_head(pin, keys, number) for number, pin in enumerate(pins, start=1)]
    check.findings += two_histories([*heads, *held])
    check.gaps += [
        f"{pin.place} of size {pin.size} is neither of these checkpoints"
        for pin in held
        if pin.size not in [head.size for head in heads]
    ]
    check.gaps.append("the ledger_figures of report.json are not computed again: that takes its entries")
    if heads:
        verification.size, verification.root = heads[-1].size, heads[-1].root.hex()
    said = verification.report(TAMPERED if check.findings else INCOMPLETE)
    return {**said, "checkpoints": len(heads), "notes": check.notes}


def verify_bundle(text: str, keys: list[Key], pins: Iterable[str] = ()) -> dict[str, Any]:
    """The report over the bundle of one claim, with its exit code. Raises Unusable."""
    bundle = _json(text, "the bundle")
    if not isinstance(bundle, dict):
        raise Unusable("this is no bundle of one claim")
    verification = BundleVerification(bundle, keys, list(pins))
    return verification.report(verification.run())


# --- the command ------------------------------------------------------------------------------------------------------


def as_text(report: dict[str, Any]) -> str:
    verdict = {PROVEN: "proven", TAMPERED: "TAMPERED", INCOMPLETE: "proven, but incomplete"}[report["exit"]]
    lines = [f"{verdict}: {report['size']} leaves, {report['checkpoints']} checkpoints", f"root {report['root']}"]
    lines += [f"- {finding}" for finding in report["findings"]]
    lines += [f"- and {report['omitted']} more"] if report["omitted"] else []
    lines += [f"  not proven: {gap}" for gap in report["gaps"]]
    lines += [f"  note: {note}" for note in report["notes"]]
    return "\n".join(lines + [f"  {count:>9} {kind}" for kind, count in report["events"].items()])


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Verifies an exported ledger, from its files alone.")
    parser.add_argument(
        "export",
        type=Path,
        help="a folder, a zip file, the bundle of one claim (.json), or the proof of a --report (.json)",
    )
    parser.add_argument("--key", action="append", required=True, help="a public key you trust; may be repeated")
    parser.add_argument("--pin", action="append", default=[], type=Path, help="a checkpoint you kept; may be repeated")
    parser.add_argument("--leaf", type=Path, help="the entry that a .tlog-proof is about, as a file of its one line")
    parser.add_argument("--report", type=Path, help="an audit report that is to be proven")
    parser.add_argument("--report-proof", type=Path, help="its proof, where the export holds none (report-proof.json)")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    parser.add_argument("--tolerance", type=int, default=DEFAULT_TOLERANCE_SECONDS, help="seconds of rule R9")
    given = parser.parse_args(words)
    try:
        report = _report_on(given)
    except (Unusable, OSError, UnicodeDecodeError) as error:
        sys.stderr.write(f"unusable: {error}\n")
        return UNUSABLE
    sys.stdout.write((json.dumps(report, indent=2, sort_keys=True) if given.json else as_text(report)) + "\n")
    return int(report["exit"])


def _report_on(given: argparse.Namespace) -> dict[str, Any]:
    keys = [Key.parse(text) for text in given.key]
    pins = [path.read_bytes().decode() for path in given.pin]
    if given.export.suffix == ".tlog-proof":
        if given.leaf is None:
            raise Unusable("a proof needs the entry it is about: --leaf FILE")
        leaf = given.leaf.read_bytes().removesuffix(b"\n")
        return verify_proof(given.export.read_bytes().decode(), leaf, keys)
    if given.export.suffix == ".json" and given.export.is_file():
        if given.export.stat().st_size > MAX_SMALL_FILE:
            raise Unusable("the bundle is too large")
        text = given.export.read_bytes().decode()
        if given.report is not None:
            return verify_report(given.report.read_bytes(), text, keys, pins)
        return verify_bundle(text, keys, pins)
    report, proof = (path.read_bytes().decode() if path else None for path in (given.report, given.report_proof))
    verification = Verification(given.export, keys, pins, given.tolerance * 1_000_000, report, proof)
    return verification.report(verification.run())


if __name__ == "__main__":
    sys.exit(main())
