"""Checkpoints on their way out: to witnesses, a time-stamping authority, and the auditors."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from reviewqueue.anchoring import selectors
from reviewqueue.anchoring import services as anchoring
from reviewqueue.anchoring.checks import settings_fit, two_places
from reviewqueue.anchoring.models import Handover, Trouble
from reviewqueue.anchoring.places import PlaceFailed
from reviewqueue.anchoring.timestamps import certificates_in, time_of
from reviewqueue.deliveries.signing import Scheme, SigningSecret
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger import verify_export
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.cosignature import CosigningKey
from reviewqueue.ledger.export import export_ledger
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Anchor, Checkpoint
from reviewqueue.ledger.note import TreeHead, VerifierKey, parse_note, sign_note
from reviewqueue.ledger.sealer import SealRefused
from reviewqueue.ledger.verify import verify
from reviewqueue.ledger.witness import Witness, server, submission_text
from tests.api.caller import Caller, key_for
from tests.services.anchoring.outside import Answered, Authority, answering, serving
from tests.services.ledger.cast import ORIGIN, prepare_sealing, tampered, write_many
from tests.world import World

pytestmark = pytest.mark.django_db

KEY = CosigningKey("witness.example/w1", sha256(b"witness").digest())


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> VerifierKey:
    settings.LEDGER_ANCHOR_SECONDS = 0.0
    return prepare_sealing(settings, tmp_path)


@pytest.fixture
def witness(key: VerifierKey, settings: Settings, tmp_path: Path) -> Iterator[Witness]:
    witness = Witness(tmp_path, KEY, [key])
    with serving(server(witness, ("127.0.0.1", 0))) as url:
        settings.LEDGER_WITNESSES = [{"url": url, "key": str(KEY.verifier)}]
        yield witness


def sealed(count: int) -> Checkpoint:
    write_many(count)
    ledger.seal()
    return Checkpoint.objects.order_by("-tree_size")[0]


# --- witnesses --------------------------------------------------------------------------------------------------------


def test_a_witness_gets_each_checkpoint_with_its_proof_and_its_cosignature_is_kept(
    witness: Witness, key: VerifierKey, tmp_path: Path
) -> None:
    for count in (3, 300, 2):
        newest = sealed(count)
        assert anchoring.hand_over_due() == 1
        known = witness.newest(ORIGIN)
        assert known
        assert known.root == bytes(newest.root)
    assert anchoring.hand_over_due() == 0, "it has the newest"
    assert anchoring.record_receipts() == 3
    assert anchoring.record_receipts() == 0
    receipts = Anchor.objects.filter(sink="witness:witness.example/w1").order_by("tree_size")
    assert [row.tree_size for row in receipts] == [3, 303, 305]
    note = selectors.cosigned_note(305)
    assert note
    assert note.encode() == newest.note.encode() + bytes(receipts[2].receipt)
    assert verify(keys=[key], pins=[note]).sound, "who knows the ledger's key alone reads past the cosignature"
    ours, theirs = parse_note(note).signatures
    assert ours.name == ORIGIN
    (tmp_path / "pin.txt").write_text(note)
    export_ledger(path=tmp_path / "export", actor=Actor.system("tests"))
    assert verify_export.main([str(tmp_path / "export"), "--key", str(key), "--pin", str(tmp_path / "pin.txt")]) == 0
    assert KEY.verifier.time_of(parse_note(note).text, theirs)


def test_a_witness_that_lost_our_progress_or_we_lost_its_goes_on_from_the_size_it_names(witness: Witness) -> None:
    sealed(3)
    anchoring.hand_over_due()
    Handover.objects.all().delete()
    newest = sealed(4)
    assert anchoring.hand_over_due() == 1
    known = witness.newest(ORIGIN)
    assert known
    assert known.size == newest.tree_size


def test_a_database_that_is_behind_its_witness_stops_signing(witness: Witness, settings: Settings) -> None:
    settings.LEDGER_ANCHOR_FILE = ""
    sealed(5)
    sealed(5)
    anchoring.hand_over_due()
    tampered("DELETE FROM ledger.leaf WHERE leaf_index >= 5", "DELETE FROM ledger.checkpoint WHERE tree_size > 5")
    Handover.objects.all().delete()  # restored along with it
    assert anchoring.hand_over_due() == 0
    write_many(1)
    with pytest.raises(SealRefused, match="has cosigned 10 leaves, more than there are: a rollback"):
        ledger.seal()
    settings.LEDGER_WITNESSES = []
    ledger.seal()  # whoever removes the witness has decided so


def test_a_witness_with_another_history_stops_signing_until_it_takes_a_checkpoint(
    witness: Witness, settings: Settings
) -> None:
    fork = sign_note(TreeHead(ORIGIN, 2, bytes(32)).text(), signing_keys())
    assert witness.add_checkpoint(submission_text(0, [], fork)).status == 200
    sealed(5)
    assert anchoring.hand_over_due() == 0
    write_many(1)
    with pytest.raises(SealRefused, match="does not continue"):
        ledger.seal()
    witness._path(ORIGIN).unlink()
    assert anchoring.hand_over_due(at_once=True) == 1
    assert ledger.seal().added == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, "text/plain", b"what?"), "no good cosignature"),
        ((200, "text/plain", b""), "no good cosignature"),
        ((200, "text/plain", "— witness.example/w1 AAAAAAAAAAAA\n".encode()), "no good cosignature"),
        ((409, "text/plain", b"many"), "without a size"),
        ((500, "text/plain", b""), "status 500"),
        ((403, "text/plain", b""), "status 403"),
    ],
)
def test_a_witness_that_answers_nonsense_is_in_trouble_and_sealing_goes_on(
    key: VerifierKey, settings: Settings, answer: Answered, error: str
) -> None:
    with answering(lambda *_: answer) as url:
        settings.LEDGER_WITNESSES = [{"url": url, "key": str(KEY.verifier)}]
        sealed(3)
        assert anchoring.hand_over_due() == 0
    assert error in Trouble.objects.get().error
    assert ledger.seal()
    assert not Handover.objects.exists()


# --- the time-stamping authority --------------------------------------------------------------------------------------


@pytest.fixture
def authority(key: VerifierKey, settings: Settings, tmp_path: Path) -> Authority:
    assert shutil.which("openssl"), "openssl plays the authority; a whole run of the tests installs it"
    authority = Authority(tmp_path)
    settings.LEDGER_TIMESTAMP_CA_FILE = str(authority.roots)
    return authority


def test_a_checkpoint_a_day_is_stamped_and_the_stamp_proves_it_later(authority: Authority, settings: Settings) -> None:
    with answering(authority.stamp) as url:
        settings.LEDGER_TIMESTAMP_URL = url
        first = sealed(3)
        assert anchoring.hand_over_due() == 1
        second = sealed(3)
        assert anchoring.hand_over_due() == 0, "one a day"
        Handover.objects.update(at=timezone.now() - timedelta(hours=25))
        assert anchoring.hand_over_due() == 1
    receipt, later = (bytes(row.receipt) for row in Handover.objects.order_by("tree_size"))
    roots = certificates_in(authority.roots)
    assert abs(time_of(receipt, first.note, roots) - timezone.now()) < timedelta(minutes=1)
    assert time_of(later, second.note, roots)
    with pytest.raises(PlaceFailed, match="not good"):
        time_of(receipt, second.note, roots)
    for place in range(0, len(receipt), 97):
        changed = receipt[:place] + bytes([receipt[place] ^ 1]) + receipt[place + 1 :]
        try:
            at = time_of(changed, first.note, roots)
        except PlaceFailed:
            continue
        assert at == time_of(receipt, first.note, roots), "a bit that changes nothing that is signed"


def test_an_auditor_checks_stamps_and_cosignatures_with_tools_of_their_own(
    authority: Authority, witness: Witness, settings: Settings, tmp_path: Path
) -> None:
    with answering(authority.stamp) as url:
        settings.LEDGER_TIMESTAMP_URL = url
        newest = sealed(3)
        assert anchoring.hand_over_due() == 2
    anchoring.record_receipts()
    call_command("anchors", "--receipts", str(tmp_path / "receipts"))
    names = sorted(file.name for file in (tmp_path / "receipts").iterdir())
    assert names == ["checkpoint-3.txt", "timestamp-3.tsr", "witness_witness.example_w1-3.txt"]
    command = ["openssl", "ts", "-verify", "-data", "checkpoint-3.txt", "-in", "timestamp-3.tsr"]
    command += ["-CAfile", str(authority.roots)]
    checked = subprocess.run(command, cwd=tmp_path / "receipts", capture_output=True, text=True)
    assert "Verification: OK" in checked.stdout + checked.stderr
    assert (tmp_path / "receipts" / names[2]).read_text() == selectors.cosigned_note(newest.tree_size)


def test_a_stamp_of_another_authority_is_refused(authority: Authority, settings: Settings, tmp_path: Path) -> None:
    with answering(Authority(tmp_path, "other").stamp) as url:
        settings.LEDGER_TIMESTAMP_URL = url
        sealed(3)
        assert anchoring.hand_over_due() == 0
    assert "not good" in Trouble.objects.get().error


def test_an_old_answer_sent_again_is_refused(authority: Authority, settings: Settings) -> None:
    """Its hash fits, but not its nonce."""
    kept: list[Answered] = []

    def stamp(headers: dict[str, str], query: bytes) -> Answered:
        kept.append(authority.stamp(headers, query))
        return kept[0]

    with answering(stamp) as url:
        settings.LEDGER_TIMESTAMP_URL = url
        sealed(3)
        assert anchoring.hand_over_due() == 1
        assert anchoring.hand_over_due(at_once=True) == 0
    assert "Nonce" in Trouble.objects.get().error


# --- the auditors -----------------------------------------------------------------------------------------------------


def test_auditors_get_a_signed_webhook_a_day(key: VerifierKey, settings: Settings) -> None:
    secret = SigningSecret(Scheme.HMAC_SHA256, sha256(b"secret").digest())
    seen: list[tuple[dict[str, str], bytes]] = []

    def take(headers: dict[str, str], body: bytes) -> Answered:
        seen.append((headers, body))
        return 204, "text/plain", b""

    with answering(take) as url:
        settings.LEDGER_WEBHOOK_URL, settings.LEDGER_WEBHOOK_SECRET = url, secret.receiver_text
        newest = sealed(3)
        assert anchoring.hand_over_due() == 1
    ((headers, body),) = seen
    assert json.loads(body)["data"]["checkpoint"] == newest.note
    signed = secret.sign(headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signed


def test_auditors_get_a_mail_a_day_or_when_asked_for(key: VerifierKey, settings: Settings) -> None:
    settings.LEDGER_AUDITOR_MAIL = ["ada@auditors.example"]
    newest = sealed(3)
    anchoring.hand_over_due()
    anchoring.hand_over_due()
    (message,) = mail.outbox
    assert message.to == ["ada@auditors.example"]
    assert newest.note in message.body
    assert message.attachments[0][1] == newest.note
    anchoring.hand_over_due(at_once=True, only=["mail"])
    assert len(mail.outbox) == 2


# --- together ---------------------------------------------------------------------------------------------------------


def test_a_place_that_is_away_keeps_no_other_from_its_checkpoint_and_is_asked_ever_less(
    witness: Witness, settings: Settings
) -> None:
    settings.LEDGER_WEBHOOK_URL, settings.LEDGER_WEBHOOK_SECRET = "http://127.0.0.1:9/", "whsec_" + "A" * 44
    sealed(3)
    assert anchoring.hand_over_due() == 1
    assert Trouble.objects.get().failures == 1
    anchoring.hand_over_due()
    assert Trouble.objects.get().failures == 1, "not yet again"
    Trouble.objects.update(tried_at=timezone.now() - timedelta(seconds=11))
    anchoring.hand_over_due()
    assert Trouble.objects.get().failures == 2
    Trouble.objects.update(tried_at=timezone.now() - timedelta(seconds=11))
    anchoring.hand_over_due()
    assert Trouble.objects.get().failures == 2, "twenty seconds now"


def test_a_monitor_gets_the_checkpoint_with_its_cosignatures(witness: Witness, world: World) -> None:
    newest = sealed(3)
    caller = Caller(key_for(world.ada, "audit"))
    newest = sealed(0)
    assert caller.get("/audit/log/checkpoint").content.decode() == newest.note
    anchoring.hand_over_due()
    cosigned = caller.get("/audit/log/checkpoint").content.decode()
    assert cosigned.startswith(newest.note)
    assert len(parse_note(cosigned).signatures) == 2
    assert caller.get("/audit/checkpoints/latest").content.decode() == newest.note


def test_how_far_places_are_takes_the_same_statements_whatever_they_got(witness: Witness) -> None:
    sealed(1)
    anchoring.hand_over_due()
    with CaptureQueriesContext(connection) as few:
        selectors.place_states(timezone.now())
    for _ in range(5):
        sealed(1)
        anchoring.hand_over_due()
    with CaptureQueriesContext(connection) as many:
        selectors.place_states(timezone.now())
    assert len(many) == len(few) <= 6


def test_a_place_that_lags_is_an_alarm(witness: Witness, settings: Settings) -> None:
    sealed(3)
    anchoring.hand_over_due()
    assert selectors.health() == "ok"
    sealed(3)
    now = timezone.now()
    by_name = {state.name: state for state in selectors.place_states(now)}
    assert by_name["file"].behind == 0
    assert not by_name["witness:witness.example/w1"].is_late
    late = {state.name: state.is_late for state in selectors.place_states(now + timedelta(hours=1))}
    assert late == {"file": False, "witness:witness.example/w1": True}


def test_fewer_than_two_places_are_warned_of_and_wrong_ones_are_errors(key: VerifierKey, settings: Settings) -> None:
    assert [warning.id for warning in two_places()] == ["anchoring.W001"]
    settings.LEDGER_AUDITOR_MAIL = ["ada@auditors.example"]
    assert two_places() == []
    assert settings_fit() == []
    settings.LEDGER_WITNESSES = [{"url": "https://witness.example", "key": "nonsense"}]
    assert [error.id for error in settings_fit()] == ["anchoring.E002"]
    settings.LEDGER_WITNESSES = []
    settings.LEDGER_ANCHOR_STORAGE = "nowhere"
    assert [error.id for error in settings_fit()] == ["anchoring.E001"]


def test_the_command_shows_every_place_and_prints_a_cosigned_note(witness: Witness, capsys: Any) -> None:
    newest = sealed(3)
    call_command("anchors", "--now")
    assert capsys.readouterr().out.splitlines() == [
        "taken by 1",
        "file: 3 entries",
        "witness:witness.example/w1: 3 entries",
    ]
    call_command("anchors", "--note", "3")
    assert capsys.readouterr().out.startswith(newest.note)
