"""The tamper drills on an export and on the bundle of one claim: each is detected, with its place named."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.ledger import verify_export
from reviewqueue.ledger.bundle import tlog_proof
from reviewqueue.ledger.note import SigningKey, TreeHead, sign_note
from reviewqueue.ledger.selectors import InclusionProof
from reviewqueue.ledger.tree import inclusion_proof, perfect_root
from reviewqueue.ledger.verify_export import Edge, Key, Unusable, Verification, verify_bundle
from tests.unit.ledger.exports import (
    CLAIM,
    KEY,
    OTHER,
    SALT,
    TEXT,
    begun,
    body,
    chained,
    checked,
    decided,
    granted,
    held,
    labelled,
    note_of,
    report_on,
    settled,
    write,
    zipped,
)

BODIES = [*begun(), held(), granted(), decided(OTHER), labelled(), settled()]
PAYLOADS = [{"claim": claim, "salt": SALT.hex(), "text": TEXT} for claim in (CLAIM, OTHER)]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write(tmp_path / "export", chained(BODIES))


def entries(export: Path) -> list[bytes]:
    return (export / "entries-0000.jsonl").read_bytes().splitlines(keepends=True)


def put(export: Path, lines: list[bytes]) -> None:
    (export / "entries-0000.jsonl").write_bytes(b"".join(lines))


def replaced(place: int, old: bytes, new: bytes) -> Callable[[list[bytes]], list[bytes]]:
    def change(lines: list[bytes]) -> list[bytes]:
        assert old in lines[place]
        return [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]

    return change


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (replaced(6, b'"verdict":"correct"', b'"verdict":"incorrect"'), "one of the leaves 0 to 7 was"),
        (lambda lines: lines[:4] + lines[5:], "leaf 5: "),
        (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], "one of the leaves 0 to 7 was"),
        (lambda lines: [*lines[:4], lines[4], *lines[4:]], "leaf 5: "),
        (replaced(5, b"\n", b" \n"), "leaf 5: not canonical"),
        (replaced(5, b'"recorded_us":17', b'"recorded_us":18'), "leaf 6: R9"),
        (lambda lines: lines[:-1], "leaf 7: the manifest speaks of 8 leaves, the entries end at 7"),
    ],
    ids=["verdict", "deleted", "swapped", "inserted", "space", "time", "tail cut"],
)
def test_changed_entries_are_named(export: Path, change: Callable[[list[bytes]], list[bytes]], place: str) -> None:
    put(export, change(entries(export)))
    verification = checked(export)
    assert verification.code == 1  # type: ignore[attr-defined]
    assert any(place in message for message in verification.findings), verification.findings


@pytest.mark.parametrize(("old", "new"), [("\n8\n", "\n7\n"), ("\ntests\n", "\nother\n")], ids=["size", "origin"])
def test_an_edited_checkpoint_is_named(export: Path, old: str, new: str) -> None:
    note = ("\n" + (export / "checkpoints.txt").read_text()).replace(old, new, 1)[1:]
    (export / "checkpoints.txt").write_text(note)
    assert checked(export).findings[0].startswith("checkpoint 1 of checkpoints.txt has a wrong signature of tests+")


def test_an_edited_root_is_named(export: Path) -> None:
    lines = (export / "checkpoints.txt").read_text().split("\n")
    lines[2] = base64.b64encode(bytes(32)).decode()
    (export / "checkpoints.txt").write_text("\n".join(lines))
    assert "checkpoint 1 of checkpoints.txt has a wrong signature" in checked(export).findings[0]


def test_another_key_of_the_same_name_proves_nothing(tmp_path: Path) -> None:
    stranger = SigningKey("tests", bytes(32))
    export = write(tmp_path / "forged", chained(BODIES), keys=[stranger])
    assert checked(export).findings[0] == "checkpoint 1 of checkpoints.txt has no signature by a known key"


def test_the_same_key_for_another_ledger_is_named(tmp_path: Path) -> None:
    export = write(tmp_path / "other", chained(BODIES))
    (export / "checkpoints.txt").write_text(note_of(chained(BODIES), origin="staging"))
    assert checked(export).findings == ["checkpoint 1 of checkpoints.txt belongs to staging, not to tests"]


def test_a_history_rewritten_and_signed_again_is_sound_until_a_pin_is_held_against_it(tmp_path: Path) -> None:
    pin = note_of(chained(BODIES))
    other = [*BODIES[:6], labelled(verdict="incorrect"), settled(correct=False)]
    export = write(tmp_path / "rewritten", chained(other))
    assert checked(export).findings == []
    assert checked(export, pin).findings[0].endswith("have the same size 8 and different roots: two histories")


def test_a_rollback_is_named_against_a_pin(tmp_path: Path) -> None:
    pin = note_of(chained(BODIES))
    export = write(tmp_path / "short", chained(BODIES[:6]))
    assert checked(export).findings == []
    assert checked(export, pin).findings == ["pinned checkpoint 1 covers 8 leaves, the export ends at 6"]


def test_a_pin_made_after_the_days_of_an_export_is_a_gap_and_no_alarm(tmp_path: Path) -> None:
    verification = checked(
        write(tmp_path / "october", chained(BODIES[:6]), until="2026-11-01T00:00:00+00:00"), note_of(chained(BODIES))
    )
    assert verification.findings == []
    assert verification.gaps == ["pinned checkpoint 1 covers 8 leaves, the export ends at 6 on purpose"]


def test_an_event_of_another_ledger_copied_in_is_named(tmp_path: Path, export: Path) -> None:
    foreign = chained([body("config.changed", "eve", changed=["x"])])[0]
    put(export, [*entries(export)[:3], foreign + b"\n", *entries(export)[3:-1]])
    assert any("its root is not that of the leaves" in message for message in checked(export).findings)


def test_an_export_of_an_old_version_with_new_fields_is_no_longer_what_was_signed(export: Path) -> None:
    put(export, replaced(3, b'"reasons":', b'"reason":"new","reasons":')(entries(export)))
    assert any("its root is not that of the leaves" in message for message in checked(export).findings)


def test_any_bit_of_the_entries_or_checkpoints_that_flips_is_seen(export: Path) -> None:
    chance = random.Random(11)
    for number in range(1_000):
        name = ("entries-0000.jsonl", "checkpoints.txt")[number % 8 == 0]
        raw = bytearray((export / name).read_bytes())
        place = chance.randrange(len(raw) * 8)
        if name == "checkpoints.txt" and raw[place // 8 :] == b"\n":
            continue
        before = bytes(raw)
        raw[place // 8] ^= 1 << place % 8
        (export / name).write_bytes(raw)
        with suppress(Unusable):
            assert checked(export).code == 1, (name, place)  # type: ignore[attr-defined]
        (export / name).write_bytes(before)


def test_any_bit_of_what_lies_beside_the_entries_that_flips_is_seen(tmp_path: Path) -> None:
    export = write(tmp_path / "export", chained(BODIES), payloads=PAYLOADS)
    chance = random.Random(12)
    for number in range(300):
        path = export / ("payloads-0000.jsonl", "policies.jsonl")[number % 2]
        before = path.read_bytes()
        path.write_bytes(flipped(before, chance))
        with suppress(Unusable):
            assert checked(export).code == 1, (path.name, number)  # type: ignore[attr-defined]
        path.write_bytes(before)


def flipped(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw) * 8)
    return raw[: place // 8] + bytes([raw[place // 8] ^ 1 << place % 8]) + raw[place // 8 + 1 :]


# --- payloads -------------------------------------------------------------------------------------------------------


def with_payloads(tmp_path: Path, payloads: list[dict[str, str]], *more: dict[str, Any]) -> Verification:
    return checked(write(tmp_path / "export", chained([*BODIES, *more]), payloads=payloads))


ERASED = body("payload.erased", claim=CLAIM, payload=CLAIM, basis="request")


def test_opened_payloads_fit_their_commitments(tmp_path: Path) -> None:
    verification = with_payloads(tmp_path, PAYLOADS)
    assert (verification.findings, verification.gaps) == ([], [])


@pytest.mark.parametrize(
    "change", [{"text": TEXT.replace("yes", "no")}, {"salt": "11" * 32}], ids=["payload replaced", "salt replaced"]
)
def test_a_replaced_payload_or_salt_is_named(tmp_path: Path, change: dict[str, str]) -> None:
    messages = with_payloads(tmp_path, [{**PAYLOADS[0], **change}, PAYLOADS[1]]).findings
    assert messages == [f"leaf 3: the payload of claim {CLAIM} is not what was committed to"]


def test_an_erased_payload_is_told_and_is_no_finding(tmp_path: Path) -> None:
    verification = with_payloads(tmp_path, PAYLOADS[1:], ERASED)
    assert verification.findings == []
    assert verification.gaps == [f"payload of claim {CLAIM} erased by event at leaf 8"]


def test_an_erasure_is_a_note_where_the_export_holds_no_payloads(tmp_path: Path) -> None:
    verification = checked(write(tmp_path / "export", chained([*BODIES, ERASED])))
    assert (verification.findings, verification.gaps) == ([], [])
    assert verification.notes == [f"payload of claim {CLAIM} erased by event at leaf 8"]


def test_an_erased_payload_that_came_back_is_named(tmp_path: Path) -> None:
    other = [{**PAYLOADS[0], "text": "{}"}, PAYLOADS[1]]
    assert with_payloads(tmp_path, other, ERASED).findings == [
        f"leaf 3: the payload of claim {CLAIM} is not what was committed to",
        f"leaf 8: the payload of claim {CLAIM} was erased, and yet the export holds one",
    ]


def test_a_payload_left_out_is_a_gap_and_one_given_twice_is_named(tmp_path: Path) -> None:
    missing = with_payloads(tmp_path, PAYLOADS[1:])
    assert missing.gaps == [f"payload of claim {CLAIM} is not in the export"]
    shutil.rmtree(tmp_path / "export")
    assert "a second payload" in with_payloads(tmp_path, [*PAYLOADS, PAYLOADS[0]]).findings[0]


def test_of_very_many_findings_and_gaps_the_first_are_named_and_the_rest_counted(tmp_path: Path) -> None:
    claims = [f"0198f0c2-0000-7000-8000-{number:012}" for number in range(450)]
    bodies = [*begun(), *(decided(claim, mandatory=True, route="review", reasons=["x"]) for claim in claims)]
    verification = checked(write(tmp_path / "export", chained(bodies), payloads=[PAYLOADS[0]]))
    assert verification.gaps.said()[-1] == "249 more of this kind"
    assert len(verification.gaps.said()) == 201
    assert verification.findings[0].startswith("leaf 3: ")
    labels = [labelled(f"a{number}", claim=claim) for number, claim in enumerate(claims)]
    later = checked(write(tmp_path / "later", chained([*begun(), *map(held, claims), *labels])))
    assert later.findings[0] == "leaf 453: R2, a label without a lease granted to its reviewer"
    assert (len(later.findings), later.omitted) == (200, 250)


@pytest.mark.parametrize("claim", ["0198f0c2-0000-7000-8000-0000000000ff", "\ud800"])
def test_a_payload_that_no_decision_commits_to_is_named(tmp_path: Path, claim: str) -> None:
    made_up = {"claim": claim, "salt": SALT.hex(), "text": '"never said"'}
    findings = with_payloads(tmp_path, [*PAYLOADS, made_up]).findings
    assert findings in (
        [f"the payload of claim {claim}: no decision in the export commits to it"],
        ["payloads-0000.jsonl, line 3: is no payload"],
    )


# --- reports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pipeline", ["p", None])
def test_the_figures_of_a_report_are_computed_again(export: Path, pipeline: str | None) -> None:
    report = report_on(chained(BODIES), pipeline)
    assert checked(export, report=json.dumps(report)).findings == []
    figures = report["ledger_figures"] if pipeline else report["ledger_figures"]["p"]
    assert figures["bands"] == {"0.60-0.90": {"1000000": {"labelled": 1, "right": 1}}}
    assert figures["decisions by route"] == {"accept": 1, "review": 1}


def test_an_edited_accuracy_in_a_report_is_named(export: Path) -> None:
    report = report_on(chained(BODIES))
    report["ledger_figures"]["bands"]["0.60-0.90"]["1000000"]["right"] = 2
    assert checked(export, report=json.dumps(report)).findings == [
        "report.json: /bands/0.60-0.90/1000000/right is 2, the entries say 1"
    ]


def test_a_report_with_another_checkpoint_is_named(export: Path) -> None:
    report = report_on(chained(BODIES))
    report["checkpoint"]["root"] = "00" * 32
    assert checked(export, report=json.dumps(report)).findings == [
        "report.json: its checkpoint and the signed note beside it differ"
    ]


@pytest.mark.parametrize("pipeline", [["p"], {}, 1])
def test_a_report_about_no_pipeline_that_could_be_is_unusable(export: Path, pipeline: Any) -> None:
    with pytest.raises(Unusable):
        checked(export, report=json.dumps({**report_on(chained(BODIES)), "pipeline": pipeline}))


# --- zip files ------------------------------------------------------------------------------------------------------


def test_a_zip_file_proves_the_same(export: Path, tmp_path: Path) -> None:
    ours, theirs = checked(export), checked(zipped(export, tmp_path / "export.zip"))
    assert ours.report(0) == theirs.report(0)
    assert theirs.findings == []


def test_a_damaged_zip_file_is_unusable(export: Path, tmp_path: Path) -> None:
    path = zipped(export, tmp_path / "export.zip")
    raw = bytearray(path.read_bytes())
    raw[120] ^= 255
    path.write_bytes(raw)
    with pytest.raises(Unusable):
        checked(path)


def test_a_zip_file_damaged_anywhere_is_named_or_unusable_and_never_a_crash(export: Path, tmp_path: Path) -> None:
    """What a bit in a time stamp or the like leaves alone is still the same export."""
    raw, path, chance = zipped(export, tmp_path / "export.zip").read_bytes(), tmp_path / "export.zip", random.Random(13)
    clean = checked(export).report(0)
    for number in range(1_000):
        path.write_bytes(flipped(raw, chance))
        with suppress(Unusable, OSError):
            verification = checked(path)
            assert verification.findings or verification.report(0) == clean, number


def test_a_zip_file_of_another_compression_is_unusable(export: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "export.zip", "w", zipfile.ZIP_BZIP2) as file:
        for path in export.iterdir():
            file.write(path, path.name)
    with pytest.raises(Unusable, match="neither stored nor deflated"):
        checked(tmp_path / "export.zip")


def test_a_path_in_a_zip_file_leads_nowhere(export: Path, tmp_path: Path) -> None:
    path = zipped(export, tmp_path / "export.zip")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../../evil.txt", "x")
    assert checked(path).findings == ["../../evil.txt: is not named by the manifest"]
    assert not list(tmp_path.parent.parent.glob("evil.txt"))


# --- bundles --------------------------------------------------------------------------------------------------------


def bundle(payload: dict[str, str] | None = None, bodies: list[dict[str, Any]] = BODIES) -> dict[str, Any]:
    leaves = chained(bodies)
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]

    def node(level: int, index: int) -> bytes:
        return perfect_root(hashes[index << level : (index + 1) << level])

    return {
        "format": verify_export.BUNDLE_FORMAT,
        "origin": "tests",
        "claim": CLAIM,
        "checkpoint": note_of(leaves),
        "entries": [
            {
                "index": index,
                "leaf": leaf.decode(),
                "proof": [each.hex() for each in inclusion_proof(node, index, len(leaves))],
            }
            for index, leaf in enumerate(leaves)
            if json.loads(leaf)["body"].get("claim") == CLAIM
        ],
        "payload": payload,
    }


def said_of(given: dict[str, Any], *pins: str) -> dict[str, Any]:
    return verify_bundle(json.dumps(given), [Key.parse(str(KEY.verifier))], pins)


def test_a_bundle_proves_the_claim_from_its_first_event_on() -> None:
    report = said_of(bundle({"salt": SALT.hex(), "text": TEXT}))
    assert (report["exit"], report["findings"]) == (3, [])
    assert report["gaps"] == ["whether more happened to the claim after leaf 7 is not proven by a bundle"]
    assert report["events"] == {"claim.decided": 1, "label.submitted": 1, "lease.granted": 1, "outcome.final": 1}


def test_a_proof_for_another_leaf_or_another_size_leads_to_no_root() -> None:
    given = bundle()
    given["entries"][1]["proof"] = given["entries"][2]["proof"]
    assert "leaf 4: its proof does not lead to the root of the checkpoint" in said_of(given)["findings"]
    given = bundle()
    given["checkpoint"] = note_of(chained(BODIES)[:7])
    assert len(said_of(given)["findings"]) == 4


def test_an_event_left_out_of_a_bundle_is_named() -> None:
    given = bundle()
    del given["entries"][1]
    assert said_of(given)["findings"][:2] == [
        f"leaf 6: is not event 2 of claim {CLAIM}",
        f"leaf 6: does not follow the event before it in claim {CLAIM}",
    ]


def test_another_text_in_a_bundle_is_named() -> None:
    given = bundle({"salt": SALT.hex(), "text": "{}"})
    assert said_of(given)["findings"] == ["leaf 3: the payload is not what was committed to"]
    given["entries"][2]["leaf"] = given["entries"][2]["leaf"].replace('"correct"', '"incorrect"')
    assert "leaf 6: its proof does not lead to the root of the checkpoint" in said_of(given)["findings"]


def test_a_bundle_is_held_against_a_pin_of_its_size() -> None:
    other = note_of(chained([*BODIES[:7], settled(correct=False)]))
    assert "two histories" in said_of(bundle(), other)["findings"][0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "reviewqueue-claim-bundle/1"}', "[" * 5_000])
def test_what_is_no_bundle_is_unusable(text: str) -> None:
    with pytest.raises(Unusable):
        verify_bundle(text, [Key.parse(str(KEY.verifier))])


@pytest.mark.parametrize(
    "entry",
    [
        None,
        1,
        {},
        {"index": "x", "leaf": "{}", "proof": []},
        {"index": 3, "leaf": [], "proof": [1]},
        {"index": float("inf")},
    ],
)
def test_entries_of_any_shape_are_findings_and_no_crash(entry: Any) -> None:
    given = {**bundle(), "entries": [entry]}
    assert said_of(given)["exit"] == 1


# --- single proofs --------------------------------------------------------------------------------------------------


def single_proof(place: int) -> str:
    leaves = chained(BODIES)
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]

    def node(level: int, index: int) -> bytes:
        return perfect_root(hashes[index << level : (index + 1) << level])

    proof = InclusionProof(
        place, 8, hashes[place], inclusion_proof(node, place, 8), perfect_root(hashes), note_of(leaves)
    )
    return tlog_proof(proof)


@pytest.mark.parametrize("place", range(8))
def test_a_single_proof_in_the_public_form_is_proven(place: int, tmp_path: Path) -> None:
    (tmp_path / "leaf.json").write_bytes(chained(BODIES)[place])
    (tmp_path / "leaf.tlog-proof").write_text(single_proof(place))
    done = alone(tmp_path, "leaf.tlog-proof", "--leaf", "leaf.json", "--key", str(KEY.verifier))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_single_proof_of_another_leaf_is_named() -> None:
    keys = [Key.parse(str(KEY.verifier))]
    report = verify_export.verify_proof(single_proof(3), chained(BODIES)[4], keys)
    assert report["findings"] == ["leaf 3: its proof does not lead to the root of the checkpoint"]
    moved = single_proof(3).replace("index 3", "index 2")
    assert verify_export.verify_proof(moved, chained(BODIES)[3], keys)["exit"] == 1


@pytest.mark.parametrize("text", ["", "c2sp.org/tlog-proof@v2\nindex 3\n\n", "c2sp.org/tlog-proof@v1\nindex -3\n\nx"])
def test_what_is_no_proof_is_unusable(text: str) -> None:
    with pytest.raises(Unusable):
        verify_export.verify_proof(text, b"{}", [Key.parse(str(KEY.verifier))])


# --- the command ----------------------------------------------------------------------------------------------------


def alone(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(verify_export.__file__, folder / "verify_export.py")
    command = [sys.executable, "-I", "-S", "verify_export.py", *words]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)


def test_the_file_alone_says_the_same_each_time_as_text_and_as_json(export: Path, tmp_path: Path) -> None:
    first = alone(tmp_path, "export", "--key", str(KEY.verifier), "--json")
    assert first.returncode == 0, first.stderr
    assert first.stdout == alone(tmp_path, "export", "--key", str(KEY.verifier), "--json").stdout
    assert json.loads(first.stdout)["size"] == 8
    text = alone(tmp_path, "export", "--key", str(KEY.verifier)).stdout
    assert text.startswith("proven: 8 leaves, 1 checkpoints\n")


def test_the_file_alone_verifies_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "claim.json").write_text(json.dumps(bundle()))
    done = alone(tmp_path, "claim.json", "--key", str(KEY.verifier))
    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout.startswith("proven, but incomplete: 8 leaves")


def test_a_rotation_is_proven_by_either_key(tmp_path: Path) -> None:
    new = SigningKey("tests", bytes([9]) * 32)
    export = write(tmp_path / "export", chained(BODIES), keys=[new, KEY])
    for key in (new, KEY):
        assert Verification(export, [Key.parse(str(key.verifier))], []).run() == 0


def test_the_tree_here_is_that_of_the_product() -> None:
    edge = Edge(0, [])
    hashes = [sha256(bytes([number])).digest() for number in range(8)]
    for hash_ in hashes:
        edge.append(hash_)
    assert edge.root() == perfect_root(hashes)
    assert sign_note(TreeHead("tests", 8, edge.root()).text(), [KEY]).startswith("tests\n8\n")
