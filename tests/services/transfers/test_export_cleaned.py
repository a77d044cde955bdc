"""The cleaned set: every truth, what it was at first, and why it was corrected."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pytest_django import Settings

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.selectors import latest_checkpoint
from reviewqueue.review.models import Relabel
from tests.services.ledger.cast import prepare_sealing
from tests.services.review.steps import RIGHT, UNSURE, WRONG, label_next, undo_windows_pass
from tests.services.review.test_second_looks import doubted, labelled
from tests.services.transfers.steps import exported, records
from tests.world import World


@pytest.fixture
def world(committed_world: World) -> World:
    """An export reads a snapshot in a transaction of its own."""
    return committed_world


def overturned(world: World) -> Claim:
    """Called wrong by rita, right by ravi, and settled as right by sam."""
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, RIGHT)
    return claim


def cleaned(path: Path, claim: Claim) -> dict[str, object]:
    assert exported("cleaned", path).code == 0
    return {str(row["id"]): row for row in records(path)}[str(claim.pk)]


def test_a_corrected_row_says_what_it_was_what_it_is_and_why(world: World, tmp_path: Path) -> None:
    claim = overturned(world)
    first, last = Outcome.objects.filter(claim=claim).order_by("number")
    row = cleaned(tmp_path / "cleaned.jsonl", claim)
    assert (row["output"], row["corrected"]) == ("18 EUR per seat and month.", True)
    assert row["first"] == {
        "correct": False,
        "output": WRONG.output,
        "outcome": str(first.pk),
        "label": str(first.label_id),
    }
    assert row["cleaned"] == {
        "correct": True,
        "output": "18 EUR per seat and month.",
        "outcome": str(last.pk),
        "basis": "adjudication",
    }
    look = Relabel.objects.get(claim=claim)
    assert {name: row["look"][name] for name in ("why", "result", "task", "round")} == {
        "why": "model",
        "result": "overturned",
        "task": str(look.task_id),
        "round": 1,
    }


def test_a_confirmed_row_says_so_and_one_nobody_looked_at_again_has_no_look(world: World, tmp_path: Path) -> None:
    claim = doubted(world)
    label_next(world.ravi, WRONG)
    other = labelled(world, RIGHT)
    row = cleaned(tmp_path / "cleaned.jsonl", claim)
    assert (row["corrected"], row["look"]["result"]) == (False, "confirmed")
    row = cleaned(tmp_path / "cleaned.jsonl", other)
    assert (row["corrected"], row["look"], row["first"]["correct"], row["cleaned"]["correct"]) == (
        *(False, None),
        *(True, True),
    )


def test_of_an_open_second_look_nothing_is_told(world: World, tmp_path: Path) -> None:
    claim = doubted(world)
    row = cleaned(tmp_path / "cleaned.jsonl", claim)
    assert (row["look"], row["corrected"]) == (None, False)


def test_a_truth_from_outside_is_the_cleaned_one_and_no_correction_of_ours(world: World, tmp_path: Path) -> None:
    claim = labelled(world)
    report_outcome(source=world.source, claim_id=claim.pk, report=Report(True))
    row = cleaned(tmp_path / "cleaned.jsonl", claim)
    assert (row["first"]["correct"], row["cleaned"]["correct"], row["cleaned"]["basis"]) == (False, True, "external")
    assert row["corrected"] is False


def test_claims_without_a_truth_are_not_in_it(world: World, tmp_path: Path) -> None:
    world.claim()
    label_next(world.rita, UNSURE)
    undo_windows_pass()
    label_next(world.sam, UNSURE)
    world.claim()
    exported("cleaned", tmp_path / "cleaned.jsonl")
    assert records(tmp_path / "cleaned.jsonl") == []


def test_every_row_names_the_checkpoint_it_was_made_at(world: World, settings: Settings, tmp_path: Path) -> None:
    prepare_sealing(settings, tmp_path)
    claim = labelled(world)
    assert cleaned(tmp_path / "cleaned.jsonl", claim)["checkpoint"] is None
    ledger.seal()
    signed = latest_checkpoint()
    row = cleaned(tmp_path / "again.jsonl", claim)
    assert row["checkpoint"] == {"size": signed.tree_size, "root": bytes(signed.root).hex()}


def test_csv_and_parquet_hold_the_same(world: World, tmp_path: Path) -> None:
    claim = overturned(world)
    for form in ("csv", "parquet"):
        assert exported("cleaned", tmp_path / f"cleaned.{form}").code == 0
    with (tmp_path / "cleaned.csv").open(newline="") as stream:
        of_csv = {row["id"]: row for row in csv.DictReader(stream)}[str(claim.pk)]
    of_parquet = {row["id"]: row for row in pq.read_table(tmp_path / "cleaned.parquet").to_pylist()}[str(claim.pk)]
    assert (of_csv["corrected"], of_parquet["corrected"]) == ("true", True)
    assert of_csv["look.why"] == of_parquet["look.why"] == "model"
    assert of_csv["first.output"] == of_parquet["first.output"] == WRONG.output
    assert (of_csv["first.correct"], of_parquet["first.correct"]) == ("false", False)
