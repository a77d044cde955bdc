"""How well confidence is calibrated, which threshold a promise allows, when the confidences moved."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from calibration.monitoring import watch_labels
from calibration.tallying import tally
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.policy.services import trip_breaker
from reviewqueue.transactions import one_transaction, service
from tests.api.caller import Caller, assert_problem
from tests.world import IDENTITY, MODEL, POLICY, World

PIPELINE = "/pipelines/support-answers"
REVIEWERS = Actor.system("tests")


def settled(world: World, *, correct: bool, **changes: object) -> None:
    answer = world.submit(**changes).answer
    with one_transaction():
        claim = claims.lock_claim(answer["id"])
        claims.settle(claim=claim, correct=correct, output=None, basis=OutcomeBasis.LABELS, actor=REVIEWERS)


def test_the_stated_confidence_is_measured_before_there_is_a_calibrator(helpdesk: Caller, world: World) -> None:
    for correct in (True, True, False):
        settled(world, correct=correct, confidence=0.94)
    tally(world.pipeline)
    (found,) = helpdesk.get(f"{PIPELINE}/calibration").json()["results"]
    assert {name: found[name] for name in MODEL} == MODEL
    assert (found["confidence"], found["calibrator"], found["n"]) == ("stated", None, 3)
    assert found["held_out"] is True
    assert found["ece"] is None  # of three labels it would say nothing
    assert found["brier"] == pytest.approx((2 * 0.06**2 + 0.94**2) / 3)
    (only,) = found["reliability"]
    assert (only["n"], only["accuracy"]) == (3, pytest.approx(2 / 3))
    assert sum(bar["n"] for bar in found["histogram"]) == 3


def test_with_a_calibrator_in_use_both_are_shown_on_the_same_labels(helpdesk: Caller, world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    settled(world, correct=True)
    tally(world.pipeline)
    found = helpdesk.get(f"{PIPELINE}/calibration").json()["results"]
    assert [each["confidence"] for each in found] == ["stated", "calibrated"]
    assert {each["calibrator"] for each in found} == {"identity-1"}
    assert {each["n"] for each in found} == {1}


def test_a_way_to_obtain_confidence_narrows_what_is_measured(helpdesk: Caller, world: World) -> None:
    for way, correct in (("logprob", True), ("logprob", True), ("classifier", False)):
        settled(world, correct=correct, elicitation=way)
    tally(world.pipeline)
    (found,) = helpdesk.get(f"{PIPELINE}/calibration?elicitation=logprob").json()["results"]
    assert (found["n"], found["reliability"][0]["accuracy"]) == (2, 1.0)
    assert_problem(helpdesk.get(f"{PIPELINE}/calibration?elicitation=guess"), 400, "bad_query")


def test_a_segment_and_a_beginning_narrow_what_is_measured(helpdesk: Caller, world: World) -> None:
    settled(world, correct=True, category="pricing")
    settled(world, correct=False, category="general")
    tally(world.pipeline)
    (pricing,) = helpdesk.get(f"{PIPELINE}/calibration?segment=category%3Dpricing").json()["results"]
    assert (pricing["n"], pricing["reliability"][0]["accuracy"]) == (1, 1.0)
    later = (timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert helpdesk.get(f"{PIPELINE}/calibration?since={later}").json() == {"results": []}


def test_a_threshold_comes_with_its_coverage_and_what_is_left_to_review(helpdesk: Caller, world: World) -> None:
    for number in range(80):
        settled(world, correct=True, confidence=0.95)
        if number % 4 == 0:
            settled(world, correct=False, confidence=0.6)
    tally(world.pipeline)
    (found,) = helpdesk.get(f"{PIPELINE}/thresholds?max_error=0.1&confidence=0.9").json()["results"]
    assert found["threshold"] == 0.95
    assert found["reason"] is None
    assert found["coverage"] == pytest.approx(0.8)
    assert found["reviewer_load"]["share"] == pytest.approx(0.2)
    assert (found["n_labelled"], found["n_accepted"], found["n_errors"]) == (100, 80, 0)
    assert found["error_upper"] <= 0.1


def test_without_enough_labels_the_answer_says_how_many_are_missing(helpdesk: Caller, world: World) -> None:
    settled(world, correct=True)
    tally(world.pipeline)
    answer = helpdesk.get(f"{PIPELINE}/thresholds").json()
    assert (answer["max_error"], answer["confidence"]) == (0.05, 0.95)
    (found,) = answer["results"]
    assert (found["threshold"], found["reason"], found["labels_missing"]) == (None, "too_few_labels", 152)
    assert (found["coverage"], found["reviewer_load"]["share"]) == (0, 1)


@pytest.mark.parametrize("query", ["max_error=0", "max_error=nan", "max_error=5%25", "confidence=1", "confidence=0_9"])
def test_a_promise_that_nobody_can_give_is_refused(helpdesk: Caller, query: str) -> None:
    assert_problem(helpdesk.get(f"{PIPELINE}/thresholds?{query}"), 400, "bad_query")


def test_drift_is_listed_with_what_was_seen_newest_first(helpdesk: Caller, world: World) -> None:
    assert helpdesk.get(f"{PIPELINE}/drift").json() == {"results": [], "monitors": []}
    for version, psi in (("2026-10-01", 440), ("2026-11-01", 1250)):
        tripped(world, version, psi)
    newest, older = helpdesk.get(f"{PIPELINE}/drift").json()["results"]
    assert (newest["model_version"], newest["psi"], newest["distance"]) == ("2026-11-01", 1.25, 0.061)
    assert (newest["claims_before"], newest["claims_now"], newest["open"]) == (5210, 402, True)
    assert older["window_from"] == "2026-11-19T14:10:00.000Z"
    assert helpdesk.get(f"{PIPELINE}/breakers").json()["results"][0]["id"] == newest["breaker"]


@service
def tripped(world: World, version: str, psi: int) -> None:
    seen = {
        "claims_before": 5210,
        "claims_now": 402,
        "psi_thousandths": psi,
        "distance_ppm": 61_000,
        "window_from_us": 1_795_097_400_000_000,
        "window_to_us": 1_795_183_800_000_000,
    }
    trip_breaker(pipeline=world.pipeline, subject=("acme-lm", version, "v14"), figures=seen, now=timezone.now())


def test_no_answer_takes_more_queries_for_more_models(
    helpdesk: Caller, world: World, django_assert_max_num_queries
) -> None:
    helpdesk.get(f"{PIPELINE}/thresholds")
    for version in ("a", "b", "c"):
        settled(world, correct=True, model_version=version)
        tripped(world, version, 300)
    tally(world.pipeline)
    for path in ("thresholds", "drift"):
        with django_assert_max_num_queries(9):
            assert len(helpdesk.get(f"{PIPELINE}/{path}").json()["results"]) == 3


def test_a_broken_promise_is_listed_with_its_band_and_how_the_monitors_stand(helpdesk: Caller, world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    for _ in range(400):
        settled(world, correct=False, confidence=0.95)
    world.validate_band()
    watch_labels()
    answer = helpdesk.get(f"{PIPELINE}/drift").json()
    outcome = next(each for each in answer["results"] if each["kind"] == "outcome")
    assert (outcome["band"], outcome["allowed_error"], outcome["open"]) == ("0.90-1.00", pytest.approx(0.1), True)
    assert outcome["wrong"] == outcome["labelled"] > 30
    assert (outcome["psi"], outcome["claims_now"]) == (None, None)
    assert outcome["breaker"] == helpdesk.get(f"{PIPELINE}/breakers").json()["results"][0]["id"]
    calibration = next(each for each in answer["results"] if each["kind"] == "calibration")
    assert (calibration["direction"], calibration["breaker"], calibration["open"]) == ("over", None, True)
    assert {each["signal"] for each in answer["monitors"]} == {"alarm"}
