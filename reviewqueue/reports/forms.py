"""The forms a report can be taken along in: its `report.json`, what is drawn from that, and the proof of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from reviewqueue.reports.audit.files import csv_files, json_lines, parquet_files
from reviewqueue.reports.audit.pdf import pdf_of
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.own_entry import proof_of
from reviewqueue.reports.selectors import document_of, names_in, text_of


class ReportForm(NamedTuple):
    ending: str
    media_type: str
    drawn: Callable[[AuditReport], bytes]


def pdf(report: AuditReport) -> bytes:
    document = document_of(report)
    whose = report.pipeline.name if report.pipeline else "all pipelines"
    return pdf_of(document, names_in(document), title=f"Audit report: {whose}", digest=report.digest)


FORMS: Final = {
    "json": ReportForm(".json", "application/json", text_of),
    "proof": ReportForm("-proof.json", "application/json", proof_of),
    "pdf": ReportForm(".pdf", "application/pdf", pdf),
    "csv": ReportForm("-csv.zip", "application/zip", lambda report: csv_files(document_of(report), report.digest)),
    "jsonl": ReportForm(".jsonl", "application/jsonl", lambda report: json_lines(document_of(report), report.digest)),
    "parquet": ReportForm(
        "-parquet.zip", "application/zip", lambda report: parquet_files(document_of(report), report.digest)
    ),
}
