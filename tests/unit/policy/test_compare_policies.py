"""The difference of two policies says in words what changes, where, and which way it points."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.policy.difference import difference, is_looser, loosens_mandatory
from tests.unit.policy.examples import ACCEPT, FLAGGED, REVIEW, document, policy

TWO = {"bands": [{**REVIEW, "low": 0, "high": 0.9}, ACCEPT]}


def two(lower: dict[str, Any] | None = None, upper: dict[str, Any] | None = None, **terms: Any) -> dict[str, Any]:
    return {"bands": [{**TWO["bands"][0], **(lower or {})}, {**ACCEPT, **(upper or {})}], **terms}


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c.pointer, c.meaning, c.direction) for c in difference(policy(**before), policy(**after))]


def test_equal_policies_do_not_differ() -> None:
    assert difference(policy(), policy()) == ()


def test_order_and_defaults_written_out_are_no_difference() -> None:
    before = two(mandatory={"categories": ["a", "b"]})
    after = two(mandatory={"categories": ["b", "a"], "route": "review"}, lower={"labels_needed": 1}, mode="active")
    assert changes(before, after) == []


def test_a_lower_threshold_is_looser_and_named_by_the_stretch_it_touches() -> None:
    assert changes(two(), two(lower={"high": 0.8}, upper={"low": 0.8})) == [
        ("/bands/1/route", "Confidence 0.80 to 0.90: review becomes accept", "looser"),
        ("/bands/1/audit_rate", "Confidence 0.80 to 0.90: people see 5% of the claims instead of 100%", "looser"),
        ("/bands", "The bands are cut at 0.80 instead of 0.90; each new band is measured by itself", "neutral"),
    ]


def test_a_higher_threshold_is_stricter() -> None:
    raised = two(lower={"high": 0.95}, upper={"low": 0.95})
    assert not is_looser(policy(**two()), policy(**raised))
    assert is_looser(policy(**raised), policy(**two()))


def test_one_change_over_several_bands_is_told_once() -> None:
    split = {"bands": [{**REVIEW, "low": 0, "high": 0.5}, {**REVIEW, "low": 0.5, "high": 1}]}
    meanings = [meaning for _, meaning, _ in changes(split, {"bands": [{**FLAGGED, "low": 0, "high": 1}]})]
    assert meanings == [
        "Confidence 0.00 to 1.00: review becomes accept_flagged",
        "The bands are cut at no edge instead of 0.50; each new band is measured by itself",
    ]


def test_merging_two_bands_that_each_earned_their_own_accuracy_is_looser() -> None:
    apart = {"bands": [{**ACCEPT, "low": 0, "high": 0.5}, {**ACCEPT, "low": 0.5}]}
    assert is_looser(policy(**apart), policy(bands=[{**ACCEPT, "low": 0}]))


def test_reviewing_what_two_bands_decided_apart_is_not_looser() -> None:
    apart = {"bands": [{**ACCEPT, "low": 0, "high": 0.5}, {**ACCEPT, "low": 0.5}]}
    assert not is_looser(policy(**apart), policy(bands=[{**REVIEW, "low": 0, "high": 1}]))


def audited(**terms: object) -> dict[str, object]:
    return {"epoch": "2026-1", **terms}


ONE_VALUE = [
    (two(), two(upper={"audit_rate": 0.2}), "/bands/1/audit_rate", "stricter"),
    (two(), two(upper={"audit_rate": 0, "unaudited_waiver": True}), "/bands/1/audit_rate", "stricter"),
    (two(), two(upper={"required_accuracy": 0.99}), "/bands/1/required_accuracy", "stricter"),
    (two(), two(lower={"labels_needed": 2}), "/bands/0/labels_needed", "stricter"),
    (two(), two(certainty=0.99), "/certainty", "stricter"),
    (two(), two(freshness_days=7), "/freshness_days", "stricter"),
    (two(), two(step_minutes=30), "/step_minutes", "stricter"),
    (two(), two(step_budget=1), "/step_budget", "stricter"),
    (two(), two(review={"labels_needed": 2}), "/review/labels_needed", "stricter"),
    (two(), two(review={"blind": "score"}), "/review/blind", "stricter"),
    (two(), two(mode="shadow"), "/mode", "stricter"),
    (two(), two(sampling=audited(ramp={"first_rate": 0.2})), "/sampling/ramp", "stricter"),
    (two(), two(sampling=audited(floors={"language": 5})), "/sampling/floors/language", "stricter"),
    (two(), two(sampling=audited(weekly_minimum=20)), "/sampling/weekly_minimum", "stricter"),
    (two(), two(sampling=audited(weekly_extra=100)), "/sampling/weekly_extra", "stricter"),
]


@pytest.mark.parametrize(("before", "after", "pointer", "direction"), ONE_VALUE, ids=[row[2] for row in ONE_VALUE])
def test_each_value_points_one_way_and_back(
    before: dict[str, Any], after: dict[str, Any], pointer: str, direction: str
) -> None:
    assert [(where, way) for where, _, way in changes(before, after)] == [(pointer, direction)]
    assert [(where, way) for where, _, way in changes(after, before)] == [(pointer, "looser")]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"review": {"lease_minutes": 20}}, "/review/lease_minutes"),
        ({"review": {"due_minutes": 60}}, "/review/due_minutes"),
        ({"review": {"undo_seconds": 0}}, "/review/undo_seconds"),
        ({"review": {"max_labels": 5}}, "/review/max_labels"),
        ({"sampling": {"epoch": "2026-2"}}, "/sampling/epoch"),
    ],
)
def test_what_lets_nothing_pass_is_neutral(change: dict[str, Any], pointer: str) -> None:
    assert [(where, way) for where, _, way in changes({}, change)] == [(pointer, "neutral")]


ROUTES = [
    ("review", "uncertain", "looser"),
    ("uncertain", "review", "stricter"),
    ("review", "escalate", "stricter"),
    ("review", "reject", "looser"),
    ("accept", "accept_flagged", "stricter"),
    ("accept", "reject", "stricter"),
    ("reject", "accept", "looser"),
    ("accept_flagged", "accept", "looser"),
    ("accept_flagged", "uncertain", "looser"),
    ("uncertain", "accept_flagged", "looser"),
    ("uncertain", "reject", "looser"),
    ("reject", "uncertain", "looser"),
    ("escalate", "review", "looser"),
    ("escalate", "accept", "looser"),
]


@pytest.mark.parametrize(("old", "new", "direction"), ROUTES)
def test_a_route_is_looser_when_more_is_released_or_fewer_people_look(old: str, new: str, direction: str) -> None:
    def whole(route: str) -> dict[str, Any]:
        band: dict[str, Any] = {"low": 0, "high": 1, "route": route}
        if route == "uncertain":
            band["next_step"] = "ask"
        if route in ("accept", "accept_flagged", "reject"):
            band["required_accuracy"] = 0.9
        return {"bands": [band]}

    assert [(where, way) for where, _, way in changes(whole(old), whole(new))] == [("/bands/0/route", direction)]


def test_rules_of_mandatory_review_are_told_apart() -> None:
    before = two(mandatory={"categories": ["health"], "segments": {"workflow": ["refund"]}, "route": "escalate"})
    after = two(mandatory={"categories": ["legal"], "segments": {"workflow": ["refund", "qa"]}, "route": "review"})
    assert changes(before, after) == [
        ("/mandatory/categories/0", "Claims of category health need not go to a person any more", "looser"),
        ("/mandatory/categories/0", "Claims of category legal always go to a person", "stricter"),
        ("/mandatory/segments/workflow/1", "Claims of workflow qa always go to a person", "stricter"),
        ("/mandatory/route", "The route of mandatory review: escalate becomes review", "looser"),
    ]


def test_only_loosening_mandatory_review_loosens_mandatory_review() -> None:
    none = policy(**two(mandatory={}))
    assert loosens_mandatory(policy(**two()), none)
    assert not loosens_mandatory(none, policy(**two()))
    assert not loosens_mandatory(policy(**two()), policy(**two(certainty=0.5)))


def entry(name: str, **mapped: Any) -> dict[str, Any]:
    return {"model": "acme-lm", "model_version": "1", "name": name, "map": {"kind": "identity"} | mapped}


PLATT = {"kind": "platt", "slope": 1, "intercept": 0.5, "eps": 0.02}


@pytest.mark.parametrize(
    ("before", "after", "meaning", "direction"),
    [
        ([], [entry("a")], "calibrated by a, so that validated bands may decide by themselves for it", "looser"),
        ([entry("a")], [], "no longer calibrated, so no band decides by itself for it", "stricter"),
        ([entry("a")], [entry("b")], "a is called b", "neutral"),
        (
            [entry("a")],
            [entry("b", **PLATT)],
            "b instead of a; a claim may fall into another band, up or down",
            "looser",
        ),
    ],
)
def test_calibrators_are_compared_by_model(before: list[Any], after: list[Any], meaning: str, direction: str) -> None:
    assert changes(two(calibrators=before), two(calibrators=after)) == [
        ("/calibrators/0", f"acme-lm 1: {meaning}", direction)
    ]


def test_losing_a_calibrator_is_looser_where_bands_treat_held_claims_differently() -> None:
    handed_back = {"low": 0, "high": 0.9, "route": "uncertain", "next_step": "ask"}
    bands = [handed_back, ACCEPT]
    assert is_looser(policy(bands=bands), policy(bands=bands, calibrators=[]))


def test_a_change_carries_both_values() -> None:
    (change,) = difference(policy(), policy(**{**document(), "certainty": 0.9}))
    assert (change.before, change.after) == (0.95, 0.9)
