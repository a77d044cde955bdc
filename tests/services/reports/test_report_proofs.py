"""The bundle of a report proves every section of it, by the entry that was written when it was made."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.reports.forms import FORMS
from reviewqueue.reports.models import AuditReport
from reviewqueue.reports.own_entry import own_entry, proof_of
from reviewqueue.reports.selectors import ReportNotThere
from tests.services.ledger.cast import tampered, write_many
from tests.services.reports.steps import asked, bundled, made, verified
from tests.services.review.steps import RIGHT, another_pipeline, label_next
from tests.world import World

pytestmark = pytest.mark.django_db
Folder = Path


@pytest.fixture
def bundle(report: AuditReport, sealed: VerifierKey, tmp_path: Path) -> Folder:
    """Taken when the entry of the report was sealed, and more had happened since."""
    write_many(3)
    ledger.seal()
    write_many(300)
    ledger.seal()
    call_command("export_report", str(report.pk), str(tmp_path / "out"), stdout=StringIO())
    return tmp_path / "out"


def put(folder: Folder, name: str, content: bytes | None) -> None:
    """Changes or removes a file, and writes the manifest so that it fits: nobody signs that."""
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    files = [each for each in manifest["files"] if each["name"] != name]
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
        files.append({"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})
    (folder / "MANIFEST.json").write_text(json.dumps({**manifest, "files": files}))


def edited(folder: Folder) -> bytes:
    """With another accuracy of a band, and nothing else."""
    document = json.loads((folder / "report.json").read_bytes())
    section = next(each for each in document["sections"] if each["name"] == "accuracy")
    table = next(each for each in section["tables"] if each["name"] == "bands")
    place = [column["name"] for column in table["columns"]].index("accuracy")
    assert table["rows"][0][place] == 0.5
    table["rows"][0][place] = 0.98
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def test_a_bundle_with_the_sealed_entry_is_proven_and_says_by_which_leaf(
    report: AuditReport, sealed: VerifierKey, bundle: Folder
) -> None:
    code, said = verified(bundle, sealed)
    entry = own_entry(report)
    assert (code, said["findings"], said["gaps"]) == (0, [], [])
    assert entry.checkpoint
    assert any(
        note == f"report.json is what its entry at leaf {entry.index} says, "
        f"under the checkpoint of size {entry.checkpoint.tree_size}"
        for note in said["notes"]
    )


def test_an_accuracy_edited_in_a_section_is_found_by_the_verifier_alone(
    report: AuditReport, sealed: VerifierKey, bundle: Folder
) -> None:
    put(bundle, "report.json", edited(bundle))
    code, said = verified(bundle, sealed)
    assert code == 1
    assert said["findings"][0].startswith("report.json: its SHA-256 is ")
    assert f"not what its entry at leaf {own_entry(report).index} says" in said["findings"][0]


def test_an_edited_report_without_its_proof_is_never_called_proven(sealed: VerifierKey, bundle: Folder) -> None:
    put(bundle, "report.json", edited(bundle))
    put(bundle, "report-proof.json", None)
    code, said = verified(bundle, sealed)
    assert (code, said["findings"]) == (3, [])
    assert "the entry that holds its hash is not here" in said["gaps"][0]


def test_a_proof_that_is_gone_though_the_manifest_names_it_is_found(sealed: VerifierKey, bundle: Folder) -> None:
    (bundle / "report-proof.json").unlink()
    assert verified(bundle, sealed)[1]["findings"] == ["report-proof.json: is missing"]


def of_another_report(world: World, report: AuditReport) -> bytes:
    other = made(world.ada, another_pipeline(world, "other"))
    ledger.seal()
    return proof_of(other)


def of_an_older_entry_of_the_same_report(world: World, report: AuditReport) -> bytes:
    """As if the report had been made twice."""
    body = json.loads(Event.objects.get(pk=report.event_id).leaf)["body"]
    fields = {name: value for name, value in body.items() if name not in ("event", "actor", "manifest_hash")}
    older = ledger.append(
        event="export.created", actor=Actor.system("reports"), **{**fields, "manifest_hash": "00" * 32}
    )
    ledger.seal()
    return proof_of(AuditReport(pk=report.pk, tree_size=report.tree_size, event_id=older.id))


@pytest.mark.parametrize("forged", [of_another_report, of_an_older_entry_of_the_same_report])
def test_the_genuine_entry_of_something_else_does_not_prove_a_report(
    world: World,
    report: AuditReport,
    sealed: VerifierKey,
    bundle: Folder,
    forged: Callable[[World, AuditReport], bytes],
) -> None:
    put(bundle, "report-proof.json", forged(world, report))
    code, said = verified(bundle, sealed)
    assert code == 1
    assert [finding for finding in said["findings"] if "the entry is that of another report" in finding]


def test_an_entry_that_is_not_sealed_yet_makes_a_bundle_incomplete_and_a_second_one_is_proven(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    early = bundled(report, world.ada, tmp_path)
    code, said = verified(early, sealed)
    assert (code, said["findings"]) == (3, [])
    [gap] = said["gaps"]
    entry = json.loads(own_entry(report).leaf)["id"]
    assert gap.startswith(f"report.json: its entry of id {entry} was not sealed when it was taken along")
    ledger.seal()
    early.unlink()
    assert verified(bundled(report, world.ada, tmp_path), sealed)[0] == 0


def test_the_command_says_that_the_entry_is_not_sealed_yet(report: AuditReport, tmp_path: Path) -> None:
    for name, words in (("early", "was not sealed yet"), ("later", "")):
        errors = StringIO()
        call_command("export_report", str(report.pk), str(tmp_path / name), stdout=StringIO(), stderr=errors)
        assert (words in errors.getvalue()) if words else not errors.getvalue()
        ledger.seal()


def test_the_entry_names_the_report_its_period_and_its_leaves(report: AuditReport) -> None:
    body = json.loads(own_entry(report).leaf)["body"]
    document = json.loads(FORMS["json"].drawn(report))
    assert (body["export"], body["pipeline"]) == (document["report"], document["pipeline"])
    assert body["until_us"] - body["since_us"] == 86_400 * 1_000_000
    assert (body["leaf_from"], body["tree_size"]) == (document["first"], document["checkpoint"]["size"])


def test_a_report_and_its_proof_are_checked_without_the_entries(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    ledger.seal()
    for name in ("json", "proof"):
        (tmp_path / f"{name}.json").write_bytes(FORMS[name].drawn(report))
    code, said = verified(tmp_path / "proof.json", sealed, "--report", str(tmp_path / "json.json"))
    assert (code, said["findings"]) == (3, [])
    (tmp_path / "json.json").write_bytes(FORMS["json"].drawn(report).replace(b"right", b"wrong", 1))
    assert verified(tmp_path / "proof.json", sealed, "--report", str(tmp_path / "json.json"))[0] == 1


def test_a_report_that_is_not_made_has_no_proof(world: World, sealed: VerifierKey) -> None:
    with pytest.raises(ReportNotThere):
        proof_of(asked(world.ada))


def test_an_empty_report_has_a_proof_though_there_are_no_entries_to_bundle(
    world: World, sealed: VerifierKey, tmp_path: Path
) -> None:
    empty = made(world.ada, another_pipeline(world, "empty"), days=0.000001)
    ledger.seal()
    (tmp_path / "proof.json").write_bytes(proof_of(empty))
    (tmp_path / "report.json").write_bytes(FORMS["json"].drawn(empty))
    code, said = verified(tmp_path / "proof.json", sealed, "--report", str(tmp_path / "report.json"))
    assert (code, said["findings"]) == (3, [])


def test_a_pin_made_after_the_days_of_a_report_is_no_alarm(
    report: AuditReport, sealed: VerifierKey, bundle: Folder, tmp_path: Path
) -> None:
    pins = {name: tmp_path / f"{name}.txt" for name in ("newest", "over the entry")}
    pins["newest"].write_text(Checkpoint.objects.latest("tree_size").note)
    over = own_entry(report).checkpoint
    assert over
    pins["over the entry"].write_text(over.note)
    code, said = verified(bundle, sealed, "--pin", str(pins["newest"]))
    assert (code, said["findings"], len(said["gaps"])) == (3, [], 1)
    assert verified(bundle, sealed, "--pin", str(pins["over the entry"]))[0] == 0


def test_events_that_wait_now_do_not_make_the_bundle_of_an_older_report_incomplete(
    world: World, report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    ledger.seal()
    write_many(5)
    assert verified(bundled(report, world.ada, tmp_path), sealed)[0] == 0


def test_a_report_from_before_a_restart_is_proven_under_the_former_name(
    world: World, report: AuditReport, sealed: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    ledger.seal()
    restart(settings, tmp_path)
    world.claim()
    label_next(world.rita, RIGHT)
    ledger.seal()
    assert verified(bundled(report, world.ada, tmp_path), sealed)[0] == 0


def test_an_entry_that_only_the_new_name_sealed_proves_nothing_under_the_former(
    world: World, report: AuditReport, sealed: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    restart(settings, tmp_path)
    ledger.seal()
    code, said = verified(bundled(report, world.ada, tmp_path), sealed)
    assert (code, said["findings"]) == (3, [])


def restart(settings: Settings, folder: Path) -> None:
    settings.LEDGER_ORIGIN = "review-queue/second"
    settings.LEDGER_SIGNING_KEY_FILE = str(folder / "second.key")
    create_key(folder / "second.key", name=settings.LEDGER_ORIGIN)
    call_command("restart_ledger", "--origin", settings.LEDGER_ORIGIN, "--without-need", stdout=StringIO())


def said_in(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((path / "report-proof.json").read_text())
    return found


def test_the_same_report_has_the_same_proof_whatever_happens_later(
    report: AuditReport, bundle: Folder, tmp_path: Path
) -> None:
    before = said_in(bundle)
    write_many(20)
    ledger.seal()
    shutil.rmtree(bundle)
    call_command("export_report", str(report.pk), str(bundle), stdout=StringIO())
    assert said_in(bundle) == before


def test_a_report_whose_checkpoint_was_deleted_is_still_read_and_not_called_proven(
    report: AuditReport, sealed: VerifierKey, tmp_path: Path
) -> None:
    ledger.seal()
    assert own_entry(report).index is not None
    tampered(f"DELETE FROM ledger.checkpoint WHERE tree_size = {report.tree_size}")
    assert own_entry(report).index is None
    with pytest.raises(CommandError, match="the ledger is damaged"):
        call_command("export_report", str(report.pk), str(tmp_path / "bundle.zip"), stdout=StringIO())
    assert not (tmp_path / "bundle.zip").exists()
