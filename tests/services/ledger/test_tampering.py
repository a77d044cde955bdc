"""Tamper drills: somebody with all rights over the database changes it, and verification names the place.

The ledger of every drill: leaves 0 to 299 under checkpoints of sizes 290, 295 and 300 (one full tile, 44 leaves
beside it), then five events that wait to be sealed.
"""

from __future__ import annotations

import pytest

from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.note import SigningKey, TreeHead, VerifierKey
from reviewqueue.ledger.verify import verify
from tests.services.ledger.cast import CLAIM, ORIGIN, event_of, one, rewrite, rows, signed_again, tampered

pytestmark = pytest.mark.django_db


def waiting(place: int) -> int:
    return int(str(rows("SELECT event_id FROM ledger.pending ORDER BY event_id")[place][0]))


def messages(key: VerifierKey) -> list[str]:
    return [finding.message for finding in verify(keys=[key]).findings]


TEXT_DRILLS = {
    "what was done": "replace(leaf, 'setting', 'sitting')",
    "one space appended": "leaf || ' '",
    "time": "regexp_replace(leaf, '\"recorded_us\":1', '\"recorded_us\":2')",
    "actor": "replace(leaf, 'ada0', 'b0b0')",
    "key order": 'regexp_replace(leaf, \',"v":1}\', \',"v":1,"v":1}\')',
}


@pytest.mark.parametrize("change", TEXT_DRILLS.values(), ids=TEXT_DRILLS)
@pytest.mark.parametrize("leaf_index", [3, 298])
def test_a_changed_text_is_named(ledger: VerifierKey, leaf_index: int, change: str) -> None:
    event = event_of(leaf_index)
    tampered(f"UPDATE ledger.event SET leaf = {change} WHERE id = {event}")
    assert f"leaf {leaf_index} (event {event}): text does not match its hash" in messages(ledger)


def test_a_deleted_event_is_named(ledger: VerifierKey) -> None:
    event = event_of(3)
    tampered(f"DELETE FROM ledger.event WHERE id = {event}")
    assert messages(ledger) == [f"leaf 3 (event {event}): the event is missing"]


def test_an_event_deleted_with_its_leaf_is_named(ledger: VerifierKey) -> None:
    event, following = event_of(3), event_of(4)
    tampered("DELETE FROM ledger.leaf WHERE leaf_index = 3", f"DELETE FROM ledger.event WHERE id = {event}")
    found = messages(ledger)
    assert f"leaf 3: 1 missing before leaf 4 (event {following})" in found
    assert "tile 0 of level 0: differs at leaf 3 (event missing)" in found


def test_two_swapped_events_are_named(ledger: VerifierKey) -> None:
    one_, other = event_of(3), event_of(298)
    tampered(
        "UPDATE ledger.leaf SET event_id = -1 WHERE leaf_index = 3",
        f"UPDATE ledger.leaf SET event_id = {one_} WHERE leaf_index = 298",
        f"UPDATE ledger.leaf SET event_id = {other} WHERE leaf_index = 3",
    )
    found = messages(ledger)
    assert f"leaf 3 (event {other}): text does not match its hash" in found
    assert f"leaf 298 (event {one_}): text does not match its hash" in found


def test_an_event_put_between_others_is_named(ledger: VerifierKey) -> None:
    new = waiting(1)
    tampered(
        "UPDATE ledger.leaf SET leaf_index = leaf_index + 10000 WHERE leaf_index >= 200",
        "UPDATE ledger.leaf SET leaf_index = leaf_index - 9999 WHERE leaf_index >= 10200",
        f"INSERT INTO ledger.leaf SELECT 200, id, leaf_hash FROM ledger.event WHERE id = {new}",
        f"DELETE FROM ledger.pending WHERE event_id = {new}",
    )
    found = messages(ledger)
    assert f"tile 0 of level 0: differs at leaf 200 (event {new}) and at 55 later places" in found
    assert "leaf 300: no checkpoint covers the leaves from here to the end" not in found
    assert any(message.startswith("checkpoint of size 290: its root is not the root") for message in found)


def test_an_event_added_at_the_end_is_named(ledger: VerifierKey) -> None:
    new = waiting(1)
    tampered(
        f"INSERT INTO ledger.leaf SELECT 300, id, leaf_hash FROM ledger.event WHERE id = {new}",
        f"DELETE FROM ledger.pending WHERE event_id = {new}",
    )
    assert messages(ledger) == ["leaf 300: no checkpoint covers the leaves from here to the end"]


def test_a_leaf_moved_far_away_is_named_in_bounded_time(ledger: VerifierKey) -> None:
    tampered(f"UPDATE ledger.leaf SET leaf_index = {2**62} WHERE leaf_index = 299")
    assert any(f"missing before leaf {2**62}" in message for message in messages(ledger))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "'label.amended'"),
        ("subject", f"'{CLAIM}'"),
        ("actor", "'user:bob'"),
        ("recorded_us", "1"),
        ("pipeline", "'elsewhere'"),
        ("source", "'shop'"),
        ("policy_version", "'7'"),
        ("request", "'r1'"),
    ],
)
def test_a_column_beside_the_text_is_named(ledger: VerifierKey, column: str, value: str) -> None:
    event = event_of(3)
    tampered(
        "ALTER TABLE ledger.event DROP CONSTRAINT event_claim_is_numbered",
        f"UPDATE ledger.event SET {column} = {value} WHERE id = {event}",
    )
    assert f"leaf 3 (event {event}): column {column} does not match the text" in messages(ledger)


def test_a_text_that_is_no_json_is_named_and_does_not_stop_the_rest(ledger: VerifierKey) -> None:
    event = event_of(289)
    tampered(
        f"UPDATE ledger.event SET leaf = 'x' WHERE id = {event} OR kind = 'claim.decided'",
        "DELETE FROM ledger.tile",
    )
    found = messages(ledger)
    assert f"leaf 289 (event {event}): text is not JSON" in found
    assert "tile 0 of level 0: is missing" in found
    assert "the chains of the claims cannot be read: some text is not JSON" in found


def test_a_text_changed_with_its_hashes_is_named_by_its_tile(ledger: VerifierKey) -> None:
    tampered(*rewrite(3))
    found = messages(ledger)
    assert f"tile 0 of level 0: differs at leaf 3 (event {event_of(3)})" in found
    assert "2 later checkpoints have another root too" in found


def test_a_text_changed_with_its_hashes_outside_the_tiles_is_named_by_its_checkpoints(ledger: VerifierKey) -> None:
    tampered(*rewrite(292))
    assert messages(ledger) == [
        "checkpoint of size 295: its root is not the root of the leaves: "
        "it was edited, or one of the leaves 290 to 294 was",
        "1 later checkpoints have another root too",
    ]


def test_a_cut_tail_is_named(ledger: VerifierKey) -> None:
    tampered(
        "DELETE FROM ledger.event WHERE id IN (SELECT event_id FROM ledger.leaf WHERE leaf_index >= 280)",
        "DELETE FROM ledger.leaf WHERE leaf_index >= 280",
    )
    found = messages(ledger)
    for size in (290, 295, 300):
        assert f"checkpoint of size {size}: covers leaves that are gone: only 280 are left" in found


def test_a_tail_cut_with_its_checkpoints_and_its_work_still_leaves_its_tiles(ledger: VerifierKey) -> None:
    tampered(
        "DELETE FROM ledger.event WHERE id IN (SELECT event_id FROM ledger.leaf WHERE leaf_index >= 200)",
        "DELETE FROM ledger.leaf WHERE leaf_index >= 200",
        "DELETE FROM ledger.checkpoint",
    )
    assert "tile 0 of level 0: covers leaves that are gone" in messages(ledger)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "UPDATE ledger.tile SET hashes = overlay(hashes PLACING sha256('x') FROM 33 FOR 32)",
            "tile 0 of level 0: differs at leaf 1 (event {1})",
        ),
        (
            "UPDATE ledger.tile SET root = sha256('x')",
            "tile 0 of level 0: its root is not the root of the leaves",
        ),
        ("DELETE FROM ledger.tile", "tile 0 of level 0: is missing"),
        (
            "INSERT INTO ledger.tile SELECT 1, 0, hashes, root FROM ledger.tile",
            "tile 0 of level 1: covers leaves that are gone",
        ),
    ],
)
def test_a_changed_tile_is_named(ledger: VerifierKey, statement: str, message: str) -> None:
    tampered(statement)
    assert messages(ledger) == [message.replace("{1}", str(event_of(1)))]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("note = replace(note, '295', '294')", "its note: the signature of"),
        ("note = (SELECT note FROM ledger.checkpoint WHERE tree_size = 290)", "its row and its note differ"),
        ("note = ''", "its note: a note is text"),
        ("root = sha256('x')", "its row and its note differ"),
    ],
)
def test_an_edited_checkpoint_is_named(ledger: VerifierKey, change: str, problem: str) -> None:
    tampered(f"UPDATE ledger.checkpoint SET {change} WHERE tree_size = 295")
    assert messages(ledger)[0].startswith(f"checkpoint of size 295: {problem}")


def test_an_edited_root_is_told_apart_from_changed_leaves(ledger: VerifierKey) -> None:
    tampered("UPDATE ledger.checkpoint SET root = sha256('x') WHERE tree_size = 295")
    assert len(messages(ledger)) == 2


def stored_root(size: int) -> bytes:
    return bytes(one("SELECT root FROM ledger.checkpoint WHERE tree_size = %s", size))  # type: ignore[call-overload]


def test_another_key_under_the_same_name_is_named(ledger: VerifierKey) -> None:
    signed_again(TreeHead(ORIGIN, 295, stored_root(295)), SigningKey(ORIGIN, bytes(32)))
    assert messages(ledger) == ["checkpoint of size 295: its note: no signature by a known key"]


def test_the_same_key_for_another_ledger_is_named(ledger: VerifierKey) -> None:
    signed_again(TreeHead("review-queue/another", 295, stored_root(295)), signing_keys()[0])
    assert messages(ledger) == [
        f"checkpoint of size 295: its note: a checkpoint of review-queue/another, not of {ORIGIN}"
    ]


def test_an_event_taken_off_the_work_list_is_named(ledger: VerifierKey) -> None:
    event = waiting(1)
    tampered(f"DELETE FROM ledger.pending WHERE event_id = {event}")
    assert messages(ledger) == [f"event {event} (not sealed): has no leaf and is not on the work list"]


def test_a_waiting_event_with_a_changed_text_is_named(ledger: VerifierKey) -> None:
    event = waiting(1)
    tampered(f"UPDATE ledger.event SET leaf = replace(leaf, 'setting', 'sitting') WHERE id = {event}")
    assert messages(ledger) == [f"event {event} (not sealed): text does not match its hash"]


def test_a_waiting_event_deleted_from_a_claim_is_named_by_the_next_one(ledger: VerifierKey) -> None:
    deleted, following = waiting(0), waiting(4)
    tampered(f"DELETE FROM ledger.event WHERE id = {deleted}")
    found = messages(ledger)
    assert f"event {following} (not sealed): numbered 4 in claim {CLAIM}, the 3. that is there" in found
    assert f"event {deleted} is on the work list and does not exist" in found


def test_a_false_statement_about_the_event_before_is_named(ledger: VerifierKey) -> None:
    tampered("UPDATE ledger.event SET leaf_hash = sha256('x') WHERE kind = 'claim.decided'")
    event = event_of(290)
    stated = f"leaf 290 (event {event}): claim_prev is not the hash of the event before in claim {CLAIM}"
    assert stated in messages(ledger)


def test_work_for_a_sealed_event_is_named(ledger: VerifierKey) -> None:
    event = event_of(3)
    tampered(f"INSERT INTO ledger.pending VALUES ({event})")
    assert messages(ledger) == [f"event {event} is on the work list and is sealed already, as leaf 3"]
