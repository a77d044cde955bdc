"""How far confidence can be trusted, as owners see it."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from calibration.services import measure_bands
from reviewqueue.reports import quality
from tests.services.calibration.test_loop import settled
from tests.web.test_coverage import words_of
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

PAGE = "/pipelines/support-answers/calibration/"


@pytest.fixture
def measured(world: World) -> World:
    """Of stated 0.95 a sixth is wrong, and what is German is always wrong; German has labels enough to be shown."""
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    for place in range(12):
        settled(world, correct=place % 6 > 0, confidence=0.95, segments={"workflow": "qa", "language": "en"})
    for _ in range(30):
        settled(world, correct=False, confidence=0.7, segments={"workflow": "qa", "language": "de"})
    measure_bands()
    return world


def test_without_labels_the_page_says_what_brings_them(world: World, olga: Visitor) -> None:
    assert "No label yet" in words_of(olga.get(PAGE))


def test_both_diagrams_stand_beside_each_other_as_text_too(measured: World, olga: Visitor) -> None:
    page = text_of(olga.get(PAGE))
    main = page[page.index("<main") : page.index("</main>")]
    assert "As the model stated it" in main
    assert "After calibration" in main
    assert "Reliability diagram of 42 labels: confidence 70 % was right in 0 % of 30" in main
    assert main.count('<polygon class="consistent"') == 4, "both diagrams, and those of two segments"
    assert " style=" not in main
    assert "<script" not in main


def test_below_two_hundred_labels_no_calibration_error_is_shown_and_the_reason_is_told(
    measured: World, olga: Visitor
) -> None:
    words = words_of(olga.get(PAGE))
    assert "Below 200 labelled inputs no calibration error is shown" in words
    assert "There are 42" in words
    assert "Calibration error (ECE), equal-mass bins too few labels too few labels" in words
    assert re.search(r"Right 23\.8 % \d+\.\d–\d+\.\d % 23\.8 %", words)
    assert re.search(r"Brier score 0\.\d{4} 0\.\d{4} to 0\.\d{4}", words)


def test_the_worst_segment_comes_first(measured: World, olga: Visitor) -> None:
    segments = words_of(olga.get(PAGE)).split("By segment")[1]
    assert "language=de" in segments
    assert "overconfident confidence and accuracy differ by +70.0 points" in segments
    assert "language=en" not in segments, "twelve labels are too few"


def test_another_model_is_asked_for_by_name(measured: World, olga: Visitor) -> None:
    settled(measured, correct=True, model_version="2026-11-01")
    measure_bands()
    words = words_of(olga.get(PAGE, {"model": "acme-lm", "model_version": "2026-11-01", "prompt_version": "v14"}))
    assert "Figures on 1 label that fitted nothing" in words
    assert "not calibrated" in words
    assert "No label yet" in words_of(olga.get(PAGE, {"model": "<b>nobody"}))


def test_the_figures_can_be_taken_away(measured: World, olga: Visitor) -> None:
    body = olga.get(PAGE, {"as": "json"}).json()
    assert (body["held_out"], body["draws"], body["stated"]["n"]) == (True, 1000, 42)
    assert [each["note"] for each in body["stated"]["metrics"] if each["name"] == "ece_mass"] == ["too_few_labels"]
    rows = list(csv.DictReader(io.StringIO(text_of(olga.get(PAGE, {"as": "csv"})))))
    assert {"figures", "stated.metrics", "stated.bins", "calibrated.bins", "segments"} <= {row["table"] for row in rows}
    assert all(row["model"] == "acme-lm" for row in rows)


def test_intervals_are_resampled_once_for_each_measurement(
    measured: World, olga: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[Any] = []
    of_core = quality.calibration_report
    monkeypatch.setattr(quality, "calibration_report", lambda *a, **b: computed.append(b["draws"]) or of_core(*a, **b))
    olga.get(PAGE)
    assert sorted(computed) == [0, 0, 0, 1000, 1000]
    olga.get(PAGE)
    assert len(computed) == 5
    settled(measured, correct=True, confidence=0.95)
    measure_bands()
    olga.get(PAGE)
    assert len(computed) == 10


def test_the_page_takes_no_more_queries_for_more_models(
    measured: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    olga.get(PAGE)
    for version in "abc":
        settled(measured, correct=True, model_version=version)
    measure_bands()
    with django_assert_max_num_queries(24):
        olga.get(PAGE)
