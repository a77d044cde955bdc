"""The figures of the owner's pages over REST."""

from __future__ import annotations

import pytest

from calibration.services import measure_bands
from tests.api.caller import Caller, assert_problem
from tests.services.calibration.test_loop import settled
from tests.world import MODEL, World

PIPELINE = "/pipelines/support-answers"


@pytest.fixture
def measured(world: World) -> World:
    for correct in (True, True, False):
        settled(world, correct=correct, confidence=0.94)
    world.submit(confidence=0.7)
    measure_bands()
    return world


def test_a_pipeline_at_a_glance(measured: World, helpdesk: Caller) -> None:
    found = helpdesk.get(f"{PIPELINE}/overview?days=7").json()
    assert (found["days"], found["claims"], found["coverage"]) == (7, 4, 0.0)
    assert {"route": "review", "end": "with_people", "claims": 1} in found["flow"]
    assert len(found["work"]["hours"]) == 24
    assert found["queue"]["open"] == 4


def test_error_against_coverage(measured: World, helpdesk: Caller) -> None:
    found = helpdesk.get(f"{PIPELINE}/coverage?max_error=0.2&confidence=0.9").json()
    assert (found["max_error"], found["certainty"]) == (0.2, 0.9)
    (curve,) = found["results"]
    assert {name: curve[name] for name in MODEL} == MODEL
    assert (curve["threshold"], curve["reason"]) == (None, "too_few_labels")
    assert [(point["threshold"], point["labels"], point["errors"]) for point in curve["points"]] == [
        (0.94, 3, 1),
        (0.7, 3, 1),
    ]


def test_by_default_the_policy_says_what_is_promised(measured: World, helpdesk: Caller) -> None:
    found = helpdesk.get(f"{PIPELINE}/coverage").json()
    assert (found["max_error"], found["certainty"]) == (0.1, 0.95)


def test_confidence_over_time(measured: World, helpdesk: Caller) -> None:
    found = helpdesk.get(f"{PIPELINE}/drift/series?days=14").json()
    assert len(found["stretches"]) == 14
    today = found["stretches"][-1]
    assert (today["claims"], today["labels"]) == (4, 3)
    assert today["mean_confidence"] == pytest.approx((3 * 0.94 + 0.7) / 4)
    assert found["changes"][-1]["kind"] == "policy"


def test_a_plan_stores_nothing_and_says_what_it_planned_with(measured: World, helpdesk: Caller) -> None:
    found = helpdesk.get(f"{PIPELINE}/plan?minutes=30&minutes_each=2&error=10&review=1&catch=0.9&spoil=0").json()
    assert found["terms"] == {
        "minutes": 30, "minutes_each": 2, "error": 10, "review": 1, "catch": 0.9, "spoil": 0
    }  # fmt: skip
    (plan,) = found["results"]
    assert plan["by_cost"] == pytest.approx(8 / 9)
    assert (plan["certified"], plan["effective"], plan["reason"]) == (None, None, "too_few_labels")


def test_a_pipeline_without_calibrators_lists_none(measured: World, helpdesk: Caller) -> None:
    assert helpdesk.get(f"{PIPELINE}/calibrators").json() == {"results": [], "older": 0, "by_hand": []}


def test_every_calibration_figure_of_a_version(measured: World, helpdesk: Caller) -> None:
    path = f"{PIPELINE}/calibration/report"
    found = helpdesk.get(path).json()
    assert ({name: found[name] for name in MODEL}, found["stated"]["n"]) == (MODEL, 3)
    brier = next(each for each in found["stated"]["metrics"] if each["name"] == "brier")
    assert brier["low"] <= brier["value"] <= brier["high"]
    assert next(each["note"] for each in found["stated"]["metrics"] if each["name"] == "ece_mass") == "too_few_labels"
    asked = "model=acme-lm&model_version=2026-10-01&prompt_version=v14"
    assert helpdesk.get(f"{path}?{asked}").json() == found
    assert_problem(helpdesk.get(f"{path}?model=nobody"), 404, "not_found")


def test_bands_of_a_segment_and_since_a_day(measured: World, helpdesk: Caller) -> None:
    settled(measured, correct=True, confidence=0.94, category="pricing")
    measure_bands()
    (every,) = helpdesk.get(f"{PIPELINE}/bands").json()["results"]
    (pricing,) = helpdesk.get(f"{PIPELINE}/bands?segment=category%3Dpricing").json()["results"]
    assert [band["n_labelled"] for band in every["bands"]] == [0, 0, 4]
    assert [band["n_labelled"] for band in pricing["bands"]] == [0, 0, 1]
    assert helpdesk.get(f"{PIPELINE}/bands?since=2026-11-22T06:00:00Z").status_code == 200
    assert helpdesk.get(f"{PIPELINE}/bands?since=2999-01-01T00:00:00Z").json() == {"results": []}


@pytest.mark.parametrize(
    "path",
    [
        "overview?days=2",
        "coverage?max_error=0.9",
        "drift/series?days=x",
        "plan?minutes=-1",
        "plan?catch=nan",
        "plan?x=1",
    ],
)
def test_what_cannot_be_asked_is_refused(helpdesk: Caller, path: str) -> None:
    assert_problem(helpdesk.get(f"{PIPELINE}/{path}"), 400, "bad_query")
