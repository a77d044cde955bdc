"""The ledger and the life of one claim, as auditors read them."""

from __future__ import annotations

import re

from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import label_next, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import World


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
    assert "Enter a valid UUID." in text_of(ada.get("/ledger/?subject=nonsense"))


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
