"""Every form of a report says the same; with its entries, the offline verifier proves it and finds what was edited."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import pyarrow.parquet
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from reviewqueue.errors import Forbidden
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.audit.files import csv_files, json_lines
from reviewqueue.reports.audit.pdf import pdf_of
from reviewqueue.reports.bundles import NothingToBundle, bundle_of
from reviewqueue.reports.forms import FORMS
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.selectors import document_of
from reviewqueue.reports.services import ask_for_report, make_waiting
from tests.services.reports.steps import bundled, made, table, verified
from tests.services.review.steps import RIGHT, another_pipeline, label_next
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("of_all", [False, True])
def test_the_verifier_computes_the_figures_of_a_report_again(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path, of_all: bool
) -> None:
    chosen = made(world.adam) if of_all else report
    code, said = verified(bundled(chosen, world.ada, tmp_path), sealed)
    assert (code, said["findings"]) == (3, []), "its own entry is not sealed yet"
    assert said["size"] == chosen.tree_size


def test_a_part_of_the_ledger_that_begins_later_is_proven_too(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    since = timezone.now()
    world.claim(category="refunds")
    label_next(world.rita, RIGHT)
    ledger.seal()
    later = ask_for_report(by=world.ada, pipeline=world.pipeline, since=since, until=timezone.now())
    make_waiting()
    later.refresh_from_db()
    assert later.first
    assert later.first >= (report.tree_size or 0)
    assert document_of(later)["ledger_figures"]["mandatory"]["claims"] == 1
    assert verified(bundled(later, world.ada, tmp_path), sealed)[1]["findings"] == []


def test_an_edited_figure_is_found_and_named(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    path = bundled(report, world.ada, tmp_path)
    document = document_of(report)
    document["ledger_figures"]["mandatory"]["claims"] = 0
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(document))
    code, said = verified(path, sealed, "--report", str(edited))
    assert code == 1
    assert any("/mandatory/claims" in finding for finding in said["findings"])


def test_a_report_is_not_proven_by_another_range_of_leaves(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    older = tmp_path / "older.json"
    older.write_bytes(FORMS["json"].drawn(report))
    world.claim()
    code, said = verified(bundled(made(world.ada), world.ada, tmp_path), sealed, "--report", str(older))
    assert code == 1
    assert any("another range" in finding for finding in said["findings"])


def test_a_bundle_is_an_export_with_an_entry_and_for_those_who_may_export(
    world: World, report: AuditReport, sealed: VerifierKey
) -> None:
    before = Event.objects.filter(kind="export.created").count()
    bundle_of(report=report, by=world.adam).close()
    assert Event.objects.filter(kind="export.created").count() == before + 1
    with pytest.raises(Forbidden):
        bundle_of(report=report, by=world.olga)
    AuditReport.objects.filter(pk=report.pk).update(first=0, tree_size=0)
    report.refresh_from_db()
    with pytest.raises(NothingToBundle):
        bundle_of(report=report, by=world.ada)


def test_the_command_writes_what_is_too_large_to_wait_for(
    report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    call_command("export_report", str(report.pk), str(tmp_path / "out"), stdout=io.StringIO())
    assert verified(tmp_path / "out", sealed)[1]["findings"] == []
    with pytest.raises(CommandError):
        call_command("export_report", str(report.pk), str(tmp_path / "out"))


def test_the_tables_of_every_form_hold_the_same_rows(report: AuditReport) -> None:
    of_json = table(report, "accuracy", "bands")
    with zipfile.ZipFile(io.BytesIO(FORMS["csv"].drawn(report))) as zipped:
        of_csv = list(csv.DictReader(io.StringIO(zipped.read("accuracy-bands.csv").decode())))
    with zipfile.ZipFile(io.BytesIO(FORMS["parquet"].drawn(report))) as zipped:
        of_parquet = pyarrow.parquet.read_table(io.BytesIO(zipped.read("accuracy-bands.parquet"))).to_pylist()
        assert json.loads(zipped.read("head.json"))["checkpoint"]["size"] == report.tree_size
    lines = [json.loads(line) for line in FORMS["jsonl"].drawn(report).splitlines()]
    of_lines = [line["row"] for line in lines[1:] if (line["section"], line["table"]) == ("accuracy", "bands")]
    assert of_parquet == of_lines == of_json
    assert [row["accuracy"] for row in of_csv] == [str(row["accuracy"]) for row in of_json]
    assert lines[0]["ledger_figures"] == document_of(report)["ledger_figures"]


@pytest.mark.parametrize("name", ["csv", "jsonl", "parquet"])
def test_a_form_is_the_same_again_and_names_the_report_it_was_drawn_from(report: AuditReport, name: str) -> None:
    drawn = FORMS[name].drawn(report)
    assert drawn == FORMS[name].drawn(report)
    if name == "jsonl":
        head = json.loads(drawn.splitlines()[0])
    else:
        with zipfile.ZipFile(io.BytesIO(drawn)) as zipped:
            head = json.loads(zipped.read("head.json"))
    assert head["report_sha256"] == hashlib.sha256(FORMS["json"].drawn(report)).hexdigest()


HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<b>bold</b><img src=x>&amp;",
    "x" * 5_000,
    "山田太郎 Ωμέγα Привет",
    "\u202egnp.exe\u0000\u200b",
    "é e\u0301 ✓ 🦊",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_breaks_no_form(report: AuditReport, text: str) -> None:
    document = document_of(report)
    for section in document["sections"]:
        for each in section["tables"]:
            each["rows"] = [
                [
                    text if column["kind"] == "text" else value
                    for column, value in zip(each["columns"], row, strict=True)
                ]
                for row in each["rows"]
            ]
    paper = pdf_of(document, {}, title=text[:100], digest="00" * 32)
    assert paper.startswith(b"%PDF-")
    assert b"FontFile2" in paper
    with zipfile.ZipFile(io.BytesIO(csv_files(document, "00" * 32))) as zipped:
        cells = zipped.read("claims-bases.csv").decode()
    assert ("'=cmd" in cells) == text.startswith("=")
    assert len(json_lines(document, "00" * 32).splitlines()) > 20


def test_paper_names_people_in_any_script_and_is_the_same_again(world: World, report: AuditReport) -> None:
    world.olga.first_name = "Όλγα Ольга"
    world.olga.save()
    first = FORMS["pdf"].drawn(report)
    assert first == FORMS["pdf"].drawn(report)
    assert len(first) < 400_000


def test_a_form_without_any_row_can_be_made(world: World, sealed: VerifierKey) -> None:
    empty = made(world.ada, another_pipeline(world, "empty"), days=0.000001)
    assert isinstance(empty.pipeline, Pipeline)
    for form in FORMS.values():
        assert form.drawn(empty)
