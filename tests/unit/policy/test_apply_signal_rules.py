"""Rules over signals: they only ever make an outcome stricter, and silence does not dodge them."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.policy.difference import difference
from reviewqueue.policy.document import PolicyInvalid, policy_hash, to_document
from reviewqueue.policy.facts import facts_from_json, facts_to_json
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.routing import Routing
from tests.unit.policy.examples import document, facts, policy, routed

RISK: dict[str, Any] = {"name": "risky", "signal": "input_risk", "at_least": 0.8, "route": "review"}


def ruled(*changes: dict[str, Any], signals: dict[str, float] | None = None, **claim: Any) -> Routing:
    """The plain claim, which its band would accept, under one rule for each of the changes to RISK."""
    rules = [{**RISK, "name": f"rule {place}", **change} for place, change in enumerate(changes)]
    return routed({"rules": rules}, signals={"input_risk": 0.9} if signals is None else signals, **claim)


def test_a_rule_that_matches_holds_what_its_band_would_accept() -> None:
    assert ruled({}, signals={"input_risk": 0.79}).route == "accept"
    held = ruled({})
    assert (held.route, held.reasons, held.inclusion_probability) == ("review", ("signal_rule",), 1.0)


@pytest.mark.parametrize(("value", "route"), [(0.8, "review"), (0.799999999, "review"), (0.79999999, "accept")])
def test_the_edge_belongs_to_at_least_on_eight_places(value: float, route: str) -> None:
    assert ruled({}, signals={"input_risk": value}).route == route


def test_below_leaves_its_edge_out() -> None:
    low = {"at_least": None, "below": 0.5}
    assert ruled(low, signals={"input_risk": 0.5}).route == "accept"
    assert ruled(low, signals={"input_risk": 0.49}).route == "review"


def test_a_missing_signal_counts_as_a_match_unless_the_rule_says_otherwise() -> None:
    assert ruled({}, signals={}).route == "review"
    assert ruled({"if_missing": "skip"}, signals={}).route == "accept"


def test_of_several_rules_the_strictest_has_its_way() -> None:
    ask = {"route": "uncertain", "next_step": "ask"}
    assert ruled(ask).next_step == "ask"
    assert ruled(ask, {"route": "escalate"}, {}).route == "escalate"
    retrieve = {"route": "uncertain", "next_step": "retrieve"}
    assert ruled(retrieve, ask).next_step == ruled(ask, retrieve).next_step == "ask"


def test_a_rule_that_asks_for_less_than_the_band_changes_nothing_but_is_named() -> None:
    answer = ruled({"route": "uncertain", "next_step": "ask"}, confidence=0.5)
    assert (answer.route, answer.next_step, answer.reasons) == ("review", None, ("band", "signal_rule"))


def test_a_next_step_that_a_rule_asks_for_is_within_the_budget() -> None:
    spent = ruled({"route": "uncertain", "next_step": "ask"}, attempt=3)
    assert (spent.route, spent.next_step, spent.reasons) == ("review", None, ("step_budget_spent", "signal_rule"))


def test_no_rule_releases_a_mandatory_claim() -> None:
    answer = ruled({"route": "uncertain", "next_step": "ask"}, category="health")
    assert (answer.route, answer.reasons) == ("review", ("mandatory_category", "signal_rule"))


def test_what_was_mandatory_once_in_a_case_stays_mandatory() -> None:
    answer = routed(case_mandatory=True)
    assert (answer.route, answer.mandatory, answer.reasons) == ("review", True, ("mandatory_case",))


BROKEN: dict[str, tuple[Any, str, str]] = {
    "looser than any band": ([{**RISK, "route": "accept"}], "/rules/0/route", "not_a_choice"),
    "two edges": ([{**RISK, "below": 0.2}], "/rules/0/at_least", "one_edge"),
    "no edge": ([{**RISK, "at_least": None}], "/rules/0/at_least", "one_edge"),
    "edge beyond one": ([{**RISK, "at_least": 1.5}], "/rules/0/at_least", "out_of_range"),
    "a step of a held claim": ([{**RISK, "next_step": "ask"}], "/rules/0/next_step", "not_used_by_route"),
    "no step": ([{**RISK, "route": "uncertain"}], "/rules/0/next_step", "needed_by_route"),
    "a name twice": ([RISK, RISK], "/rules/1/name", "duplicate"),
    "a typo": ([{**RISK, "atleast": 1}], "/rules/0/atleast", "unknown_key"),
    "no signal": ([{"name": "x", "below": 0.1, "route": "review"}], "/rules/0/signal", "missing"),
    "no object": (["risky"], "/rules/0", "not_an_object"),
    "no list": ({}, "/rules", "not_a_list"),
    "too many": ([{**RISK, "name": str(place)} for place in range(51)], "/rules", "too_many"),
}


@pytest.mark.parametrize(("rules", "pointer", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_is_refused_at_the_place_that_is_broken(rules: Any, pointer: str, code: str) -> None:
    with pytest.raises(PolicyInvalid) as refusal:
        parse_policy(document(rules=rules))
    assert (pointer, code) in {(problem.pointer, problem.code) for problem in refusal.value.problems}


CHANGED: list[tuple[dict[str, Any], str]] = [
    ({"at_least": 0.7}, "stricter"),
    ({"at_least": 0.9}, "looser"),
    ({"route": "escalate"}, "stricter"),
    ({"route": "uncertain", "next_step": "ask"}, "looser"),
    ({"if_missing": "skip"}, "looser"),
    ({"signal": "other"}, "looser"),
    ({"at_least": None, "below": 0.9}, "looser"),
]


@pytest.mark.parametrize(("change", "direction"), CHANGED)
def test_a_changed_rule_is_looser_unless_it_still_catches_everything(change: dict[str, Any], direction: str) -> None:
    (found,) = difference(policy(rules=[RISK]), policy(rules=[{**RISK, **change}]))
    assert (found.pointer, found.direction) == ("/rules/0", direction)


def test_another_next_step_is_neither_stricter_nor_looser() -> None:
    asking = {**RISK, "route": "uncertain", "next_step": "ask"}
    (found,) = difference(policy(rules=[asking]), policy(rules=[{**asking, "next_step": "abstain"}]))
    assert found.direction == "neutral"


def test_a_new_rule_is_stricter_and_a_lost_one_looser() -> None:
    (added,) = difference(policy(), policy(rules=[RISK]))
    assert (added.direction, added.meaning) == (
        "stricter",
        "The rule risky is new: input_risk 0.8 or more or missing asks for review",
    )
    (lost,) = difference(policy(rules=[RISK]), policy())
    assert lost.direction == "looser"


def test_a_policy_without_rules_keeps_the_hash_it_had_before_there_were_any() -> None:
    assert "rules" not in to_document(policy())
    assert policy_hash(to_document(policy(rules=[]))) == policy_hash(to_document(policy()))


def test_facts_that_were_stored_before_there_were_signals_still_load() -> None:
    stored = facts_to_json(facts())
    assert not {"signals", "case_mandatory"} & stored.keys()
    assert facts_from_json(stored) == facts()
