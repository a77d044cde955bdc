"""Flagged claims as a list: one press for many, one label each."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from reviewqueue.claims.models import Claim
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import Label, Lease
from reviewqueue.review.selectors import flagged_batch
from tests.services.review.steps import ask_for_choices, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

LIST = "/queue/flagged/support-answers/"
BANDS = [
    {"low": 0.0, "high": 0.9, "route": "review"},
    {"low": 0.9, "high": 1.0, "route": "accept_flagged", "required_accuracy": 0.9},
]


@pytest.fixture
def flagged(world: World) -> list[Claim]:
    """Four claims that were accepted and are to be looked at."""
    world.activate({**POLICY, "bands": BANDS, "calibrators": [IDENTITY]})
    world.validate_band()
    return [world.claim(output=f"Answer {place}.") for place in range(4)]


def slots_on(page: str) -> list[str]:
    return re.findall(r'name="slot" value="(\d+)"', page)


def save(visitor: Visitor, slots: list[str], *exceptions: str) -> Any:
    return visitor.post(LIST, {"slot": slots, "exception": list(exceptions)}, follow=True)


def test_the_queue_leads_to_the_list_where_there_is_one(flagged: list[Claim], rita: Visitor) -> None:
    assert "Flagged as a list" in text_of(rita.get("/queue/"))
    page = text_of(rita.get(LIST))
    assert [f"Answer {place}." in page for place in range(4)] == [True] * 4


def test_all_but_the_exceptions_are_labelled_one_by_one(world: World, flagged: list[Claim], rita: Visitor) -> None:
    slots = slots_on(text_of(rita.get(LIST)))
    page = text_of(save(rita, slots, slots[1]))
    assert "3 saved as correct. 1 left for a closer look." in page
    labels = Label.objects.all()
    assert {(label.verdict, label.reviewer.username, label.blind) for label in labels} == {("correct", "rita", "score")}
    assert len({label.claim_id for label in labels}) == labels.count() == 3
    assert Event.objects.filter(kind="label.submitted").count() == 3
    assert Lease.objects.filter(ended_at=None).count() == 0
    assert slots_on(page) == [slots[1]]


def test_no_score_is_shown(flagged: list[Claim], rita: Visitor) -> None:
    page = text_of(rita.get(LIST))
    for hidden in ("0.95", "95 %", "95%", "acme-lm", "0.90-1.00"):
        assert hidden not in re.sub(r"[A-Za-z0-9]{64}", "", page[page.index("<main") : page.index("</main")])


def test_what_somebody_else_has_taken_is_missed_and_said(world: World, flagged: list[Claim], rita: Visitor) -> None:
    slots = slots_on(text_of(rita.get(LIST)))
    submit(taken(world.ravi))
    taken(world.ravi)
    page = text_of(save(rita, slots))
    assert "2 saved as correct. 2 had been answered or taken by somebody else meanwhile." in page
    assert Label.objects.filter(reviewer=world.ravi).count() == 1


def test_pressing_twice_labels_once(flagged: list[Claim], rita: Visitor) -> None:
    slots = slots_on(text_of(rita.get(LIST)))
    save(rita, slots)
    assert "0 saved as correct. 4 had been answered" in text_of(save(rita, slots))
    assert Label.objects.count() == 4


def test_only_flagged_claims_can_be_confirmed_like_this(world: World, rita: Visitor) -> None:
    held = world.claim(confidence=0.5)
    slot = held.tasks.get().slots.get()
    assert "0 saved as correct." in text_of(save(rita, [str(slot.pk)]))
    assert "0 saved as correct." in text_of(save(rita, ["nonsense", "9" * 30, "-1"]))
    assert Label.objects.count() == 0


def test_full_hands_are_told(world: World, flagged: list[Claim], rita: Visitor) -> None:
    slots = slots_on(text_of(rita.get(LIST)))
    for _ in range(5):
        world.claim(confidence=0.5, category="refunds")
    held = [taken(world.rita) for _ in range(5)]
    response = save(rita, slots)
    assert response.status_code == 409
    assert "You hold 5 tasks" in text_of(response)
    assert len(held) == 5


def test_what_hides_the_output_is_not_in_the_list(world: World) -> None:
    ask_for_choices(world)
    review = {**POLICY["review"], "blind": "answer"}
    world.activate({**POLICY, "bands": BANDS, "calibrators": [IDENTITY], "review": review})
    world.validate_band()
    world.claim()
    assert flagged_batch(world.rita, world.pipeline) == []


def test_an_empty_list_says_what_would_be_here(world: World, rita: Visitor) -> None:
    assert "No flagged claim waits here" in text_of(rita.get(LIST))


def test_hostile_text_stays_text(world: World, flagged: list[Claim], rita: Visitor) -> None:
    world.claim(output="<script>alert(1)</script>\u202e")
    page = text_of(rita.get(LIST))
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_the_statements_do_not_grow_with_the_list(
    world: World, flagged: list[Claim], rita: Visitor, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(20):
        world.claim()
    with django_assert_max_num_queries(10):
        rita.get(LIST)
