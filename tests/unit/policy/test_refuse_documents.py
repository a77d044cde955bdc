"""What is no policy is refused with a pointer to everything that is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.errors import Invalid
from reviewqueue.policy.document import PolicyInvalid
from reviewqueue.policy.parsing import names_problems, parse_policy
from tests.unit.policy.examples import ACCEPT, REVIEW, UNCERTAIN, document, policy

NAN, INFINITY = float("nan"), float("inf")


def found(data: object) -> set[tuple[str, str]]:
    with pytest.raises(PolicyInvalid) as refusal:
        parse_policy(data)
    assert isinstance(refusal.value, Invalid), "the edges map Invalid to 422"
    return {(problem.pointer, problem.code) for problem in refusal.value.problems}


def two_bands(lower: dict[str, Any], upper: dict[str, Any]) -> dict[str, Any]:
    return document(bands=[{**REVIEW, "low": 0, "high": 0.9, **lower}, {**ACCEPT, **upper}])


def calibrator(**changes: Any) -> dict[str, Any]:
    return {"model": "m", "model_version": "1", "name": "c", "map": {"kind": "identity"}, **changes}


B65: dict[str, tuple[object, str, str]] = {
    "overlapping bands": (two_bands({"high": 0.95}, {}), "/bands/1/low", "overlap"),
    "gap": (two_bands({"high": 0.8}, {}), "/bands/1/low", "gap"),
    "gap at the bottom": (two_bands({"low": 0.1}, {}), "/bands/0/low", "gap"),
    "gap at the top": (two_bands({}, {"high": 0.99}), "/bands/1/high", "gap"),
    "thresholds reversed": (two_bands({"low": 0.9, "high": 0}, {}), "/bands/0/high", "reversed"),
    "empty band": (two_bands({}, {"low": 1}), "/bands/1/high", "reversed"),
    "not a number": (two_bands({}, {"low": NAN}), "/bands/1/low", "not_finite"),
    "infinite rate": (two_bands({}, {"audit_rate": INFINITY}), "/bands/1/audit_rate", "not_finite"),
    "rate above 1": (two_bands({}, {"audit_rate": 1.5}), "/bands/1/audit_rate", "out_of_range"),
    "zero reviewers": (document(review={"labels_needed": 0}), "/review/labels_needed", "out_of_range"),
    "zero reviewers in a band": (two_bands({"labels_needed": 0}, {}), "/bands/0/labels_needed", "out_of_range"),
    "auto for mandatory": (document(mandatory={"route": "accept"}), "/mandatory/route", "not_a_choice"),
    "flagged for mandatory": (document(mandatory={"route": "accept_flagged"}), "/mandatory/route", "not_a_choice"),
    "empty list of bands": (document(bands=[]), "/bands", "empty"),
    "null": (None, "", "not_an_object"),
    "list": ([], "", "not_an_object"),
}


@pytest.mark.parametrize(("data", "pointer", "code"), B65.values(), ids=B65.keys())
def test_each_broken_policy_is_refused_at_the_place_that_is_broken(data: object, pointer: str, code: str) -> None:
    assert (pointer, code) in found(data)


def test_an_empty_document_names_every_field_it_needs() -> None:
    needed = {(f"/{name}", "missing") for name in ("schema", "bands", "mandatory", "sampling")}
    assert found({}) == needed


OTHERS: dict[str, tuple[object, str, str]] = {
    "typo": (document(mandatroy={}), "/mandatroy", "unknown_key"),
    "typo in a band": (two_bands({}, {"rate": 1}), "/bands/1/rate", "unknown_key"),
    "typo that needs escaping": (document(**{"a/b~c": 1}), "/a~1b~0c", "unknown_key"),
    "another schema": (document(schema=2), "/schema", "out_of_range"),
    "schema true": (document(schema=True), "/schema", "not_an_integer"),
    "bands as object": (document(bands={}), "/bands", "not_a_list"),
    "band as text": (document(bands=["accept"]), "/bands/0", "not_an_object"),
    "too many bands": (document(bands=[REVIEW] * 51), "/bands", "too_many"),
    "route unknown": (two_bands({"route": "auto"}, {}), "/bands/0/route", "not_a_choice"),
    "less trust above": (two_bands({}, {"route": "reject"}), "/bands/1/route", "route_order"),
    "threshold as text": (two_bands({}, {"low": "0.9"}), "/bands/1/low", "not_a_number"),
    "threshold true": (two_bands({}, {"high": True}), "/bands/1/high", "not_a_number"),
    "threshold negative": (two_bands({"low": -0.1}, {}), "/bands/0/low", "out_of_range"),
    "accept earns nothing": (
        two_bands({}, {"required_accuracy": None}),
        "/bands/1/required_accuracy",
        "needed_by_route",
    ),
    "perfection": (two_bands({}, {"required_accuracy": 1}), "/bands/1/required_accuracy", "out_of_range"),
    "nearly perfection": (
        two_bands({}, {"required_accuracy": 1 - 1e-12}),
        "/bands/1/required_accuracy",
        "out_of_range",
    ),
    "review earns": (two_bands({"required_accuracy": 0.9}, {}), "/bands/0/required_accuracy", "not_used_by_route"),
    "no audit": (two_bands({}, {"audit_rate": 0}), "/bands/1/audit_rate", "unaudited"),
    "hardly any audit": (two_bands({}, {"audit_rate": 1e-12}), "/bands/1/audit_rate", "unaudited"),
    "needless waiver": (two_bands({}, {"unaudited_waiver": True}), "/bands/1/unaudited_waiver", "contradiction"),
    "waiver as text": (two_bands({}, {"unaudited_waiver": "yes"}), "/bands/1/unaudited_waiver", "not_a_boolean"),
    "sampled review": (two_bands({"audit_rate": 0.5}, {}), "/bands/0/audit_rate", "not_used_by_route"),
    "step nobody takes": (two_bands({"next_step": "ask"}, {}), "/bands/0/next_step", "not_used_by_route"),
    "no next step": (two_bands({"route": "uncertain"}, {}), "/bands/0/next_step", "needed_by_route"),
    "certainty 1": (document(certainty=1), "/certainty", "out_of_range"),
    "certainty of a coin": (document(certainty=0.49), "/certainty", "out_of_range"),
    "lease of an instant": (document(review={"lease_minutes": 1}), "/review/lease_minutes", "out_of_range"),
    "lease of a day": (document(review={"lease_minutes": 61}), "/review/lease_minutes", "out_of_range"),
    "half a label": (document(review={"labels_needed": 1.5}), "/review/labels_needed", "not_an_integer"),
    "six labels": (document(review={"labels_needed": 6}), "/review/labels_needed", "out_of_range"),
    "fewer at most": (document(review={"labels_needed": 4}), "/review/max_labels", "contradiction"),
    "fewer than a band": (two_bands({"labels_needed": 5}, {}), "/review/max_labels", "contradiction"),
    "blind to what": (document(review={"blind": True}), "/review/blind", "not_a_choice"),
    "no epoch": (document(sampling={}), "/sampling/epoch", "missing"),
    "epoch with a line break": (document(sampling={"epoch": "a\nb"}), "/sampling/epoch", "unprintable"),
    "ramp without a rate": (document(sampling={"epoch": "1", "ramp": {}}), "/sampling/ramp/first_rate", "missing"),
    "ramp from nothing": (
        document(sampling={"epoch": "1", "ramp": {"first_rate": 0}}),
        "/sampling/ramp/first_rate",
        "out_of_range",
    ),
    "ramp of text": (document(sampling={"epoch": "1", "ramp": "slow"}), "/sampling/ramp", "not_an_object"),
    "floor of half a label": (
        document(sampling={"epoch": "1", "floors": {"language": 0.5}}),
        "/sampling/floors/language",
        "not_an_integer",
    ),
    "floors without end": (
        document(sampling={"epoch": "1", "floors": {str(each): 1 for each in range(11)}}),
        "/sampling/floors",
        "too_many",
    ),
    "no label a week": (
        document(sampling={"epoch": "1", "weekly_minimum": 0}),
        "/sampling/weekly_minimum",
        "out_of_range",
    ),
    "salt in the document": (document(sampling={"epoch": "1", "key": "…"}), "/sampling/key", "unknown_key"),
    "never fresh": (document(freshness_days=0), "/freshness_days", "out_of_range"),
    "no time for a step": (document(step_minutes=0), "/step_minutes", "out_of_range"),
    "no attempts": (document(step_budget=0), "/step_budget", "out_of_range"),
    "half active": (document(mode="half"), "/mode", "not_a_choice"),
    "category as text": (document(mandatory={"categories": "health"}), "/mandatory/categories", "not_a_list"),
    "category twice": (document(mandatory={"categories": ["a", "a"]}), "/mandatory/categories/1", "duplicate"),
    "empty category": (document(mandatory={"categories": [""]}), "/mandatory/categories/0", "wrong_length"),
    "category with a joiner": (
        document(mandatory={"categories": ["he\u200dalth"]}),
        "/mandatory/categories/0",
        "unprintable",
    ),
    "category with a space": (
        document(mandatory={"categories": ["health "]}),
        "/mandatory/categories/0",
        "unprintable",
    ),
    "category with NUL": (document(mandatory={"categories": ["a\0"]}), "/mandatory/categories/0", "unprintable"),
    "lone surrogate": (document(mandatory={"categories": ["\ud800"]}), "/mandatory/categories/0", "unprintable"),
    "segment of nothing": (document(mandatory={"segments": {"workflow": []}}), "/mandatory/segments/workflow", "empty"),
    "segment as text": (
        document(mandatory={"segments": {"workflow": "qa"}}),
        "/mandatory/segments/workflow",
        "not_a_list",
    ),
    "segment without name": (document(mandatory={"segments": {"": ["qa"]}}), "/mandatory/segments/", "wrong_length"),
    "model without name": (document(calibrators=[calibrator(model="")]), "/calibrators/0/model", "wrong_length"),
    "calibrator twice": (document(calibrators=[calibrator(), calibrator(name="d")]), "/calibrators/1", "duplicate"),
    "no map": (document(calibrators=[calibrator(map=None)]), "/calibrators/0/map", "not_an_object"),
    "map of a kind unknown": (
        document(calibrators=[calibrator(map={"kind": "x"})]),
        "/calibrators/0/map/kind",
        "unknown_kind",
    ),
    "map with a bad key": (
        document(calibrators=[calibrator(map={"kind": "identity", "\ud800": 1})]),
        "/calibrators/0/map/?",
        "unprintable",
    ),
}


@pytest.mark.parametrize(("data", "pointer", "code"), OTHERS.values(), ids=OTHERS.keys())
def test_each_other_mistake_is_refused_at_its_place(data: object, pointer: str, code: str) -> None:
    assert (pointer, code) in found(data)


def test_a_map_nested_without_end_is_refused_not_followed() -> None:
    nested: object = "bottom"
    for _ in range(100_000):
        nested = [nested]
    assert found(document(calibrators=[calibrator(map={"kind": nested})])) == {
        ("/calibrators/0/map/kind" + "/0" * 6, "too_deep")
    }


def test_every_problem_is_reported_at_once() -> None:
    broken = document(bands=[{**UNCERTAIN, "next_step": "pray"}], certainty="high", mode=None, extra=1)
    assert {pointer for pointer, _ in found(broken)} == {
        "/bands/0/next_step",
        "/bands/0/low",
        "/bands/0/high",
        "/certainty",
        "/mode",
        "/extra",
    }


def test_names_the_pipeline_does_not_enumerate_are_problems() -> None:
    problems = names_problems(
        policy(
            mandatory={"categories": ["health", "Health"], "segments": {"workflow": ["refund", "x"], "team/b": ["a"]}}
        ),
        categories=["health", "pricing"],
        segments={"workflow": ["qa", "refund"]},
        signals=[],
    )
    assert [(problem.pointer, problem.code) for problem in problems] == [
        ("/mandatory/categories/1", "unknown_name"),
        ("/mandatory/segments/workflow/1", "unknown_name"),
        ("/mandatory/segments/team~1b", "unknown_name"),
    ]


def test_names_the_pipeline_enumerates_are_no_problem() -> None:
    assert names_problems(policy(), categories=["health"], segments={"workflow": ["qa", "refund"]}, signals=[]) == []
