"""Exports made by hand: bodies in, a folder out that the offline verifier can be asked about."""

from __future__ import annotations

import hmac
import json
import zipfile
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import rfc8785

from reviewqueue.ledger import verify_export
from reviewqueue.ledger.note import SigningKey, TreeHead, sign_note
from reviewqueue.ledger.verify_export import Edge, Figures, Key, Verification

KEY = SigningKey("tests", bytes(range(32)))
CLAIM = "0198f0c2-0000-7000-8000-000000000001"
OTHER = "0198f0c2-0000-7000-8000-000000000002"
START_US = 1_795_832_876_000_000
SALT = bytes(32)
TEXT = '{"input":"Is it?","output":"yes"}'
POLICY: dict[str, Any] = {
    "bands": [
        {"low": 0.0, "high": 0.6, "route": "escalate", "audit_rate": 1.0},
        {"low": 0.6, "high": 0.9, "route": "review", "audit_rate": 1.0},
        {"low": 0.9, "high": 1.0, "route": "accept", "audit_rate": 0.1},
    ],
    "mandatory": {"categories": ["refunds"], "segments": {"language": ["de"]}, "route": "review"},
    "mode": "active",
    "calibrators": [
        {
            "model": "m",
            "model_version": "1",
            "prompt_version": "a",
            "name": "platt-1",
            "map": {"kind": "histogram", "edges": [0.5, 0.98], "y": [0.3, 0.7, 0.95]},
        }
    ],
}
EPOCH_KEY = b"k" * 32


def policy_hash(policy: dict[str, Any] = POLICY) -> str:
    return "sha256:" + sha256(rfc8785.dumps(policy)).hexdigest()


def body(event: str, actor: str = "rita", **fields: Any) -> dict[str, Any]:
    return {"event": event, "actor": {"id": actor, "kind": "user", "role": None}, **fields}


def begun(policy: dict[str, Any] = POLICY) -> list[dict[str, Any]]:
    named = {"pipeline": "p", "policy_version": 1, "policy_hash": policy_hash(policy)}
    return [
        body("policy.proposed", "olga", **named),
        body("policy.approved", "otto", **named),
        body("policy.activated", "otto", **named),
    ]


def decided(claim: str = CLAIM, policy: dict[str, Any] = POLICY, **fields: Any) -> dict[str, Any]:
    """A claim accepted by a band that has earned it."""
    said: dict[str, Any] = {
        "pipeline": "p",
        "route": "accept",
        "band": "0.90-1.00",
        "band_state": "validated",
        "calibrator": "platt-1",
        "confidence_ppm": 990_000,
        "calibrated_ppm": 950_000,
        "category": "general",
        "segments": {"language": "en"},
        "mandatory": False,
        "reasons": ["band"],
        "model": "m",
        "model_version": "1",
        "prompt_version": "a",
        "audit_u": "0.500000000000000000",
        "audit_rate_ppm": 100_000,
        "audit_sampled": False,
        "inclusion_ppm": 100_000,
        "policy_version": 1,
        "policy_hash": policy_hash(policy),
        "content_commitment": sha256(b"\x02" + SALT + TEXT.encode()).hexdigest(),
    }
    return body("claim.decided", "bot", claim=claim, **{**said, **fields})


def held(claim: str = CLAIM, **fields: Any) -> dict[str, Any]:
    said = {"route": "review", "band": "0.60-0.90", "confidence_ppm": 600_000, "calibrated_ppm": 700_000}
    said |= {"inclusion_ppm": 1_000_000}
    return decided(claim, **{**said, **fields})


def granted(lease: str = "l1", by: str = "rita", claim: str = CLAIM, **fields: Any) -> dict[str, Any]:
    said = {"lease": lease, "reviewer": by, "slot": 1, "task": "t1", "expires_us": START_US + 600_000_000}
    return body("lease.granted", by, claim=claim, **{**said, **fields})


def labelled(label: str = "a1", by: str = "rita", claim: str = CLAIM, **fields: Any) -> dict[str, Any]:
    said = {"label": label, "lease": "l1", "reviewer": by, "task": "t1", "late": False, "verdict": "correct"}
    return body("label.submitted", by, claim=claim, **{**said, "purpose": "review", **fields})


def settled(outcome: str = "o1", label: str | None = "a1", claim: str = CLAIM, **fields: Any) -> dict[str, Any]:
    said = {"outcome": outcome, "label": label, "correct": True, "basis": "labels"}
    return body("outcome.final", claim=claim, **{**said, **fields})


def audit_u(claim: str, key: bytes = EPOCH_KEY) -> float:
    digest = hmac.digest(key, UUID(claim).bytes, "sha256")
    return (int.from_bytes(digest[:7], "big") >> 3) / (1 << 53)


def chained(bodies: Iterable[dict[str, Any]], step_us: int = 1_000_000) -> list[bytes]:
    """The leaves: every claim's events numbered and linked."""
    ends: dict[str, tuple[int, str]] = {}
    leaves = []
    for number, said in enumerate(bodies):
        claim = said.get("claim")
        if claim is not None and "claim_seq" not in said:
            seq, before = ends.get(claim, (0, None))
            said = {**said, "claim_seq": seq + 1, "claim_prev": before}
        leaf = rfc8785.dumps(
            {"body": said, "id": str(UUID(int=number)), "recorded_us": START_US + number * step_us, "v": 1}
        )
        if claim is not None:
            ends[claim] = said["claim_seq"], sha256(b"\0" + leaf).hexdigest()
        leaves.append(leaf)
    return leaves


def write(
    folder: Path,
    leaves: Sequence[bytes],
    *,
    policies: Sequence[dict[str, Any]] = (POLICY,),
    payloads: Sequence[dict[str, str]] | None = None,
    files: dict[str, str] | None = None,
    keys: Sequence[SigningKey] = (KEY,),
    origin: str = "tests",
    until: str | None = None,
) -> Path:
    folder.mkdir()
    edge = Edge(0, [])
    for leaf in leaves:
        edge.append(sha256(b"\0" + leaf).digest())
    written = {
        "entries-0000.jsonl": b"".join(leaf + b"\n" for leaf in leaves).decode(),
        "checkpoints.txt": note_of(leaves, keys=keys, origin=origin),
        "policies.jsonl": "".join(rfc8785.dumps(policy).decode() + "\n" for policy in policies),
        **({} if payloads is None else {"payloads-0000.jsonl": "".join(json.dumps(each) + "\n" for each in payloads)}),
        **(files or {}),
    }
    for name, text in written.items():
        (folder / name).write_text(text)
    manifest = {
        "format": verify_export.EXPORT_FORMAT,
        "origin": origin,
        "first": 0,
        "size": len(leaves),
        "edge": [],
        "unsealed": 0,
        "until": until,
        "files": [{"name": name, "sha256": sha256(text.encode()).hexdigest()} for name, text in written.items()],
    }
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    return folder


def note_of(leaves: Sequence[bytes], *, keys: Sequence[SigningKey] = (KEY,), origin: str = "tests") -> str:
    edge = Edge(0, [])
    for leaf in leaves:
        edge.append(sha256(b"\0" + leaf).digest())
    return sign_note(TreeHead(origin, edge.size, edge.root()).text(), list(keys))


def report_on(leaves: Sequence[bytes], pipeline: str | None = "p") -> dict[str, Any]:
    note = note_of(leaves)
    figures = Figures()
    bodies = [json.loads(leaf)["body"] for leaf in leaves]
    for said in bodies:
        if said.get("claim") is None:
            figures.event(said)
    for claim in sorted({said["claim"] for said in bodies if said.get("claim") is not None}):
        figures.claim((each["event"], verify_export.facts_of(each)) for each in bodies if each.get("claim") == claim)
    root = verify_export.read_head(note, [Key.parse(str(KEY.verifier))], "").root.hex()
    return {
        "format": verify_export.REPORT_FORMAT,
        "pipeline": pipeline,
        "first": 0,
        "checkpoint": {"size": len(leaves), "root": root, "note": note},
        "ledger_figures": figures.as_dict(pipeline) if pipeline else figures.as_dict(),
    }


def checked(path: Path, *pins: str, report: str | None = None, proof: str | None = None) -> Verification:
    verification = Verification(
        path, [Key.parse(str(KEY.verifier))], list(pins), report_text=report, report_proof=proof
    )
    verification.code = verification.run()  # type: ignore[attr-defined]
    return verification


def zipped(export: Path, to: Path) -> Path:
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(export.iterdir()):
            file.write(path, path.name)
    return to
