"""Nothing is signed that contradicts what was signed before; events go on being accepted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import FileAnchor
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Checkpoint, Pending
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from reviewqueue.ledger.sealer import SealRefused
from tests.services.ledger.cast import ORIGIN, tampered, write_many

pytestmark = pytest.mark.django_db


@pytest.fixture
def three_checkpoints(db: None, auditor_key: VerifierKey) -> None:
    """Sizes 250, 300 and 310; events wait."""
    for count in (250, 50, 10):
        write_many(count)
        services.seal()
    write_many(5)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE ledger.checkpoint SET root = sha256('x') WHERE tree_size = 310", "does not have the root"),
        ("UPDATE ledger.leaf SET leaf_hash = sha256('x') WHERE leaf_index = 305", "does not have the root"),
        ("UPDATE ledger.tile SET root = sha256('x')", "does not have the root"),
        ("DELETE FROM ledger.tile", "missing at tile level 1"),
        ("DELETE FROM ledger.leaf WHERE leaf_index = 305", "missing at tile level 0"),
        ("DELETE FROM ledger.checkpoint WHERE tree_size = 310", "leaves beyond the last checkpoint"),
        ("UPDATE ledger.checkpoint SET note = replace(note, '310', '311') WHERE tree_size = 310", "signature"),
        ("UPDATE ledger.checkpoint SET note = 'x' WHERE tree_size = 310", "a note is text"),
        (
            "UPDATE ledger.checkpoint SET note = (SELECT note FROM ledger.checkpoint WHERE tree_size = 300)"
            " WHERE tree_size = 310",
            "something else than its row",
        ),
    ],
)
def test_a_stored_tree_that_contradicts_its_checkpoint_is_not_signed(
    three_checkpoints: None, statement: str, why: str
) -> None:
    tampered(statement)
    checkpoints = Checkpoint.objects.count()
    with pytest.raises(SealRefused, match=why):
        services.seal()
    assert Pending.objects.count() == 5
    assert Checkpoint.objects.count() == checkpoints


def test_a_database_restored_from_an_older_copy_is_not_signed(three_checkpoints: None) -> None:
    tampered(
        "DELETE FROM ledger.pending",
        "DELETE FROM ledger.leaf WHERE leaf_index >= 300",
        "DELETE FROM ledger.event WHERE NOT EXISTS (SELECT FROM ledger.leaf WHERE event_id = id)",
        "DELETE FROM ledger.checkpoint WHERE tree_size > 300",
    )
    write_many(100)
    with pytest.raises(SealRefused, match="ends at 300 leaves, the anchored checkpoint has 310: a rollback"):
        services.seal()


def _of_another_history(settings: LazySettings) -> None:
    anchored(settings, TreeHead(ORIGIN, 300, bytes(32)))


def _of_another_ledger(settings: LazySettings) -> None:
    anchored(settings, TreeHead("review-queue/another", 300, bytes(32)))


def _further_than_we_are(settings: LazySettings) -> None:
    anchored(settings, TreeHead(ORIGIN, 311, bytes(32)))


def _unreadable(settings: LazySettings) -> None:
    FileAnchor(Path(settings.LEDGER_ANCHOR_FILE)).add("no note")


def anchored(settings: LazySettings, head: TreeHead) -> None:
    FileAnchor(Path(settings.LEDGER_ANCHOR_FILE)).add(sign_note(head.text(), signing_keys()))


@pytest.mark.parametrize(
    ("put", "why"),
    [
        (_of_another_history, "another history"),
        (_of_another_ledger, "belongs to review-queue/another"),
        (_further_than_we_are, "a rollback"),
        (_unreadable, "a note is text"),
    ],
)
def test_an_anchor_that_remembers_something_else_stops_the_signing(
    three_checkpoints: None, settings: Settings, put: Callable[[object], None], why: str
) -> None:
    put(settings)
    with pytest.raises(SealRefused, match=why):
        services.seal()
    assert Pending.objects.count() == 5


def test_a_history_last_signed_by_an_unknown_key_is_not_continued(three_checkpoints: None, settings: Settings) -> None:
    Path(settings.LEDGER_SIGNING_KEY_FILE).write_text(SigningKey(ORIGIN, bytes(32)).secret_text())
    with pytest.raises(SealRefused, match="no signature by a known key"):
        services.seal()


def test_an_event_changed_before_it_was_sealed_keeps_the_hash_of_its_arrival(three_checkpoints: None) -> None:
    victim = Pending.objects.order_by("event_id")[2].event_id
    tampered(f"UPDATE ledger.event SET leaf = replace(leaf, 'setting', 'sitting') WHERE id = {victim}")
    sealed = services.seal()
    assert sealed.alarms == (f"event {victim}: text does not match its hash",)
    assert sealed.added == 5


def test_work_for_an_event_that_is_gone_or_sealed_is_dropped_with_an_alarm(three_checkpoints: None) -> None:
    gone = Pending.objects.order_by("event_id")[0].event_id
    tampered(
        f"DELETE FROM ledger.event WHERE id = {gone}",
        "INSERT INTO ledger.pending SELECT event_id FROM ledger.leaf WHERE leaf_index = 7",
    )
    sealed = services.seal()
    assert sealed.added == 4
    assert len(sealed.alarms) == 2
    assert all("missing or sealed already" in alarm for alarm in sealed.alarms)
