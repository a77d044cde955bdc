"""`manage.py import_claims`: every row is in, repeated, or in the reject file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.claims.models import Claim
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.review.models import ReviewSlot
from tests.services.transfers.steps import claims, csv_text, imported, json_lines, rejects
from tests.world import World

HEADER = ["question", "answer", "id", "score", "segments.language", "segments.workflow", "category", "source document"]
MAPS = ["question=input", "answer=output", "id=external_id", "score=confidence", "source document=context.document"]
PLACED = [part for each in MAPS for part in ("--map", each)]
CONSTANTS = ["--set", "model=acme-lm", "--set", "model_version=2026-10-01", "--pipeline", "support-answers"]


def table(path: Path, *rows: list[str], header: list[str] = HEADER) -> Path:
    path.write_bytes(csv_text(header, *rows).encode())
    return path


def stored(external_id: str) -> tuple[Claim, dict[str, Any]]:
    payload = ClaimPayload.objects.select_related("claim").get(claim__external_id=external_id)
    return payload.claim, payload.content


def test_json_lines_come_in_as_if_they_had_been_posted(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", claims(world, 3))
    done = imported(path)
    assert done.code == 0, done
    assert "3 new, 0 repeated, 0 rejected" in done.out
    assert "review 3" in done.out
    assert Claim.objects.filter(source=world.source).count() == 3
    assert ReviewSlot.objects.count() == 3
    assert Event.objects.filter(kind="claim.decided").count() == 3
    assert sorted(each.name for each in tmp_path.iterdir()) == ["claims.jsonl"]


def test_the_same_file_again_is_all_repeated(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", claims(world, 3))
    imported(path)
    again = imported(path)
    assert again.code == 0
    assert "0 new, 3 repeated, 0 rejected" in again.out


def test_bad_rows_are_kept_with_their_lines_and_reasons(world: World, tmp_path: Path) -> None:
    good, taken = claims(world, 2)
    rows = [
        good,
        "",
        world.claim_body(confidence=94),
        "{not json",
        [],
        {**good, "output": "15 EUR"},
        taken,
        world.claim_body(category="unheard of"),
    ]
    path = json_lines(tmp_path / "claims.jsonl", rows)
    done = imported(path)
    assert done.code == 1
    assert "2 new, 0 repeated, 5 rejected" in done.out
    found = rejects(path)
    assert [each["line"] for each in found] == [3, 4, 5, 6, 8]
    assert [(each["errors"][0]["pointer"], each["errors"][0]["code"]) for each in found] == [
        ("/confidence", "range"),
        ("", "malformed_json"),
        ("", "type"),
        ("", "claim_conflict"),
        ("/category", "unknown"),
    ]
    assert found[0]["row"] == rows[2]
    assert found[1]["row"] == "{not json\n"


def test_mended_rejects_are_imported_again(world: World, tmp_path: Path) -> None:
    path = table(tmp_path / "answers.csv", ["q", "a", "1", "94", "en", "qa", "general", ""])
    imported(path, *PLACED, *CONSTANTS)
    (reject,) = rejects(path)
    assert reject["form"] == "cells"
    reject["row"]["score"] = "0.94"
    mended = json_lines(tmp_path / "mended.jsonl", [reject])
    done = imported(mended, "--from-rejects", *PLACED, *CONSTANTS)
    assert done.code == 0, done
    assert stored("1")[0].confidence == 0.94


def test_a_line_that_is_no_reject_is_told_so(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "mended.jsonl", [world.claim_body(), {"form": "value", "row": world.claim_body()}])
    assert imported(path, "--from-rejects").code == 1
    assert [each["errors"][0]["code"] for each in rejects(path)] == ["no_reject"]


def test_columns_are_placed_and_their_texts_become_values(world: World, tmp_path: Path) -> None:
    path = table(
        tmp_path / "answers.csv",
        ['"What, then?"', '"18 EUR\nper seat"', "1", "0.94", "en", "", "general", "Price list"],
        header=[*HEADER],
    )
    more = ["--set", "signals.self_consistency=0.5", "--set", "metadata.batch=7"]
    assert imported(path, *PLACED, *CONSTANTS, *more).code == 0
    claim, content = stored("1")
    assert (claim.confidence, claim.segments, claim.signals) == (0.94, {"language": "en"}, {"self_consistency": 0.5})
    assert (content["input"], content["output"]) == ("What, then?", "18 EUR\nper seat")
    assert content["metadata"] == {"batch": "7"}
    assert [(item["kind"], item["text"]) for item in content["context"]] == [("document", "Price list")]


def test_a_mapping_may_stand_in_a_file(world: World, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps(
            {
                "map": dict(each.split("=") for each in MAPS),
                "set": {"model": "acme-lm", "model_version": "1"},
                "ignore": ["category"],
            }
        )
    )
    path = table(tmp_path / "answers.csv", ["q", "a", "1", "0.9", "en", "qa", "whatever", ""])
    done = imported(path, "--mapping", mapping, "--pipeline", "support-answers")
    assert done.code == 0, done
    assert stored("1")[0].category == ""


def test_texts_that_are_no_numbers_or_not_utf8_are_rejected_alone(world: World, tmp_path: Path) -> None:
    rows = ["1,0.5", "2,nan", "3,1e999", '4,"0,9"', "5,½", "6,\udcff", "7,\0", "8,0.5,more", '9,"0.5"x', "10,.5"]
    path = tmp_path / "answers.csv"
    text = "\n".join(["\ufeffexternal_id,confidence", *rows, "11,95%"])
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    done = imported(path, "--set", "output=yes", *CONSTANTS)
    assert done.code == 1
    assert "2 new" in done.out
    assert [(each["line"], each["errors"][0]["code"]) for each in rejects(path)] == [
        (3, "type"),
        (4, "type"),
        (5, "type"),
        (6, "type"),
        (7, "encoding"),
        (8, "nul"),
        (9, "cells"),
        (10, "malformed_csv"),
        (12, "type"),
    ]
    assert "\\xff" in rejects(path)[4]["row"]


def test_semicolons_and_tabs_show_in_the_header(world: World, tmp_path: Path) -> None:
    for name, mark in (("a.csv", ";"), ("b.tsv", "\t")):
        path = tmp_path / name
        path.write_text(f"external_id{mark}confidence{mark}output\n{name}{mark}0.5{mark}yes\n")
        assert imported(path, *CONSTANTS).code == 0
    path = tmp_path / "c.csv"
    path.write_text('"external_id,|"|confidence|output\nc|0.5|yes, no\n')
    assert imported(path, *CONSTANTS, "--delimiter", "|", "--map", "external_id,|=external_id").code == 0
    assert stored("c")[1]["output"] == "yes, no"


def test_compressed_files_are_read_as_they_are(world: World, tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps(each) for each in claims(world, 3)).encode()))
    assert imported(path).code == 0
    assert Claim.objects.count() == 3


def test_a_damaged_compressed_file_keeps_what_could_be_read(world: World, tmp_path: Path) -> None:
    packed = gzip.compress("\n".join(json.dumps(each) for each in claims(world, 1_500)).encode())
    path = tmp_path / "claims.jsonl.gz"
    path.write_bytes(packed[: len(packed) * 9 // 10])
    done = imported(path)
    assert done.code == 2
    assert "damaged" in done.err
    assert Claim.objects.count() == 1_000
    assert (tmp_path / "claims.jsonl.gz.import.json").exists()


def test_a_line_of_any_length_is_rejected_in_bounded_memory(world: World, tmp_path: Path) -> None:
    path = tmp_path / "claims.jsonl"
    first, last = claims(world, 2)
    with path.open("w") as stream:
        stream.write(json.dumps(first) + "\n")
        for _ in range(5):
            stream.write('"' * 1024 * 1024)
        stream.write("\n" + json.dumps(last) + "\n")
    assert imported(path).code == 1
    (reject,) = rejects(path)
    assert (reject["line"], reject["errors"][0]["code"]) == (2, "too_large")
    assert Claim.objects.count() == 2


def test_an_open_quote_swallows_no_more_than_a_bounded_piece_and_loses_nothing(world: World, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    good = [f"{number},0.5,{'x' * 900}" for number in range(2_000)]
    path.write_text("\n".join(["external_id,confidence,output", '"open,0.5,x', *good]) + "\n")
    assert imported(path, *CONSTANTS).code == 1
    (reject,) = rejects(path)
    kept = reject["row"].splitlines()
    assert reject["line"] == 2
    assert kept[1:] == good[: len(kept) - 1]
    assert Claim.objects.count() == len(good) - len(kept) + 1 > 500


def test_a_dry_run_says_what_would_happen_and_writes_nothing(world: World, tmp_path: Path) -> None:
    repeated = world.claim_body()
    imported(json_lines(tmp_path / "first.jsonl", [repeated]))
    before = Event.objects.count()
    path = json_lines(tmp_path / "claims.jsonl", [*claims(world, 2), repeated, world.claim_body(confidence=2)])
    done = imported(path, "--dry-run")
    assert done.code == 1
    assert "2 would be new, 1 repeated, 1 rejected" in done.out
    assert "review 2" in done.out
    assert "line 4: /confidence" in done.out
    assert (Claim.objects.count(), Event.objects.count()) == (1, before)
    assert not list(tmp_path.glob("*.rejects.jsonl")) + list(tmp_path.glob("*.import.json"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "confidense=confidence"], "no column 'confidense'"),
        (["--map", "confidence=confidense"], "has a field 'confidense'"),
        (["--map", "output=confidence"], "go to the same field"),
        (["--map", "output"], "not of the form"),
        (["--set", "confidence=high"], "no number"),
        (["--set", "colour=blue"], "has a field 'colour'"),
        (["--delimiter", ";;"], "one character"),
        (["--ignore", "colour"], "no column 'colour'"),
        (["--source", "nobody"], "no active source"),
        (["--pipeline", "elsewhere"], "no pipeline 'elsewhere'"),
        (["--set", "pipeline=elsewhere"], "no pipeline 'elsewhere'"),
        (["--mapping", "/nowhere.json"], "cannot be read"),
    ],
)
def test_what_cannot_begin_says_why(world: World, tmp_path: Path, arguments: list[str], message: str) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("external_id,confidence,output\n1,0.5,yes\n")
    done = imported(path, *CONSTANTS, *arguments)
    assert (done.code, message in done.err) == (2, True), done
    assert Claim.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("claims.txt", b"", "--format"),
        ("empty.csv", b"", "no header"),
        ("twice.csv", b"output,output\n", "name each"),
        ("unnamed.csv", b"output,\n", "name each"),
        ("latin.csv", b"outp\xfct,x\n", "not UTF-8"),
        ("unknown.csv", b"output,colour\n", "--map colour=FIELD or --ignore colour"),
        ("broken.parquet", b"PAR1", "not a Parquet file"),
        ("packed.parquet.gz", b"", "cannot be read"),
        ("plain.jsonl.gz", b"{}", "damaged"),
    ],
)
def test_what_is_no_such_file_says_why(world: World, tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    done = imported(tmp_path / name)
    assert (done.code, message in done.err) == (2, True), done


def test_neither_a_folder_nor_nothing_can_be_imported(world: World, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.jsonl"):
        assert imported(path, "--format", "jsonl").code == 2
