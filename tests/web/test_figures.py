"""Bands, diagrams and segments, as owners see them."""

from __future__ import annotations

import re

import pytest

from calibration.services import measure_bands
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import label_next
from tests.web.visitor import Visitor, text_of
from tests.world import POLICY, World

BANDS = "/pipelines/support-answers/bands/"


@pytest.fixture
def measured(world: World) -> World:
    """Twelve labels of the top band, two of them wrong; German is stated 0.99 and always wrong."""
    for place in range(12):
        world.claim(confidence=0.95, segments={"workflow": "qa", "language": "en"})
        label_next(world.rita, LabelAnswer("incorrect" if place < 2 else "correct"))
    for _ in range(6):
        world.claim(confidence=0.99, segments={"workflow": "qa", "language": "de"})
        label_next(world.rita, LabelAnswer("incorrect"))
    measure_bands()
    return world


def test_a_new_pipeline_says_what_will_appear(world: World, olga: Visitor) -> None:
    assert "Nothing measured yet" in text_of(olga.get(BANDS))
    assert "No claim today" in text_of(olga.get("/pipelines/support-answers/"))


def test_a_band_shows_its_accuracy_interval_state_and_what_is_missing(measured: World, olga: Visitor) -> None:
    page = text_of(olga.get(BANDS))
    assert "0.90-1.00" in page
    assert "<strong>55.6 %</strong>" in page
    assert "33.7–75.4 %" in page
    assert re.search(r"needs \d+ more labels", page)
    assert "Provisional" in page


def test_an_overconfident_segment_is_named_in_words(measured: World, olga: Visitor) -> None:
    page = " ".join(re.sub(r"<[^>]+>", " ", text_of(olga.get(BANDS))).split())
    assert "language=de acme-lm 2026-10-01 , prompt v14 : says 99 % on average, is right in 0 %" in page


def test_each_model_leads_to_its_calibration(measured: World, olga: Visitor) -> None:
    address = (
        "/pipelines/support-answers/calibration/?model=acme-lm&amp;model_version=2026-10-01&amp;prompt_version=v14"
    )
    assert f'href="{address}"' in text_of(olga.get(BANDS))


def test_the_figures_are_asked_for_again_and_unchanged_ones_are_304(measured: World, olga: Visitor) -> None:
    version = re.search(r'If-None-Match": "\\"(\w+)\\""', text_of(olga.get(BANDS)))
    assert version
    known = {"HX-Target": "figures", "If-None-Match": f'"{version[1]}"'}
    assert olga.ajax("get", BANDS, **known).status_code == 304
    measured.claim(confidence=0.95)
    label_next(measured.rita)
    measure_bands()
    assert olga.ajax("get", BANDS, **known).status_code == 200


def test_an_unvalidated_pipeline_names_its_active_version_and_drafts(world: World, olga: Visitor) -> None:
    from reviewqueue.policy import services as policies

    policies.propose(pipeline=world.pipeline, document=POLICY, proposer=world.otto)
    page = text_of(olga.get("/pipelines/support-answers/"))
    assert "Version 1</a>, active since" in page
    assert "Version 2 is proposed and waits for a decision" in page


def test_a_page_of_figures_does_not_grow_with_the_model_names_somebody_posts(world: World, olga: Visitor) -> None:
    for place in range(15):
        world.claim(model_version=f"made-up-{place}")
    measure_bands()
    page = text_of(olga.get(BANDS))
    assert len(re.findall(r'<h2 id="model-\d+-title"', page)) == 12
    assert "3 more model versions with fewer claims are not shown" in page
