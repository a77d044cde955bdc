"""What people see of how well they and others review."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from calibration.services import measure_bands
from reviewqueue.reports import slips
from reviewqueue.review.gold import GoldItem, GoldTerms, ReviewerPause
from reviewqueue.review.services import pauses
from tests.services.review.golden import always_gold, answer_gold, gold_claims, never_gold, pause
from tests.services.review.steps import RIGHT, WRONG, label_next, newcomer, review_terms, undo_windows_pass
from tests.web.visitor import Visitor, text_of
from tests.world import World

OWN = "/figures/"
REVIEWERS = "/pipelines/support-answers/reviewers/"
GOLD = "/pipelines/support-answers/gold/"


@pytest.fixture
def sam(world: World) -> Visitor:
    return Visitor(world.sam)


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


def test_somebody_new_sees_that_nothing_is_measured_yet(world: World, rita: Visitor) -> None:
    assert "none yet" in words_of(rita.get(OWN))


def test_own_figures_have_their_interval(world: World, rita: Visitor) -> None:
    answer_gold(world.rita, gold_claims(world, 4), of=world)
    shown = words_of(rita.get(OWN))
    assert "100.0 %" in shown
    assert "4 of 4" in shown


def test_who_is_paused_reads_why_and_appeals(world: World, rita: Visitor) -> None:
    standing = pause(world)
    shown = words_of(rita.get(OWN))
    assert "You are paused in Support answers" in shown
    assert "Of 7 that you answered, 0 were right" in shown
    assert "The gold tasks that were missed (7)" in shown
    assert rita.post(f"/figures/pauses/{standing.pk}/appeal/", {"text": " "}).status_code == 422
    assert rita.post(f"/figures/pauses/{standing.pk}/appeal/", {"text": "The list was old."}).status_code == 303
    shown = words_of(rita.get(OWN))
    assert "Your appeal waits for a senior" in shown
    assert "Send the appeal" not in shown


def test_who_is_paused_is_told_on_the_queue(world: World, rita: Visitor) -> None:
    pause(world)
    page = words_of(rita.post("/queue/take/", follow=True))
    assert "You are paused here" in page


def test_a_senior_reads_the_appeal_and_decides(world: World, sam: Visitor, rita: Visitor) -> None:
    standing = pause(world)
    pauses.appeal(reviewer=world.rita, pause_id=standing.pk, text="The list was old.")
    assert "The list was old." in text_of(sam.get(REVIEWERS))
    kept = {"pause": standing.pk, "do": "keep", "note": "Page 2 says it."}
    assert sam.post(REVIEWERS, kept).status_code == 303
    assert "Page 2 says it." in text_of(rita.get(OWN))
    assert sam.post(REVIEWERS, {**kept, "do": "lift", "note": "Fine."}).status_code == 303
    assert ReviewerPause.objects.get().ended_at is not None


def test_owners_see_pseudonyms_and_no_appeal(world: World, olga: Visitor) -> None:
    standing = pause(world)
    pauses.appeal(reviewer=world.rita, pause_id=standing.pk, text="The list was old.")
    page = text_of(olga.get(REVIEWERS))
    assert str(world.rita.pseudonym)[:8] in page
    assert "Rita" not in page
    assert "The list was old." not in page
    assert "A senior decides" in page


def test_agreement_and_what_overlap_is_worth_are_shown(world: World, ada: Visitor) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2))
    for place in range(6):
        world.claim()
        label_next(world.rita, WRONG if place < 2 else RIGHT)
        label_next(world.ravi, WRONG if place < 3 else RIGHT)
        undo_windows_pass()
    label_next(world.sam, RIGHT)
    shown = words_of(ada.get(REVIEWERS))
    assert "Krippendorff's alpha" in shown
    assert "0.67 " in shown  # Cohen's kappa of 5 of 6 alike, with 1/2 and 1/3 of the answers "wrong"
    assert "Here it would not help" in shown
    assert "1 of 1" in shown  # of the claim that sam settled, ravi was wrong and rita right: one row each
    assert "0 of 1" in shown


def test_the_page_of_reviewers_asks_as_many_questions_however_many_they_are(world: World, ada: Visitor) -> None:
    ada.get(REVIEWERS)
    counts = []
    for number in range(2):
        newcomer(world, f"new-{number}")
        world.claim()
        label_next(world.rita)
        with CaptureQueriesContext(connection) as queries:
            ada.get(REVIEWERS)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 14


def test_an_owner_imports_known_answers_and_says_how_often_they_come(world: World, olga: Visitor) -> None:
    right, wrong = world.claim(), world.claim()
    lines = f"{right.external_id},correct\n{wrong.external_id},incorrect,15 EUR\n"
    assert olga.post(GOLD, {"do": "import", "known": lines, "onboarding": "1"}).status_code == 303
    items = {item.claim_id: item for item in GoldItem.objects.all()}
    assert (items[right.pk].correct, items[wrong.pk].correct, items[wrong.pk].output) == (True, False, "15 EUR")
    assert items[right.pk].onboarding
    assert olga.post(GOLD, {"do": "terms", "rate": "5", "bar": "90", "fewest": "30"}).status_code == 303
    terms = GoldTerms.objects.get()
    assert (terms.rate, terms.bar, terms.fewest) == (0.05, 0.9, 30)
    assert "2 in use, 1 of them incorrect outputs" in words_of(olga.get(GOLD))


@pytest.mark.parametrize("line", ["nobody-sent-this,correct", "ticket-1", "ticket-1,perhaps", ""])
def test_what_cannot_be_imported_stays_in_the_form(world: World, olga: Visitor, line: str) -> None:
    refused = olga.post(GOLD, {"do": "import", "known": line})
    assert refused.status_code == 422
    assert line in text_of(refused)
    assert not GoldItem.objects.exists()


def test_an_owner_adds_settled_claims_and_retires_them(world: World, olga: Visitor) -> None:
    world.activate(review_terms(labels_needed=2))
    claim = world.claim()
    label_next(world.rita)
    label_next(world.ravi)
    assert claim.external_id in text_of(olga.get(GOLD))
    assert olga.post(GOLD, {"do": "add", "claim": str(claim.pk)}).status_code == 303
    item = GoldItem.objects.get()
    assert olga.post(GOLD, {"do": "void", "item": str(item.pk)}).status_code == 303
    assert "void: counts nowhere" in text_of(olga.get(GOLD))


def test_without_gold_the_page_says_what_to_do(world: World, olga: Visitor) -> None:
    assert "so nobody is measured" in words_of(olga.get(GOLD))


def test_the_page_of_a_gold_task_does_not_name_its_claim(world: World, rita: Visitor) -> None:
    [claim] = gold_claims(world, 1)
    world.claim()
    with always_gold():
        page = rita.post("/queue/take/", follow=True)
    assert page.status_code == 200
    assert str(claim.pk) not in text_of(page)
    assert "gold" not in words_of(page).lower()


def test_the_claim_of_a_gold_task_stays_closed_to_whom_it_measured(world: World, rita: Visitor) -> None:
    [claim] = gold_claims(world, 1)
    answer_gold(world.rita, [claim], of=world)
    assert rita.get(f"/claims/{claim.pk}/").status_code == 404
    for address in ("/queue/", "/labels/"):
        assert str(claim.pk) not in text_of(rita.get(address))


def test_what_slips_hide_stands_beside_the_accuracy_of_bands(
    world: World, sam: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of four right outputs one was called wrong, of four wrong ones none right: se .75, sp 1."""
    assert "Not known yet: it takes 30 judged gold tasks" in words_of(sam.get(REVIEWERS))
    monkeypatch.setattr(slips, "FEWEST_KEYS", 4)
    answer_gold(world.rita, gold_claims(world, 3), of=world)
    answer_gold(world.rita, gold_claims(world, 1), WRONG, of=world)
    answer_gold(world.rita, gold_claims(world, 4, correct=False), WRONG, of=world)
    assert slips.slips_on_gold(world.pipeline) == slips.Slips("gold", 0.75, 1.0)
    assert "No band has labels yet." in words_of(sam.get(REVIEWERS))
    with never_gold():
        for answer in (RIGHT, RIGHT, RIGHT, WRONG):
            world.claim()
            label_next(world.ravi, answer)
    undo_windows_pass()
    measure_bands()
    shown = words_of(sam.get(REVIEWERS))
    assert "Behind it, by gold" in shown
    assert "called right 75.0 % of the time and a wrong one wrong 100.0 %" in shown
    assert "75.0 % 100.0 %" in shown
