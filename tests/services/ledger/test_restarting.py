"""A database put back to an older copy, or one that grew apart: not signed under its name, and under a new one with a
word of what is lost.

The copy is a real one: every row of the schema, put back as a restore would.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from reviewqueue.ledger import services, storage_anchor, verify_export
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.export import export_ledger
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, open_note, parse_note
from reviewqueue.ledger.roles import acting_as
from reviewqueue.ledger.sealer import SealRefused
from reviewqueue.ledger.selectors import refusal
from reviewqueue.ledger.services import run_verification
from reviewqueue.ledger.verify import verify
from reviewqueue.transactions import one_transaction
from tests.ledger_reset import TABLES, unprotected_ledger
from tests.services.ledger.cast import ORIGIN, signed_again, write_many

pytestmark = pytest.mark.django_db

NEW = "review-queue/tests-2"
Restore = Callable[[], None]


def backup() -> Restore:
    """A copy of the whole schema, and how to put it back."""
    with connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute("CREATE SCHEMA backup")
        for table in TABLES:
            cursor.execute(f"CREATE TABLE backup.{table} AS SELECT * FROM ledger.{table}")

    def restore() -> None:
        with unprotected_ledger() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(f'ledger.{table}' for table in TABLES)} CASCADE")
            for table in TABLES:
                cursor.execute(f"INSERT INTO ledger.{table} OVERRIDING SYSTEM VALUE SELECT * FROM backup.{table}")

    return restore


def renamed(settings: Settings, folder: Path) -> VerifierKey:
    settings.LEDGER_ORIGIN = NEW
    settings.LEDGER_SIGNING_KEY_FILE = str(folder / "second.key")
    return create_key(folder / "second.key", name=NEW)


def restarted(*options: str) -> str:
    out = StringIO()
    call_command("restart_ledger", "--origin", NEW, *options, stdout=out)
    return out.getvalue()


@pytest.fixture
def behind(auditor_key: VerifierKey) -> VerifierKey:
    """A backup of 300 leaves was put back after 320 were signed; three events came in since."""
    write_many(300)
    services.seal()
    restore = backup()
    for _ in range(2):
        write_many(10)
        services.seal()
    restore()
    write_many(3)
    return auditor_key


def test_a_restored_backup_is_not_signed_and_the_reason_says_what_to_do(behind: VerifierKey) -> None:
    with pytest.raises(SealRefused, match="ends at 300 leaves, the anchored checkpoint has 320: a rollback"):
        services.seal()
    refused = refusal()
    assert refused
    assert refused.code == "rollback"
    assert "restart_ledger" in refused.reason
    assert Event.objects.count() == 303, "events are accepted all the while"


def test_under_a_new_name_it_goes_on_and_says_what_is_lost(
    behind: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    newest = configured_anchor()
    assert newest
    lost_note = str(newest.newest())
    new = renamed(settings, tmp_path)
    assert restarted() == (f"{ORIGIN} was known with 320 entries, 20 of them are lost; {NEW} goes on at 304\n")
    body = json.loads(Event.objects.get(kind="ledger.restarted").leaf)["body"]
    head = TreeHead.parse(parse_note(lost_note).text)
    assert (body["origin_from"], body["origin_to"], body["tree_size"], body["root"], body["lost"]) == (
        ORIGIN,
        NEW,
        320,
        head.root.hex(),
        20,
    )
    assert refusal() is None
    assert TreeHead.parse(open_note(Checkpoint.objects.get(tree_size=304).note, [new]).text).origin == NEW
    write_many(2)
    assert services.seal().size == 306


def test_what_was_restarted_verifies_with_the_keys_of_both_names_or_the_new_one(
    behind: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    new = renamed(settings, tmp_path)
    restarted()
    write_many(2)
    services.seal()
    for keys in ([new], [new, behind]):
        report = verify(keys=keys, anchor=configured_anchor())
        assert report.sound, report.findings
    assert run_verification(actor=Actor.system("tests")).sound
    services.seal()
    export_ledger(path=tmp_path / "export", actor=Actor.system("tests"))
    assert verify_export.main([str(tmp_path / "export"), "--key", str(new)]) in (0, 3)


def test_the_old_name_is_never_signed_again(behind: VerifierKey, settings: Settings, tmp_path: Path) -> None:
    key_file = settings.LEDGER_SIGNING_KEY_FILE
    renamed(settings, tmp_path)
    restarted()
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = ORIGIN, key_file
    write_many(1)
    with pytest.raises(SealRefused):
        services.seal()


def test_a_history_that_grew_apart_is_restarted_from_where_both_were_one(
    auditor_key: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    """Two copies signed under one name, and the other one handed its checkpoints to the anchor."""
    write_many(300)
    services.seal()
    restore = backup()
    write_many(10)
    services.seal()
    restore()
    settings.LEDGER_ANCHOR_FILE, anchor = "", settings.LEDGER_ANCHOR_FILE
    write_many(15)
    services.seal()
    settings.LEDGER_ANCHOR_FILE = anchor
    write_many(1)
    with pytest.raises(SealRefused, match="another history"):
        services.seal()
    renamed(settings, tmp_path)
    assert restarted().startswith(f"{ORIGIN} was known with 310 entries, 10 of them are lost")
    assert verify(keys=[], anchor=configured_anchor()).sound


def test_a_checkpoint_that_an_auditor_kept_counts_as_what_is_known(
    auditor_key: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    write_many(300)
    services.seal()
    restore = backup()
    write_many(10)
    services.seal()
    kept = tmp_path / "kept.txt"
    kept.write_text(Checkpoint.objects.get(tree_size=310).note)
    Path(settings.LEDGER_ANCHOR_FILE).unlink()
    restore()
    renamed(settings, tmp_path)
    words = ("--checkpoint", str(kept), "--key", str(auditor_key))
    assert "310 entries, 10 of them are lost" in restarted(*words)


def test_a_storage_counts_as_well(auditor_key: VerifierKey, settings: Settings, tmp_path: Path) -> None:
    backend = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "anchors": backend}
    settings.LEDGER_ANCHOR_STORAGE, settings.LEDGER_ANCHOR_SECONDS, settings.LEDGER_ANCHOR_FILE = "anchors", 0.0, ""
    write_many(300)
    services.seal()
    restore = backup()
    write_many(10)
    services.seal()
    restore()
    storage_anchor._seen.clear()
    with pytest.raises(SealRefused, match="a rollback"):
        services.seal()
    renamed(settings, tmp_path)
    assert "310 entries, 10 of them are lost" in restarted()


def test_nothing_is_restarted_without_need_or_without_a_new_name(
    auditor_key: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match="set it to"):
        restarted()
    write_many(3)
    services.seal()
    with pytest.raises(CommandError, match="another one than the old"):
        call_command("restart_ledger", "--origin", ORIGIN)
    renamed(settings, tmp_path)
    with pytest.raises(CommandError, match="can go on as it is"):
        restarted()
    assert "0 of them are lost" in restarted("--without-need")
    assert verify(keys=[], anchor=configured_anchor()).sound


def test_another_name_alone_is_no_way_around_the_refusal(
    behind: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    renamed(settings, tmp_path)
    with pytest.raises(SealRefused, match=r"no signature by a known key|belongs to"):
        services.seal()


# --- an entry that says so is not enough ------------------------------------------------------------------------------


def forged(body: dict[str, object]) -> None:
    """What whoever can write events could write: the entry, without the key."""
    with one_transaction():
        services.append(event="ledger.restarted", actor=Actor.system("restart_ledger"), **body)


def test_an_entry_without_the_signature_of_the_new_key_opens_no_way(
    behind: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    """The database is rewritten, and its last checkpoint said to be of a former name, which nobody must have signed."""
    last = Checkpoint.objects.get(tree_size=300)
    head = TreeHead.parse(parse_note(last.note).text)
    made_up = TreeHead("review-queue/before", head.size, head.root)
    for signature in (bytes(64), SigningKey(ORIGIN, bytes(32)).sign(made_up.text()).signature):
        forged(
            {
                "origin_from": made_up.origin,
                "origin_to": ORIGIN,
                "tree_size": 300,
                "root": head.root,
                "lost": 0,
                "last_size": 300,
                "last_root": head.root,
                "countersignature": signature,
            }
        )
    signed_again(made_up, SigningKey(made_up.origin, bytes(32)))
    settings.LEDGER_ANCHOR_FILE = ""
    with pytest.raises(SealRefused, match="no signature by a known key"):
        services.seal()
    report = verify(keys=[behind])
    assert any("a checkpoint of review-queue/before" in finding.message for finding in report.findings) or any(
        "no signature by a known key" in finding.message for finding in report.findings
    )


def test_nothing_newer_than_the_restart_counts_as_signed_under_the_former_name(
    behind: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    new = renamed(settings, tmp_path)
    restarted()
    newest = Checkpoint.objects.order_by("-tree_size")[0]
    signed_again(TreeHead(ORIGIN, newest.tree_size, bytes(newest.root)), SigningKey(ORIGIN, bytes(32)))
    (finding,) = verify(keys=[new]).findings
    assert "of which 300 is the last size" in finding.message


def test_a_second_restart_still_knows_the_first_name(behind: VerifierKey, settings: Settings, tmp_path: Path) -> None:
    renamed(settings, tmp_path)
    restarted()
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = "review-queue/tests-3", str(tmp_path / "third.key")
    third = create_key(tmp_path / "third.key", name=settings.LEDGER_ORIGIN)
    call_command("restart_ledger", "--origin", settings.LEDGER_ORIGIN, "--without-need", stdout=StringIO())
    report = verify(keys=[third], anchor=configured_anchor())
    assert report.sound, report.findings
