"""What holds for every claim under every policy."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewqueue.policy.document import AUTOMATING, HELD, LADDER, SEEN_IN_FULL, STRICTNESS, Band, Policy, to_document
from reviewqueue.policy.facts import Facts, facts_from_json, facts_to_json
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.routing import Routing, no_policy, route
from reviewqueue.verifiers.finding import Finding
from tests.property.policy.pairs import pairs
from tests.property.policy.strategies import STATES, confidences, policies_with_facts, probabilities

REASONS = {
    "band",
    "mandatory_category",
    "mandatory_segment",
    "mandatory_case",
    "signal_rule",
    "verifier_failed",
    "verifier_passed",
    "band_unvalidated",
    "uncalibrated_model",
    "drift_breaker",
    "audit_sample",
    "step_timeout",
    "step_budget_spent",
    "no_policy",
    "shadow_mode",
}
RELEASED = {"accept_flagged": 1, "accept": 2}
MANY = settings(max_examples=60, deadline=None)


def is_mandatory(facts: Facts, policy: Policy) -> bool:
    """Said again in other words than the code's: nothing but a listed free name is free."""
    rules = policy.mandatory
    if facts.case_mandatory or (rules.categories and facts.category in {None, "", *rules.categories}):
        return True
    return any(facts.segments.get(name) in {None, "", *values} for name, values in rules.segments.items())


def check_answer(policy: Policy, facts: Facts, answer: Routing) -> None:
    assert answer.reasons
    assert set(answer.reasons) <= REASONS
    assert len(set(answer.reasons)) == len(answer.reasons)
    assert (answer.next_step is not None) == (answer.route == "uncertain")
    assert answer.inclusion_probability == answer.audit_rate
    assert 0 <= answer.audit_rate <= 1
    assert answer.audit_sampled == ("audit_sample" in answer.reasons)
    if answer.audit_sampled:
        assert answer.route in ("accept", "reject")
        assert facts.audit_u < answer.audit_rate
        assert answer.blind != "none"
    if answer.route in SEEN_IN_FULL:
        assert answer.inclusion_probability == 1
        assert not answer.audit_sampled
    assert 1 <= answer.labels_needed <= policy.review.max_labels


def check_automation_was_earned(policy: Policy, facts: Facts, answer: Routing) -> None:
    if answer.route in AUTOMATING:
        assert answer.band is not None
        assert facts.band_states[answer.band] == answer.band_state == "validated"
        assert answer.calibrator is not None
        assert answer.audit_rate > 0
        assert policy.mode == "active"
        assert not facts.breaker
        assert not facts.step_expired


def check_mandatory_review(policy: Policy, facts: Facts, answer: Routing) -> None:
    assert answer.mandatory is is_mandatory(facts, policy)
    if answer.mandatory:
        assert answer.route in HELD
        assert answer.inclusion_probability == 1
        assert answer.reasons[0].startswith("mandatory_")
        if policy.mandatory.route == "escalate":
            assert answer.route == "escalate"


def check_rules(policy: Policy, facts: Facts, answer: Routing) -> None:
    """Without its rules a policy never gives a stricter answer, and what a rule asks for is the least that happens."""
    plain = route(facts, replace(policy, rules=()))
    assert STRICTNESS[answer.route] >= STRICTNESS[plain.route]
    asked = [rule.demand for rule in policy.rules if rule.matches(facts.signals)]
    assert ("signal_rule" in answer.reasons) == bool(asked)
    assert all(STRICTNESS[answer.route] >= STRICTNESS[demand.route] for demand in asked)
    if answer.route != plain.route:
        assert answer.route in {"escalate", "review", *(demand.route for demand in asked)}
    if not asked:
        assert answer == plain


def check_verifiers(policy: Policy, facts: Facts, answer: Routing) -> None:
    """A verifier that fails only ever makes an answer stricter, and one that passes releases nothing by itself."""
    outcomes = {each.name: facts.checks.get(each.digest, Finding("unknown")).outcome for each in policy.verifiers}
    failed = [
        each.demand
        for each in policy.verifiers
        if outcomes[each.name] == "fail" or (outcomes[each.name] == "unknown" and each.if_unknown == "fail")
    ]
    assert ("verifier_failed" in answer.reasons) == bool(failed)
    assert all(STRICTNESS[answer.route] >= STRICTNESS[demand.route] for demand in failed)
    if answer.route in AUTOMATING:
        unchecked = route(facts, without_releases(replace(policy, verifiers=())))
        assert answer.route == unchecked.route or answer.band == f"{unchecked.band}+verified"
    assert ("verifier_passed" in answer.reasons) == (answer.band or "").endswith("+verified")
    if "verifier_passed" in answer.reasons:
        base = band_named(policy, (answer.band or "").removesuffix("+verified"))
        assert base.release is not None
        assert all(outcomes[name] == "pass" for name in base.release.verifiers)


def without_releases(policy: Policy) -> Policy:
    return replace(policy, bands=tuple(replace(band, release=None) for band in policy.bands))


@given(policies_with_facts)
@MANY
def test_every_claim_gets_an_answer_that_is_sound(pair: tuple[Policy, Facts]) -> None:
    policy, facts = pair
    answer = route(facts, policy)
    check_answer(policy, facts, answer)
    check_automation_was_earned(policy, facts, answer)
    check_mandatory_review(policy, facts, answer)
    check_rules(policy, facts, answer)
    check_verifiers(policy, facts, answer)


@pytest.mark.parametrize("seed", range(10))
def test_over_a_million_pairs_mandatory_review_is_never_loosened_and_automation_always_earned(seed: int) -> None:
    """A hundred thousand pairs for each of ten seeds; a mandatory claim is never accepted, flagged or refused."""
    judged = automated = released = mandatory = 0
    for policy, facts in pairs(seed, policies=500, claims_each=200):
        answer = route(facts, policy)
        check_mandatory_review(policy, facts, answer)
        check_automation_was_earned(policy, facts, answer)
        if policy.rules:
            check_rules(policy, facts, answer)
        if policy.verifiers:
            check_verifiers(policy, facts, answer)
        judged += 1
        released += answer.route in AUTOMATING and (answer.band or "").endswith("+verified")
        automated += answer.route in AUTOMATING
        mandatory += answer.mandatory
    assert judged == 100_000
    assert automated > 4_000, "or the pairs would prove nothing"
    assert released > 150, "or nothing would be shown of verifiers"
    assert mandatory > 40_000


@given(policies_with_facts, st.sampled_from(STATES))
@MANY
def test_a_mandatory_claim_stays_with_people_whatever_the_states_and_confidence(
    pair: tuple[Policy, Facts], state: str
) -> None:
    policy, facts = pair
    everything = dict.fromkeys([band.key for band in policy.measured_bands], state)
    for confidence in (None, 0.0, 0.5, 1.0):
        check_mandatory_review(
            policy, facts, route(replace(facts, band_states=everything, confidence=confidence), policy)
        )


# --- how much is audited ---------------------------------------------------------------------------------------


def decided(policy: Policy, facts: Facts) -> Routing:
    """With every band validated, so that more claims are decided before anybody has looked."""
    states = dict.fromkeys([band.key for band in policy.measured_bands], "validated")
    return route(replace(facts, band_states=states, breaker=False, attempt=1, step_expired=False), policy)


@given(policies_with_facts)
@MANY
def test_an_audit_rate_is_never_below_that_of_the_band_and_is_the_chance_of_a_label(pair: tuple[Policy, Facts]) -> None:
    policy, facts = pair
    answer = decided(policy, facts)
    if answer.route in ("accept", "reject"):
        band = next(band for band in policy.measured_bands if band.key == answer.band)
        assert band.audit_rate <= answer.audit_rate <= 1
        assert answer.inclusion_probability == answer.audit_rate
        assert answer.audit_sampled == (facts.audit_u < answer.audit_rate)
        if not policy.sampling.adapts:
            assert answer.audit_rate == band.audit_rate


@given(policies_with_facts)
@MANY
def test_a_band_without_a_rate_of_its_own_is_on_its_ramp_from_the_first_claim_on(pair: tuple[Policy, Facts]) -> None:
    policy, facts = pair
    answer = decided(policy, replace(facts, audit_rates={}))
    if answer.route in ("accept", "reject") and policy.sampling.ramp:
        assert answer.audit_rate >= policy.sampling.ramp.first_rate


@given(policies_with_facts, probabilities)
@MANY
def test_how_much_is_audited_moves_no_claim(pair: tuple[Policy, Facts], rate: float) -> None:
    policy, facts = pair
    rates = {band.key: rate for band in policy.measured_bands}
    plain, raised = decided(policy, replace(facts, audit_rates={})), decided(policy, replace(facts, audit_rates=rates))
    assert (plain.route, plain.band, plain.blind) == (raised.route, raised.band, raised.blind)


# --- more confidence never means less trust --------------------------------------------------------------------


def in_order(policy: Policy, facts: Facts, first: float | None, second: float | None) -> tuple[Routing, Routing]:
    """The same claim with less and with more confidence, and with nothing that vouches for it."""
    facts = replace(facts, checks={})
    low, high = sorted([first or 0.0, second or 0.0])
    return route(replace(facts, confidence=low), policy), route(replace(facts, confidence=high), policy)


def band_named(policy: Policy, key: str | None) -> Band:
    return next(band for band in policy.bands if band.key == key)


@given(policies_with_facts, confidences, confidences, st.sampled_from(STATES))
@MANY
def test_with_equal_states_more_confidence_never_releases_less(
    pair: tuple[Policy, Facts], first: float | None, second: float | None, state: str
) -> None:
    policy, facts = pair
    states = dict.fromkeys([band.key for band in policy.bands], state)
    lower, higher = in_order(policy, replace(facts, band_states=states), first, second)
    assert RELEASED.get(lower.route, 0) <= RELEASED.get(higher.route, 0) or audit_waived(policy, higher)


def audit_waived(policy: Policy, answer: Routing) -> bool:
    return band_named(policy, answer.band).unaudited_waiver


@given(policies_with_facts, confidences, confidences)
@MANY
def test_where_every_band_has_its_way_routes_rise_along_the_ladder(
    pair: tuple[Policy, Facts], first: float | None, second: float | None
) -> None:
    policy, facts = pair
    states = {band.key: "validated" for band in policy.bands}
    lower, higher = in_order(policy, replace(facts, band_states=states), first, second)
    if "band" in lower.reasons and "band" in higher.reasons:
        assert LADDER.index(lower.route) <= LADDER.index(higher.route)


@given(policies_with_facts, confidences, confidences)
@MANY
def test_a_step_down_the_ladder_has_an_unvalidated_band_or_a_spent_budget_behind_it(
    pair: tuple[Policy, Facts], first: float | None, second: float | None
) -> None:
    policy, facts = pair
    lower, higher = in_order(policy, facts, first, second)
    if RELEASED.get(lower.route, 0) > RELEASED.get(higher.route, 0):
        assert "band_unvalidated" in higher.reasons
    if LADDER.index(lower.route) > LADDER.index(higher.route):
        held_below = "band_unvalidated" in lower.reasons and band_named(policy, lower.band).route == "reject"
        displaced = lower.route == "review" and "band" not in lower.reasons
        assert "band_unvalidated" in higher.reasons or held_below or displaced


@given(policies_with_facts, confidences, confidences)
@MANY
def test_more_confidence_never_reaches_a_lower_band(
    pair: tuple[Policy, Facts], first: float | None, second: float | None
) -> None:
    policy, facts = pair
    keys = [band.key for band in policy.bands]
    lower, higher = in_order(policy, facts, first, second)
    assert keys.index(lower.band or "") <= keys.index(higher.band or "")


# --- replay ----------------------------------------------------------------------------------------------------


@given(policies_with_facts)
@MANY
def test_a_decision_is_reproduced_from_stored_facts_and_document(pair: tuple[Policy, Facts]) -> None:
    policy, facts = pair
    stored = json.loads(json.dumps({"facts": facts_to_json(facts), "document": to_document(policy)}))
    replayed_facts = facts_from_json(stored["facts"])
    assert replayed_facts == facts
    assert route(replayed_facts, parse_policy(stored["document"])) == route(facts, policy)


@given(policies_with_facts)
@MANY
def test_without_a_policy_a_person_sees_every_claim(pair: tuple[Policy, Facts]) -> None:
    answer = no_policy(pair[1])
    assert (answer.route, answer.reasons, answer.inclusion_probability) == ("review", ("no_policy",), 1)
