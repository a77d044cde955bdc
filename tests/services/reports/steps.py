"""What people do with audit reports in tests."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger import verify_export
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.bundles import bundle_of
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.selectors import document_of
from reviewqueue.reports.services import ask_for_report, make_waiting


def asked(by: User, pipeline: Pipeline | None = None, *, days: float = 1) -> AuditReport:
    now = timezone.now()
    return ask_for_report(by=by, pipeline=pipeline, since=now - timedelta(days=days), until=now)


def made(by: User, pipeline: Pipeline | None = None, *, days: float = 1) -> AuditReport:
    ledger.seal()
    report = asked(by, pipeline, days=days)
    assert make_waiting() == 1
    report.refresh_from_db()
    assert report.state == "done", report.failure
    return report


def section(report: AuditReport, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in document_of(report)["sections"] if each["name"] == name)
    return found


def table(report: AuditReport, section_name: str, name: str) -> list[dict[str, Any]]:
    """The rows of a table, each by the names of its columns."""
    found = next(each for each in section(report, section_name)["tables"] if each["name"] == name)
    names = [column["name"] for column in found["columns"]]
    return [dict(zip(names, row, strict=True)) for row in found["rows"]]


def bundled(report: AuditReport, by: User, folder: Path) -> Path:
    path = folder / "bundle.zip"
    with bundle_of(report=report, by=by) as file:
        path.write_bytes(file.read())
    return path


def verified(path: Path, key: VerifierKey, *more: str) -> tuple[int, dict[str, Any]]:
    """By the file alone, as an auditor runs it."""
    words = [sys.executable, "-I", verify_export.__file__, str(path), "--key", str(key), "--json", *more]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)
