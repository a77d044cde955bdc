"""A policy version tried on past claims, over the API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.caller import Caller, assert_problem, key_for
from tests.services.calibration.test_loop import settled
from tests.services.policy.steps import draft_of
from tests.world import IDENTITY, POLICY, World

BOLD: dict[str, Any] = {
    **POLICY,
    "bands": [
        {"low": 0.0, "high": 0.6, "route": "review"},
        {"low": 0.6, "high": 1.0, "route": "accept", "audit_rate": 0.5, "required_accuracy": 0.8},
    ],
    "calibrators": [IDENTITY],
}
PATH = "/pipelines/support-answers/policies/2/backtest"


@pytest.fixture
def olga(world: World) -> Caller:
    """Four claims have come in: three at 0.7, of which two were right, and one at 0.2 that was not judged."""
    for correct in (True, True, False):
        settled(world, correct=correct, confidence=0.7)
    world.submit(confidence=0.2)
    draft_of(world, BOLD)
    return Caller(key_for(world.olga, "read"))


def test_bands_decide_as_they_are_measured_unless_told_otherwise(olga: Caller) -> None:
    found = olga.get(PATH).json()
    assert (found["claims"], found["labelled"], found["moved"]) == (4, 3, 0)
    assert (found["before"]["policy_version"], found["after"]["policy_version"]) == (1, 2)
    assert found["after"]["decided"] == 0


def test_as_if_every_band_had_earned_its_route(olga: Caller) -> None:
    found = olga.get(f"{PATH}?states=earned").json()
    moves = {(move["before"], move["after"]): move for move in found["moves"]}
    assert moves["review", "accept"]["claims"] == 3
    assert moves["review", "accept"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert moves["review", "review"]["claims"] == 1
    after = found["after"]
    assert (after["decided"], after["coverage"]) == (3, 0.75)
    assert after["error"]["value"] == pytest.approx(1 / 3)
    assert after["error"]["allowed"] == pytest.approx(0.2)
    assert after["error"]["low"] < 1 / 3 < after["error"]["high"]
    [band] = after["bands"]
    assert (band["band"], band["claims"]) == ("0.60-1.00", 3)
    loads = {load["purpose"]: load["labels_per_day"] * 30 for load in after["loads"]}
    assert loads["review"] == pytest.approx(1)
    assert loads["audit"] == pytest.approx(3 * 0.5)


def test_it_is_compared_with_the_version_that_is_asked_for(olga: Caller, world: World) -> None:
    draft_of(world, BOLD)
    found = olga.get("/pipelines/support-answers/policies/3/backtest?against=2&states=earned").json()
    assert (found["before"]["policy_version"], found["moved"]) == (2, 0)


@pytest.mark.parametrize("query", ["days=0", "days=1000", "days=x", "against=9", "against=2", "states=best", "until=1"])
def test_what_cannot_be_asked_is_refused(olga: Caller, query: str) -> None:
    assert_problem(olga.get(f"{PATH}?{query}"), 400, "bad_query")


def test_it_is_for_those_who_see_figures(world: World, olga: Caller) -> None:
    assert_problem(Caller(key_for(world.nora, "read")).get(PATH), 404)
    assert olga.get("/pipelines/support-answers/policies/9/backtest").status_code == 404
