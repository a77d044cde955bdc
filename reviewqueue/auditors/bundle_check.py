"""Checks an uploaded bundle of one claim with the offline verifier. Nothing of this server is asked, and nothing kept.

The verifier reads files that its own user chose; an upload may be made to hurt, so its shape is looked at first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from reviewqueue.errors import DomainError
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.verify_export import BUNDLE_FORMAT, TAMPERED, Key, Unusable, verify_bundle
from reviewqueue.strict_json import parse_strict

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ENTRIES: Final = 5_000
MAX_LEAF: Final = 65_536
MAX_PROOF: Final = 64
MAX_TEXT: Final = 400


class UnusableBundle(DomainError):
    """Not a bundle of one claim: nothing was proven and nothing contradicted."""

    code = "unusable_bundle"


@dataclass(frozen=True, slots=True)
class BundleReport:
    """What the verifier says. `findings` name places; `gaps` say what even a sound bundle leaves open."""

    claim: str
    origin: str
    size: int
    root: str
    is_contradicted: bool
    findings: list[str]
    omitted: int
    gaps: list[str]
    events: dict[str, int]


def check_bundle(raw: bytes, keys: Sequence[VerifierKey]) -> BundleReport:
    """Raises UnusableBundle."""
    bundle = _parsed(raw)
    try:
        report = verify_bundle(raw.decode(), [Key.parse(str(key)) for key in keys])
    except Unusable as error:
        raise UnusableBundle(f"The file cannot be checked: {str(error)[:MAX_TEXT]}.") from error
    return BundleReport(
        claim=bundle["claim"],
        origin=bundle["origin"],
        size=report["size"],
        root=report["root"],
        is_contradicted=report["exit"] == TAMPERED,
        findings=[text[:MAX_TEXT] for text in report["findings"]],
        omitted=report["omitted"],
        gaps=[text[:MAX_TEXT] for text in report["gaps"]],
        events={kind[:MAX_TEXT]: count for kind, count in report["events"].items()},
    )


def _parsed(raw: bytes) -> dict[str, Any]:
    if len(raw) > MAX_BYTES:
        raise UnusableBundle(f"A bundle has at most {MAX_BYTES // 1024 // 1024} MiB.")
    try:
        bundle = parse_strict(raw)
    except DomainError as error:
        raise UnusableBundle(error.detail.replace("The body", "The file").replace("the body", "the file")) from error
    if not isinstance(bundle, dict) or bundle.get("format") != BUNDLE_FORMAT:
        raise UnusableBundle(f"The file is no {BUNDLE_FORMAT}.")
    if not (_is_id(bundle.get("claim")) and _is_text(bundle.get("origin"), MAX_TEXT)):
        raise UnusableBundle("The file does not say which claim of which ledger it is about.")
    entries = bundle.get("entries")
    if not _is_text(bundle.get("checkpoint"), MAX_LEAF) or not isinstance(entries, list):
        raise UnusableBundle("The file lacks its checkpoint or its entries.")
    if not 0 < len(entries) <= MAX_ENTRIES:
        raise UnusableBundle(f"A bundle has 1 to {MAX_ENTRIES} entries.")
    for number, entry in enumerate(entries, start=1):
        if not _is_entry(entry):
            raise UnusableBundle(f"Entry {number} of the file is no leaf with its index and proof.")
    return bundle


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, dict) or not _is_text(entry.get("leaf"), MAX_LEAF):
        return False
    index, proof = entry.get("index"), entry.get("proof")
    whole = isinstance(index, int) and not isinstance(index, bool)
    hashes = isinstance(proof, list) and len(proof) <= MAX_PROOF and all(_is_text(each, 64) for each in proof)
    return whole and hashes


def _is_text(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and str(UUID(value)) == value
    except ValueError:
        return False
