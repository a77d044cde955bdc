"""Cost and latency by tier, as owners see them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewqueue.pipeline_settings import set_costs
from tests.services.cascade.steps import cascading, unsure
from tests.services.review.steps import RIGHT, WRONG, label_next
from tests.web.visitor import Visitor, text_of
from tests.world import SETUP, World

TIERS = "/pipelines/support-answers/tiers/"
COSTS = {"currency": "EUR", "review": 2.0, "error": 50.0, "steps": {}}


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") :]).split())


@pytest.fixture
def busy(world: World) -> World:
    """Twelve reviewed claims, a quarter of them wrong, and one retry that was answered."""
    world.activate(cascading("retry"))
    for place in range(12):
        world.claim(confidence=0.7)
        label_next(world.rita, WRONG if place < 3 else RIGHT)
    world.claim(confidence=0.7, supersedes=str(unsure(world).pk))
    return world


def test_an_idle_pipeline_says_what_will_appear(world: World, olga: Visitor) -> None:
    assert "No claim in 30 days" in words_of(olga.get(TIERS))


def test_without_costs_the_page_says_where_to_set_them(busy: World, olga: Visitor, ada: Visitor) -> None:
    page = text_of(olga.get(TIERS))
    assert '<a href="/pipelines/support-answers/settings/#costs-title">Set them in the settings</a>' in page
    assert "EUR" not in page
    assert "An owner of the pipeline sets them in the settings." in text_of(ada.get(TIERS))


def test_each_tier_has_its_claims_work_times_and_errors(busy: World, olga: Visitor) -> None:
    set_costs(pipeline=busy.pipeline, costs=COSTS, actor=SETUP)
    page = words_of(olga.get(TIERS))
    assert "Asked to try again attempt 1 1 7.1 %" in page
    assert "Reviewed by a person 12 labels 13 1 still open 92.9 % 24.00 EUR 1.85 EUR" in page
    assert re.search(r"25\.0 % 5\.\d–57\.\d %, 12 labels", page)
    assert "too few labels 0 of at least 10" in page
    assert "work of people and machines at least 1,846 EUR" in page
    assert "errors that go out 0.00 EUR" in page
    assert "if people reviewed everything 2,000 EUR" in page
    assert "a review pays where the calibrated confidence is below 96.0 %" in page


def test_work_without_a_price_is_named(busy: World, olga: Visitor) -> None:
    set_costs(pipeline=busy.pipeline, costs=COSTS, actor=SETUP)
    assert "Some work has no price and is left out: asked to try again." in words_of(olga.get(TIERS))


@pytest.mark.parametrize(
    ("query", "days"), [("", 30), ("?days=7", 7), ("?days=90", 90), ("?days=-1", 30), ("?days=x", 30)]
)
def test_the_window_is_one_of_three(busy: World, olga: Visitor, query: str, days: int) -> None:
    page = text_of(olga.get(TIERS + query))
    assert f'href="?days={days}" aria-current="true"' in page
    assert f"14 claims of {days} days" in page


def test_the_chart_says_in_words_what_it_draws(busy: World, olga: Visitor) -> None:
    page = text_of(olga.get(TIERS))
    assert (
        'aria-label="Where claims end: Asked to try again, attempt 1 7 % claims; Reviewed by a person 93 % claims."'
        in page
    )
    main = page[page.index("<main") : page.index("</main>")]
    assert " style=" not in main
    assert "<script" not in main
