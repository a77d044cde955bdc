"""An import that broke off goes on with the same command, and with no other."""

from __future__ import annotations

import json
import stat
from pathlib import Path

from reviewqueue.claims.models import Claim
from reviewqueue.transfers.opening import held
from tests.services.transfers.steps import broken_off, claims, imported, json_lines, rejects
from tests.world import World

CONSTANTS = ["--set", "model=acme-lm", "--set", "model_version=2026-10-01", "--pipeline", "support-answers"]


def test_a_reject_file_is_not_overwritten_unasked(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", [world.claim_body(confidence=2)])
    imported(path)
    assert stat.S_IMODE(path.with_name("claims.jsonl.rejects.jsonl").stat().st_mode) == 0o600
    again = imported(path)
    assert (again.code, "--restart" in again.err) == (2, True)
    assert imported(path, "--restart").code == 1
    assert len(rejects(path)) == 1


def test_an_import_that_broke_off_goes_on_where_it_stopped(world: World, tmp_path: Path) -> None:
    rows = [world.claim_body(confidence=2 if number % 700 == 0 else 0.5) for number in range(2_500)]
    path = json_lines(tmp_path / "claims.jsonl", rows)
    broken_off(path, after=2)
    assert (Claim.objects.count(), len(rejects(path))) == (1_997, 3)
    with (tmp_path / "claims.jsonl.rejects.jsonl").open("a") as stream:
        stream.write("what was written after the last checkpoint\n")
    done = imported(path)
    assert done.code == 1
    assert "Going on after 2,000 rows" in done.err
    assert "2,496 new, 0 repeated, 4 rejected" in done.out
    assert [each["line"] for each in rejects(path)] == [1, 701, 1401, 2101]
    assert not (tmp_path / "claims.jsonl.import.json").exists()


def test_rejects_written_before_the_first_checkpoint_are_this_imports_own(world: World, tmp_path: Path) -> None:
    """Killed between the two, the same command has to go on by itself."""
    path = json_lines(tmp_path / "claims.jsonl", [world.claim_body(confidence=2), world.claim_body()])
    broken_off(path, after=0)
    path.with_name("claims.jsonl.rejects.jsonl").write_text("written, and then the power went\n")
    done = imported(path)
    assert (done.code, "1 new, 0 repeated, 1 rejected" in done.out) == (1, True), done
    assert [each["line"] for each in rejects(path)] == [1]


def test_an_import_never_writes_over_its_own_file(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", claims(world, 1))
    for option in ("--rejects", "--state"):
        done = imported(path, option, path, "--restart")
        assert (done.code, "three files" in done.err) == (2, True)
    assert imported(path).code == 0


def test_a_file_is_imported_by_one_process_at_a_time(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", claims(world, 1))
    with held(path):
        second = imported(path)
        assert (second.code, "is running" in second.err) == (2, True)
        assert imported(path, "--dry-run").code == 0
    assert imported(path).code == 0


def test_csv_goes_on_after_records_of_several_lines(world: World, tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    records = [f'{number},0.5,"two\n\nlines"\n\n' for number in range(1_200)]
    path.write_text("external_id,confidence,output\n" + "".join(records) + "last,none,x\n")
    broken_off(path, *CONSTANTS, after=1)
    done = imported(path, *CONSTANTS)
    assert "1,200 new, 0 repeated, 1 rejected" in done.out
    assert rejects(path)[0]["line"] == 1_200 * 4 + 2


def test_a_changed_file_or_other_options_are_another_import(world: World, tmp_path: Path) -> None:
    path = json_lines(tmp_path / "claims.jsonl", claims(world, 1_001))
    broken_off(path, after=1)
    other = imported(path, "--ignore", "metadata")
    assert (other.code, "other options have changed" in other.err) == (2, True)
    with path.open("a") as stream:
        stream.write(json.dumps(world.claim_body()) + "\n")
    changed = imported(path)
    assert (changed.code, "file has changed" in changed.err) == (2, True)
    done = imported(path, "--restart")
    assert "2 new, 1,000 repeated" in done.out
    (tmp_path / "claims.jsonl.import.json").write_text("{}")
    assert imported(path).code == 2
