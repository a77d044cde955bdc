"""The bundle of one claim proves its entries to whoever holds the public key, and nothing else is needed."""

from __future__ import annotations

from uuid import uuid4

import pytest

from reviewqueue.errors import NotFound
from reviewqueue.ledger import services
from reviewqueue.ledger.bundle import claim_bundle
from reviewqueue.ledger.note import TreeHead, VerifierKey, open_note
from reviewqueue.ledger.tree import leaf_hash, verify_inclusion
from tests.services.ledger.cast import CLAIM, ORIGIN, decided, write

pytestmark = pytest.mark.django_db


def proves(bundle: dict[str, object], key: VerifierKey) -> list[bool]:
    head = TreeHead.parse(open_note(str(bundle["checkpoint"]), [key]).text)
    return [
        verify_inclusion(
            leaf=leaf_hash(entry["leaf"].encode()),
            index=entry["index"],
            size=head.size,
            proof=[bytes.fromhex(each) for each in entry["proof"]],
            root=head.root,
        )
        for entry in bundle["entries"]  # type: ignore[attr-defined]
    ]


def test_every_sealed_entry_of_the_claim_is_proven_to_the_newest_checkpoint(ledger: VerifierKey) -> None:
    bundle = claim_bundle(CLAIM)
    assert (bundle["format"], bundle["origin"], bundle["claim"]) == ("reviewqueue-claim-bundle/1", ORIGIN, str(CLAIM))
    assert [entry["index"] for entry in bundle["entries"]] == [10, 290]
    assert proves(bundle, ledger) == [True, True]
    services.seal()
    assert proves(claim_bundle(CLAIM), ledger) == [True] * 4


def test_an_older_checkpoint_proves_what_was_there_then(ledger: VerifierKey) -> None:
    bundle = claim_bundle(CLAIM, size=290)
    assert [entry["index"] for entry in bundle["entries"]] == [10]
    assert proves(bundle, ledger) == [True]


def test_a_changed_leaf_is_not_proven(ledger: VerifierKey) -> None:
    bundle = claim_bundle(CLAIM)
    bundle["entries"][0]["leaf"] = bundle["entries"][0]["leaf"].replace("review", "accept")
    assert proves(bundle, ledger) == [False, True]


def test_there_is_no_bundle_of_a_claim_that_is_not_sealed_or_of_a_checkpoint_that_never_was(
    ledger: VerifierKey,
) -> None:
    other = uuid4()
    write(decided(other))
    with pytest.raises(NotFound, match="No entry of this claim"):
        claim_bundle(other)
    with pytest.raises(NotFound, match="No checkpoint has 291"):
        claim_bundle(CLAIM, size=291)
