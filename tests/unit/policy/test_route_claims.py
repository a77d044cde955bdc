"""What each routing rule does with a claim the policy would otherwise accept."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields

import pytest

from reviewqueue.policy.routing import Routing, no_policy
from tests.unit.policy.examples import ACCEPT, REVIEW, facts, policy, routed

RATE = 0.05


def test_a_validated_band_accepts() -> None:
    assert routed() == Routing(
        route="accept",
        next_step=None,
        band="0.90-1.00",
        band_state="validated",
        confidence=0.95,
        calibrated_confidence=0.95,
        calibrator="identity-1",
        reasons=("band",),
        mandatory=False,
        audit_rate=RATE,
        audit_sampled=False,
        inclusion_probability=RATE,
        labels_needed=1,
        blind="score",
        due_minutes=240,
    )


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [
        (0.05, "reject"),
        (0.2, "uncertain"),
        (0.35, "escalate"),
        (0.5, "review"),
        (0.8, "accept_flagged"),
        (1.0, "accept"),
    ],
)
def test_each_band_has_its_way_when_nothing_speaks_against_it(confidence: float, expected: str) -> None:
    answer = routed(confidence=confidence)
    assert (answer.route, answer.reasons) == (expected, ("band",))


@pytest.mark.parametrize(
    "state", ["unmeasured", "provisional", "failed", "stale", "breach", "unvalidated", "Validated"]
)
@pytest.mark.parametrize("confidence", [0.05, 0.8, 1.0])
def test_a_band_in_any_other_state_holds_its_claims(state: str, confidence: float) -> None:
    states = dict.fromkeys(facts().band_states, state)
    answer = routed(confidence=confidence, band_states=states)
    assert (answer.route, answer.reasons, answer.band_state) == ("review", ("band_unvalidated",), state)


def test_a_band_nobody_measured_holds_its_claims() -> None:
    assert routed(band_states={}).reasons == ("band_unvalidated",)


def test_a_model_version_without_calibrator_is_held_and_placed_by_its_raw_confidence() -> None:
    answer = routed(model_version="2")
    assert (answer.route, answer.reasons) == ("review", ("band_unvalidated", "uncalibrated_model"))
    assert (answer.band, answer.calibrated_confidence, answer.calibrator) == ("0.90-1.00", None, None)


def test_another_prompt_version_is_another_model() -> None:
    assert routed(prompt_version="v2").reasons == ("band_unvalidated", "uncalibrated_model")


def test_the_band_is_cut_on_calibrated_confidence() -> None:
    halved = {"kind": "histogram", "edges": [0.5], "y": [0.2, 0.45]}
    entry = {"model": "acme-lm", "model_version": "1", "name": "halved", "map": halved}
    answer = routed({"calibrators": [entry]}, confidence=0.95)
    assert (answer.confidence, answer.calibrated_confidence, answer.band) == (0.95, 0.45, "0.40-0.70")


def test_a_segment_with_its_own_offset_is_calibrated_with_it() -> None:
    platt = {"kind": "platt", "slope": 1, "intercept": 0, "eps": 1e-6, "offsets": {"workflow=qa": [0, -5]}}
    entry = {"model": "acme-lm", "model_version": "1", "name": "pooled", "map": platt}
    assert routed({"calibrators": [entry]}, segments={"workflow": "other"}).route == "accept"
    assert routed({"calibrators": [entry]}, segments={"workflow": "qa"}).band == "0.10-0.30"


def test_an_unaudited_band_never_decides_even_if_somebody_calls_it_validated() -> None:
    waived = {**ACCEPT, "audit_rate": 0, "unaudited_waiver": True}
    answer = routed({"bands": [{**REVIEW, "low": 0, "high": 0.9}, waived]})
    assert (answer.route, answer.reasons, answer.inclusion_probability) == ("review", ("band_unvalidated",), 1.0)


def test_the_category_comes_first_when_a_map_treats_several_segments_apart() -> None:
    offsets = {"workflow=qa": [0, -5], "category=pricing": [0, 5]}
    platt = {"kind": "platt", "slope": 1, "intercept": 0, "eps": 1e-6, "offsets": offsets}
    entry = {"model": "acme-lm", "model_version": "1", "name": "pooled", "map": platt}
    assert routed({"calibrators": [entry]}, confidence=0.5).route == "accept"


# --- confidence that is none -----------------------------------------------------------------------------------


@pytest.mark.parametrize("confidence", [None, float("nan"), float("inf"), -0.1, 1.1, 95.0])
def test_a_confidence_that_is_no_probability_goes_to_people(confidence: float | None) -> None:
    answer = routed(confidence=confidence)
    assert (answer.route, answer.band, answer.band_state) == ("review", None, "unmeasured")
    assert (answer.confidence, answer.calibrated_confidence) == (None, None)
    assert (answer.reasons, answer.inclusion_probability) == (("band_unvalidated",), 1.0)


def test_a_missing_confidence_in_a_mandatory_category_may_still_escalate() -> None:
    answer = routed({"mandatory": {"categories": ["health"], "route": "escalate"}}, category="health", confidence=None)
    assert (answer.route, answer.reasons[0]) == ("escalate", "mandatory_category")


# --- breaker, shadow, next steps -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "expected"), [(0.05, "review"), (0.2, "review"), (0.35, "escalate"), (0.95, "review")]
)
def test_a_breaker_and_shadow_mode_hold_everything(confidence: float, expected: str) -> None:
    broken = routed(confidence=confidence, breaker=True)
    shadowed = routed({"mode": "shadow"}, confidence=confidence)
    assert (broken.route, broken.reasons[0]) == (expected, "drift_breaker")
    assert (shadowed.route, shadowed.reasons[0]) == (expected, "shadow_mode")


def test_an_uncertain_claim_is_handed_back_with_its_next_step() -> None:
    answer = routed(confidence=0.2, audit_u=0.0)
    assert (answer.route, answer.next_step) == ("uncertain", "retrieve")
    assert (answer.audit_sampled, answer.inclusion_probability) == (False, 0.1)


@pytest.mark.parametrize(("attempt", "expected"), [(1, "uncertain"), (2, "uncertain"), (3, "review"), (4, "review")])
def test_the_last_attempt_of_a_case_goes_to_people(attempt: int, expected: str) -> None:
    assert routed({"step_budget": 3}, confidence=0.2, attempt=attempt).route == expected


def test_a_spent_budget_is_named_and_hurts_no_confident_attempt() -> None:
    spent = routed(confidence=0.2, attempt=3)
    assert (spent.reasons, spent.next_step) == (("step_budget_spent",), None)
    assert routed(confidence=0.95, attempt=3).route == "accept"


def test_a_step_nobody_took_in_time_goes_to_people() -> None:
    answer = routed(confidence=0.2, step_expired=True)
    assert (answer.route, answer.reasons) == ("review", ("step_timeout",))


# --- the audit sample ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("audit_u", "sampled"),
    [(0.0, True), (RATE - 2**-53, True), (RATE, False), (RATE + 2**-53, False), (1 - 2**-53, False)],
)
@pytest.mark.parametrize("confidence", [0.05, 0.95])
def test_a_decided_claim_is_audited_exactly_below_the_rate(confidence: float, audit_u: float, sampled: bool) -> None:
    rejecting = {"low": 0, "high": 0.1, "route": "reject", "audit_rate": RATE, "required_accuracy": 0.99}
    bands = [rejecting, {**REVIEW, "low": 0.1, "high": 0.9}, ACCEPT]
    answer = routed({"bands": bands}, confidence=confidence, audit_u=audit_u)
    assert answer.audit_sampled is sampled
    assert answer.reasons == (("band", "audit_sample") if sampled else ("band",))
    assert answer.inclusion_probability == answer.audit_rate == RATE


def test_a_rate_of_1_audits_every_number_there_is() -> None:
    assert routed(
        {"bands": [{**ACCEPT, "low": 0, "audit_rate": 1}]}, band_states={"0.00-1.00": "validated"}, audit_u=1 - 2**-53
    ).audit_sampled


def test_a_flagged_claim_is_seen_by_people_within_a_day_and_not_sampled() -> None:
    answer = routed(confidence=0.8, audit_u=0.0)
    assert (answer.inclusion_probability, answer.audit_sampled, answer.due_minutes) == (1.0, False, 1440)


@pytest.mark.parametrize(
    ("wanted", "held", "decided"),
    [("none", "none", "score"), ("score", "score", "score"), ("answer", "answer", "answer")],
)
def test_what_measures_a_band_is_blind_to_its_score_at_least(wanted: str, held: str, decided: str) -> None:
    terms = {"review": {"blind": wanted}}
    assert routed(terms, confidence=0.5).blind == held
    assert [routed(terms, confidence=confidence).blind for confidence in (0.05, 0.8, 0.95)] == [decided] * 3


# --- edges -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confidence", "band"),
    [
        (0.0, "0.00-0.10"),
        (-0.0, "0.00-0.10"),
        (0.1, "0.10-0.30"),
        (0.1 + 0.2, "0.30-0.40"),
        (0.3 - 2**-54, "0.30-0.40"),
        (0.29999999, "0.10-0.30"),
        (0.1 * 7, "0.70-0.90"),
        (0.9, "0.90-1.00"),
        (0.9 - 1e-7, "0.70-0.90"),
        (1.0, "0.90-1.00"),
        (1 - 1e-12, "0.90-1.00"),
    ],
)
def test_bands_are_half_open_and_float_noise_flips_nothing(confidence: float, band: str) -> None:
    assert routed(confidence=confidence).band == band
    assert routed(confidence=confidence, model="uncalibrated").band == band


def test_without_a_policy_everything_is_held() -> None:
    assert no_policy(facts(category="health", audit_u=0.0)) == Routing(
        route="review",
        next_step=None,
        band=None,
        band_state="unmeasured",
        confidence=0.95,
        calibrated_confidence=None,
        calibrator=None,
        reasons=("no_policy",),
        mandatory=False,
        audit_rate=1.0,
        audit_sampled=False,
        inclusion_probability=1.0,
        labels_needed=1,
        blind="none",
        due_minutes=240,
    )


def test_facts_answers_and_policies_cannot_be_changed() -> None:
    for value in (facts(), routed(), policy()):
        with pytest.raises(FrozenInstanceError):
            setattr(value, fields(value)[0].name, "other")
