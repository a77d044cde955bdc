"""What would replace a calibrator in use is judged in its shadow, and what took over may lose its place again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calibration import services
from calibration.core.labels import in_fit_half
from calibration.models import Calibrator, CalibratorStatus, Finding
from calibration.monitoring import watch_labels
from calibration.services import roll_back
from reviewqueue.claims.models import Claim
from reviewqueue.ledger.models import Event
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from tests.services.calibration.truths import overconfident, settle_all
from tests.services.policy.steps import CALIBRATED, last_entry
from tests.world import MODEL, World

GOOD = {**MODEL, "name": "platt-good", "map": {"kind": "platt", "slope": 2.66, "intercept": -4.4, "eps": 1e-6}}
BAD = {**MODEL, "name": "platt-bad", "map": {"kind": "platt", "slope": 0.1, "intercept": -2.0, "eps": 1e-6}}


@pytest.fixture
def shadowed(world: World) -> World:
    """A calibrator that does nothing is in use while a band decides, and a better one has been fitted."""
    world.activate(CALIBRATED)
    overconfident(world, 240, seed=1)
    world.validate_band()
    assert services.fit_pipeline(world.pipeline) == 1
    world.validate_band(state="provisional")
    return world


def drafts() -> list[PolicyVersion]:
    return list(PolicyVersion.objects.filter(status=PolicyStatus.DRAFT))


def test_while_nothing_decides_by_itself_a_better_one_is_proposed_at_once(world: World) -> None:
    world.activate(CALIBRATED)
    overconfident(world, 240, seed=1)
    assert services.fit_pipeline(world.pipeline) == 1
    candidate = Calibrator.objects.get()
    assert (candidate.status, candidate.champion, candidate.looks) == (CalibratorStatus.PROPOSED, "identity-1", 1)
    halves = [in_fit_half(bytes(claim.fingerprint)) for claim in Claim.objects.all()]
    assert (candidate.fit_labels, candidate.judged_labels) == (sum(halves), len(halves) - sum(halves))
    assert [draft.evidence["champion"]["name"] for draft in drafts()] == ["identity-1"]


def test_a_candidate_waits_in_the_shadow_of_the_one_in_use(shadowed: World) -> None:
    candidate = Calibrator.objects.get()
    assert (candidate.status, candidate.champion) == (CalibratorStatus.SHADOW, "identity-1")
    assert (candidate.looks, candidate.judged_labels) == (0, 0)
    assert drafts() == []
    assert services.fit_pipeline(shadowed.pipeline) == 0, "what came before its fit judges nothing"
    assert Calibrator.objects.get().looks == 0


def test_better_on_later_labels_of_the_other_half_it_is_proposed(shadowed: World) -> None:
    overconfident(shadowed, 260, seed=2)
    assert services.fit_pipeline(shadowed.pipeline) == 0
    candidate = Calibrator.objects.get()
    later = Claim.objects.order_by("id")[240:]
    assert candidate.judged_labels == sum(not in_fit_half(bytes(claim.fingerprint)) for claim in later)
    assert (candidate.status, candidate.looks) == (CalibratorStatus.PROPOSED, 1)
    (draft,) = drafts()
    assert candidate.proposed_in == draft
    assert draft.document["calibrators"] == [{**MODEL, "name": candidate.name, "map": candidate.map}]
    assert draft.evidence["comparison"]["high"] < 0
    judged = last_entry("calibrator.judged")
    assert (judged["verdict"], judged["from_calibrator"], judged["looks"]) == ("promote", "identity-1", 1)
    assert services.fit_pipeline(shadowed.pipeline) == 0, "nothing is fitted while a proposal is open"


def test_between_two_steps_of_labels_nobody_looks(shadowed: World) -> None:
    overconfident(shadowed, 150, seed=2)
    services.fit_pipeline(shadowed.pipeline)
    assert Calibrator.objects.get().looks == 0
    assert not Event.objects.filter(kind="calibrator.judged").exists()


def test_a_candidate_whose_champion_was_replaced_is_rejected(shadowed: World) -> None:
    shadowed.activate({**CALIBRATED, "calibrators": [GOOD]})
    services.fit_pipeline(shadowed.pipeline)
    candidate = Calibrator.objects.get(number=1)
    assert (candidate.status, candidate.figures["reasons"]) == (CalibratorStatus.REJECTED, ["champion_replaced"])


def test_a_doubted_calibrator_is_fitted_anew_at_once(world: World) -> None:
    world.activate({**CALIBRATED, "calibrators": [BAD]})
    overconfident(world, 240, seed=1)
    world.validate_band()
    services.fit_pipeline(world.pipeline)
    world.validate_band(state="provisional")
    Calibrator.objects.update(status=CalibratorStatus.REJECTED)
    assert services.fit_pipeline(world.pipeline) == 0
    assert watch_labels() >= 1
    assert Finding.objects.filter(kind="calibration", calibrator="platt-bad").exists()
    assert services.fit_pipeline(world.pipeline) == 1


def taken_over(world: World, before: dict[str, Any], after: dict[str, Any]) -> Calibrator:
    """One calibrator in use, replaced by another one that the sweep had fitted."""
    world.activate({**CALIBRATED, "calibrators": [before]})
    overconfident(world, 240, seed=1)
    services.fit_pipeline(world.pipeline)
    Calibrator.objects.update(name=after["name"], map=after["map"], status=CalibratorStatus.PROPOSED)
    world.activate({**CALIBRATED, "calibrators": [after]})
    return Calibrator.objects.get()


def test_the_one_before_goes_on_being_compared_and_comes_back_in_a_draft(world: World) -> None:
    taken_over(world, GOOD, BAD)
    overconfident(world, 120, seed=3)
    services.fit_pipeline(world.pipeline)
    (draft,) = drafts()
    assert draft.document["calibrators"] == [GOOD]
    assert Calibrator.objects.get(name="platt-bad").rolled_back_in == draft
    finding = Finding.objects.get(kind="reverse")
    assert (finding.calibrator, finding.figures["champion"]) == ("platt-bad", "platt-good")
    services.fit_pipeline(world.pipeline)
    assert len(drafts()) == 1, "said once"


def test_after_two_weeks_it_has_its_place(world: World) -> None:
    taken_over(world, GOOD, BAD)
    PolicyVersion.objects.filter(status=PolicyStatus.ACTIVE).update(activated_at=timezone.now() - timedelta(days=15))
    PolicyVersion.objects.filter(status=PolicyStatus.RETIRED).update(activated_at=timezone.now() - timedelta(days=16))
    overconfident(world, 120, seed=3)
    services.fit_pipeline(world.pipeline)
    assert drafts() == []


def test_a_promise_broken_in_its_first_days_brings_the_one_before_back(world: World) -> None:
    taken_over(world, BAD, GOOD)
    world.validate_band()
    settle_all(world, [world.claim_body(confidence=0.97) for _ in range(250)], [False] * 250)
    watch_labels()
    assert Finding.objects.filter(kind="outcome", calibrator="platt-good").exists()
    services.fit_pipeline(world.pipeline)
    (draft,) = drafts()
    assert draft.document["calibrators"] == [BAD]
    assert "broke its promise" in draft.note


def test_a_person_goes_back_to_a_calibrator_in_one_step(world: World) -> None:
    newer = taken_over(world, GOOD, BAD)
    older = Calibrator.objects.get()
    with pytest.raises(services.CalibratorInUse):
        roll_back(pipeline=world.pipeline, calibrator=newer, by=world.olga)
    world.activate({**CALIBRATED, "calibrators": [GOOD]})
    draft = roll_back(pipeline=world.pipeline, calibrator=older, by=world.olga)
    assert (draft.proposed_by, draft.status) == (world.olga, "draft")
    assert draft.document["calibrators"] == [BAD]


def test_nobody_goes_back_to_what_never_decided(shadowed: World) -> None:
    with pytest.raises(services.CalibratorNeverDecided):
        roll_back(pipeline=shadowed.pipeline, calibrator=Calibrator.objects.get(), by=shadowed.olga)


def test_a_candidate_that_would_send_a_deciding_band_back_to_people_is_not_proposed(world: World) -> None:
    """Right in 85 % of what it states 0.95 for: a map that says so takes every claim out of the band."""
    *held, accepting = CALIBRATED["bands"]
    world.activate({**CALIBRATED, "bands": [*held, {**accepting, "audit_rate": 1.0}]})
    overconfident(world, 240, seed=1, chance={0.95: 0.85, 0.7: 0.1}.__getitem__)
    world.validate_band()
    services.fit_pipeline(world.pipeline)
    overconfident(world, 260, seed=2, chance={0.95: 0.85, 0.7: 0.1}.__getitem__)
    services.measure_pipeline(world.pipeline)
    world.validate_band()
    services.fit_pipeline(world.pipeline)
    candidate = Calibrator.objects.get()
    assert candidate.figures["comparison"]["high"] < 0, "it describes confidence better, beyond doubt"
    assert (candidate.status, candidate.figures["reasons"]) == (CalibratorStatus.SHADOW, ["threshold_not_certified"])
    assert drafts() == []
