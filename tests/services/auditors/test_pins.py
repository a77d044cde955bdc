"""A pin is held against the ledger of the day: it says so when the history is no longer the one that was pinned."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from reviewqueue.auditors.comparing import compare
from reviewqueue.auditors.selectors import pin_of, pins_of
from reviewqueue.auditors.services import AlreadyPinned, pin_checkpoint
from reviewqueue.errors import Invalid, NotFound
from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import create_key, signing_keys
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from reviewqueue.ledger.restarting import restart_ledger
from tests.services.auditors.steps import keep_newest, newest_note
from tests.services.ledger.cast import ORIGIN, tampered, write_many
from tests.world import World

pytestmark = pytest.mark.django_db


def grown(count: int = 300) -> None:
    write_many(count)
    services.seal()


def test_a_pin_stays_consistent_while_the_ledger_grows(world: World, sealed: VerifierKey) -> None:
    keep_newest(world.ada)
    grown()
    keep_newest(world.ada)
    assert [each.standing for each in pins_of(world.ada).pins] == ["consistent", "consistent"]


def test_a_rewritten_history_is_told_by_the_pin(world: World, sealed: VerifierKey) -> None:
    keep_newest(world.ada)
    grown()
    tampered("UPDATE ledger.leaf SET leaf_hash = sha256('x') WHERE leaf_index = 3",
             "UPDATE ledger.tile SET hashes = overlay(hashes PLACING sha256('x') FROM 97)")  # fmt: skip
    [pin] = pins_of(world.ada).pins
    assert pin.standing == "other_history"


def test_a_ledger_that_was_cut_or_lost_a_tile_is_told_too(world: World, sealed: VerifierKey) -> None:
    grown()
    keep_newest(world.ada)
    tampered("DELETE FROM ledger.tile")
    assert pins_of(world.ada).pins[0].standing == "damaged"
    tampered("DELETE FROM ledger.checkpoint WHERE tree_size > 100")
    assert pins_of(world.ada).pins[0].standing == "gone"


def test_what_is_no_checkpoint_of_this_ledger_is_not_pinned(world: World, sealed: VerifierKey) -> None:
    other = SigningKey("elsewhere", bytes(32))
    foreign = sign_note(TreeHead("elsewhere", 3, bytes(32)).text(), [other])
    for note in ("", "nonsense", newest_note()[:-10], foreign):
        with pytest.raises(Invalid):
            pin_checkpoint(holder=world.ada, note=note)
    keep_newest(world.ada)
    with pytest.raises(AlreadyPinned):
        keep_newest(world.ada)


def test_a_pin_is_its_holders_alone_and_leaves_no_entry(world: World, sealed: VerifierKey) -> None:
    before = Event.objects.count()
    pin = keep_newest(world.ada)
    assert Event.objects.count() == before
    assert pin_of(world.ada, pin.pk).pin.note == newest_note()
    with pytest.raises(NotFound):
        pin_of(world.adam, pin.pk)
    assert pins_of(world.adam).pins == []


def test_pages_of_pins_take_few_queries_however_many_there_are(world: World, sealed: VerifierKey) -> None:
    grown()
    for size in range(1, 30):
        note = sign_note(TreeHead(ORIGIN, size, bytes(32)).text(), signing_keys())
        pin_checkpoint(holder=world.ada, note=note)
    with CaptureQueriesContext(connection) as queries:
        page = pins_of(world.ada)
    rest = pins_of(world.ada, before=page.next)
    assert [each.pin.tree_size for each in [*page.pins, *rest.pins]] == list(range(29, 0, -1))
    assert {each.standing for each in page.pins} == {"other_history"}
    assert len(queries) < 15


def test_a_pin_of_the_name_before_a_restart_still_counts_and_what_was_lost_is_called_lost(
    world: World, sealed: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    grown()
    kept = keep_newest(world.ada)
    lost = pin_checkpoint(
        holder=world.ada, note=sign_note(TreeHead(ORIGIN, kept.tree_size + 20, bytes(32)).text(), signing_keys())
    )
    settings.LEDGER_ORIGIN = "review-queue/second"
    settings.LEDGER_SIGNING_KEY_FILE = str(tmp_path / "second.key")
    settings.LEDGER_ANCHOR_FILE = ""
    create_key(tmp_path / "second.key", name="review-queue/second")
    restart_ledger(origin="review-queue/second", actor=Actor.system("tests"), kept_notes=[lost.note])
    services.seal()
    assert [each.standing for each in pins_of(world.ada).pins] == ["lost", "consistent"]
    assert compare(kept.note, newest_note(), []).verdict == "one_history"
    assert compare(lost.note, newest_note(), []).verdict == "lost"
