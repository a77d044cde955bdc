"""Files far larger than what a process may hold: the resident size hardly knows how many rows there are."""

from __future__ import annotations

import os
from pathlib import Path

from reviewqueue.claims.models import Claim
from tests.services.transfers.steps import apart, json_lines
from tests.world import World

MANY, BYTES_EACH = 4_000, 30_000
GROWTH_MB = 60  # of 120 MB of text: a batch has 8 MiB, and exists in several forms at once
PARQUET_MB = 60  # the package itself


def resident_mb(*arguments: object) -> float:
    """The largest resident size of a command that succeeds."""
    with apart(*arguments) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read()
    return used.ru_maxrss / 1024


def test_neither_imports_nor_exports_grow_with_their_files(committed_world: World, tmp_path: Path) -> None:
    few = json_lines(tmp_path / "few.jsonl", (committed_world.claim_body() for _ in range(10)))
    rows = (committed_world.claim_body(output="x" * BYTES_EACH, confidence=0.95) for _ in range(MANY))
    many = json_lines(tmp_path / "many.jsonl", rows)
    small = resident_mb("import_claims", few, "--source", "helpdesk")
    assert resident_mb("import_claims", many, "--source", "helpdesk") < small + GROWTH_MB
    assert Claim.objects.count() == MANY + 10
    for form in ("jsonl", "csv", "parquet"):
        of_pipeline = ["--pipeline", "support-answers", "--format", form]
        nothing = resident_mb("export", "labels", *of_pipeline, "--output", tmp_path / "nothing")
        everything = resident_mb("export", "claims", *of_pipeline, "--output", tmp_path / f"claims.{form}")
        assert everything < nothing + GROWTH_MB, form
        again = ["--source", "helpdesk", "--exported", "--dry-run"]
        assert resident_mb("import_claims", tmp_path / f"claims.{form}", *again) < small + GROWTH_MB + PARQUET_MB, form
