"""Confidence and accuracy over time, as owners see them."""

from __future__ import annotations

from typing import Any

from calibration.services import measure_bands
from tests.api.test_read_calibration import tripped
from tests.services.calibration.test_loop import settled
from tests.web.test_coverage import words_of
from tests.web.visitor import Visitor, text_of
from tests.world import World

PAGE = "/pipelines/support-answers/drift/"


def test_without_claims_the_page_says_what_will_appear(world: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert "No claim in 30 days" in words
    assert "What the monitors found Nothing." in words


def test_days_stand_in_charts_and_in_a_table(world: World, olga: Visitor) -> None:
    settled(world, correct=True, confidence=0.95)
    settled(world, correct=False, confidence=0.85)
    measure_bands()
    page, words = text_of(olga.get(PAGE)), words_of(olga.get(PAGE))
    assert page.count('<figure class="chart curves">') == 4
    assert " 2 90.0 % 2 50.0 % 9.5–90.5 % – – 50.0 % 2" in words
    assert "There are too few claims for a comparison." in words
    assert "policy version 1 began to decide" in words
    main = page[page.index("<main") : page.index("</main>")]
    assert " style=" not in main
    assert "<script" not in main


def test_findings_are_told_in_words(world: World, olga: Visitor) -> None:
    tripped(world, "<i>swap", 440)
    page, words = text_of(olga.get(PAGE)), words_of(olga.get(PAGE))
    assert "The confidences moved" in words
    assert "PSI 0.44, distance 0.061; 402 claims against 5,210 before" in words
    assert "&lt;i&gt;swap" in page
    assert 'href="/pipelines/support-answers/breakers/"' in page


def test_weeks_and_one_model_can_be_asked_for_and_taken_away(world: World, olga: Visitor) -> None:
    for model in ("acme-lm", "other-lm"):
        settled(world, correct=True, model=model)
    measure_bands()
    body = olga.get(PAGE, {"days": "90", "model": "other-lm", "as": "json"}).json()
    assert (body["stretch_days"], len(body["stretches"]), body["model"]) == (7, 13, "other-lm")
    assert sum(each["claims"] for each in body["stretches"]) == 1
    assert sorted(body["models"]) == ["acme-lm", "other-lm"]
    assert "stretches," in text_of(olga.get(PAGE, {"as": "csv"}))
    assert "No claim in 14 days" in words_of(olga.get(PAGE, {"days": "14", "model": "nobody"}))


def test_the_page_takes_no_more_queries_for_more_models(
    world: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    for version in "abcd":
        settled(world, correct=True, model_version=version)
    measure_bands()
    with django_assert_max_num_queries(18):
        olga.get(PAGE)
