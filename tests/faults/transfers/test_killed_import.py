"""An import that is killed, whenever that is, is finished by the same command: every row exactly once."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from django.db import connection

from reviewqueue.claims.models import Claim, Decision
from reviewqueue.review.models import ReviewTask
from tests.running import wait_until
from tests.services.transfers.steps import apart, imported, json_lines, rejects
from tests.world import World

ROWS, BAD_EVERY = 12_000, 500


@pytest.fixture
def path(committed_world: World, tmp_path: Path) -> Path:
    rows = (committed_world.claim_body(confidence=7 if place % BAD_EVERY == 0 else 0.5) for place in range(ROWS))
    return json_lines(tmp_path / "claims.jsonl", rows)


def stop_after(path: Path, claims: int, with_signal: signal.Signals, *, delay: float = 0) -> tuple[int, str]:
    """Ends the import once so many claims are in, and perhaps a moment later; its exit code and what it said."""
    before = committed()
    with apart("import_claims", path, "--source", "helpdesk") as process:
        wait_until(lambda: committed() >= before + claims, what="the first claims", seconds=60)
        time.sleep(delay)
        os.kill(process.pid, with_signal)
        _, said = process.communicate(timeout=30)
    return process.returncode, said.decode()


def committed() -> int:
    connection.close()
    return Claim.objects.count()


def test_killed_twice_and_started_again_every_row_is_there_once(path: Path) -> None:
    for delay in (0, 0.15):
        code, _ = stop_after(path, 500, signal.SIGKILL, delay=delay)
        assert code == -signal.SIGKILL
    assert committed() < ROWS - ROWS // BAD_EVERY
    done = imported(path)
    assert (done.code, "Going on after" in done.err) == (1, True), done
    good = {f"ticket-{number}" for number in range(1, ROWS + 1) if (number - 1) % BAD_EVERY}
    assert set(Claim.objects.values_list("external_id", flat=True)) == good
    assert Claim.objects.count() == Decision.objects.count() == ReviewTask.objects.count() == len(good)
    assert [each["line"] for each in rejects(path)] == list(range(1, ROWS + 1, BAD_EVERY))


def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(path: Path) -> None:
    code, said = stop_after(path, 500, signal.SIGINT)
    assert code == 130
    assert "Run the same command again to go on" in said
    assert "Traceback" not in said
    done = imported(path)
    assert done.code == 1
    assert Claim.objects.count() == ROWS - ROWS // BAD_EVERY
    assert len(rejects(path)) == ROWS // BAD_EVERY
