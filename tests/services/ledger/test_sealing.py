"""Events get their places in the tree, and the tree's head is signed."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from pytest_django import Settings

from reviewqueue.ledger import services, tree
from reviewqueue.ledger.anchors import FileAnchor
from reviewqueue.ledger.keys import create_key, signing_keys, verifier_keys
from reviewqueue.ledger.models import Anchor, Checkpoint, Event, Leaf, Pending, Tile
from reviewqueue.ledger.note import TreeHead, VerifierKey, open_note
from tests.services.ledger.cast import ORIGIN, changed, one, write, write_many

pytestmark = pytest.mark.django_db


def newest_head(key: VerifierKey) -> TreeHead:
    return TreeHead.parse(open_note(Checkpoint.objects.latest("tree_size").note, [key]).text)


def root_of_the_texts() -> bytes:
    """What an auditor computes from the texts alone."""
    texts = Event.objects.filter(leaf_row__isnull=False).order_by("leaf_row__leaf_index").values_list("leaf", flat=True)
    return tree.root_of(tree.leaf_hash(text.encode()) for text in texts)


def test_events_are_sealed_in_order_under_a_head_that_the_auditor_can_verify(auditor_key: VerifierKey) -> None:
    written = write_many(5)
    sealed = services.seal()
    assert (sealed.size, sealed.added, sealed.alarms) == (5, 5, ())
    assert list(Leaf.objects.order_by("leaf_index").values_list("leaf_index", "event_id")) == [
        (place, event.id) for place, event in enumerate(written)
    ]
    assert newest_head(auditor_key) == TreeHead(ORIGIN, 5, root_of_the_texts())
    assert not Pending.objects.exists()


def test_a_tree_grown_in_steps_has_the_root_of_all_its_texts(auditor_key: VerifierKey) -> None:
    for count in (1, 254, 1, 300, 3):
        write_many(count)
        services.seal()
        assert newest_head(auditor_key).root == root_of_the_texts()
    assert newest_head(auditor_key).size == 559
    assert [(tile.level, tile.idx) for tile in Tile.objects.order_by("idx")] == [(0, 0), (0, 1)]


def test_sealing_with_nothing_to_seal_signs_nothing(auditor_key: VerifierKey) -> None:
    write_many(2)
    services.seal()
    assert services.seal().added == 0
    assert services.seal().size == 2
    assert Checkpoint.objects.count() == 1


def test_an_empty_ledger_has_no_checkpoint(auditor_key: VerifierKey) -> None:
    assert services.seal().size == 0
    assert not Checkpoint.objects.exists()


def test_one_run_seals_at_most_its_limit_oldest_first(auditor_key: VerifierKey) -> None:
    written = write_many(5)
    assert services.seal(limit=3).added == 3
    assert set(Pending.objects.values_list("event_id", flat=True)) == {written[3].id, written[4].id}
    assert services.seal(limit=3).size == 5


def test_the_session_is_the_applications_again_afterwards(auditor_key: VerifierKey) -> None:
    before = one("SELECT current_user")
    write_many(1)
    services.seal()
    assert one("SELECT current_user") == before


def test_an_event_written_without_canonical_form_is_sealed_with_an_alarm(auditor_key: VerifierKey) -> None:
    body = '{"event": "config.changed", "actor": {"kind": "user", "id": "x"}}'
    connection.cursor().execute("INSERT INTO ledger.event (leaf) VALUES (%s)", [body])
    sealed = services.seal()
    assert sealed.added == 1
    assert sealed.alarms == (f"event {Event.objects.get().id}: not in the canonical form",)


def test_every_checkpoint_is_handed_to_the_anchor_and_receipted(auditor_key: VerifierKey, settings: Settings) -> None:
    for _ in range(2):
        write_many(3)
        services.seal()
    anchor = FileAnchor(Path(settings.LEDGER_ANCHOR_FILE))
    assert list(anchor.notes()) == list(Checkpoint.objects.order_by("tree_size").values_list("note", flat=True))
    assert list(Anchor.objects.order_by("id").values_list("tree_size", "sink")) == [(3, "file"), (6, "file")]


def test_a_checkpoint_that_was_not_handed_over_is_handed_over_by_the_next_run(
    auditor_key: VerifierKey, settings: Settings
) -> None:
    write_many(3)
    services.seal()
    anchor = FileAnchor(Path(settings.LEDGER_ANCHOR_FILE))
    note = anchor.newest()
    anchor.path.write_text('{"note": "cut sh')
    services.seal()
    assert anchor.newest() == note
    assert list(anchor.notes()) == [note]


def test_an_anchor_that_is_away_does_not_stop_sealing_but_is_an_alarm(
    auditor_key: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    settings.LEDGER_ANCHOR_FILE = str(tmp_path / "volume" / "anchor.jsonl")
    write_many(1)
    sealed = services.seal()
    assert sealed.size == 1
    assert len(sealed.alarms) == 1
    (tmp_path / "volume").mkdir()
    assert services.seal().alarms == ()
    assert Anchor.objects.get().tree_size == 1


def test_without_an_anchor_sealing_works_and_nothing_is_receipted(auditor_key: VerifierKey, settings: Settings) -> None:
    settings.LEDGER_ANCHOR_FILE = ""
    write_many(1)
    assert services.seal().added == 1
    assert not Anchor.objects.exists()


def test_during_a_change_of_keys_both_keys_sign(auditor_key: VerifierKey, settings: Settings, tmp_path: Path) -> None:
    write_many(1)
    services.seal()
    new_key = create_key(tmp_path / "new.key", name=ORIGIN)
    old_line, new_line = Path(settings.LEDGER_SIGNING_KEY_FILE).read_text(), (tmp_path / "new.key").read_text()
    Path(settings.LEDGER_SIGNING_KEY_FILE).write_text(new_line + old_line)
    write_many(1)
    services.seal()
    assert newest_head(auditor_key) == newest_head(new_key)
    Path(settings.LEDGER_SIGNING_KEY_FILE).write_text(new_line)
    write_many(1)
    assert services.seal().size == 3
    assert newest_head(new_key).size == 3
    assert verifier_keys() == [new_key]


def _missing(settings: LazySettings) -> None:
    Path(settings.LEDGER_SIGNING_KEY_FILE).unlink()


def _not_given(settings: LazySettings) -> None:
    settings.LEDGER_SIGNING_KEY_FILE = ""


def _open_to_all(settings: LazySettings) -> None:
    os.chmod(settings.LEDGER_SIGNING_KEY_FILE, 0o644)


def _not_a_key(settings: LazySettings) -> None:
    Path(settings.LEDGER_SIGNING_KEY_FILE).write_text("secret\n")


def _empty(settings: LazySettings) -> None:
    Path(settings.LEDGER_SIGNING_KEY_FILE).write_text("\n")


def _for_another_ledger(settings: LazySettings) -> None:
    settings.LEDGER_ORIGIN = "review-queue/another"


@pytest.mark.parametrize(
    "spoil",
    [_missing, _not_given, _open_to_all, _not_a_key, _empty, _for_another_ledger],
    ids=lambda spoil: spoil.__name__,
)
def test_without_a_usable_key_events_wait_and_nothing_is_signed(
    auditor_key: VerifierKey, settings: Settings, spoil: object
) -> None:
    write_many(2)
    spoil(settings)  # type: ignore[operator]  # one of the functions above
    with pytest.raises(ImproperlyConfigured):
        services.seal()
    assert Pending.objects.count() == 2
    assert not Checkpoint.objects.exists()


def test_a_key_file_is_its_owners_alone_and_never_overwritten(auditor_key: VerifierKey, settings: Settings) -> None:
    path = Path(settings.LEDGER_SIGNING_KEY_FILE)
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        create_key(path, name=ORIGIN)
    assert [key.verifier for key in signing_keys()] == [auditor_key]


@pytest.mark.parametrize("name", ["", "with space", "with+plus"])
def test_a_ledger_name_that_cannot_stand_in_a_note_gets_no_key(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImproperlyConfigured):
        create_key(tmp_path / "k", name=name)
    assert not (tmp_path / "k").exists()


def test_an_anchor_line_is_plain_json_that_any_tool_can_read(auditor_key: VerifierKey, settings: Settings) -> None:
    write(changed(1))
    services.seal()
    (line,) = Path(settings.LEDGER_ANCHOR_FILE).read_text().splitlines()
    _, size, root, *_ = json.loads(line)["note"].split("\n")
    assert (int(size), base64.b64decode(root)) == (1, root_of_the_texts())
