"""Once a day the ledger states what was labelled and what was right, in a way that anybody computes again."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.db import connection

from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.accuracy import accuracy_at, take_snapshots
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.verify_export import Key, Verification
from reviewqueue.transfers.evidence import export_evidence
from tests.services.ledger.cast import rows, write
from tests.services.review.steps import RIGHT, UNSURE, WRONG, label_next, undo_windows_pass
from tests.world import MODEL, SETUP, World

NAMES = ("support-answers", MODEL["model"], MODEL["model_version"], MODEL["prompt_version"])


def labelled_world(world: World) -> World:
    for confidence, answer in ((0.95, RIGHT), (0.95, WRONG), (0.7, RIGHT), (0.7, UNSURE)):
        world.claim(confidence=confidence)
        label_next(world.rita, answer)
        undo_windows_pass()
    world.claim(confidence=0.7)
    ledger.seal()
    return world


def verified(key: VerifierKey, folder: Path) -> list[str]:
    ledger.seal()
    export_evidence(path=folder, actor=SETUP)
    verification = Verification(folder, [Key.parse(str(key))], [])
    verification.run()
    return verification.findings


def stated() -> list[dict[str, Any]]:
    found = rows("SELECT leaf FROM ledger.event WHERE kind = 'accuracy.snapshot' ORDER BY id")
    return [json.loads(str(leaf))["body"] for (leaf,) in found]


@pytest.mark.django_db
def test_a_snapshot_counts_the_outcomes_that_stand_and_say_right_or_wrong(
    world: World, auditor_key: VerifierKey, tmp_path: Path
) -> None:
    labelled_world(world)
    leaf_to = Event.objects.count() - 1
    assert take_snapshots() == 1
    [body] = stated()
    assert body["bands"] == {"0.60-0.90": {"1000000": [1, 1]}, "0.90-1.00": {"1000000": [2, 1]}}
    assert (body["labelled"], body["right"], body["leaf_from"], body["leaf_to"]) == (3, 2, 0, leaf_to)
    assert (body["pipeline"], body["model"], body["model_version"], body["prompt_version"]) == NAMES
    assert take_snapshots() == 0, "one a day"
    assert verified(auditor_key, tmp_path / "export") == []


@pytest.mark.django_db
def test_what_happened_after_the_stated_leaf_does_not_count(world: World, auditor_key: VerifierKey) -> None:
    labelled_world(world)
    size = Checkpoint.objects.latest("tree_size").tree_size
    before = accuracy_at(size - 1)
    world.claim(confidence=0.7)
    label_next(world.ravi, WRONG)
    assert accuracy_at(size - 1) == before
    ledger.seal()
    assert accuracy_at(size - 1) == before
    assert accuracy_at(10**9) != before
    assert accuracy_at(0) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bands": {"0.90-1.00": {"1000000": [2, 2]}}, "labelled": 2, "right": 2}, "the accuracy it states"),
        ({"right": 3}, "the sums"),
        ({"result_hash": "00" * 32}, "the hash"),
        ({"model_version": "2027-01-01"}, "the accuracy it states"),
    ],
    ids=["counts", "sums", "hash", "another model"],
)
def test_a_snapshot_that_says_something_else_is_named_with_its_leaf(
    world: World, auditor_key: VerifierKey, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    labelled_world(world)
    leaf_to = Event.objects.count() - 1
    [accuracy] = accuracy_at(leaf_to)
    write(Entry("accuracy.snapshot", SETUP, None, {**accuracy.fields(leaf_to), **changes}))
    findings = verified(auditor_key, tmp_path / "export")
    assert any(f.startswith(f"leaf {leaf_to + 1}: R8, {message}") for f in findings), findings


def test_two_workers_compute_the_same_bytes_and_only_one_states_them(
    committed_world: World, auditor_key: VerifierKey
) -> None:
    labelled_world(committed_world)
    leaf_to = Event.objects.count() - 1
    computed: list[str] = []

    def work() -> None:
        try:
            computed.append(json.dumps([each.fields(leaf_to) for each in accuracy_at(leaf_to)]))
            take_snapshots()
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(computed) == 2
    assert len(set(computed)) == 1
    assert len(stated()) == 1
