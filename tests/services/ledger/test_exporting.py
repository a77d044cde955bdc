"""An export is proven by one file and nothing else; whatever is changed in it is named with its place."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
import rfc8785
from django.core.management import CommandError, call_command

from reviewqueue.ledger import services, verify_export
from reviewqueue.ledger.accuracy import accuracy_at
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.export import Enclosed, export_ledger
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.models import Checkpoint, Event
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey, sign_note
from reviewqueue.ledger.tree import leaf_hash, root_of
from reviewqueue.ledger.verify_export import Key, Unusable, Verification
from reviewqueue.transfers.evidence import export_evidence
from tests.services.ledger.cast import ADA, ORIGIN, decided, rows, write, write_many
from tests.services.review.steps import label_next
from tests.unit.ledger.histories import History
from tests.world import World

pytestmark = pytest.mark.django_db
AUDITOR = Actor.user("0198f0c2-0000-7000-8000-0000000000a0", role="auditor")
BOB = Actor.user("0198f0c2-0000-7000-8000-00000000b0b0")


def exported(folder: Path) -> Path:
    export_evidence(path=folder, actor=AUDITOR)
    return folder


@pytest.fixture
def export(ledger: VerifierKey, tmp_path: Path) -> Path:
    """300 leaves under three checkpoints, with nothing waiting."""
    services.seal()
    return exported(tmp_path / "export")


def checked(folder: Path, key: VerifierKey, *pins: str) -> tuple[int, list[str]]:
    verification = Verification(folder, [Key.parse(str(key))], list(pins), 600_000_000)
    return verification.run(), verification.findings


def lines(folder: Path) -> list[bytes]:
    return (folder / "entries-0000.jsonl").read_bytes().splitlines(keepends=True)


def put(folder: Path, changed_lines: list[bytes]) -> None:
    (folder / "entries-0000.jsonl").write_bytes(b"".join(changed_lines))


def test_the_file_alone_proves_an_export_without_the_application(export: Path, ledger: VerifierKey) -> None:
    alone = export.parent / "v.py"
    shutil.copy(verify_export.__file__, alone)
    words = [sys.executable, "-I", "-S", str(alone), str(export), "--key", str(ledger)]
    first = subprocess.run(words, capture_output=True, text=True, check=False)
    again = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith("proven: 305 leaves, 4 checkpoints\n")
    assert first.stdout == again.stdout


def test_line_i_is_leaf_i(export: Path) -> None:
    stored = [bytes(hash_) for (hash_,) in rows("SELECT leaf_hash FROM ledger.leaf ORDER BY leaf_index")]  # type: ignore[arg-type,call-overload]
    assert [leaf_hash(line[:-1]) for line in lines(export)] == stored


@pytest.mark.parametrize("place", [0, 7, 255, 299, 304])
def test_one_changed_character_is_named_by_its_range_of_leaves(export: Path, ledger: VerifierKey, place: int) -> None:
    entries = lines(export)
    entries[place] = entries[place].replace(b'"v":1', b'"v":2')
    put(export, entries)
    code, findings = checked(export, ledger)
    assert code == 1
    low, high = next((low, high) for low, high in [(0, 289), (290, 294), (295, 299), (300, 304)] if place <= high)
    assert f"one of the leaves {low} to {high} was" in findings[0]


def _deleted(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], *entries[101:]]


def _swapped(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], entries[101], entries[100], *entries[102:]]


def _inserted(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], entries[3], *entries[100:]]


def _spaced(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], entries[100].replace(b"\n", b" \n"), *entries[101:]]


def _blank(entries: list[bytes]) -> list[bytes]:
    return [*entries[:100], b"\n", *entries[100:]]


def _crlf(entries: list[bytes]) -> list[bytes]:
    return [line.replace(b"\n", b"\r\n") for line in entries]


def _cut(entries: list[bytes]) -> list[bytes]:
    return entries[:-1]


def _endless(entries: list[bytes]) -> list[bytes]:
    return [*entries[:-1], b"[" * 200_000]


@pytest.mark.parametrize("drill", [_deleted, _swapped, _inserted, _spaced, _blank, _crlf, _cut, _endless])
def test_entries_taken_away_moved_or_added_are_detected(
    export: Path, ledger: VerifierKey, drill: Callable[[list[bytes]], list[bytes]]
) -> None:
    put(export, drill(lines(export)))
    code, findings = checked(export, ledger)
    assert code == 1
    assert findings


@pytest.mark.parametrize(
    ("old", "new"),
    [("\n290\n", "\n291\n"), ("\n290\n", "\n0290\n"), ("\n290\n", "\n-1\n"), (ORIGIN + "\n", "another\n")],
)
def test_an_edited_checkpoint_is_detected(export: Path, ledger: VerifierKey, old: str, new: str) -> None:
    path = export / "checkpoints.txt"
    path.write_text(path.read_text().replace(old, new, 1))
    code, findings = checked(export, ledger)
    assert code == 1
    assert findings[0].startswith("checkpoint 1 of checkpoints.txt")


def test_another_key_of_the_same_name_proves_nothing(export: Path) -> None:
    code, findings = checked(export, SigningKey(ORIGIN, bytes(32)).verifier)
    assert code == 1
    assert "no signature by a known key" in findings[0]


def test_a_history_rewritten_and_signed_again_is_seen_against_a_pin(export: Path, ledger: VerifierKey) -> None:
    pin = Checkpoint.objects.get(tree_size=295).note
    entries = lines(export)
    entries[100] = entries[100].replace(b"setting", b"sitting")
    put(export, entries)
    root = root_of(leaf_hash(line[:-1]) for line in entries)
    (export / "checkpoints.txt").write_text(sign_note(TreeHead(ORIGIN, 305, root).text(), signing_keys()))
    assert checked(export, ledger)[0] == 0
    code, findings = checked(export, ledger, pin)
    assert code == 1
    assert findings[0].startswith("pinned checkpoint 1: its root is not that of the leaves")


def test_a_rollback_is_seen_against_a_pin(export: Path, ledger: VerifierKey) -> None:
    write_many(2)
    services.seal()
    code, findings = checked(export, ledger, Checkpoint.objects.get(tree_size=308).note)
    assert code == 1
    assert findings == ["pinned checkpoint 1 covers 308 leaves, the export ends at 305"]


def test_a_file_that_nobody_named_or_that_is_missing_is_detected(export: Path, ledger: VerifierKey) -> None:
    (export / "entries-0001.jsonl").write_bytes(b"")
    assert checked(export, ledger)[1] == ["entries-0001.jsonl: is not named by the manifest"]
    (export / "entries-0001.jsonl").unlink()
    (export / "entries-0000.jsonl").unlink()
    assert checked(export, ledger)[0] == 1


def test_a_link_is_followed_nowhere(export: Path, ledger: VerifierKey) -> None:
    entries = export / "entries-0000.jsonl"
    entries.rename(export.parent / "elsewhere")
    entries.symlink_to(export.parent / "elsewhere")
    with pytest.raises(Unusable, match="no plain file"):
        checked(export, ledger)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format":"reviewqueue-ledger-export/1"}', "[" * 100_000])
def test_a_manifest_that_is_none_is_unusable(export: Path, ledger: VerifierKey, text: str) -> None:
    (export / "MANIFEST.json").write_text(text)
    with pytest.raises(Unusable):
        checked(export, ledger)
    assert verify_export.main([str(export), "--key", str(ledger)]) == 2
    assert verify_export.main([str(export), "--key", "nonsense"]) == 2


def test_no_random_bit_of_the_entries_or_checkpoints_can_be_flipped(export: Path, ledger: VerifierKey) -> None:
    chance = random.Random(20)
    for name in ["entries-0000.jsonl"] * 30 + ["checkpoints.txt"] * 30:
        path = export / name
        sound = path.read_bytes()
        flipped = bytearray(sound)
        flipped[chance.randrange(len(sound))] ^= 1 << chance.randrange(8)
        path.write_bytes(flipped)
        assert verify_export.main([str(export), "--key", str(ledger)]) in (1, 2)
        path.write_bytes(sound)
    assert checked(export, ledger)[0] == 0


def test_events_that_wait_make_the_proof_incomplete(ledger: VerifierKey, tmp_path: Path) -> None:
    assert checked(exported(tmp_path / "export"), ledger) == (3, [])


def test_an_export_of_some_days_is_proven_with_the_edge_before_it(ledger: VerifierKey, tmp_path: Path) -> None:
    services.seal()
    (recorded,) = rows("SELECT recorded_us FROM ledger.event JOIN ledger.leaf ON id = event_id WHERE leaf_index = 297")
    since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(str(recorded[0])))
    made = export_evidence(path=tmp_path / "part", actor=AUDITOR, since=since, until=since + timedelta(days=1))
    assert 0 < made.first <= 297
    assert checked(tmp_path / "part", ledger) == (3, [])
    manifest = tmp_path / "part" / "MANIFEST.json"
    spoilt = json.loads(manifest.read_text())
    spoilt["edge"][0] = "00" * 32
    manifest.write_text(json.dumps(spoilt))
    assert checked(tmp_path / "part", ledger)[0] == 1


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        ([decided(uuid4(), mandatory=True, route="accept")], "R1"),
        ([Entry("label.submitted", ADA, uuid4(), {"label": "l", "task": "t", "lease": "x", "reviewer": "r"})], "R2"),
        (
            [
                Entry(kind, ADA, None, {"pipeline": "p", "policy_version": 1, "policy_hash": "h"})
                for kind in ("policy.proposed", "policy.approved")
            ],
            "R5",
        ),
        (
            [
                Entry(kind, BOB, None, {"pipeline": "p", "policy_version": 1, "policy_hash": "h"})
                for kind in ("policy.proposed", "policy.activated")
            ],
            "R5",
        ),
    ],
)
def test_what_must_never_happen_is_named_with_its_rule_though_it_was_recorded_truly(
    auditor_key: VerifierKey, tmp_path: Path, entries: list[Entry], finding: str
) -> None:
    write(*entries)
    services.seal()
    code, findings = checked(exported(tmp_path / "export"), auditor_key)
    assert code == 1
    assert finding in findings[0]
    assert findings[0].startswith(f"leaf {len(entries) - 1}: ")


@pytest.mark.parametrize("number", range(12))
def test_histories_that_the_product_wrote_and_exported_raise_no_alarm(
    auditor_key: VerifierKey, tmp_path: Path, number: int
) -> None:
    """As in tests/unit/ledger/test_clean_histories.py, through PostgreSQL: all of it, and a part from its middle."""
    chance = random.Random(f"stored {number}")
    history = History(chance, 70, now=time.time_ns() // 1_000, pace=1, signers_change=False).played()
    for place, (_, entry) in enumerate(history.entries, start=1):
        write(entry)
        if place in history.sizes:
            services.seal()
    stated = [entry.fields for _, entry in history.entries if entry.event == "accuracy.snapshot"]
    for fields in stated:
        assert fields in [each.fields(fields["leaf_to"]) for each in accuracy_at(fields["leaf_to"])]
    texts = [Enclosed("policies.jsonl", [rfc8785.dumps(text) + b"\n" for text in history.policies.values()])]
    size = chance.choice(history.sizes)
    for name, leaves in (("whole", (0, len(history.entries))), ("part", (chance.randrange(size), size))):
        export_ledger(path=tmp_path / name, actor=AUDITOR, leaves=leaves, enclosing=lambda *_: texts)
        waiting = name == "part"  # the entry of the first export
        assert checked(tmp_path / name, auditor_key) == (3 if waiting else 0, [])


def test_events_of_the_time_that_wait_make_the_export_of_some_days_incomplete(
    ledger: VerifierKey, tmp_path: Path
) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert export_evidence(path=tmp_path / "export", actor=AUDITOR, until=tomorrow).unsealed == 5
    assert checked(tmp_path / "export", ledger) == (3, [])
    services.seal()
    assert export_evidence(path=tmp_path / "later", actor=AUDITOR, until=tomorrow).unsealed == 0
    assert checked(tmp_path / "later", ledger) == (0, [])


def test_an_export_is_an_entry_itself(export: Path) -> None:
    body = json.loads(Event.objects.latest("id").leaf)["body"]
    assert (body["event"], body["tree_size"], body["rows"]) == ("export.created", 305, 305)
    assert body["actor"]["id"] == AUDITOR.id


def test_the_command_says_what_it_wrote_and_never_overwrites(ledger: VerifierKey, tmp_path: Path) -> None:
    out = StringIO()
    call_command("export_ledger", str(tmp_path / "new"), stdout=out)
    assert out.getvalue().startswith("leaves 0 to 299, 5 events not sealed yet, manifest ")
    with pytest.raises(CommandError):
        call_command("export_ledger", str(tmp_path / "new"))
    with pytest.raises(CommandError, match="Nothing is sealed in this time"):
        call_command("export_ledger", str(tmp_path / "none"), "--until", "2001-01-01")


@pytest.mark.parametrize("verifies", [verify_export.verifies, verify_export.verifies_alone])
def test_signatures_are_those_of_the_reference_implementation(verifies: Callable[[bytes, bytes, bytes], bool]) -> None:
    for number in range(8):
        key = SigningKey("name", bytes([number]) * 32)
        signature = key.sign("text").signature
        assert verifies(key.verifier.public, signature, b"text")
        assert not verifies(key.verifier.public, signature, b"test")
        assert not verifies(key.verifier.public, signature[:-1] + b"\xff", b"text")
        assert not verifies(bytes(32), signature, b"text")


def test_a_ledger_written_by_the_product_itself_raises_no_alarm(
    world: World, auditor_key: VerifierKey, tmp_path: Path
) -> None:
    for confidence in (0.2, 0.7, 0.97):
        world.claim(category="refunds", confidence=confidence)
        label_next(world.rita)
    services.seal()
    exported(tmp_path / "export")
    verification = Verification(tmp_path / "export", [Key.parse(str(auditor_key))], [], 600_000_000)
    assert (verification.run(), verification.findings) == (0, [])
    assert {"policy.approved", "policy.activated", "lease.granted", "label.submitted"} <= verification.kinds.keys()
