"""Verifiers make an outcome stricter, and release only what has been measured and what nothing stronger holds."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.policy.difference import difference
from reviewqueue.policy.facts import facts_from_json, facts_to_json
from reviewqueue.policy.routing import Routing, route
from reviewqueue.verifiers.finding import Finding
from tests.unit.policy.examples import ALL_ROUTES, facts, policy
from tests.unit.policy.test_refuse_verifiers import RELEASE, SHAPE, bands_releasing

SUMS = {"name": "sums", "kind": "arithmetic", "expression": "output.a == 1", "route": "escalate"}


def checked(
    outcomes: dict[str, str], *verifiers: dict[str, Any], bands: list[dict[str, Any]] | None = None, **claim: Any
) -> Routing:
    """The plain claim under a policy with these verifiers, which found this."""
    rules = policy(verifiers=list(verifiers or [SHAPE]), **({"bands": bands} if bands else {}))
    found = {each.digest: Finding(outcomes[each.name]) for each in rules.verifiers if each.name in outcomes}  # type: ignore[arg-type]
    return route(facts(checks=found, **claim), rules)


def test_a_verifier_that_fails_holds_what_its_band_would_accept() -> None:
    assert checked({"shape": "pass"}).reasons == ("band",)
    held = checked({"shape": "fail"})
    assert (held.route, held.reasons, held.inclusion_probability) == ("review", ("verifier_failed",), 1.0)


@pytest.mark.parametrize("outcomes", [{}, {"shape": "unknown"}])
def test_a_check_that_was_not_made_counts_as_failed_unless_the_policy_says_otherwise(outcomes: dict[str, str]) -> None:
    assert checked(outcomes).route == "review"
    assert checked(outcomes, {**SHAPE, "if_unknown": "skip"}).route == "accept"


def test_of_several_failures_the_strictest_has_its_way() -> None:
    assert checked({"shape": "fail", "sums": "fail"}, SHAPE, SUMS).route == "escalate"
    asked = {**SHAPE, "route": "uncertain", "next_step": "retry"}
    answer = checked({"shape": "fail"}, asked)
    assert (answer.route, answer.next_step) == ("uncertain", "retry")


def test_a_failure_that_asks_for_less_than_the_band_changes_nothing_but_is_named() -> None:
    asked = {**SHAPE, "route": "uncertain", "next_step": "retry"}
    answer = checked({"shape": "fail"}, asked, confidence=0.5)
    assert (answer.route, answer.reasons) == ("review", ("band", "verifier_failed"))


STATES = {"0.40-0.70+verified": "validated", "0.10-0.30+verified": "validated", "0.40-0.70": "validated"}


def released(outcomes: dict[str, str], *verifiers: dict[str, Any], base: str = "review", **claim: Any) -> Routing:
    """A claim of the gray band, from which SHAPE releases."""
    plain = {"confidence": 0.5 if base == "review" else 0.2, "band_states": STATES}
    return checked(outcomes, *verifiers, bands=bands_releasing(RELEASE, base), **{**plain, **claim})


def test_what_verifiers_pass_is_released_from_a_gray_band_that_has_earned_it() -> None:
    answer = released({"shape": "pass"})
    assert (answer.route, answer.reasons) == ("accept", ("verifier_passed", "band"))
    assert (answer.band, answer.band_state, answer.audit_rate, answer.blind) == (
        "0.40-0.70+verified",
        "validated",
        0.2,
        "score",
    )


@pytest.mark.parametrize("outcome", ["fail", "unknown"])
def test_what_does_not_pass_is_held_as_ever(outcome: str) -> None:
    answer = released({"shape": outcome}, {**SHAPE, "if_unknown": "skip"})
    assert (answer.route, answer.band) == ("review", "0.40-0.70")


@pytest.mark.parametrize("state", ["unmeasured", "provisional", "failed", "stale", "breach"])
def test_a_release_that_was_not_measured_releases_nothing(state: str) -> None:
    answer = released({"shape": "pass"}, band_states={**STATES, "0.40-0.70+verified": state})
    assert (answer.route, answer.band) == ("review", "0.40-0.70+verified")
    assert answer.reasons == ("band_unvalidated", "verifier_passed")
    assert answer.inclusion_probability == 1, "people see all of them, and so they are measured"


def test_the_band_around_it_does_not_vouch_for_a_release() -> None:
    assert released({"shape": "pass"}, band_states={"0.40-0.70": "validated"}).route == "review"


@pytest.mark.parametrize(
    "claim",
    [
        {"category": "health"},
        {"case_mandatory": True},
        {"breaker": True},
        {"step_expired": True},
        {"model_version": "2"},
    ],
)
def test_nothing_stronger_gives_way_to_a_verifier(claim: dict[str, Any]) -> None:
    assert released({"shape": "pass"}, **claim).route == "review"


def test_a_verifier_that_fails_is_stronger_than_one_that_releases() -> None:
    answer = released({"shape": "pass", "sums": "fail"}, SHAPE, SUMS)
    assert (answer.route, answer.reasons) == ("escalate", ("verifier_failed", "verifier_passed"))


def test_all_the_verifiers_that_a_release_names_have_to_pass() -> None:
    both = {**RELEASE, "verifiers": ["shape", "sums"]}
    bands = bands_releasing(both)
    calm = {**SUMS, "route": "uncertain", "next_step": "ask", "if_unknown": "skip"}
    claim = {"confidence": 0.5, "band_states": STATES}
    assert checked({"shape": "pass", "sums": "pass"}, SHAPE, calm, bands=bands, **claim).route == "accept"
    assert checked({"shape": "pass"}, SHAPE, calm, bands=bands, **claim).route == "review"


def test_what_would_be_handed_back_is_held_while_its_release_is_measured() -> None:
    """A claim that is handed back measures nothing, so a release from such a band could never be earned."""
    assert released({"shape": "pass"}, base="uncertain").route == "accept"
    assert released({"shape": "pass"}, base="uncertain", band_states={}).route == "review"
    assert released({"shape": "fail"}, {**SHAPE, "route": "uncertain", "next_step": "ask"}, base="uncertain").route == (
        "uncertain"
    )


def test_findings_are_stored_with_the_facts_and_replayed() -> None:
    known = facts(checks={"0123456789abcdef": Finding("fail", 0.25, "unsupported")})
    assert facts_from_json(facts_to_json(known)) == known
    assert "checks" not in facts_to_json(facts())


# --- differences -----------------------------------------------------------------------------------------------


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, str]]:
    return [(change.pointer, change.direction) for change in difference(policy(**before), policy(**after))]


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ([], [SHAPE], "stricter"),
        ([SHAPE], [], "looser"),
        ([SHAPE], [{**SHAPE, "at_most": 9}], "looser"),
        ([SHAPE], [{**SHAPE, "route": "escalate"}], "stricter"),
        ([SHAPE], [{**SHAPE, "if_unknown": "skip"}], "looser"),
        ([{**SHAPE, "if_unknown": "skip"}], [SHAPE], "stricter"),
        (
            [{**SHAPE, "route": "uncertain", "next_step": "ask"}],
            [{**SHAPE, "route": "uncertain", "next_step": "retry"}],
            "neutral",
        ),
    ],
)
def test_verifiers_are_compared(before: list[Any], after: list[Any], direction: str) -> None:
    assert changes({"verifiers": before}, {"verifiers": after}) == [("/verifiers/0", direction)]


@pytest.mark.parametrize(
    ("before", "after", "place", "direction"),
    [
        (None, RELEASE, "/bands/3/release", "looser"),
        (RELEASE, None, "/bands/3", "stricter"),
        (RELEASE, {**RELEASE, "required_accuracy": 0.98}, "/bands/3/release", "stricter"),
        (RELEASE, {**RELEASE, "audit_rate": 0.1}, "/bands/3/release", "looser"),
        (RELEASE, {**RELEASE, "verifiers": ["shape", "sums"]}, "/bands/3/release", "stricter"),
        (RELEASE, {**RELEASE, "verifiers": ["sums"]}, "/bands/3/release", "looser"),
    ],
)
def test_releases_are_compared(
    before: dict[str, Any] | None, after: dict[str, Any] | None, place: str, direction: str
) -> None:
    verifiers = [SHAPE, SUMS]
    first = bands_releasing(before) if before else ALL_ROUTES
    second = bands_releasing(after) if after else ALL_ROUTES
    found = changes({"bands": first, "verifiers": verifiers}, {"bands": second, "verifiers": verifiers})
    assert found == [(place, direction)]
