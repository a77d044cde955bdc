"""A report is held against the entry that was written when it was made: whatever is changed in either is named."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.ledger import verify_export
from reviewqueue.ledger.note import SigningKey
from reviewqueue.ledger.tree import consistency_proof, inclusion_proof, perfect_root, root_of, verify_consistency
from reviewqueue.ledger.verify_export import Head, Key, Unusable, is_beginning, verify_report
from tests.unit.ledger.exports import (
    KEY,
    OTHER,
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
)

BODIES = [*begun(), held(), granted(), decided(OTHER), labelled(), settled()]
SIZE = len(BODIES)
REPORT = "0198f0c2-0000-7000-8000-00000000aaaa"
PERIOD = {"since": "2026-10-01T00:00:00.000Z", "until": "2026-11-27T16:47:56.123Z"}
PERIOD_US = {"since_us": 1_790_812_800_000_000, "until_us": 1_795_798_076_123_456}
KEYS = [Key.parse(str(KEY.verifier))]
PLACE = f"leaf {SIZE + 2}"


def report(**changes: Any) -> str:
    accuracy = {"name": "accuracy", "tables": [{"name": "bands", "rows": [["0.60-0.90", 1, 1.0, 0.21, 1.0]]}]}
    said = {"report": REPORT, **PERIOD, "unsealed": 0, "sections": [accuracy]}
    return json.dumps({**report_on(chained(BODIES)), **said, **changes})


def entry(text: str, **changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "export": REPORT,
        "format": "report",
        "pipeline": "p",
        "leaf_from": 0,
        "leaf_to": SIZE - 1,
        "tree_size": SIZE,
        "manifest_hash": sha256(text.encode()).hexdigest(),
    }
    return {**body("export.created", "ada", **said, **PERIOD_US), **changes}


def proof(said: dict[str, Any], *, before: Sequence[dict[str, Any]] = (), **note: Any) -> dict[str, Any]:
    """That of an entry two leaves behind the report, and with two more under its checkpoint."""
    others = [body("config.changed", "adam", changed=[str(number)]) for number in range(4)]
    leaves = chained([*(before or BODIES), *others[:2], said, *others[2:]])
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    index, size = len(leaves) - 3, len(leaves)

    def node(level: int, place: int) -> bytes:
        return perfect_root(hashes[place << level : (place + 1) << level])

    return {
        "format": verify_export.REPORT_PROOF_FORMAT,
        "leaf": leaves[index].decode(),
        "index": index,
        "checkpoint": note_of(leaves, **note),
        "proof": [each.hex() for each in inclusion_proof(node, index, size)],
        "consistency": [each.hex() for each in consistency_proof(node, SIZE, size)],
    }


def bundle(folder: Path, text: str, given: dict[str, Any] | None) -> Path:
    """As an attacker makes it, who writes a manifest that fits."""
    files = {"report.json": text, **({} if given is None else {"report-proof.json": json.dumps(given)})}
    return write(folder / "bundle", chained(BODIES), files=files, until="2026-11-01T00:00:00+00:00")


def said_of(folder: Path, text: str, given: dict[str, Any] | None) -> tuple[int, list[str], list[str]]:
    verification = checked(bundle(folder, text, given))
    return verification.code, verification.findings, list(verification.gaps)  # type: ignore[attr-defined]


def test_a_report_that_is_what_its_entry_says_is_proven_with_all_its_sections(tmp_path: Path) -> None:
    verification = checked(bundle(tmp_path, report(), proof(entry(report()))))
    assert (verification.code, verification.findings, list(verification.gaps)) == (0, [], [])  # type: ignore[attr-defined]
    assert list(verification.notes) == [
        f"report.json is what its entry at {PLACE} says, under the checkpoint of size {SIZE + 5}"
    ]


def test_a_report_over_all_pipelines_is_proven_by_an_entry_that_names_none(tmp_path: Path) -> None:
    text = json.dumps({**report_on(chained(BODIES), None), **PERIOD})
    assert said_of(tmp_path, text, proof(entry(text, pipeline=None))) == (0, [], [])


def test_a_report_and_an_entry_of_the_first_versions_are_proven_too(tmp_path: Path) -> None:
    text = json.dumps({**report_on(chained(BODIES)), **PERIOD})
    said = {name: value for name, value in entry(text).items() if name not in ("since_us", "until_us")}
    assert said_of(tmp_path, text, proof(said)) == (0, [], [])


def edited(text: str) -> str:
    changed = text.replace('"0.60-0.90", 1, 1.0, 0.21', '"0.60-0.90", 1, 1.0, 0.93')
    assert changed != text
    return changed


@pytest.mark.parametrize(
    "change",
    [edited, lambda text: text + " ", lambda text: text.replace('"since"', '"sinze"'), lambda text: "\n" + text],
    ids=["interval", "space behind", "period", "line before"],
)
def test_whatever_is_edited_in_a_report_is_named_with_the_leaf_of_its_entry(
    tmp_path: Path, change: Callable[[str], str]
) -> None:
    code, findings, _ = said_of(tmp_path, change(report()), proof(entry(report())))
    assert code == 1
    assert findings[-1].startswith("report.json: its SHA-256 is ")
    assert f"not what its entry at {PLACE} says" in findings[-1]


def test_any_figure_of_an_edited_accuracy_is_found_though_the_entries_alone_do_not_give_it(tmp_path: Path) -> None:
    without_proof = said_of(tmp_path, edited(report()), None)
    assert without_proof == (
        3,
        [],
        [
            "report.json: the entry that holds its hash is not here (report-proof.json), "
            "so nothing but its ledger_figures is proven"
        ],
    )


def test_the_entry_of_another_report_is_named(tmp_path: Path) -> None:
    other = edited(report())
    findings = said_of(tmp_path, report(), proof(entry(other, export=OTHER)))[1]
    assert len(findings) == 1
    assert "the entry is that of another report" in findings[0]


def test_an_older_entry_of_the_same_report_is_named(tmp_path: Path) -> None:
    older = report(sections=[])
    given = proof(entry(older))
    assert "the entry is that of another report" in said_of(tmp_path, report(), given)[1][0]
    shutil.rmtree(tmp_path / "bundle")
    assert said_of(tmp_path, older, given)[0] == 0


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"export": OTHER}, "export"),
        ({"pipeline": "other"}, "pipeline"),
        ({"pipeline": None}, "pipeline"),
        ({"leaf_from": 1}, "leaf_from"),
        ({"leaf_to": SIZE, "tree_size": SIZE + 1}, "leaf_to, tree_size"),
        ({"since_us": PERIOD_US["since_us"] - 1}, "since_us"),
        ({"until_us": PERIOD_US["until_us"] + 1_000}, "until_us"),
        ({"until_us": "soon"}, "until_us"),
        ({"since_us": None}, "since_us"),
        ({"tree_size": True}, "tree_size"),
        ({"event": "verification.run"}, "event"),
        ({"format": "jsonl"}, "format"),
    ],
)
def test_an_entry_that_speaks_of_something_else_is_named(tmp_path: Path, changes: dict[str, Any], names: str) -> None:
    assert said_of(tmp_path, report(), proof(entry(report(), **changes)))[1] == [
        f"report.json: its entry at {PLACE} speaks of another {names}"
    ]


def test_an_entry_written_anew_for_an_edited_report_lies_in_no_tree(tmp_path: Path) -> None:
    genuine, forged = proof(entry(report())), proof(entry(edited(report())))
    given = {**genuine, "leaf": forged["leaf"]}
    assert said_of(tmp_path, edited(report()), given)[1] == [
        f"report-proof.json: the proof of the entry at {PLACE} leads to another root"
    ]


@pytest.mark.parametrize("index", [SIZE + 1, SIZE + 3, SIZE + 5, 1 << 62, -1, True])
def test_a_proof_of_another_leaf_is_named(tmp_path: Path, index: int) -> None:
    findings = said_of(tmp_path, report(), {**proof(entry(report())), "index": index})[1]
    assert f"report-proof.json: the proof of the entry at leaf {index} leads to another root" in findings


def test_a_proof_from_another_size_of_the_tree_is_named(tmp_path: Path) -> None:
    given = proof(entry(report()))
    others = [body("config.changed", "adam", changed=[str(number)]) for number in range(2)]
    smaller = note_of(chained([*BODIES, *others, entry(report())]))
    assert len(said_of(tmp_path, report(), {**given, "checkpoint": smaller})[1]) == 2


def test_an_entry_in_another_tree_of_the_same_signer_is_named(tmp_path: Path) -> None:
    """Sound in itself, and signed: but it does not grow out of what the report rests on."""
    rewritten = [*BODIES[:6], labelled(verdict="incorrect"), settled(correct=False)]
    given = proof(entry(edited(report())), before=rewritten)
    assert said_of(tmp_path, edited(report()), given)[1] == [
        "report-proof.json: its checkpoint does not continue the one that report.json rests on"
    ]


@pytest.mark.parametrize("consistency", [[], ["00" * 32], ["nonsense"], [None], [["00"]]])
def test_a_proof_that_the_tree_went_on_cannot_be_left_out(tmp_path: Path, consistency: list[Any]) -> None:
    given = {**proof(entry(report())), "consistency": consistency}
    assert said_of(tmp_path, report(), given)[1] == [
        "report-proof.json: its checkpoint does not continue the one that report.json rests on"
    ]


def test_the_checkpoint_of_another_ledger_or_another_key_is_named(tmp_path: Path) -> None:
    assert said_of(tmp_path, report(), proof(entry(report()), origin="staging"))[1] == [
        "report-proof.json: its checkpoint belongs to staging"
    ]
    shutil.rmtree(tmp_path / "bundle")
    stranger = SigningKey("tests", bytes(32))
    assert said_of(tmp_path, report(), proof(entry(report()), keys=[stranger]))[1] == [
        "report-proof.json: its checkpoint has no signature by a known key"
    ]


def test_an_entry_among_the_leaves_of_the_report_cannot_hold_its_hash(tmp_path: Path) -> None:
    leaves = chained(BODIES)
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    given = {
        "format": verify_export.REPORT_PROOF_FORMAT,
        "leaf": leaves[7].decode(),
        "index": 7,
        "checkpoint": note_of(leaves),
        "proof": [
            each.hex()
            for each in inclusion_proof(lambda level, at: perfect_root(hashes[at << level : (at + 1) << level]), 7, 8)
        ],
        "consistency": [],
    }
    findings = said_of(tmp_path, report(), given)[1]
    assert findings[0] == "report.json: its entry at leaf 7 lies among the leaves that it speaks of"


UNSEALED = {"index": None, "checkpoint": None, "proof": [], "consistency": []}


def test_an_entry_that_is_not_sealed_makes_the_proof_incomplete_and_is_named(tmp_path: Path) -> None:
    code, findings, [gap] = said_of(tmp_path, report(), {**proof(entry(report())), **UNSEALED})
    assert (code, findings) == (3, [])
    assert gap.startswith("report.json: its entry of id 00000000-0000-0000-0000-00000000000a was not sealed")


def test_the_proof_that_was_fetched_later_completes_a_bundle_made_too_early(tmp_path: Path) -> None:
    export = bundle(tmp_path, report(), {**proof(entry(report())), **UNSEALED})
    assert checked(export).code == 3  # type: ignore[attr-defined]
    assert checked(export, proof=json.dumps(proof(entry(report())))).code == 0  # type: ignore[attr-defined]
    assert checked(export, proof=json.dumps(proof(entry(edited(report()))))).code == 1  # type: ignore[attr-defined]


def test_an_edited_report_is_found_by_an_entry_that_is_not_sealed_too(tmp_path: Path) -> None:
    code, findings, _ = said_of(tmp_path, edited(report()), {**proof(entry(report())), **UNSEALED})
    assert code == 1
    assert "not what its entry of id 00000000-" in findings[0]


def test_events_that_were_not_sealed_when_the_report_was_made_are_a_gap(tmp_path: Path) -> None:
    text = report(unsealed=4)
    assert said_of(tmp_path, text, proof(entry(text))) == (
        3,
        [],
        ["report.json: 4 events of its period were not sealed when it was made"],
    )


def test_a_proof_whose_report_was_taken_away_is_named(tmp_path: Path) -> None:
    files = {"report-proof.json": json.dumps(proof(entry(report())))}
    export = write(tmp_path / "bundle", chained(BODIES), files=files)
    assert checked(export).findings == ["report-proof.json: the report that it speaks of is not in the export"]
    assert checked(export, report=report()).findings == []


def test_the_checkpoint_of_a_report_is_held_against_the_leaves_and_the_name_of_the_export(tmp_path: Path) -> None:
    rewritten = [*BODIES[:6], labelled(verdict="incorrect"), settled(correct=False)]
    other = report_on(chained(rewritten))["checkpoint"]
    findings = said_of(tmp_path, report(checkpoint=other), None)[1]
    assert findings == ["report.json: its checkpoint has another root than the leaves"]
    shutil.rmtree(tmp_path / "bundle")
    foreign = {**report_on(chained(BODIES))["checkpoint"], "note": note_of(chained(BODIES), origin="staging")}
    assert said_of(tmp_path, report(checkpoint=foreign), None)[1] == ["report.json: its checkpoint belongs to staging"]


def test_a_report_and_its_proof_are_given_beside_an_export_that_holds_neither(tmp_path: Path) -> None:
    export = write(tmp_path / "export", chained(BODIES))
    given = json.dumps(proof(entry(report())))
    assert checked(export, report=report(), proof=given).code == 0  # type: ignore[attr-defined]
    assert checked(export, report=edited(report()), proof=given).code == 1  # type: ignore[attr-defined]
    assert checked(export, report=report()).code == 3  # type: ignore[attr-defined]


def test_a_pin_of_the_later_checkpoint_is_proven_and_one_in_between_is_a_gap(tmp_path: Path) -> None:
    given = proof(entry(report()))
    export = bundle(tmp_path, report(), given)
    assert list(checked(export, given["checkpoint"]).gaps) == []
    between = note_of(chained([*BODIES, body("config.changed", "adam", changed=["0"])]))
    verification = checked(export, between)
    assert verification.findings == []
    assert list(verification.gaps) == ["pinned checkpoint 1 covers 9 leaves, the export ends at 8 on purpose"]
    forked = note_of(chained([*BODIES, *(body("config.changed", "eve", changed=[str(each)]) for each in range(5))]))
    assert "two histories" in checked(export, forked).findings[0]


@pytest.mark.parametrize("name", ["report.pdf", "report.html", "entries.jsonl", "Report.json"])
def test_a_file_that_nothing_proves_is_never_passed_over(tmp_path: Path, name: str) -> None:
    """Who put another form of the report into the bundle can name it in the manifest too."""
    files = {"report.json": report(), "report-proof.json": json.dumps(proof(entry(report()))), name: "98 % right"}
    verification = checked(write(tmp_path / "bundle", chained(BODIES), files=files))
    assert verification.code == 3  # type: ignore[attr-defined]
    assert list(verification.gaps) == [f"{name}: nothing here proves this file"]


# --- the report and its proof alone ---------------------------------------------------------------------------------


def alone(text: str, given: dict[str, Any], *pins: str) -> dict[str, Any]:
    return verify_report(text.encode(), json.dumps(given), KEYS, pins)


def test_a_report_is_proven_by_its_proof_alone_but_for_its_figures() -> None:
    said = alone(report(), proof(entry(report())))
    assert (said["exit"], said["findings"]) == (3, [])
    assert said["gaps"] == ["the ledger_figures of report.json are not computed again: that takes its entries"]
    assert said["size"] == SIZE + 5
    assert alone(edited(report()), proof(entry(report())))["exit"] == 1


def test_pins_are_held_against_both_checkpoints_of_a_report() -> None:
    given = proof(entry(report()))
    assert len(alone(report(), given, given["checkpoint"], note_of(chained(BODIES)))["gaps"]) == 1
    forked = note_of(chained([*BODIES[:7], settled(correct=False)]))
    assert "two histories" in alone(report(), given, forked)["findings"][0]
    assert "is neither of these" in alone(report(), given, note_of(chained(BODIES[:5])))["gaps"][0]


def test_the_command_takes_a_report_and_its_proof(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(report())
    (tmp_path / "proof.json").write_text(json.dumps(proof(entry(report()))))
    words = [str(tmp_path / "proof.json"), "--key", str(KEY.verifier), "--report", str(tmp_path / "report.json")]
    assert verify_export.main(words) == 3
    (tmp_path / "report.json").write_text(edited(report()))
    assert verify_export.main(words) == 1
    (tmp_path / "proof.json").write_text("{}")
    assert verify_export.main(words) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"format": "x"},
        {"leaf": 7},
        {"leaf": None},
        {"index": "7"},
        {"index": None},
        {"checkpoint": None},
        {"checkpoint": 1},
        {"proof": None},
        {"consistency": "00"},
    ],
)
def test_what_is_no_proof_of_a_report_is_unusable(tmp_path: Path, changes: dict[str, Any]) -> None:
    given = {**proof(entry(report())), **changes}
    with pytest.raises(Unusable):
        checked(bundle(tmp_path, report(), given))


@pytest.mark.parametrize(
    "leaf", ["", "{}", '{"body":{},"v":1}', "\ud800", "[" * 5_000, '{"body":{"event":[]},"id":{}}']
)
def test_a_leaf_of_any_shape_is_a_finding_and_no_crash(tmp_path: Path, leaf: str) -> None:
    code, findings, _ = said_of(tmp_path, report(), {**proof(entry(report())), "leaf": leaf})
    assert code == 1
    assert findings


def test_no_bit_of_a_proof_can_be_flipped_though_the_manifest_is_made_to_fit(tmp_path: Path) -> None:
    """Large and small letters of a hash say the same."""
    export, given = bundle(tmp_path, report(), proof(entry(report()))), proof(entry(report()))
    raw, chance = json.dumps(given).encode(), random.Random(14)
    for number in range(500):
        place = chance.randrange(len(raw) * 8)
        changed = raw[: place // 8] + bytes([raw[place // 8] ^ 1 << place % 8]) + raw[place // 8 + 1 :]
        with suppress(Unusable, UnicodeDecodeError):
            code = checked(export, report=report(), proof=changed.decode()).code  # type: ignore[attr-defined]
            assert code == 1 or changed.lower() == raw.lower(), number


@pytest.mark.parametrize("us", ["1" + "0" * 18, "-1" + "0" * 40, "[]", '"soon"', "true"])
def test_a_time_that_is_none_is_a_finding_and_no_crash(tmp_path: Path, us: str) -> None:
    given = proof(entry(report()))
    leaf = given["leaf"].replace(str(PERIOD_US["since_us"]), us)
    code, findings, _ = said_of(tmp_path, report(), {**given, "leaf": leaf})
    assert code == 1
    assert findings[-1].endswith("speaks of another since_us")


# --- the consistency proof ------------------------------------------------------------------------------------------


def test_consistency_is_decided_as_the_product_does_for_every_pair_of_sizes() -> None:
    hashes = [sha256(bytes([number])).digest() for number in range(34)]

    def node(level: int, place: int) -> bytes:
        return perfect_root(hashes[place << level : (place + 1) << level])

    def head(size: int) -> Head:
        return Head("tests", size, root_of(hashes[:size]), "")

    for second in range(len(hashes)):
        for first in range(second + 1):
            right = consistency_proof(node, first, second)
            spoilt = [bytes(32), *right[1:]] if right else [bytes(32)]
            for given in (right, right[:-1], [*right, bytes(32)], spoilt):
                expected = verify_consistency(
                    first=first,
                    second=second,
                    proof=given,
                    first_root=head(first).root,
                    second_root=head(second).root,
                )
                assert is_beginning(head(first), head(second), given) is expected, (first, second)
            assert is_beginning(head(first), head(second), right)
            assert first in (0, second) or not is_beginning(head(second), head(first), right)
