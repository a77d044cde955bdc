"""How long the offline verifier takes for a large export: `python -m tests.benchmarks.verifying --entries 1000000`.

Needs nothing but this project's file: an export like those of the product is written to a temporary folder (claims of
six events each, interleaved as they are when a hundred reviewers work at once), and verified by a process of its own
that sees nothing but Python and the one file.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from calibration.core.maps import calibrate
from reviewqueue.ledger import verify_export
from reviewqueue.ledger.note import SigningKey, TreeHead, sign_note
from reviewqueue.ledger.verify_export import Edge

PER_FILE: Final = 250_000
OPEN_AT_ONCE: Final = 500
EVERY: Final = 10_000
MAP: Final = {
    "kind": "platt", "slope": 0.8, "intercept": 0.4, "eps": 0.02, "offsets": {"answer=no": [0.1, -0.2]}
}  # fmt: skip
SUBJECT: Final = {"model": "gpt-4o", "model_version": "unpinned", "prompt_version": "v14"}
POLICY: Final = {
    "bands": [
        {"low": 0, "high": 0.9, "route": "review", "audit_rate": 1},
        {"low": 0.9, "high": 1, "route": "accept", "audit_rate": 0.1},
    ],
    "mandatory": {"categories": ["refunds"], "segments": {}, "route": "review"},
    "mode": "active",
    "calibrators": [{**SUBJECT, "name": "platt-1", "map": MAP}],
}
POLICY_TEXT: Final = json.dumps(POLICY, sort_keys=True, separators=(",", ":"))
POLICY_HASH: Final = "sha256:" + sha256(POLICY_TEXT.encode()).hexdigest()


def life(chance: random.Random) -> Iterator[dict[str, Any]]:
    """The bodies of one claim's events, as the product writes them."""
    ids = {
        name: str(UUID(int=chance.getrandbits(128), version=4)) for name in ("claim", "task", "lease", "label", "out")
    }
    person, ppm = str(UUID(int=chance.randrange(100))), chance.randrange(500_000, 1_000_000)
    calibrated = round(calibrate(MAP, ppm / 1e6, segment="answer=no") * 1e6)
    user = {"id": person, "kind": "user", "role": "reviewer"}
    source, review = (
        {"id": "quiz-bot", "kind": "source", "role": None},
        {"id": "review", "kind": "system", "role": None},
    )
    of = {"claim": ids["claim"]}
    yield {
        **of, **SUBJECT, "event": "claim.decided", "actor": source, "audit_rate_ppm": 1_000_000,
        "audit_sampled": False, "audit_u": "0.809694356991283559",
        "band": "0.90-1.00" if calibrated >= 900_000 else "0.00-0.90", "band_state": "provisional",
        "calibrated_ppm": calibrated, "calibrator": "platt-1", "category": "general", "confidence_ppm": ppm,
        "content_commitment": sha256(ids["out"].encode()).hexdigest(), "elicitation": "verbalized_after",
        "inclusion_ppm": 1_000_000, "mandatory": False, "next_step": None, "pipeline": "yes-no-answers",
        "policy_hash": POLICY_HASH, "policy_version": 1, "reasons": ["band_unvalidated"], "route": "review",
        "segments": {"answer": "no"}, "source": "quiz-bot",
    }  # fmt: skip
    yield {**of, "event": "task.opened", "actor": review, "task": ids["task"], "purpose": "review", "labels_needed": 1}
    yield {
        **of, "event": "lease.granted", "actor": user, "task": ids["task"], "lease": ids["lease"], "lease_no": 1,
        "reviewer": person, "slot": chance.randrange(10**6), "expires_us": 1 << 51,
    }  # fmt: skip
    yield {
        **of, "event": "label.submitted", "actor": user, "task": ids["task"], "lease": ids["lease"], "lease_no": 1,
        "label": ids["label"], "reviewer": person, "verdict": "correct", "late": False, "purpose": "review",
        "seconds": 11, "blind": "score", "form": 1, "commitment": sha256(ids["task"].encode()).hexdigest(),
    }  # fmt: skip
    yield {
        **of, "event": "outcome.final", "actor": user, "outcome": ids["out"], "correct": True, "basis": "labels",
        "label": ids["label"],
    }  # fmt: skip
    yield {**of, "event": "task.closed", "actor": review, "task": ids["task"]}


def leaves(entries: int) -> Iterator[bytes]:
    chance = random.Random(1)
    going: list[tuple[Iterator[dict[str, Any]], int, str | None]] = []
    system = {"id": "policy", "kind": "system", "role": None}
    activated = {"event": "policy.activated", "actor": system, "pipeline": "yes-no-answers", "policy_version": 1}
    yield _leaf({**activated, "policy_hash": POLICY_HASH}, 0)
    for number in range(1, entries):
        if len(going) < OPEN_AT_ONCE:
            going.append((life(chance), 0, None))
        place = chance.randrange(len(going))
        events, seq, before = going[place]
        body = next(events)
        leaf = _leaf({**body, "claim_seq": seq + 1, "claim_prev": before}, number)
        yield leaf
        if body["event"] == "task.closed":
            going[place] = going[-1]
            going.pop()
        else:
            going[place] = events, seq + 1, sha256(b"\0" + leaf).hexdigest()


def _leaf(body: dict[str, Any], number: int) -> bytes:
    wrapped = {"body": body, "id": str(UUID(int=number)), "recorded_us": 1_795_832_876_000_000 + number * 1000, "v": 1}
    return json.dumps(wrapped, sort_keys=True, separators=(",", ":")).encode()


def write_export(folder: Path, entries: int) -> str:
    """The export, and the key it is signed with."""
    key = SigningKey("benchmark", bytes(32))
    edge, notes, files = Edge(0, []), [], ["checkpoints.txt", "policies.jsonl"]
    walk = leaves(entries)
    for start in range(0, entries, PER_FILE):
        name = f"entries-{start // PER_FILE:04}.jsonl"
        files.append(name)
        with (folder / name).open("wb") as file:
            for leaf in (next(walk) for _ in range(min(PER_FILE, entries - start))):
                file.write(leaf + b"\n")
                edge.append(sha256(b"\0" + leaf).digest())
                if edge.size % EVERY == 0 or edge.size == entries:
                    notes.append(sign_note(TreeHead("benchmark", edge.size, edge.root()).text(), [key]))
    (folder / "checkpoints.txt").write_text("\n\n".join(notes))
    (folder / "policies.jsonl").write_text(POLICY_TEXT + "\n")
    manifest = {
        "format": verify_export.EXPORT_FORMAT, "origin": "benchmark", "first": 0, "size": entries, "edge": [],
        "unsealed": 0, "files": [{"name": name} for name in files],
    }  # fmt: skip
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    return str(key.verifier)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "export"
        export.mkdir()
        key = write_export(export, given.entries)
        alone = Path(folder) / "verify_export.py"
        shutil.copy(verify_export.__file__, alone)
        size = sum(path.stat().st_size for path in export.iterdir())
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-I", "-S", alone, export, "--key", key],
            capture_output=True,
            text=True,
            env={},
            check=False,
        )
        wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{given.entries:,} entries, {size / 1e6:,.0f} MB: exit {done.returncode}, {wall:.1f} s, of them "
        f"{used.ru_utime + used.ru_stime:.1f} s of one core; {used.ru_maxrss / 1024:.0f} MiB at most\n"
        f"{done.stdout[:200]}{done.stderr}"
    )


if __name__ == "__main__":
    main()
