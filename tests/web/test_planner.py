"""The cost and capacity planner, as owners see it."""

from __future__ import annotations

from calibration.services import measure_bands
from reviewqueue.pipeline_settings import set_costs
from tests.services.calibration.test_loop import settled
from tests.web.test_coverage import words_of
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, SETUP, World

PAGE = "/pipelines/support-answers/planner/"


def measured(world: World) -> None:
    *held, top = POLICY["bands"]
    world.activate({**POLICY, "bands": [*held, {**top, "required_accuracy": 0.8}], "calibrators": [IDENTITY]})
    for number in range(40):
        settled(world, correct=True, confidence=0.95)
        if number % 4 == 0:
            settled(world, correct=False, confidence=0.6)
    measure_bands()


def test_without_claims_the_page_says_what_will_appear(world: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    assert "No claim yet" in words
    assert "No prices are set, so an error is taken to cost 20 reviews: set them" in words


def test_thresholds_by_cost_minutes_and_promise_stand_side_by_side(world: World, olga: Visitor) -> None:
    measured(world)
    set_costs(pipeline=world.pipeline, costs={"currency": "EUR", "review": 2.0, "error": 50.0}, actor=SETUP)
    words = words_of(olga.get(PAGE, {"minutes": "10", "minutes_each": "2"}))
    assert "By cost, a review pays below a calibrated confidence of 96.0 %" in words
    assert "asks to review below 95.0 %" in words
    assert "Effective is the stricter of cost and promise: review below 96.0 %" in words
    assert "The promise needs 0.6 hours a day, more than there are." in words
    assert "what the promise asks for 95.0 % 20.0 %" in words
    assert "EUR" in words
    figures = olga.get(PAGE, {"as": "json"}).json()
    assert figures["results"][0]["certified"] == 0.95
    assert "results.steps" in text_of(olga.get(PAGE, {"as": "csv"}))


def test_without_a_promise_everything_is_held(world: World, olga: Visitor) -> None:
    settled(world, correct=True)
    measure_bands()
    words = words_of(olga.get(PAGE, {"error": "1", "review": "1"}))
    assert "No review pays at these prices" in words
    assert "No threshold is certified, so everything is held , whatever it costs." in words
    assert "There is no calibrator" in words


def test_what_cannot_be_planned_with_is_refused_in_words(world: World, olga: Visitor) -> None:
    for query in ("minutes=-1", "minutes_each=0", "error=0", "review=x", "catch=0", "spoil=101", "max_error=99"):
        response = olga.get(f"{PAGE}?{query}")
        assert response.status_code == 422, query
        assert "is a number from" in words_of(response)
