"""Pages that show what claims say, and what of it is recorded."""

from __future__ import annotations

from json import loads

import pytest

from reviewqueue.ledger.models import Event
from reviewqueue.pipeline_settings import change_settings
from tests.services.review.steps import label_next
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

BANDS = [
    {"low": 0.0, "high": 0.9, "route": "review"},
    {"low": 0.9, "high": 1.0, "route": "accept_flagged", "required_accuracy": 0.9},
]
REASON = "A customer asks which prices the answer named."


@pytest.fixture(autouse=True)
def everybody(world: World) -> None:
    change_settings(pipeline=world.pipeline, changes={"views_recorded": "everybody"}, by=world.olga)


def purposes() -> list[str]:
    leaves = Event.objects.filter(kind="payload.viewed").order_by("id").values_list("leaf", flat=True)
    return [loads(leaf)["body"]["purpose"] for leaf in leaves]


def test_the_page_of_a_claim_is_recorded_once(world: World) -> None:
    claim = world.claim()
    for _ in range(2):
        assert Visitor(world.ada).get(f"/claims/{claim.pk}/").status_code == 200
    assert purposes() == ["claim_page"]


def test_who_sees_no_text_reads_nothing(world: World) -> None:
    claim = world.claim()
    assert Visitor(world.adam).get(f"/claims/{claim.pk}/").status_code == 200
    assert purposes() == []


def test_the_last_answers_are_recorded_and_the_task_under_a_lease_is_not(world: World) -> None:
    world.claim(confidence=0.3)
    label_next(world.rita)
    assert purposes() == []
    assert Visitor(world.rita).get("/labels/").status_code == 200
    assert purposes() == ["own_answers"]


def test_flagged_claims_are_recorded_as_a_list(world: World) -> None:
    world.activate({**POLICY, "bands": BANDS, "calibrators": [IDENTITY]})
    world.validate_band()
    for _ in range(3):
        world.claim()
    for _ in range(2):
        assert Visitor(world.rita).get("/queue/flagged/support-answers/").status_code == 200
    assert purposes() == ["flagged_list"] * 3


def test_an_admin_takes_the_right_with_a_reason_and_reads(world: World) -> None:
    claim, adam = world.claim(output="Twelve ducats."), Visitor(world.adam)
    address = f"/claims/{claim.pk}/"
    page = text_of(adam.get(address))
    assert "Twelve ducats" not in page
    assert "Read it, on record" in page
    refused = adam.post(f"{address}break-glass/", {"reason": "because"}, follow=True)
    assert "Say in 15 to 2,000 characters" in text_of(refused)
    assert "Twelve ducats" not in text_of(refused)
    taken = adam.post(f"{address}break-glass/", {"reason": REASON}, follow=True)
    assert "Twelve ducats" in text_of(taken)
    assert "You read this by break-glass until" in text_of(taken)
    assert purposes() == ["claim_page"]
    assert REASON in text_of(Visitor(world.olga).get(address))
    assert "Adam took the right to read a claim" in text_of(Visitor(world.olga).get("/pipelines/support-answers/"))


def test_the_setting_is_on_the_settings_page(world: World) -> None:
    page = text_of(Visitor(world.olga).get("/pipelines/support-answers/settings/"))
    assert '<option value="everybody" selected>' in page
    assert "of everybody without a lease on the claim" in text_of(
        Visitor(world.ada).get("/pipelines/support-answers/settings/")
    )
