"""From labels to measured bands, a calibrator, a draft, and the next claim."""

from __future__ import annotations

import random

import pytest

from calibration import services
from calibration.models import BandStat, Calibrator, Measurement
from calibration.selectors import band_table, reliability, segment_table
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import Outcome, OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.models import Event
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.services import PolicyOutdated
from reviewqueue.transactions import one_transaction
from tests.world import IDENTITY, MODEL, POLICY, World

REVIEWERS = Actor.system("tests")
CALIBRATED = {**POLICY, "calibrators": [IDENTITY]}


def settled(
    world: World, *, correct: bool | None, basis: OutcomeBasis = OutcomeBasis.LABELS, **changes: object
) -> None:
    """A claim with its truth, as a review would leave it."""
    answer = world.submit(**changes).answer
    with one_transaction():
        claim = claims.lock_claim(answer["id"])
        claims.settle(claim=claim, correct=correct, output=None, basis=basis, actor=REVIEWERS)


def overconfident_answers(world: World, count: int, *, seed: int = 1) -> None:
    """Stated 0.95 and nearly always right; stated 0.7 and nearly always wrong."""
    dice = random.Random(seed)
    for _ in range(count):
        confidence, chance = dice.choice([(0.95, 0.97), (0.95, 0.97), (0.7, 0.1)])
        settled(world, correct=dice.random() < chance, confidence=confidence)


def state(world: World, band: str = "0.90-1.00") -> str:
    return BandState.objects.get(policy_version=world.policy, band=band).state


def test_figures_follow_labels_and_only_labels(world: World) -> None:
    for correct in (True, True, False):
        settled(world, correct=correct)
    world.submit()
    services.measure_pipeline(world.pipeline)
    row = band_table(world.pipeline)[0].rows[-1]
    assert (row.n_routed, row.n_labelled, row.n_right) == (4, 3, 2)
    assert row.accuracy == pytest.approx(2 / 3)
    assert row.low < 2 / 3 < row.high


def test_an_outcome_reported_from_outside_never_enters_an_estimate(world: World) -> None:
    settled(world, correct=True)
    settled(world, correct=False, basis=OutcomeBasis.EXTERNAL)
    services.measure_pipeline(world.pipeline)
    assert band_table(world.pipeline)[0].rows[-1].n_labelled == 1


def test_a_claim_that_nobody_can_judge_counts_neither_way(world: World) -> None:
    settled(world, correct=True)
    settled(world, correct=None)
    services.measure_pipeline(world.pipeline)
    row = band_table(world.pipeline)[0].rows[-1]
    assert (row.n_routed, row.n_labelled) == (1, 1)


def test_what_is_not_in_yet_is_counted_both_ways(world: World) -> None:
    for correct in (True, True, True, False):
        settled(world, correct=correct)
    world.submit()
    services.measure_pipeline(world.pipeline)
    row = band_table(world.pipeline)[0].rows[-1]
    assert (row.n_pending, row.pending_low, row.pending_high) == (1, pytest.approx(0.6), pytest.approx(0.8))


def test_a_changed_verdict_moves_the_figure_back(world: World) -> None:
    answer = world.submit().answer
    for correct in (True, False):
        with one_transaction():
            claim = claims.lock_claim(answer["id"])
            claims.settle(claim=claim, correct=correct, output=None, basis=OutcomeBasis.LABELS, actor=REVIEWERS)
    services.measure_pipeline(world.pipeline)
    row = band_table(world.pipeline)[0].rows[-1]
    assert (row.n_labelled, row.n_right) == (1, 0)


def test_a_withdrawn_outcome_leaves_the_figures(world: World) -> None:
    settled(world, correct=True)
    settled(world, correct=False)
    services.measure_pipeline(world.pipeline)
    Outcome.objects.filter(correct=False).update(standing=False, measures=False)
    assert services.measure_pipeline(world.pipeline)
    row = band_table(world.pipeline)[0].rows[-1]
    assert (row.n_labelled, row.n_right) == (1, 1)


def test_enough_right_labels_validate_the_band_of_a_calibrated_model(world: World) -> None:
    world.activate(CALIBRATED)
    for number in range(80):
        settled(world, correct=number not in (3, 30))
    services.measure_pipeline(world.pipeline)
    assert state(world) == "validated"
    assert world.submit().answer["decision"]["route"] == "accept"


def test_too_many_errors_fail_the_band_and_claims_stay_held(world: World) -> None:
    world.activate(CALIBRATED)
    for number in range(90):
        settled(world, correct=number % 3 != 0)
    services.measure_pipeline(world.pipeline)
    assert state(world) == "failed"
    assert "band_unvalidated" in world.submit().answer["decision"]["reasons"]


def test_without_a_calibrator_no_number_of_right_labels_validates_a_band(world: World) -> None:
    for _ in range(90):
        settled(world, correct=True)
    services.measure_pipeline(world.pipeline)
    assert state(world) == "provisional"
    assert world.submit().answer["decision"]["reasons"] == ["band_unvalidated", "uncalibrated_model"]


@pytest.mark.parametrize("audit_rate", [0.05, 0.2, 0.75])
def test_a_validated_band_stays_validated_when_its_own_success_lowers_its_audit_rate(
    world: World, audit_rate: float
) -> None:
    world.activate(calibrated(audit_rate=audit_rate))
    for _ in range(80):
        settled(world, correct=True)
    services.measure_pipeline(world.pipeline)
    for _ in range(12):
        world.submit()
        services.measure_pipeline(world.pipeline)
        assert state(world) == "validated"
    row = band_table(world.pipeline)[0].rows[-1]
    assert row.accuracy == 1.0
    assert 0 < row.unlabelled_share < 0.2
    assert segment_table(world.pipeline)[0].accuracy == 1.0


def test_audit_labels_that_show_the_promise_broken_close_the_band(world: World) -> None:
    world.activate(calibrated(audit_rate=0.99))
    for _ in range(80):
        settled(world, correct=True)
    services.measure_pipeline(world.pipeline)
    for _ in range(60):
        settled(world, correct=False)
    services.measure_pipeline(world.pipeline)
    assert state(world) == "failed"


def calibrated(*, audit_rate: float) -> dict[str, object]:
    *held, accepting = POLICY["bands"]
    return {**CALIBRATED, "bands": [*held, {**accepting, "audit_rate": audit_rate}]}


def test_measuring_twice_changes_nothing_and_deleting_everything_derived_brings_the_same_rows_back(
    world: World,
) -> None:
    world.activate(CALIBRATED)
    overconfident_answers(world, 60)
    services.measure_pipeline(world.pipeline)
    assert services.measure_pipeline(world.pipeline) is False
    events = Event.objects.count()
    before = derived_rows()
    services.forget_derived(world.pipeline)
    assert not BandStat.objects.exists()
    services.measure_pipeline(world.pipeline)
    assert derived_rows() == before
    assert Event.objects.count() == events, "the same state is no change of state"
    assert Measurement.objects.count() == 1


def derived_rows() -> list[tuple[object, ...]]:
    fields = [field.attname for field in BandStat._meta.concrete_fields if field.attname != "id"]
    return sorted(BandStat.objects.values_list(*fields), key=repr)


def test_a_better_calibrator_becomes_a_draft_that_an_owner_activates_and_the_next_claim_uses(world: World) -> None:
    overconfident_answers(world, 240)
    assert services.fit_pipeline(world.pipeline) == 1
    draft = PolicyVersion.objects.get(status=PolicyStatus.DRAFT)
    calibrator = Calibrator.objects.get()
    assert draft.proposed_by is None
    assert calibrator.proposed_in == draft
    assert draft.evidence["candidate"]["log_loss"] < draft.evidence["champion"]["log_loss"]
    assert draft.evidence["comparison"]["high"] < 0
    services.measure_pipeline(world.pipeline)
    policies.approve_and_activate(version=draft, approver=world.olga)
    decision = world.submit(confidence=0.95).answer["decision"]
    assert decision["calibrator"] == calibrator.name
    assert decision["calibrated_confidence"] == pytest.approx(0.97, abs=0.03)
    assert decision["route"] == "accept"
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"calibrator.fitted", "policy.proposed", "policy.approved", "policy.activated"} <= kinds


def test_the_same_labels_are_fitted_once(world: World) -> None:
    overconfident_answers(world, 240)
    assert services.fit_pipeline(world.pipeline) == 1
    assert services.fit_pipeline(world.pipeline) == 0


def test_a_draft_of_the_sweep_is_made_anew_when_another_version_was_activated_meanwhile(world: World) -> None:
    overconfident_answers(world, 240)
    services.fit_pipeline(world.pipeline)
    draft = PolicyVersion.objects.get(status=PolicyStatus.DRAFT)
    world.activate({**POLICY, "freshness_days": 60})
    with pytest.raises(PolicyOutdated):
        policies.approve_and_activate(version=draft, approver=world.otto)
    services.fit_pipeline(world.pipeline)
    again = PolicyVersion.objects.get(status=PolicyStatus.DRAFT)
    assert again.document["freshness_days"] == 60
    assert again.document["calibrators"] == draft.document["calibrators"]


def test_a_segment_whose_confidence_lies_is_named(world: World) -> None:
    for number in range(120):
        german = number % 2 == 0
        segments = {"workflow": "qa", "language": "de" if german else "en"}
        settled(world, correct=not german or number % 4 == 0, segments=segments)
    services.measure_pipeline(world.pipeline)
    worst = segment_table(world.pipeline)[0]
    assert worst.segment == "language=de"
    assert worst.overconfident
    assert not next(row for row in segment_table(world.pipeline) if row.segment == "language=en").overconfident


def test_reliability_compares_stated_confidence_with_truth(world: World) -> None:
    overconfident_answers(world, 60)
    services.measure_pipeline(world.pipeline)
    stated = reliability(world.pipeline, **MODEL, calibrated=False)
    assert stated.n == 60
    assert [round(each.mean_confidence, 2) for each in stated.bins] == [0.7, 0.95]
    assert sum(bar.n for bar in stated.histogram) == 60
