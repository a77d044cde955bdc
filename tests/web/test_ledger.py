"""The ledger and the life of one claim, as auditors read them."""

from __future__ import annotations

import csv
import io
import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from reviewqueue.ledger import services as ledger
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.ledger.cast import prepare_sealing, tampered, write_many
from tests.services.review.steps import label_next, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import POLICY, World


def kinds_in(page: str) -> list[str]:
    return re.findall(r'<span class="sub">([a-z]+\.[a-z_]+)</span>', page)


def test_entries_come_newest_first_and_can_be_filtered(world: World, ada: Visitor) -> None:
    claim = world.claim()
    label_next(world.rita)
    everything = kinds_in(text_of(ada.get("/ledger/")))
    assert everything[0] in {"task.closed", "outcome.final"}
    assert everything[-1] in {"user.created", "source.created"}
    assert set(kinds_in(text_of(ada.get("/ledger/?kind=label.submitted")))) == {"label.submitted"}
    of_claim = kinds_in(text_of(ada.get(f"/ledger/?subject={claim.pk}")))
    assert of_claim[-1] == "claim.decided"
    assert "user.created" not in of_claim
    assert "policy.proposed" in kinds_in(text_of(ada.get("/ledger/?pipeline=support-answers")))


def test_pages_follow_each_other_without_gap_or_repetition(world: World, ada: Visitor) -> None:
    for _ in range(20):
        world.claim()
    label_next(world.rita)
    seen: list[str] = []
    address = "/ledger/"
    while address:
        page = text_of(ada.get(address))
        seen += re.findall(r'id="entry-(\d+)"', page)
        older = re.search(r'href="(\?[^"]*older_than=\d+)">Older', page)
        address = f"/ledger/{older[1].replace('&amp;', '&')}" if older else ""
    assert len(seen) == len(set(seen)) > 50
    assert seen == sorted(seen, key=int, reverse=True)


def test_a_filter_that_fits_nothing_offers_everything(world: World, ada: Visitor) -> None:
    page = text_of(ada.get("/ledger/?subject=00000000-0000-4000-8000-000000000000"))
    assert "No such entry" in page
    assert "No such entry" in text_of(ada.get("/ledger/?claim=nonsense"))


def test_before_anything_is_sealed_the_page_says_so(world: World, ada: Visitor) -> None:
    assert "Nothing is sealed yet." in text_of(ada.get("/ledger/"))


def test_the_life_of_a_claim_is_a_timeline_with_reasons_in_words(world: World, ada: Visitor) -> None:
    claim = world.claim(category="refunds", confidence=0.97)
    label_next(world.rita, LabelAnswer("incorrect", output="Ask the helpdesk", note="wrong price"))
    page = text_of(ada.get(f"/claims/{claim.pk}/"))
    order = [
        page.index(word) for word in ("Claim received and routed", "Taken by a reviewer", "Labelled", "Outcome stands")
    ]
    assert order == sorted(order)
    assert "Its category always goes to a person." in page
    assert "<strong>Incorrect</strong> by Rita" in page
    assert "Ask the helpdesk" in page


def test_an_admin_sees_the_record_and_not_the_text(world: World) -> None:
    claim = world.claim(input="canary-input", output="canary-output")
    label_next(world.rita, LabelAnswer("incorrect", output="canary-correction", note="canary-note"))
    page = text_of(Visitor(world.adam).get(f"/claims/{claim.pk}/"))
    assert "Labelled" in page
    assert "canary" not in page


def test_a_reviewer_sees_what_became_of_a_claim_they_labelled_without_the_ledger(world: World, rita: Visitor) -> None:
    claim = world.claim(output="the answer")
    submit(taken(world.rita))
    page = text_of(rita.get(f"/claims/{claim.pk}/"))
    assert "the answer" in page
    assert "correct" in page
    assert "claim.decided" not in page
    assert "/pipelines/" not in page[page.index("<main") : page.index("</main>")]


@pytest.fixture
def sealing(settings: Settings, tmp_path: Path) -> None:
    prepare_sealing(settings, tmp_path)


def found(ada: Visitor, query: str) -> list[str]:
    return kinds_in(text_of(ada.get(f"/ledger/?{query}")))


def test_a_search_knows_names_external_ids_groups_and_versions(world: World, ada: Visitor) -> None:
    claim = world.claim(external_id="ticket-of-mr-x")
    label_next(world.rita)
    assert set(found(ada, "claim=ticket-of-mr-x")) == set(found(ada, f"claim={claim.pk}"))
    by_rita = found(ada, "actor=Rita")
    assert "lease.granted" in by_rita
    assert by_rita == found(ada, f"actor={world.rita.pseudonym}") == found(ada, f"actor=user:{world.rita.pseudonym}")
    assert str(world.rita.pseudonym) in text_of(ada.get("/ledger/?actor=rita"))
    assert "claim.decided" in found(ada, "actor=helpdesk")
    assert found(ada, "source=helpdesk&kind=claim.decided") == ["claim.decided"]
    assert {kind.partition(".")[0] for kind in found(ada, "kind=all:Review")} == {"task", "lease", "label"}
    assert "claim.decided" in found(ada, "pipeline=support-answers&policy=1")
    assert found(ada, "pipeline=support-answers&policy=2") == found(ada, "actor=nobody") == []
    assert found(ada, "until=2020-01-01T00:00") == found(ada, "since=2999-01-01T00:00") == []
    assert "claim.decided" in found(ada, "since=2020-01-01T00:00&until=2999-01-01T00:00")


@pytest.mark.parametrize("query", ["policy=1", "leaf=-1", "since=yesterday", "since=2026-01-02&until=2026-01-01"])
def test_what_cannot_be_searched_is_said_beside_its_field(world: World, ada: Visitor, query: str) -> None:
    page = text_of(ada.get(f"/ledger/?{query}"))
    assert "Not searched" in page
    assert 'aria-invalid="true"' in page


def test_what_was_found_is_there_as_csv_and_json_lines(world: World, ada: Visitor) -> None:
    claim = world.claim()
    rows = [json.loads(line) for line in ada.get(f"/ledger/?claim={claim.pk}&as=jsonl").content.splitlines()]
    table = list(csv.DictReader(io.StringIO(text_of(ada.get(f"/ledger/?claim={claim.pk}&as=csv")))))
    assert [row["kind"] for row in rows] == [row["kind"] for row in table] == found(ada, f"claim={claim.pk}")
    assert sha256(b"\0" + rows[0]["leaf"].encode()).hexdigest() == rows[0]["leaf_hash"] == table[0]["leaf_hash"]


def test_one_entry_is_shown_with_its_proof(world: World, sealing: None, ada: Visitor) -> None:
    world.claim()
    assert ada.get("/ledger/entries/0/").status_code == 404
    ledger.seal()
    page = text_of(ada.get("/ledger/entries/0/"))
    file = ada.get("/ledger/entries/0/?as=json").json()
    leaf = ada.get("/ledger/entries/0/?as=leaf").content
    assert sha256(b"\0" + leaf).hexdigest() == file["leaf_hash"]
    assert all(each in page for each in [file["leaf_hash"], file["root"], *file["proof"]])
    assert found(ada, "leaf=0") == ["user.created"]


def test_the_bundle_of_a_claim_has_its_text_for_those_who_may_read_it(
    world: World, sealing: None, ada: Visitor, sam: Visitor, adam: Visitor, rita: Visitor
) -> None:
    claim = world.claim(output="canary")
    label_next(world.rita)
    address = f"/claims/{claim.pk}/bundle/"
    assert ada.get(address).status_code == 404
    ledger.seal()
    assert ada.get(address).json()["payload"] is None
    bundle = ada.get(f"{address}?text=yes").json()
    payload = bundle["payload"]
    decided = json.loads(bundle["entries"][0]["leaf"])["body"]
    committed = sha256(b"\x02" + bytes.fromhex(payload["salt"]) + payload["text"].encode()).hexdigest()
    assert decided["content_commitment"] == committed
    assert adam.get(address).status_code == 200
    assert adam.get(f"{address}?text=yes").status_code == 404
    assert rita.get(address).status_code == 403


def test_a_bundle_waits_where_a_blind_label_would_be_seen(world: World, sealing: None, sam: Visitor) -> None:
    world.activate({**POLICY, "review": {**POLICY["review"], "labels_needed": 2}})
    claim = world.claim()
    label_next(world.rita)
    ledger.seal()
    response = sam.get(f"/claims/{claim.pk}/bundle/")
    assert response.status_code == 403
    assert "until the review is over" in text_of(response)


def test_the_life_of_a_claim_shows_what_sealed_each_entry_and_that_the_chain_holds(
    world: World, sealing: None, ada: Visitor, sam: Visitor
) -> None:
    claim = world.claim()
    ledger.seal()
    label_next(world.rita)
    page = text_of(ada.get(f"/claims/{claim.pk}/"))
    assert "numbered without a gap" in page
    assert "to be sealed" in page
    assert "policy version 1" in page
    assert f"reviewer {world.rita.pseudonym}" in page.replace("<wbr>", "")
    ledger.seal()
    page = text_of(ada.get(f"/claims/{claim.pk}/"))
    assert "Every one is sealed" in page
    proven = re.findall(r'href="(/ledger/entries/\d+/)"', page)
    assert len(proven) == len(re.findall(r"sealed under \d+ entries", page)) >= 5
    assert ada.get(proven[0]).status_code == 200
    assert "/ledger/entries/" not in text_of(sam.get(f"/claims/{claim.pk}/"))


def test_a_claim_whose_chain_was_broken_says_where(world: World, sealing: None, ada: Visitor) -> None:
    claim = world.claim()
    label_next(world.rita)
    ledger.seal()
    tampered(f"UPDATE ledger.event SET leaf = leaf || ' ' WHERE subject = '{claim.pk}' AND claim_seq = 2")
    assert "its text does not match its hash" in text_of(ada.get(f"/claims/{claim.pk}/"))


@pytest.mark.parametrize("entries", [1, 40])
def test_a_page_of_entries_takes_the_same_queries_however_many_there_are(
    world: World, ada: Visitor, entries: int, django_assert_max_num_queries: Any
) -> None:
    for _ in range(entries):
        world.claim()
    ada.get("/ledger/")
    with django_assert_max_num_queries(14):
        ada.get("/ledger/?kind=claim.decided&pipeline=support-answers&actor=helpdesk&since=2020-01-01T00:00")


def test_an_entry_that_is_not_what_was_sealed_says_so_loudly(world: World, sealing: None, ada: Visitor) -> None:
    ledger.seal()
    assert "Checked as this page was made" in text_of(ada.get("/ledger/entries/3/"))
    tampered("UPDATE ledger.event SET leaf = replace(leaf, 'created', 'enabled') WHERE kind = 'user.created'")
    page = text_of(ada.get("/ledger/entries/3/"))
    assert "its text is not the one that was sealed" in page
    assert "Checked as this page was made" not in page
    tampered("UPDATE ledger.leaf SET leaf_hash = sha256('x') WHERE leaf_index = 5")
    assert "does not have the root that the checkpoint signs" in text_of(ada.get("/ledger/entries/7/"))


def test_a_tree_too_damaged_for_a_proof_still_shows_the_entry(world: World, sealing: None, ada: Visitor) -> None:
    claim = world.claim()
    write_many(300)
    ledger.seal()
    tampered("DELETE FROM ledger.tile")
    page = text_of(ada.get("/ledger/entries/3/"))
    assert "no proof can be made" in page
    assert "user.created" in page
    refused = ada.get(f"/claims/{claim.pk}/bundle/")
    assert (refused.status_code, "is missing" in text_of(refused)) == (409, True)
