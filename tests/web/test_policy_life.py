"""The life of a policy on the site: tried on past claims, run in shadow, approved by others, printed, and stopped."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from reviewqueue.policy import services as policies
from reviewqueue.policy.models import Breaker, PolicyVersion
from tests.services.review.steps import label_next
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

POLICIES = "/pipelines/support-answers/policies/"
BREAKERS = "/pipelines/support-answers/breakers/"
ONE_PERSON = "/pipelines/support-answers/one-person/"
OPENED: dict[str, Any] = {**POLICY, "calibrators": [IDENTITY]}
FREED: dict[str, Any] = {**OPENED, "mandatory": {}}


@pytest.fixture
def draft(world: World) -> PolicyVersion:
    return policies.propose(pipeline=world.pipeline, document=OPENED, proposer=world.olga)


@pytest.fixture
def sam(world: World) -> Visitor:
    return Visitor(world.sam)


def words_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def some_labels(world: World) -> None:
    for confidence in (0.95, 0.96, 0.97, 0.5):
        world.claim(confidence=confidence)
        label_next(world.rita)


def test_a_backtest_says_what_would_move_and_on_how_much_it_rests(
    world: World, draft: PolicyVersion, olga: Visitor
) -> None:
    some_labels(world)
    page = words_of(text_of(olga.get(f"{POLICIES}2/backtest/?states=earned")))
    assert "All 4 claims of 30 days. 4 of them have a label that counts." in page
    assert "as if every band had earned its route" in page
    assert "3 of 4 claims" in page
    assert "Version 2 against version 1" in page


def test_a_backtest_with_the_bands_as_measured_moves_nothing_that_nobody_measured(
    world: World, draft: PolicyVersion, olga: Visitor
) -> None:
    some_labels(world)
    page = words_of(text_of(olga.get(f"{POLICIES}2/backtest/")))
    assert "0 of 4 claims" in page
    assert "with their bands in the state measured now" in page


def test_a_backtest_of_no_claim_says_what_to_do(draft: PolicyVersion, olga: Visitor) -> None:
    assert "Choose a longer time, or wait for claims." in text_of(olga.get(f"{POLICIES}2/backtest/?days=7"))


@pytest.mark.parametrize("query", ["days=9999&against=77&states=x", "days=%00", "against=-1"])
def test_a_backtest_asked_for_nonsense_takes_what_is_usual(draft: PolicyVersion, olga: Visitor, query: str) -> None:
    page = text_of(olga.get(f"{POLICIES}2/backtest/?{query}"))
    assert "No claim in 30 days" in page


def test_a_backtest_asks_the_database_as_often_for_one_claim_as_for_many(
    world: World, draft: PolicyVersion, olga: Visitor
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            olga.get(f"{POLICIES}2/backtest/")
        return len(found)

    world.claim()
    queries()
    one = queries()
    for _ in range(10):
        world.claim()
    assert queries() == one


def test_a_version_runs_in_shadow_and_stops(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    assert "It never ran in shadow" in text_of(otto.get(f"{POLICIES}2/shadow/"))
    otto.post(f"{POLICIES}2/shadow/start/")
    page = text_of(otto.get(f"{POLICIES}2/shadow/"))
    assert "It has been running since" in page
    assert "End the shadow run" in page
    assert "in shadow" in text_of(otto.get(POLICIES))
    otto.post(f"{POLICIES}2/shadow/stop/")
    assert "The last run went from" in text_of(otto.get(f"{POLICIES}2/shadow/"))


def test_approved_first_and_activated_later(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    otto.post(f"{POLICIES}2/approve/", {"revision": draft.revision})
    draft.refresh_from_db()
    assert draft.status == "approved"
    assert "Activate" in text_of(otto.get(f"{POLICIES}2/"))
    otto.post(f"{POLICIES}2/activate/")
    draft.refresh_from_db()
    assert draft.status == "active"


def test_who_saw_an_older_state_of_a_version_decides_nothing(world: World, draft: PolicyVersion, otto: Visitor) -> None:
    seen = draft.revision
    policies.start_shadow(version=draft, by=world.otto)
    policies.approve(version=draft, approver=world.otto)
    response = otto.post(f"{POLICIES}2/activate/", {"revision": seen})
    assert response.status_code == 409
    draft.refresh_from_db()
    assert draft.status == "approved"


def test_freeing_a_mandatory_category_takes_two_administrators(world: World, otto: Visitor) -> None:
    freed = policies.propose(pipeline=world.pipeline, document=FREED, proposer=world.olga)
    address = f"{POLICIES}{freed.number}/"
    assert "Two administrators have to approve this version" in text_of(otto.get(address))
    adam, amir = Visitor(world.adam), Visitor(world.amir)
    adam.post(f"{address}activate/")
    freed.refresh_from_db()
    assert freed.status == "draft"
    assert "A second administrator has to approve it as well." in text_of(adam.get(address))
    amir.post(f"{address}activate/")
    freed.refresh_from_db()
    assert freed.status == "active"


def test_the_specification_names_who_answers_and_what_falls_back(world: World, olga: Visitor) -> None:
    page = words_of(text_of(olga.get(f"{POLICIES}1/specification/")))
    assert "Owner of the pipeline Olga , for them Otto" in page.replace("Olga,", "Olga ,")
    assert "by Otto" in page
    assert "category refunds" in page
    assert "Escalation and fallbacks" in page


def test_what_one_person_approved_says_so_wherever_it_is_read(world: World, olga: Visitor) -> None:
    adam = Visitor(world.adam)
    assert adam.post(ONE_PERSON, {"note": "There are two of us."}).status_code == 303
    draft = policies.propose(pipeline=world.pipeline, document=OPENED, proposer=world.olga)
    assert "may approve it alone" in text_of(olga.get(f"{POLICIES}{draft.number}/"))
    olga.post(f"{POLICIES}{draft.number}/activate/")
    draft.refresh_from_db()
    assert (draft.status, draft.one_person) == ("active", True)
    assert "who proposed it" in text_of(olga.get(POLICIES))
    assert adam.post(ONE_PERSON, {"end": "1"}).status_code == 303


def test_a_senior_stops_automation_and_an_owner_allows_it_again(world: World, sam: Visitor, olga: Visitor) -> None:
    world.activate(OPENED)
    world.validate_band()
    assert world.submit().answer["decision"]["route"] == "accept"
    assert sam.post(BREAKERS, {"reason": "incident"}).status_code == 303
    assert world.submit().answer["decision"]["route"] == "review"
    assert "Automation is stopped" in text_of(olga.get(POLICIES))
    breaker = Breaker.objects.get()
    assert olga.post(f"{BREAKERS}{breaker.pk}/reset/", {"reason": "examined"}).status_code == 303
    assert world.submit().answer["decision"]["route"] == "accept"
    assert "Examined" in text_of(olga.get(BREAKERS))


def test_a_breaker_without_a_reason_keeps_what_was_typed(sam: Visitor) -> None:
    response = sam.post(BREAKERS, {"model": "acme-lm", "model_version": "2026-10-01"})
    assert response.status_code == 422
    assert 'value="acme-lm"' in text_of(response)
    assert not Breaker.objects.exists()
