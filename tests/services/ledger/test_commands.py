"""The commands an operator and an auditor run."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import SigningKey, VerifierKey
from tests.services.ledger.cast import ORIGIN, event_of, tampered, write_many

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def verified(*options: str) -> tuple[int, str]:
    """Exit code and output of verify_ledger."""
    out = StringIO()
    with pytest.raises(SystemExit) as exit_:
        call_command("verify_ledger", *options, stdout=out)
    return int(str(exit_.value.code)), out.getvalue()


def test_a_key_is_created_and_its_public_half_shown(settings: Settings, tmp_path: Path) -> None:
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = ORIGIN, str(tmp_path / "k")
    shown = run("ledger_key", "--create", str(tmp_path / "k"))
    assert run("ledger_key", "--show") == shown
    assert VerifierKey.parse(shown.strip()).name == ORIGIN


def test_a_key_is_not_created_over_another(auditor_key: VerifierKey, settings: Settings) -> None:
    with pytest.raises(CommandError):
        run("ledger_key", "--create", settings.LEDGER_SIGNING_KEY_FILE)


def test_without_a_key_file_there_is_no_key_to_show(settings: Settings) -> None:
    settings.LEDGER_SIGNING_KEY_FILE = ""
    with pytest.raises(CommandError, match="not set"):
        run("ledger_key", "--show")


def test_sealing_once_says_what_was_done(auditor_key: VerifierKey) -> None:
    write_many(3)
    assert run("seal_ledger") == "3 leaves, 3 new\n"


def test_a_refusal_to_seal_is_an_error_of_the_command(auditor_key: VerifierKey) -> None:
    write_many(3)
    services.seal()
    tampered("UPDATE ledger.checkpoint SET root = sha256('x')")
    with pytest.raises(CommandError, match="does not have the root"):
        run("seal_ledger")


def test_a_sound_ledger_is_proven_to_whoever_trusts_its_key(auditor_key: VerifierKey, settings: Settings) -> None:
    write_many(3)
    services.seal()
    settings.LEDGER_SIGNING_KEY_FILE = ""
    code, text = verified("--key", str(auditor_key))
    assert code == 0
    assert text.startswith("sound: 3 leaves, 2 checkpoints, signatures verified, 0 unsealed\n")


def test_without_a_trusted_key_or_with_events_waiting_the_proof_is_incomplete(
    auditor_key: VerifierKey, settings: Settings
) -> None:
    write_many(3)
    services.seal()
    settings.LEDGER_SIGNING_KEY_FILE = ""
    assert verified()[0] == 3
    write_many(1)
    assert verified("--key", str(auditor_key))[0] == 3


def test_tampering_is_reported_as_text_and_as_json(auditor_key: VerifierKey) -> None:
    write_many(3)
    services.seal()
    event = event_of(1)
    tampered(f"UPDATE ledger.event SET leaf = leaf || ' ' WHERE id = {event}")
    code, text = verified()
    assert code == 1
    assert f"- leaf 1 (event {event}): text does not match its hash\n" in text
    code, text = verified("--json")
    report = json.loads(text)
    assert code == 1
    assert report["sound"] is False
    assert report["findings"][0] == {"code": "leaf", "message": f"leaf 1 (event {event}): text does not match its hash"}


def test_a_pin_is_read_from_a_file(auditor_key: VerifierKey, tmp_path: Path) -> None:
    write_many(3)
    services.seal()
    pin = tmp_path / "pin.txt"
    pin.write_text(Checkpoint.objects.get().note)
    assert verified("--pin", str(pin))[0] == 0


@pytest.mark.parametrize("options", [("--key", "no key"), ("--pin", "/nowhere/pin.txt")])
def test_unusable_input_is_no_verdict(auditor_key: VerifierKey, options: tuple[str, str]) -> None:
    with pytest.raises(CommandError) as error:
        call_command("verify_ledger", *options)
    assert error.value.returncode == 2


def test_a_checkpoint_by_nobody_the_auditor_trusts_is_a_finding(auditor_key: VerifierKey) -> None:
    write_many(3)
    services.seal()
    assert verified("--key", str(SigningKey(ORIGIN, bytes(32)).verifier))[0] == 1


def test_a_recorded_verification_is_an_event_itself(auditor_key: VerifierKey) -> None:
    write_many(3)
    services.seal()
    report = services.run_verification(actor=Actor.user("ada", role="auditor"))
    assert report.sound
    body = json.loads(Event.objects.latest("id").leaf)["body"]
    assert (body["event"], body["result"], body["tree_size"]) == ("verification.run", "sound", 3)
    assert body["root"] == report.root
