"""A change of the signing key: nobody who knows the old one, or the new one, is left without proof."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from reviewqueue.ledger import services, verify_export
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.export import export_ledger
from reviewqueue.ledger.keys import signing_keys, write_keys
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import NoteError, SigningKey, VerifierKey, open_note
from reviewqueue.ledger.rotation import RotationRefused, finish_rotation, rotate_key
from reviewqueue.ledger.verify import verify
from tests.services.ledger.cast import ORIGIN, write_many

pytestmark = pytest.mark.django_db

AMIR = Actor.system("tests")


def rotated(days: int = 30) -> VerifierKey:
    return rotate_key(actor=AMIR, now=timezone.now(), overlap=timedelta(days=days))


def finished(days: int = 31) -> VerifierKey:
    return finish_rotation(actor=AMIR, now=timezone.now() + timedelta(days=days))


def opens(note: str, key: VerifierKey) -> bool:
    try:
        return bool(open_note(note, [key]))
    except NoteError:
        return False


def test_checkpoints_are_signed_by_old_both_and_new_in_this_order(auditor_key: VerifierKey) -> None:
    write_many(3)
    services.seal()
    new = rotated()
    services.seal()
    assert finished() == new
    services.seal()
    signed = [(opens(row.note, auditor_key), opens(row.note, new)) for row in Checkpoint.objects.order_by("tree_size")]
    assert signed == [(True, False), (True, True), (False, True)]
    kinds = Event.objects.filter(kind__startswith="key.").order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["key.rotated", "key.retired"]
    assert str(new) in Event.objects.get(kind="key.rotated").leaf
    assert verify(keys=[auditor_key, new]).sound


def test_an_export_across_the_change_is_proven_by_either_key_as_far_as_it_signed(
    auditor_key: VerifierKey, tmp_path: Path
) -> None:
    write_many(3)
    services.seal()
    began = datetime.now(UTC)
    new = rotated()
    services.seal()
    write_many(3)
    services.seal()
    export_ledger(path=tmp_path / "overlap", actor=AMIR, since=began)
    export_ledger(path=tmp_path / "whole", actor=AMIR)
    assert verdict(tmp_path / "overlap", auditor_key) == 0
    assert verdict(tmp_path / "overlap", new) == 0
    assert verdict(tmp_path / "overlap", SigningKey(ORIGIN, bytes(32)).verifier) != 0
    assert verdict(tmp_path / "whole", auditor_key) == 0
    assert verdict(tmp_path / "whole", auditor_key, new) == 0
    assert verdict(tmp_path / "whole", new) != 0, "its first checkpoint is of the old key alone"


def verdict(folder: Path, *keys: VerifierKey) -> int:
    """The exit code, without what is merely incomplete (events that are not sealed yet)."""
    code = verify_export.main([str(folder), *(word for key in keys for word in ("--key", str(key)))])
    return 0 if code == 3 else code


def test_the_file_keeps_its_mode_and_holds_both_keys_newest_first(auditor_key: VerifierKey, settings: Settings) -> None:
    path = Path(settings.LEDGER_SIGNING_KEY_FILE)
    os.chmod(path, 0o640)
    new = rotated()
    assert [key.verifier for key in signing_keys()] == [new, auditor_key]
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.glob("*.new")) == []


def test_the_old_key_is_not_dropped_too_early(auditor_key: VerifierKey) -> None:
    with pytest.raises(RotationRefused, match="No change of keys"):
        finished()
    rotated()
    with pytest.raises(RotationRefused, match="Both keys sign until"):
        finished(days=29)
    with pytest.raises(RotationRefused, match="seal first"):
        finished()
    services.seal()
    assert finished() != auditor_key
    with pytest.raises(RotationRefused, match="No change of keys"):
        finished()


def test_a_stolen_key_can_be_dropped_at_once(auditor_key: VerifierKey) -> None:
    rotated()
    services.seal()
    finish_rotation(actor=AMIR, now=timezone.now(), at_once=True)
    assert auditor_key not in [key.verifier for key in signing_keys()]


def test_only_one_change_at_a_time(auditor_key: VerifierKey) -> None:
    rotated()
    with pytest.raises(RotationRefused, match="under way"):
        rotated()
    assert Event.objects.filter(kind="key.rotated").count() == 1


def test_a_change_that_was_cut_short_before_the_ledger_knew_of_it_is_completed(
    auditor_key: VerifierKey, settings: Settings
) -> None:
    (old,) = signing_keys()
    new = SigningKey(ORIGIN, bytes(31) + b"x")
    write_keys(Path(settings.LEDGER_SIGNING_KEY_FILE), [new, old])
    assert rotated() == new.verifier
    assert signing_keys() == [new, old]


def test_the_command_walks_through_the_change(auditor_key: VerifierKey) -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("ledger_key", *words, stdout=out)
        return out.getvalue()

    new = run("--rotate", "--days", "0")
    assert run("--show") == f"{new}{auditor_key}\n"
    with pytest.raises(CommandError, match="seal first"):
        run("--finish")
    services.seal()
    assert run("--finish") == new == run("--show")
