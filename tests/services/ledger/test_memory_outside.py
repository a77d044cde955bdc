"""What only a checkpoint kept outside the database can tell: a history rewritten or put back, and signed again.

The ledger is the one of test_tampering: 300 leaves, checkpoints of sizes 290, 295 and 300, all of them anchored.
"""

from __future__ import annotations

import pytest

from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.note import NoteError, TreeHead, VerifierKey
from reviewqueue.ledger.tree import root_of
from reviewqueue.ledger.verify import Report, verify
from tests.services.ledger.cast import ORIGIN, one, rewrite, rows, signed_again, tampered

pytestmark = pytest.mark.django_db


def history_rewritten_and_signed_again() -> None:
    tampered(*rewrite(297))
    hashes = [bytes(hash_) for (hash_,) in rows("SELECT leaf_hash FROM ledger.leaf ORDER BY leaf_index")]  # type: ignore[call-overload]
    signed_again(TreeHead(ORIGIN, 300, root_of(hashes)), signing_keys()[0])


def test_a_history_rewritten_and_signed_again_needs_a_checkpoint_kept_outside(ledger: VerifierKey) -> None:
    pin = str(one("SELECT note FROM ledger.checkpoint WHERE tree_size = 300"))
    history_rewritten_and_signed_again()
    assert verify(keys=[ledger]).sound
    (finding,) = verify(keys=[ledger], pins=[pin]).findings
    assert finding.message == (
        "pinned checkpoint of size 300: its root is not the root of the leaves: "
        "another checkpoint of this size fits them"
    )


def test_the_anchor_remembers_a_rewritten_history(ledger: VerifierKey) -> None:
    history_rewritten_and_signed_again()
    report = _with_anchor(ledger)
    assert [finding.message[:36] for finding in report.findings] == ["anchored checkpoint 3 of size 300: i"]


def test_the_anchor_remembers_a_history_put_back_to_an_older_state(ledger: VerifierKey) -> None:
    tampered(
        "DELETE FROM ledger.event WHERE id NOT IN (SELECT event_id FROM ledger.leaf WHERE leaf_index < 295)",
        "DELETE FROM ledger.leaf WHERE leaf_index >= 295",
        "DELETE FROM ledger.checkpoint WHERE tree_size > 295",
        "DELETE FROM ledger.pending",
    )
    assert verify(keys=[ledger]).sound
    assert [finding.message for finding in _with_anchor(ledger).findings] == [
        "anchored checkpoint 3 of size 300: covers leaves that are gone: only 295 are left"
    ]


def _with_anchor(key: VerifierKey) -> Report:
    return verify(keys=[key], anchor=configured_anchor())


def test_a_pin_that_was_not_signed_by_a_known_key_proves_nothing(ledger: VerifierKey) -> None:
    forged = "\n".join([*TreeHead(ORIGIN, 300, bytes(32)).text().split("\n"), "— x AAAAAAAA", ""])
    with pytest.raises(NoteError):
        verify(keys=[ledger], pins=[forged])


def test_a_true_pin_of_any_size_is_confirmed(ledger: VerifierKey) -> None:
    pins = [str(note) for (note,) in rows("SELECT note FROM ledger.checkpoint")]
    report = verify(keys=[ledger], pins=pins)
    assert report.sound
    assert report.checkpoints == 6


def test_a_checkpoint_anchored_while_the_ledger_is_read_is_not_held_against_it(ledger: VerifierKey) -> None:
    anchor = configured_anchor()
    assert anchor is not None
    notes = anchor.notes()
    services.seal()
    assert len(list(notes)) == 3
    assert len(list(anchor.notes())) == 4
