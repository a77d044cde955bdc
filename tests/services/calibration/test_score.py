"""What maps of several signals make of claims: kept as scores, as routing made of them, and counted in cells."""

from __future__ import annotations

import logging
import random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calibration import services
from calibration.core.maps import calibrate
from calibration.models import BandStat, Calibrator, Score
from calibration.scoring import score_claims, score_pipeline, scoring_calibrators
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from tests.services.calibration.rows import at, claim_of, fitted, settle
from tests.world import MODEL, POLICY, World

COMBINED: dict[str, Any] = {
    "kind": "combined",
    "slope": 0.5,
    "eps": 0.02,
    "intercept": 0.2,
    "signals": {
        "grounding": {"slope": 1.5, "eps": 0.02, "centre": 0.0, "missing": -0.5, "higher_is": "better"},
        "attempt_agreement": {"slope": 1.0, "eps": 0.02, "centre": 0.0, "missing": 0.0, "higher_is": "better"},
    },
}
BOOSTED: dict[str, Any] = {
    "kind": "boosted",
    "slope": 1.0,
    "intercept": 0.0,
    "baseline": 0.5,
    "signals": [{"name": "grounding", "higher_is": "better"}],
    "trees": [[[1, 0.5, 1, 2, 0], [-1.0], [0, 0.8, 3, 4, 0], [0.25], [1.5]]],
}


def calibrator(world: World, params: dict[str, Any] = COMBINED, *, status: str = "fitted") -> Calibrator:
    made = fitted(world, at(0), kind=params["kind"])
    made.map, made.status = params, status
    made.save()
    return made


def policy_with(made: Calibrator, params: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**POLICY, "calibrators": [{"name": made.name, "map": params or made.map, **MODEL}]}


def scores(made: Calibrator) -> dict[str, float]:
    return {str(claim): p for claim, p in Score.objects.filter(calibrator=made).values_list("claim_id", "p")}


SEGMENTED: dict[str, Any] = {**COMBINED, "offsets": {"language=de": [0.1, -0.7], "language=en": [0.0, 0.2]}}


@pytest.mark.parametrize("params", [COMBINED, SEGMENTED, BOOSTED], ids=["combined", "segmented", "boosted"])
def test_a_score_is_what_routing_recorded(world: World, params: dict[str, Any]) -> None:
    made = calibrator(world, params)
    world.activate(policy_with(made))
    dice = random.Random(1)
    for _ in range(25):
        signals = {name: dice.random() for name in ("grounding", "other") if dice.random() < 0.7}
        segments = {"workflow": "qa", **({"language": dice.choice(["en", "de"])} if dice.random() < 0.8 else {})}
        world.submit(confidence=dice.choice([dice.random(), 0.9, 1.0]), signals=signals, segments=segments)
    assert score_pipeline(world.pipeline) == 25
    recorded = Decision.objects.values_list("claim_id", "calibrator", "calibrated_confidence")
    assert {name for _, name, _ in recorded} == {made.name}
    assert scores(made) == pytest.approx({str(claim): p for claim, _, p in recorded}, abs=1.01e-8)


def test_signals_that_intake_worked_out_count_as_they_did_when_the_claim_was_routed(world: World) -> None:
    made = calibrator(world)
    agreed = {"attempt_agreement": 0.75}
    claim = claim_of(world, received_at=at(1), confidence=0.9, signals={"grounding": 0.7}, worked_out=agreed)
    assert score_pipeline(world.pipeline) == 1
    assert scores(made) == {str(claim.pk): calibrate(COMBINED, 0.9, signals={"grounding": 0.7, **agreed})}


def test_a_score_that_differs_from_what_routing_recorded_is_logged(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    made = calibrator(world)
    world.activate(policy_with(made))
    world.submit(signals={"grounding": 0.9})
    made.map = {**COMBINED, "intercept": -1.0}
    made.save()
    with caplog.at_level(logging.ERROR, logger="reviewqueue.calibration"):
        score_pipeline(world.pipeline)
    assert [record.getMessage() for record in caplog.records] == [
        f"{made.name}: 1 of 1 scores are not what routing recorded"
    ]


def test_only_what_is_new_is_scored_and_losing_all_scores_brings_them_back(world: World) -> None:
    made = calibrator(world)
    for day in range(3):
        claim_of(world, received_at=at(day), signals={"grounding": day / 4})
    assert score_claims() == 3
    before = scores(made)
    assert score_claims() == 0
    claim_of(world, received_at=at(4))
    assert score_claims() == 1
    after = scores(made)
    Score.objects.all().delete()
    assert score_claims() == 4
    assert before.items() < after.items() == scores(made).items()


def test_a_claim_that_is_committed_late_is_scored_all_the_same(world: World) -> None:
    made = calibrator(world)
    claim_of(world, received_at=at(1, 12.05))
    score_pipeline(world.pipeline)
    late = claim_of(world, received_at=at(1, 12.0))
    assert score_pipeline(world.pipeline) == 1
    assert str(late.pk) in scores(made)


def test_many_claims_are_scored_in_chunks_of_a_few_statements(world: World) -> None:
    made = calibrator(world)
    for place in range(7):
        claim_of(world, received_at=at(1, place))
    with CaptureQueriesContext(
        connection,
    ) as few:
        assert score_pipeline(world.pipeline, at_once=100) == 7
    Score.objects.all().delete()
    with CaptureQueriesContext(connection) as chunks:
        assert score_pipeline(world.pipeline, at_once=3) == 7
    assert len(scores(made)) == 7
    assert len(chunks) <= len(few) + 2 * 7


def test_claims_of_another_model_version_are_not_scored(world: World) -> None:
    calibrator(world)
    claim_of(world, received_at=at(1), model_version="2027-01-01")
    assert score_claims() == 0


def test_calibrators_of_the_confidence_alone_score_nothing(world: World) -> None:
    fitted(world, at(0), kind="platt")
    claim_of(world, received_at=at(1))
    assert score_claims() == 0


def test_what_is_rejected_or_surpassed_is_forgotten_unless_a_living_version_has_it(world: World) -> None:
    first = calibrator(world)
    world.activate(policy_with(first))
    claim_of(world, received_at=at(1))
    score_claims()
    second = calibrator(world, BOOSTED)
    assert scoring_calibrators(world.pipeline) == [first, second]
    score_claims()
    assert (len(scores(first)), len(scores(second))) == (1, 1)
    second.status = "rejected"
    second.save()
    assert scoring_calibrators(world.pipeline) == [first]
    assert score_claims() == 1
    assert (len(scores(first)), len(scores(second))) == (1, 0)


def test_bands_under_a_map_of_signals_are_measured_by_its_scores(world: World) -> None:
    """Everything is stated at 0.8: the scores alone tell which claims lie in the band that decides."""
    made = calibrator(world)
    for place in range(12):
        good = place % 3 != 0
        claim = claim_of(
            world, received_at=at(1, place / 2), confidence=0.8, signals={"grounding": 0.9 if good else 0.1}
        )
        settle(claim, good)
    world.activate(policy_with(made))
    score_claims()
    services.measure_pipeline(world.pipeline)
    stats = BandStat.objects.filter(policy_version=world.policy, segment="").exclude(band="")
    assert {(stat.band, stat.n_routed, stat.n_right) for stat in stats if stat.n_routed} == {
        ("0.00-0.60", 4, 0),
        ("0.90-1.00", 8, 8),
    }


def test_a_map_of_signals_that_somebody_wrote_under_the_name_of_another_measures_nothing(world: World) -> None:
    made = calibrator(world)
    for place in range(6):
        settle(claim_of(world, received_at=at(1, place), confidence=0.8, signals={"grounding": 0.9}), True)
    world.activate(policy_with(made, {**COMBINED, "intercept": 3.0}))
    score_claims()
    services.measure_pipeline(world.pipeline)
    stats = BandStat.objects.filter(policy_version=world.policy, segment="").exclude(band="")
    assert sum(stat.n_routed for stat in stats) == 0
    assert {stat.state for stat in stats} == {"unmeasured"}


# --- the loop ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def told_apart_by_a_signal(world: World) -> World:
    """Stated at 0.9 throughout; grounding says nearly everything, and a tenth of the claims lack it."""
    world.pipeline.signals = {
        "grounding": {"family": "evidence", "elicitation": "verifier", "higher_is": "better", "description": ""}
    }
    world.pipeline.save()
    dice, now = random.Random(5), timezone.now()
    for place in range(300):
        grounding = dice.random()
        signals = {"grounding": grounding} if dice.random() < 0.9 else {}
        claim = claim_of(world, received_at=now, confidence=0.85 + place % 3 / 20, signals=signals)
        settle(claim, dice.random() < (0.97 if grounding > 0.4 else 0.15))
    return world


def test_signals_that_tell_right_from_wrong_are_fitted_proposed_and_routed_by(told_apart_by_a_signal: World) -> None:
    world = told_apart_by_a_signal
    assert services.fit_pipeline(world.pipeline) == 1
    made = Calibrator.objects.get()
    assert (made.kind, made.status) == ("combined", "proposed")
    assert made.figures["candidate"]["log_loss"] < made.figures["champion"]["log_loss"] - 0.1
    confidence, grounding = made.figures["contributions"]
    assert (confidence["name"], grounding["name"]) == ("confidence", "grounding")
    assert grounding["odds"] > 1.2
    assert grounding["loss"] > confidence["loss"]
    assert grounding["carried"] == pytest.approx(0.9, abs=0.05)
    assert made.figures["with_signals"]["name"] == "combined"
    draft = PolicyVersion.objects.get(status=PolicyStatus.DRAFT)
    assert draft.document["calibrators"][0]["map"] == made.map
    world.policy = policies.approve_and_activate(version=draft, approver=world.otto)
    answers = [world.submit(confidence=0.9, signals={"grounding": value}).answer["id"] for value in (0.05, 0.95)]
    low, high = (Decision.objects.get(claim_id=claim).calibrated_confidence for claim in answers)
    assert low < 0.5 < 0.8 < high
    score_claims()
    assert Score.objects.count() == Claim.objects.count()
