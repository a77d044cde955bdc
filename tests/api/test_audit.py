"""The ledger over REST: entries, checkpoints and proofs, and who gets which."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from reviewqueue.accounts import services as accounts
from reviewqueue.claims import auditing
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.note import TreeHead, VerifierKey, open_note
from reviewqueue.ledger.tree import leaf_hash, root_of, verify_consistency, verify_inclusion
from tests.api.caller import Caller, assert_problem, key_for
from tests.services.ledger.cast import prepare_sealing, tampered, write_many
from tests.services.review.steps import RIGHT, label_next
from tests.world import SETUP, World


@pytest.fixture
def key(world: World, settings: Settings, tmp_path: Path) -> VerifierKey:
    """Two claims, one of them settled, under two checkpoints."""
    public = prepare_sealing(settings, tmp_path)
    world.claim(category="refunds")
    label_next(world.rita, RIGHT)
    ledger.seal()
    world.claim()
    write_many(300)
    ledger.seal()
    return public


@pytest.fixture
def ada(world: World) -> Caller:
    return Caller(key_for(world.ada, "audit"))


def everything(caller: Caller, query: str = "") -> list[dict[str, object]]:
    """All pages, and none of them twice."""
    found: list[dict[str, object]] = []
    cursor = ""
    while True:
        page = caller.get(f"/audit/events?limit=200{query}{cursor}").json()
        found += page["results"]
        if page["next"] is None:
            return found
        cursor = f"&cursor={page['next']}"


def index_of(kind: str) -> int:
    return Event.objects.filter(kind=kind, leaf_row__isnull=False).earliest("id").leaf_row.leaf_index


def test_an_auditor_reads_every_entry_with_its_exact_leaf(ada: Caller, key: VerifierKey) -> None:
    entries = everything(ada)
    assert len(entries) == Event.objects.count()
    assert entries[0]["index"] is None or entries[0]["index"] == len(entries) - 1
    for entry in entries[:50]:
        assert hashlib.sha256(b"\x00" + str(entry["leaf"]).encode()).hexdigest() == entry["leaf_hash"]


def test_entries_are_filtered_by_claim_kind_actor_and_time(ada: Caller, world: World, key: VerifierKey) -> None:
    claim = world.claim()
    assert {entry["claim"] for entry in everything(ada, f"&subject={claim.pk}")} == {str(claim.pk)}
    assert {entry["kind"] for entry in everything(ada, "&kind=label.submitted")} == {"label.submitted"}
    of_rita = everything(ada, f"&actor=user:{world.rita.pseudonym}")
    assert {entry["actor"] for entry in of_rita} == {f"user:{world.rita.pseudonym}"}
    assert everything(ada, "&since=2100-01-01T00:00:00Z") == []
    assert_problem(ada.get("/audit/events?kind=nonsense"), 400, "bad_query")
    assert_problem(ada.get("/audit/events?subject=nonsense"), 400, "bad_query")


def test_a_proof_holds_against_the_signed_note_alone(ada: Caller, key: VerifierKey) -> None:
    for index in (0, 7, index_of("outcome.final")):
        proof = ada.get(f"/audit/events/{index}/proof").json()
        head = TreeHead.parse(open_note(proof["checkpoint"], [key]).text)
        hashes = [bytes.fromhex(text) for text in proof["hashes"]]
        leaf = bytes.fromhex(proof["leaf_hash"])
        assert verify_inclusion(leaf=leaf, index=index, size=head.size, proof=hashes, root=head.root)
        assert not verify_inclusion(leaf=leaf, index=index + 1, size=head.size, proof=hashes, root=head.root)


def test_two_checkpoints_are_shown_to_be_of_one_history(ada: Caller, key: VerifierKey) -> None:
    newest, oldest = (
        TreeHead.parse(open_note(row["note"], [key]).text) for row in ada.get("/audit/checkpoints").json()["results"]
    )
    proof = ada.get(f"/audit/consistency?from={oldest.size}&to={newest.size}").json()
    assert verify_consistency(
        first=oldest.size,
        second=newest.size,
        proof=[bytes.fromhex(text) for text in proof["hashes"]],
        first_root=oldest.root,
        second_root=newest.root,
    )
    assert ada.get(f"/audit/consistency?from={oldest.size}").json() == proof
    assert_problem(ada.get("/audit/consistency?from=5&to=4"), 404)
    assert_problem(ada.get("/audit/consistency?from=0&to=999999999"), 404)


def test_checkpoints_come_in_pages_largest_first(ada: Caller, key: VerifierKey) -> None:
    first = ada.get("/audit/checkpoints?limit=1").json()
    second = ada.get(f"/audit/checkpoints?limit=1&cursor={first['next']}").json()
    sizes = [page["results"][0]["size"] for page in (first, second)]
    assert sizes == sorted(sizes, reverse=True)
    assert second["next"] is None


def test_the_latest_checkpoint_is_plain_text_under_two_addresses(ada: Caller, key: VerifierKey) -> None:
    latest = ada.get("/audit/checkpoints/latest")
    assert latest["Content-Type"] == "text/plain; charset=utf-8"
    assert open_note(latest.content.decode(), [key])
    assert ada.get("/audit/log/checkpoint").content == latest.content


def test_before_anything_is_sealed_there_is_no_checkpoint(ada: Caller) -> None:
    assert_problem(ada.get("/audit/checkpoints/latest"), 404)
    assert ada.get("/audit/checkpoints").json() == {"results": [], "next": None}
    assert_problem(ada.get("/audit/events/0/proof"), 404)
    assert_problem(ada.get("/audit/log/tile/0/000"), 404)


def test_a_damaged_tree_makes_no_proof_and_says_so(ada: Caller, key: VerifierKey) -> None:
    tampered("DELETE FROM ledger.tile")
    assert_problem(ada.get("/audit/events/3/proof"), 409, "ledger_damaged")
    assert_problem(ada.get("/audit/consistency?from=5"), 409, "ledger_damaged")


def test_a_monitor_can_recompute_the_root_from_tiles(ada: Caller, key: VerifierKey) -> None:
    head = TreeHead.parse(open_note(ada.get("/audit/log/checkpoint").content.decode(), [key]).text)
    rest = head.size - 256
    assert 0 < rest < 256
    tiles = ada.get("/audit/log/tile/0/000").content + ada.get(f"/audit/log/tile/0/001.p/{rest}").content
    hashes = [tiles[at : at + 32] for at in range(0, len(tiles), 32)]
    assert root_of(hashes) == head.root
    assert ada.get("/audit/log/tile/1/000.p/1").content == root_of(hashes[:256])
    bundle, leaves = ada.get("/audit/log/tile/entries/000").content, []
    while bundle:
        length = int.from_bytes(bundle[:2])
        leaves.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert [leaf_hash(leaf) for leaf in leaves] == hashes[:256]


@pytest.mark.parametrize(
    "address", ["0/001", "0/001.p/255", "0/0", "0/x000/000", "0/000.p/256", "0/000.p/0", "1/000", "9/000.p/1", "99/000"]
)
def test_a_tile_that_is_not_there_or_is_written_otherwise_is_404(ada: Caller, key: VerifierKey, address: str) -> None:
    assert_problem(ada.get(f"/audit/log/tile/{address}"), 404)


# --- who gets what ----------------------------------------------------------------------------------------------------


def test_a_reviewer_reads_and_proves_what_they_did_themselves(world: World, key: VerifierKey) -> None:
    rita = Caller(key_for(world.rita, "audit"))
    entries = everything(rita)
    assert {entry["actor"] for entry in entries} == {f"user:{world.rita.pseudonym}"}
    assert "label.submitted" in {entry["kind"] for entry in entries}
    assert rita.get(f"/audit/events/{index_of('label.submitted')}/proof").status_code == 200
    assert_problem(rita.get("/audit/events/0/proof"), 404)
    assert_problem(rita.get("/audit/log/tile/0/000"), 404)
    assert rita.get("/audit/checkpoints").status_code == 200


def test_a_senior_reads_how_settled_claims_were_decided_and_nothing_that_would_spoil_a_review(
    world: World, key: VerifierKey
) -> None:
    sam = Caller(key_for(world.sam, "audit"))
    entries = everything(sam)
    kinds = {entry["kind"] for entry in entries}
    assert {"claim.decided", "outcome.final", "policy.activated"} <= kinds
    assert not any(str(kind).startswith(("label.", "gold.", "task.", "lease.")) for kind in kinds)
    settled = {entry["claim"] for entry in entries if entry["claim"]}
    assert len(settled) == 1, "the claim that is still open is not among them"
    assert sam.get("/audit/events/0/proof").status_code == 200
    assert_problem(sam.get("/audit/log/tile/entries/000"), 404)


def test_an_owner_reads_the_life_of_their_own_policies(world: World, key: VerifierKey) -> None:
    others = [entry for entry in everything(Caller(key_for(world.olga, "audit"))) if "olga" not in str(entry)]
    own = f"user:{world.olga.pseudonym}"
    kinds = {str(entry["kind"]) for entry in others if entry["actor"] != own}
    assert kinds == {"policy.activated", "policy.approved"}


def test_a_source_proves_its_own_claims_and_reads_no_entries(world: World, key: VerifierKey) -> None:
    helpdesk = Caller(key_for(world.source, "audit"))
    assert_problem(helpdesk.get("/audit/events"), 403)
    assert helpdesk.get(f"/audit/events/{index_of('claim.decided')}/proof").status_code == 200
    assert_problem(helpdesk.get("/audit/events/0/proof"), 404)
    assert helpdesk.get("/audit/consistency?from=1").status_code == 200
    other = accounts.create_source(slug="other", name="Other", actor=SETUP)
    assert_problem(Caller(key_for(other, "audit")).get(f"/audit/events/{index_of('claim.decided')}/proof"), 404)


def test_a_stranger_gets_nothing(world: World, key: VerifierKey) -> None:
    nora = Caller(key_for(world.nora, "audit"))
    for address in ("/audit/events", "/audit/checkpoints", "/audit/checkpoints/latest", "/audit/consistency?from=1"):
        assert_problem(nora.get(address), 403)
    for address in ("/audit/events/0/proof", "/audit/log/tile/0/000", "/audit/log/tile/entries/000"):
        assert_problem(nora.get(address), 404)


def test_a_key_without_the_scope_reads_nothing(world: World, key: VerifierKey) -> None:
    assert_problem(Caller(key_for(world.ada, "read")).get("/audit/events"), 403)


def test_what_may_be_read_is_found_across_windows(
    world: World, key: VerifierKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    rita = Caller(key_for(world.rita, "audit"))
    whole = everything(rita)
    monkeypatch.setattr(auditing, "WINDOW", 25)
    assert rita.get("/audit/events").json()["results"] == [], "the newest 25 entries are about no claim of hers"
    assert everything(rita) == whole


def test_the_statements_do_not_grow_with_the_entries(ada: Caller, world: World, key: VerifierKey) -> None:
    sam = Caller(key_for(world.sam, "audit"))
    addresses = ["/audit/events?limit={}", "/audit/checkpoints?limit={}"]
    for caller, address in [(ada, addresses[0]), (sam, addresses[0]), (ada, addresses[1])]:
        caller.get(address.format(1))
        with CaptureQueriesContext(connection) as few:
            caller.get(address.format(1))
        with CaptureQueriesContext(connection) as many:
            caller.get(address.format(200))
        assert len(many) <= len(few) + 1, "a key notes once a minute that it was used"
        assert len(many) <= 12
