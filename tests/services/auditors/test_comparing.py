"""Two notes: one history, two histories, or nothing to compare; the signatures are said for each."""

from __future__ import annotations

import pytest

from reviewqueue.auditors.comparing import compare, keys_in, notes_in
from reviewqueue.ledger import services
from reviewqueue.ledger.keys import signing_keys
from reviewqueue.ledger.note import MalformedNote, SigningKey, TreeHead, VerifierKey, parse_note, sign_note
from reviewqueue.ledger.tree import verify_consistency
from tests.services.auditors.steps import newest_note
from tests.services.ledger.cast import ORIGIN, tampered, write_many
from tests.world import World

pytestmark = pytest.mark.django_db


def head_of(note: str) -> TreeHead:
    return TreeHead.parse(parse_note(note).text)


def signed(origin: str, size: int, root: bytes = bytes(32)) -> str:
    return sign_note(TreeHead(origin, size, root).text(), signing_keys())


def two_notes() -> tuple[str, str]:
    old = newest_note()
    write_many(300)
    services.seal()
    return old, newest_note()


@pytest.mark.parametrize("turned", [False, True])
def test_one_history_is_proven_whichever_is_named_first(world: World, sealed: VerifierKey, turned: bool) -> None:
    old, new = two_notes()
    compared = compare(*((new, old) if turned else (old, new)), [sealed])
    small, large = head_of(old), head_of(new)
    assert compared.verdict == "one_history"
    assert compared.proof is not None
    assert verify_consistency(
        first=small.size, second=large.size, proof=compared.proof, first_root=small.root, second_root=large.root
    )
    assert compared.first.is_signed
    assert compared.second.is_signed
    assert compared.first.standing == compared.second.standing == "consistent"


def test_the_same_size_with_two_roots_is_two_histories(world: World, sealed: VerifierKey) -> None:
    note = newest_note()
    forged = signed(ORIGIN, head_of(note).size)
    compared = compare(note, forged, [sealed])
    assert (compared.verdict, compared.second.standing) == ("two_histories", "other_history")
    assert compare(note, note, [sealed]).verdict == "same"


def test_different_sizes_of_two_histories_do_not_pass_the_proof(world: World, sealed: VerifierKey) -> None:
    _, new = two_notes()
    assert compare(signed(ORIGIN, 7), new, [sealed]).verdict == "two_histories"
    assert compare(signed(ORIGIN, 0), new, [sealed]).verdict == "two_histories"


def test_entries_that_are_gone_and_other_logs_are_called_by_their_names(world: World, sealed: VerifierKey) -> None:
    old, new = two_notes()
    assert compare(new, signed(ORIGIN, 10**6), [sealed]).verdict == "gone"
    assert compare(new, signed("elsewhere", 5), [sealed]).verdict == "two_logs"
    assert compare(signed("elsewhere", 4), signed("elsewhere", 5), [sealed]).verdict == "not_ours"
    assert compare(signed("elsewhere", 5), signed("elsewhere", 5, b"x" * 32), []).verdict == "two_histories"
    assert compare(old, "nonsense", [sealed]).verdict == "unreadable"
    tampered("DELETE FROM ledger.tile")
    assert compare(old, new, [sealed]).verdict == "damaged"


def test_a_wrong_signature_is_louder_than_anything_it_signs(world: World, sealed: VerifierKey) -> None:
    note = newest_note()
    edited = note.replace(f"\n{head_of(note).size}\n", "\n3\n", 1)
    compared = compare(note, edited, [sealed])
    assert compared.verdict == "wrong_signature"
    assert [each.state for each in compared.second.signatures] == ["wrong"]
    stranger = compare(note, note, [SigningKey(ORIGIN, bytes(32)).verifier])
    assert [each.state for each in stranger.first.signatures] == ["unknown"]
    assert not stranger.first.is_signed


def test_pasted_notes_and_keys_are_read_as_browsers_send_them(world: World, sealed: VerifierKey) -> None:
    old, new = two_notes()
    pasted = f"\n{old}\n\n{new}\n".replace("\n", "\r\n")
    assert notes_in(pasted) == [old, new]
    assert notes_in(old + new) == [old, new]
    assert notes_in(" \n".strip()) == []
    assert keys_in(f"\n {sealed} \n") == [sealed]
    with pytest.raises(MalformedNote, match="line 2"):
        keys_in(f"{sealed}\nnonsense")
