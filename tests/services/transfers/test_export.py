"""`manage.py export`: one consistent snapshot, row by row, whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import json
import stat
import subprocess
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.utils import timezone

from reviewqueue.claims.models import Claim
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.ledger.models import Event
from reviewqueue.review.services.labels import LabelAnswer
from reviewqueue.transfers.exporting import snapshot
from tests.services.erasure.steps import erased
from tests.services.review.steps import WRONG, another_pipeline, label_next
from tests.services.transfers.steps import apart, exported, ran, records
from tests.world import MODEL, World


@pytest.fixture
def world(committed_world: World) -> World:
    """An export reads a snapshot in a transaction of its own."""
    return committed_world


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_claims_have_what_was_submitted_and_what_was_decided(world: World, tmp_path: Path) -> None:
    claim = world.claim(signals={"self_consistency": 0.5}, metadata={"batch": 7})
    done = exported("claims", tmp_path / "claims.jsonl")
    assert done.code == 0, done
    (row,) = records(tmp_path / "claims.jsonl")
    assert row["external_id"] == claim.external_id
    assert row["source"] == "helpdesk"
    assert {name: row[name] for name in MODEL} == MODEL
    assert (row["output"], row["signals"], row["metadata"]) == (
        "18 EUR per seat and month.",
        {"self_consistency": 0.5},
        {"batch": 7},
    )
    assert row["decision"]["route"] == "review"
    assert row["decision"]["reasons"] == list(claim.decisions.get().reasons)
    assert row["decision"]["inclusion_probability"] == 1.0
    assert row["outcome"] is None
    assert row["attempt"] is None


def test_the_standing_decision_and_outcome_are_one_row_with_the_claim(world: World, tmp_path: Path) -> None:
    claim = world.claim()
    report = {"source": world.source, "claim_id": claim.pk}
    report_outcome(**report, report=Report(False, "15 EUR"))
    report_outcome(**report, report=Report(True))
    exported("claims", tmp_path / "claims.jsonl")
    (row,) = records(tmp_path / "claims.jsonl")
    assert (row["status"], row["outcome"]["correct"], row["outcome"]["basis"]) == ("settled", True, "external")
    exported("outcomes", tmp_path / "outcomes.jsonl")
    both = records(tmp_path / "outcomes.jsonl")
    assert [(each["number"], each["standing"], each["output"]) for each in both] == [
        (1, False, "15 EUR"),
        (2, True, None),
    ]


def test_labels_name_reviewers_by_pseudonym_only(world: World, tmp_path: Path) -> None:
    world.claim()
    world.claim()
    label_next(world.rita, WRONG)
    label_next(world.ravi, LabelAnswer("correct", note="=HYPERLINK(1)"))
    exported("labels", tmp_path / "labels.jsonl")
    text = (tmp_path / "labels.jsonl").read_text()
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["reviewer"] for row in rows] == [str(world.rita.pseudonym), str(world.ravi.pseudonym)]
    assert [(row["verdict"], row["revised"]) for row in rows] == [("incorrect", False), ("correct", False)]
    assert not [name for name in world.people if name in text.casefold()]
    exported("labels", tmp_path / "labels.csv")
    assert csv_rows(tmp_path / "labels.csv")[1]["note"] == "'=HYPERLINK(1)"


def test_only_the_pipeline_and_the_time_asked_for(world: World, tmp_path: Path) -> None:
    another_pipeline(world)
    world.claim(pipeline="translations", category=None, segments={})
    early, late = world.claim(), world.claim()
    exported("claims", tmp_path / "a.jsonl", "--since", late.received_at.isoformat())
    exported("claims", tmp_path / "b.jsonl", "--until", late.received_at.isoformat())
    found = [[row["id"] for row in records(tmp_path / name)] for name in ("a.jsonl", "b.jsonl")]
    assert found == [[str(late.pk)], [str(early.pk)]]


def test_csv_cells_are_no_formulas_and_numbers_stay_numbers(world: World, tmp_path: Path) -> None:
    hostile = ["=1+1", " \u00a0+1", "＝1+1", "@SUM(A1)", "-2", "\t=1", "'=1+1", "\u200b=1", "\u22121"]
    for text in hostile:
        world.claim(output=text, input=-5)
    world.claim(output="'tis 5 - 3 = 2", input='a,b\r\n"c"')
    exported("claims", tmp_path / "claims.csv")
    rows = csv_rows(tmp_path / "claims.csv")
    assert [row["output"] for row in rows[:-1]] == ["'" + text for text in hostile]
    assert {row["input_json"] for row in rows[:-1]} == {"-5"}
    assert rows[-1]["output"] == "'tis 5 - 3 = 2"
    assert rows[-1]["input"] == 'a,b\r\n"c"'
    assert rows[-1]["confidence"] == "0.95"
    assert (rows[-1]["decision.audit_sampled"], rows[-1]["outcome.correct"]) == ("false", "")
    assert (tmp_path / "claims.csv").read_bytes().startswith(b"id,")


def test_csv_has_a_byte_order_mark_on_request(world: World, tmp_path: Path) -> None:
    exported("claims", tmp_path / "claims.csv", "--bom")
    assert (tmp_path / "claims.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")


def test_parquet_has_types(world: World, tmp_path: Path) -> None:
    claim = world.claim(output={"sum": 18}, input="What?")
    done = exported("claims", tmp_path / "claims.parquet")
    assert done.code == 0, done
    table = pq.read_table(tmp_path / "claims.parquet")
    (row,) = table.to_pylist()
    assert str(table.schema.field("confidence").type) == "double"
    assert row["received_at"] == claim.received_at
    assert (row["input"], row["input_json"], row["output"], row["output_json"]) == ("What?", None, None, '{"sum":18}')
    assert (row["decision.audit_sampled"], row["erased"]) == (False, False)


def test_erased_content_leaves_the_rest(world: World, tmp_path: Path) -> None:
    claim = world.claim()
    erased(world, claim)
    exported("claims", tmp_path / "claims.jsonl")
    (row,) = records(tmp_path / "claims.jsonl")
    assert (row["erased"], row["output"], row["context"], row["confidence"]) == (True, None, None, 0.95)


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_nothing_to_export_is_an_empty_file_with_its_columns(world: World, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"labels.{form}"
    assert exported("labels", path).code == 0
    if form == "csv":
        assert path.read_text().startswith("id,claim,")
    elif form == "parquet":
        assert pq.read_table(path).num_rows == 0
    else:
        assert path.read_bytes() == b""


def test_an_export_is_recorded_without_a_word_of_its_content(world: World, tmp_path: Path) -> None:
    world.claim()
    since = timezone.now() - timedelta(days=1)
    exported("claims", tmp_path / "claims.jsonl", "--since", since.isoformat())
    body = json.loads(Event.objects.get(kind="export.created").leaf)["body"]
    assert (body["pipeline"], body["export"], body["format"], body["rows"]) == ("support-answers", "claims", "jsonl", 1)
    assert body["filters"] == {"since_us": round(since.timestamp() * 1_000_000)}
    assert body["manifest_hash"] == hashlib.sha256((tmp_path / "claims.jsonl").read_bytes()).hexdigest()


def test_a_folder_gets_a_fixed_name_and_a_file_that_only_its_owner_reads(world: World, tmp_path: Path) -> None:
    assert exported("claims", tmp_path, "--format", "csv").code == 0
    (path,) = tmp_path.iterdir()
    assert path.name == "claims-support-answers.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_standard_output_gets_the_rows_alone(world: World) -> None:
    world.claim()
    with apart("export", "claims", "--pipeline", "support-answers", "--output", "-", out=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len([json.loads(line) for line in out.splitlines()]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["claims", "--pipeline", "nothing", "--output", "x.jsonl"], "no pipeline"),
        (["claims", "--pipeline", "support-answers", "--output", "x.txt"], "--format"),
        (["claims", "--pipeline", "support-answers", "--output", "x.csv.gz"], "gzip"),
        (["claims", "--pipeline", "support-answers", "--output", "x.jsonl", "--bom"], "for CSV"),
        (["claims", "--pipeline", "support-answers", "--output", "/nowhere/x.csv"], "Nothing can be written"),
        (["people", "--pipeline", "support-answers", "--output", "x.csv"], "invalid choice"),
        (["claims", "--pipeline", "support-answers", "--output", "x.csv", "--since", "now"], "no time"),
        (["claims", "--pipeline", "support-answers", "--output", "x.csv", "--since", "2026-10-01T06:00"], "no offset"),
    ],
)
def test_what_cannot_be_exported_says_why(world: World, arguments: list[str], message: str) -> None:
    done = ran("export", *arguments)
    assert done.code != 0
    assert message in done.err


def test_an_export_that_fails_leaves_the_file_of_before(world: World, tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    path.write_text("of before\n")
    path.with_name("folder").mkdir()
    assert exported("claims", tmp_path / "nowhere" / "claims.jsonl").code == 2
    assert path.read_text() == "of before\n"


def test_a_snapshot_does_not_see_what_comes_later(world: World) -> None:
    with snapshot():
        before = Claim.objects.count()
        other = Thread(target=submit_elsewhere, args=[world])
        other.start()
        other.join()
        assert Claim.objects.count() == before
    assert Claim.objects.count() == before + 1


def submit_elsewhere(world: World) -> None:
    world.submit()
    connection.close()
