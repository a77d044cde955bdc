"""Lists, lives and proofs, as auditors ask for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement, product
from uuid import uuid4

import pytest

from reviewqueue.errors import NotFound
from reviewqueue.ledger import selectors, services, tree
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.selectors import EntryFilter
from tests.ledger_reset import unprotected_ledger
from tests.services.ledger.cast import ADA, CLAIM, INTAKE, changed, decided, tampered, write, write_many

pytestmark = pytest.mark.django_db

BOB = Actor.user("0198f0c2-0000-7000-8000-00000000b0b0")


def test_entries_come_newest_first_and_page_by_page_without_gap_or_repeat() -> None:
    written = [event.id for event in write_many(7)]
    seen, before = [], None
    while True:
        page = selectors.entries(before=before, limit=3)
        seen += [entry.id for entry in page.entries]
        before = page.next
        if before is None:
            break
    assert seen == written[::-1]


def test_a_page_that_is_exactly_full_has_no_next_one() -> None:
    write_many(3)
    assert selectors.entries(limit=3).next is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (EntryFilter(), [0, 1, 2, 3]),
        (EntryFilter(claims=[CLAIM]), [0, 2]),
        (EntryFilter(kinds=["claim.decided", "config.changed"]), [0, 1, 3]),
        (EntryFilter(actors=[f"user:{BOB.id}"]), [2]),
        (EntryFilter(pipeline="support-answers"), [0, 3]),
        (EntryFilter(pipeline="support-answers", claims=[CLAIM]), [0]),
        (EntryFilter(since=datetime.now(UTC) + timedelta(days=1)), []),
        (EntryFilter(until=datetime.now(UTC) + timedelta(days=1)), [0, 1, 2, 3]),
        (EntryFilter(until=datetime(2020, 1, 1, tzinfo=UTC)), []),
    ],
)
def test_entries_are_filtered_by_what_is_asked(filters: EntryFilter, expected: list[int]) -> None:
    opened = Entry("task.opened", BOB, CLAIM, {"task": "t1"})
    written = [write(entry)[0].id for entry in (decided(CLAIM), changed(1), opened, decided(uuid4()))]
    found = [entry.id for entry in selectors.entries(filters=filters).entries]
    assert found == [written[place] for place in reversed(expected)]


def test_the_life_of_a_claim_is_told_from_the_beginning(auditor_key: VerifierKey) -> None:
    write(changed(1), decided(CLAIM))
    services.seal()
    write(Entry("task.opened", INTAKE, CLAIM, {"task": "t1"}), decided(uuid4()))
    life = selectors.life_of_claim(CLAIM)
    assert [(entry.kind, entry.claim_seq, entry.index) for entry in life] == [
        ("claim.decided", 1, 1),
        ("task.opened", 2, None),
    ]
    assert life[1].body["claim_prev"] == life[0].leaf_hash.hex()
    assert abs(datetime.now(UTC) - life[0].recorded_at) < timedelta(hours=1)


def test_a_sealed_entry_is_found_by_its_place(auditor_key: VerifierKey) -> None:
    written = write_many(3)
    services.seal()
    entry = selectors.entry_at(2)
    assert (entry.id, entry.index, entry.actor) == (written[2].id, 2, f"user:{ADA.id}")
    with pytest.raises(NotFound):
        selectors.entry_at(3)


@pytest.fixture
def grown(db: None, auditor_key: VerifierKey) -> None:
    """A ledger of 700 leaves in checkpoints of sizes 1, 256, 300, 513 and 700."""
    for count in (1, 255, 44, 213, 187):
        write_many(count)
        services.seal()


def test_every_leaf_can_be_proven_under_every_later_root(grown: None) -> None:
    signed = {row.tree_size: (bytes(row.root), row.note) for row in selectors.checkpoints()}
    for index, size in product([0, 255, 256, 299], [300, 513, 600, 700]):
        proof = selectors.inclusion_proof(index=index, size=size)
        assert proof.leaf_hash == selectors.entry_at(index).leaf_hash
        assert tree.verify_inclusion(leaf=proof.leaf_hash, index=index, size=size, proof=proof.hashes, root=proof.root)
        assert signed.get(size, (proof.root, None)) == (proof.root, proof.note)


def test_every_earlier_state_can_be_proven_a_prefix(grown: None) -> None:
    for first, second in combinations_with_replacement([0, 1, 255, 256, 300, 513, 700], 2):
        proof = selectors.consistency_proof(first=first, second=second)
        assert tree.verify_consistency(
            first=first,
            second=second,
            proof=proof.hashes,
            first_root=proof.first_root,
            second_root=proof.second_root,
        )


def test_proofs_are_about_the_newest_state_unless_asked_otherwise(grown: None) -> None:
    assert selectors.inclusion_proof(index=3).size == 700
    assert selectors.consistency_proof(first=300).second == 700


def test_there_is_no_proof_of_what_is_not_there(grown: None) -> None:
    for index, size in ((700, None), (300, 300), (-1, None), (0, 701), (0, 0), (0, -1)):
        with pytest.raises(NotFound):
            selectors.inclusion_proof(index=index, size=size)


def test_there_is_no_consistency_with_a_state_that_never_was(grown: None) -> None:
    for first, second in ((2, 1), (-1, 5), (1, 701), (701, None)):
        with pytest.raises(NotFound):
            selectors.consistency_proof(first=first, second=second)


def test_checkpoints_are_listed_largest_first(grown: None) -> None:
    assert [row.tree_size for row in selectors.checkpoints(limit=2)] == [700, 513]
    assert [row.tree_size for row in selectors.checkpoints(before=513)] == [300, 256, 1]


def test_the_sealing_state_says_how_far_sealing_is_behind(auditor_key: VerifierKey) -> None:
    empty = selectors.sealing_state()
    assert (empty.size, empty.sealed_at, empty.unsealed, empty.oldest_unsealed_seconds) == (0, None, 0, None)
    write_many(3)
    services.seal()
    write_many(2)
    state = selectors.sealing_state()
    assert (state.size, state.anchored_size, state.unsealed) == (3, 3, 2)
    assert state.oldest_unsealed_seconds is not None
    assert 0 <= state.oldest_unsealed_seconds < 60


def test_an_event_taken_off_the_work_list_is_found(auditor_key: VerifierKey) -> None:
    write_many(2)
    services.seal()
    lost, waiting = write_many(2)
    assert selectors.unlisted_events() == []
    tampered(f"DELETE FROM ledger.pending WHERE event_id = {lost.id}")
    assert selectors.unlisted_events() == [lost.id]
    assert waiting.id > lost.id


@pytest.mark.parametrize(
    ("filters", "index"),
    [
        (EntryFilter(pipeline="rare"), "event_by_pipeline"),
        (EntryFilter(pipeline="rare", policy_version="7"), "event_by_p"),
        (EntryFilter(source="rare"), "event_by_source"),
        (EntryFilter(request="rare"), "event_by_request"),
        (EntryFilter(actors=[f"user:{BOB.id}"]), "event_by_actor"),
        (EntryFilter(kinds=["task.opened"]), "event_by_kind"),
        (EntryFilter(claims=[CLAIM]), "event_claim_seq_unique"),
        (EntryFilter(index=3), "leaf_pkey"),
    ],
)
def test_a_rare_entry_is_found_by_an_index(auditor_key: VerifierKey, filters: EntryFilter, index: str) -> None:
    common = {"pipeline": "support-answers", "source": "helpdesk", "policy_version": 3, "request": "r"}
    for _ in range(4):
        write(
            *(Entry("config.changed", ADA, None, {"changed": ["x"], "pipeline": "support-answers"}) for _ in range(500))
        )
        write(*(decided(uuid4(), **{**common, "request": f"r{number}"}) for number in range(500)))
    rare = {"pipeline": "rare", "source": "rare", "policy_version": 7, "request": "rare"}
    write(Entry("task.opened", BOB, CLAIM, {"task": "t1", "pipeline": "rare"}), decided(CLAIM, **rare))
    services.seal()
    with unprotected_ledger() as cursor:
        cursor.execute("ANALYZE ledger.event, ledger.leaf")
    plan = selectors._filtered(filters).order_by("-id")[:51].explain()
    assert index in plan
    assert "Seq Scan on event" not in plan


def test_a_time_is_found_between_ids() -> None:
    write_many(5)
    now = datetime.now(UTC)
    assert len(selectors.entries(filters=EntryFilter(since=now - timedelta(minutes=5), until=now)).entries) == 5
    plan = selectors._filtered(EntryFilter(until=now - timedelta(days=30))).explain()
    assert "id <= " in plan


def test_all_that_fits_comes_in_turn_and_no_more_than_asked_for() -> None:
    written = [event.id for event in write_many(7)]
    found = [entry.id for entry in selectors.entries_in_turn(filters=EntryFilter(), most=5, chunk=2)]
    assert found == written[:1:-1]
