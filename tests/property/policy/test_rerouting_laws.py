"""Routing a claim once more never loosens anything, whatever the two policies say."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.policy.document import HELD, Policy
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.rerouting import STRICTNESS, rerouted
from reviewqueue.policy.routing import route
from tests.property.policy.strategies import policies_with_facts

pairs = policies_with_facts
tasks = st.none() | st.integers(1, 3)


@given(pairs, pairs, tasks)
def test_neither_the_route_nor_mandatory_review_nor_the_labels_are_loosened(
    first: tuple[Policy, Facts], second: tuple[Policy, Facts], labels_needed: int | None
) -> None:
    (policy, facts), (other, _) = first, second
    before, again = route(facts, policy), route(replace(facts, band_states={}), other)
    after = rerouted(before, again, labels_needed=labels_needed)
    if after is None:
        assert STRICTNESS[again.route] <= STRICTNESS[before.route]
        assert before.mandatory or not again.mandatory
        return
    assert STRICTNESS[after.route] == max(STRICTNESS[before.route], STRICTNESS[again.route])
    assert after.mandatory == (before.mandatory or again.mandatory)
    assert not after.mandatory or after.route in HELD
    assert after.labels_needed >= max(labels_needed or 0, again.labels_needed)
    assert after.reasons


@given(pairs, pairs)
def test_the_draw_and_what_made_a_claim_mandatory_stay(
    first: tuple[Policy, Facts], second: tuple[Policy, Facts]
) -> None:
    (policy, facts), (other, _) = first, second
    before = route(facts, policy)
    after = rerouted(before, route(facts, other))
    if after is not None:
        drawn = ("audit_rate", "audit_sampled", "inclusion_probability")
        assert [getattr(before, name) for name in drawn] == [getattr(after, name) for name in drawn]
        assert {reason for reason in before.reasons if reason.startswith("mandatory_")} <= set(after.reasons)


@given(pairs, pairs)
def test_routing_again_by_the_same_policy_changes_nothing(
    first: tuple[Policy, Facts], second: tuple[Policy, Facts]
) -> None:
    (policy, facts), (other, _) = first, second
    before = route(facts, policy)
    assert rerouted(before, before) is None
    after = rerouted(before, route(facts, other))
    assert after is None or rerouted(after, route(facts, other)) is None


@given(pairs)
def test_a_step_that_ran_out_always_leads_to_people(pair: tuple[Policy, Facts]) -> None:
    policy, facts = pair
    before = route(facts, policy)
    if before.route == "uncertain":
        after = rerouted(before, route(replace(facts, step_expired=True), policy))
        assert after is not None
        assert after.route in HELD
        assert "step_timeout" in after.reasons
        assert after.next_step is None
