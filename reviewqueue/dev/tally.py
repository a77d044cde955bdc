"""How many tests passed and failed: a pytest plugin writes it down, `manage.py test` reads it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

VARIABLE = "REVIEWQUEUE_TALLY"  # the file to write


@dataclass(frozen=True)
class Tally:
    passed: int
    failed: int


def read_tally(file: Path, status: int) -> Tally:
    """A run that failed without a failing test, or ended without a word, counts as one failure."""
    counts = json.loads(file.read_text()) if file.exists() else {"passed": 0, "failed": 0}
    return Tally(counts["passed"], counts["failed"] or int(status != 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.stats
    counts = {
        "passed": len(reports.get("passed", [])),
        "failed": len(reports.get("failed", [])) + len(reports.get("error", [])),
    }
    Path(os.environ[VARIABLE]).write_text(json.dumps(counts))
