"""Mandatory review: no score, state or silence takes such a claim past a person."""

from __future__ import annotations

import pytest

from tests.unit.policy.examples import ACCEPT, REVIEW, routed


def test_a_mandatory_category_goes_to_people_at_confidence_1_with_every_band_automatic() -> None:
    everything = [{**ACCEPT, "low": 0}]
    answer = routed({"bands": everything}, category="health", confidence=1.0, band_states={"0.00-1.00": "validated"})
    assert (answer.route, answer.reasons, answer.mandatory) == ("review", ("mandatory_category",), True)
    assert (answer.inclusion_probability, answer.audit_rate, answer.audit_sampled) == (1.0, 1.0, False)


def test_a_mandatory_segment_goes_to_people() -> None:
    answer = routed(segments={"workflow": "refund"})
    assert (answer.route, answer.reasons) == ("review", ("mandatory_segment",))


def test_all_matching_rules_are_named_the_mandatory_ones_first() -> None:
    answer = routed({"mode": "shadow"}, category="health", segments={"workflow": "refund"}, model="new", breaker=True)
    assert answer.reasons == (
        "mandatory_category",
        "mandatory_segment",
        "band_unvalidated",
        "uncalibrated_model",
        "drift_breaker",
        "shadow_mode",
    )


@pytest.mark.parametrize("category", [None, ""])
def test_leaving_the_category_out_does_not_dodge_mandatory_review(category: str | None) -> None:
    assert routed(category=category).reasons == ("mandatory_category",)


def test_leaving_the_segment_out_does_not_dodge_mandatory_review() -> None:
    assert routed(segments={}).reasons == ("mandatory_segment",)


def test_without_mandatory_rules_category_and_segments_may_be_left_out() -> None:
    assert routed({"mandatory": {}}, category=None, segments={}).route == "accept"


@pytest.mark.parametrize(
    ("wanted", "confidence", "expected"),
    [
        ("review", 0.95, "review"),
        ("escalate", 0.95, "escalate"),
        ("review", 0.35, "escalate"),
        ("escalate", 0.5, "escalate"),
    ],
)
def test_a_mandatory_claim_goes_to_the_stricter_of_rule_and_band(wanted: str, confidence: float, expected: str) -> None:
    answer = routed(
        {"mandatory": {"categories": ["health"], "route": wanted}}, category="health", confidence=confidence
    )
    assert answer.route == expected


def test_the_band_is_named_too_when_a_mandatory_claim_would_be_reviewed_anyway() -> None:
    assert routed(category="health", confidence=0.5).reasons == ("mandatory_category", "band")


def test_a_mandatory_claim_needs_no_fewer_labels_than_the_policy_asks_for() -> None:
    rules = {"bands": [{**REVIEW, "low": 0, "high": 1, "labels_needed": 1}], "review": {"labels_needed": 2}}
    assert routed(rules, category="health").labels_needed == 2
    assert routed(rules).labels_needed == 1
