"""Verifiers run when a claim comes in, and once more only where a version asks what nobody had asked before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calibration.backtesting import backtest
from calibration.models import BandStat, ShadowDecision
from calibration.selectors import band_table
from calibration.services import measure_pipeline
from calibration.shadowing import replay_shadows
from reviewqueue import intake
from reviewqueue.cascade.services import rerouting
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.selectors import answer_of, claim_of_source
from reviewqueue.claims.submission import parse_submission
from reviewqueue.policy import services as policies
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import BandState
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import policy_of
from reviewqueue.review.showing import task_view
from tests.services.calibration.test_loop import settled
from tests.services.cascade.steps import cascading, unsure
from tests.services.policy.steps import draft_of
from tests.services.review.steps import taken
from tests.world import IDENTITY, POLICY, World

IN_EUROS: dict[str, Any] = {"name": "in euros", "kind": "pattern", "pattern": r"\d+ EUR", "route": "escalate"}
SHORT: dict[str, Any] = {"name": "short", "kind": "length", "at_most": 40, "route": "review"}
RELEASING = {"verifiers": ["in euros"], "route": "accept", "audit_rate": 0.5, "required_accuracy": 0.8}
VERIFIED = "0.60-0.90+verified"


def verifying(*verifiers: dict[str, Any], release: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """The policy of the tests with a calibrator and verifiers; `release` is one of its gray band."""
    low, gray, high = POLICY["bands"]
    gray = {**gray, "release": release} if release else gray
    policy = {**POLICY, "bands": [low, gray, high], "calibrators": [IDENTITY], "verifiers": list(verifiers)}
    return {**policy, **changes}


@pytest.fixture
def checked(world: World) -> World:
    world.activate(verifying(IN_EUROS, SHORT))
    world.validate_band()
    return world


def standing(claim: Claim) -> Decision:
    return claim.decisions.select_related("policy_version").get(standing=True)


def test_a_claim_that_fails_a_check_is_held_and_the_answer_says_which(checked: World) -> None:
    assert standing(checked.claim()).route == "accept"
    answer = checked.submit(output="It is free.").answer["decision"]
    assert (answer["route"], answer["reasons"]) == ("escalate", ["verifier_failed"])
    assert answer["checks"] == [
        {"name": "in euros", "outcome": "fail", "score": None, "note": "no_match"},
        {"name": "short", "outcome": "pass", "score": None, "note": None},
    ]


def test_preview_batch_retry_and_reading_say_the_same(checked: World) -> None:
    now, body = timezone.now(), checked.claim_body(output="It is free.")
    previewed = intake.preview(source=checked.source, submission=parse_submission(body, now=now), now=now)
    (first,) = intake.submit_batch(source=checked.source, bodies=[body], now=now)
    (again,) = intake.submit_batch(source=checked.source, bodies=[body], now=now)
    assert first.answer is not None
    decision = first.answer["decision"]
    read = answer_of(claim_of_source(checked.source, first.answer["id"]))["decision"]
    assert again.answer == first.answer
    assert decision["checks"] == read["checks"] == previewed["checks"] != []
    assert decision["route"] == previewed["route"] == "escalate"


def test_a_policy_without_verifiers_says_nothing_of_checks(world: World) -> None:
    assert "checks" not in world.submit().answer["decision"]


def test_findings_are_stored_and_the_decision_is_replayed_without_checking_again(checked: World) -> None:
    decision = standing(checked.claim(output="It is free."))
    policy = policy_of(checked.policy.pk, checked.policy.document_hash)
    again = route(facts_from_json(decision.facts), policy)
    assert (again.route, list(again.reasons)) == (decision.route, decision.reasons)
    assert "It is free" not in str(decision.facts), "facts outlive an erased text"


def test_a_mandatory_claim_is_held_whatever_verifiers_say(checked: World) -> None:
    decision = standing(checked.claim(category="refunds"))
    assert (decision.route, decision.reasons[0]) == ("review", "mandatory_category")


def test_a_reviewer_reads_what_each_check_found(checked: World) -> None:
    checked.submit(output="It is free.")
    why = task_view(taken(checked.sam))["task"]["claim"]["decision"]["why"]
    texts = {item["text"]: item["kind"] for item in why}
    assert texts["The check “in euros” failed: the pattern was not found."] == "blocker"
    assert texts["The check “short” passed."] == "voucher"


def test_blind_reviewers_read_nothing_of_it(world: World) -> None:
    world.activate(verifying(IN_EUROS, review={**POLICY["review"], "blind": "score"}))
    world.submit(output="It is free.")
    shown = str(task_view(taken(world.sam)))
    assert "in euros" not in shown
    assert "verifier" not in shown


# --- release ---------------------------------------------------------------------------------------------------


def state_of_release(world: World) -> str:
    return BandState.objects.get(policy_version=world.policy, band=VERIFIED).state


def test_a_release_is_earned_by_the_claims_that_pass_and_by_no_others(world: World) -> None:
    world.activate(verifying({**IN_EUROS, "route": "review"}, release=RELEASING))
    held = standing(world.claim(confidence=0.7))
    assert (held.route, held.band, held.reasons) == ("review", VERIFIED, ["band_unvalidated", "verifier_passed"])
    for _ in range(60):
        settled(world, correct=True, confidence=0.7)
        settled(world, correct=False, confidence=0.7, output="It is free.")
    measure_pipeline(world.pipeline)
    assert state_of_release(world) == "validated"
    stats = {row.band: row for row in BandStat.objects.filter(policy_version=world.policy, segment="")}
    assert (stats[VERIFIED].n_labelled, stats[VERIFIED].n_right) == (60, 60)
    assert (stats["0.60-0.90"].n_labelled, stats["0.60-0.90"].apart_labelled, stats["0.60-0.90"].apart_right) == (
        *(0, 60),
        0,
    ), "what a verifier holds is nothing that a band decides"
    released = standing(world.claim(confidence=0.7))
    assert (released.route, released.band_state, released.audit_rate) == ("accept", "validated", 0.5)
    assert released.reasons[0] == "verifier_passed"
    assert standing(world.claim(confidence=0.7, output="It is free.")).route == "review"


def test_the_table_of_bands_shows_the_release_beside_its_band(world: World) -> None:
    world.activate(verifying(IN_EUROS, release=RELEASING))
    world.submit(confidence=0.7)
    measure_pipeline(world.pipeline)
    rows = {row.band: row for row in band_table(world.pipeline)[0].rows}
    assert list(rows) == ["0.00-0.60", "0.60-0.90", VERIFIED, "0.90-1.00"]
    assert (rows[VERIFIED].n_routed, rows[VERIFIED].route, rows[VERIFIED].required) == (1, "accept", 0.8)


def test_another_check_under_the_same_name_has_to_be_measured_anew(world: World) -> None:
    world.activate(verifying({**IN_EUROS, "route": "review"}, release=RELEASING))
    for _ in range(60):
        settled(world, correct=True, confidence=0.7)
    measure_pipeline(world.pipeline)
    assert state_of_release(world) == "validated"
    world.activate(verifying({**IN_EUROS, "route": "review", "pattern": "EUR"}, release=RELEASING))
    measure_pipeline(world.pipeline)
    assert not BandState.objects.filter(policy_version=world.policy, band=VERIFIED, state="validated").exists()
    assert standing(world.claim(confidence=0.7)).route == "review"


# --- what was not asked before ---------------------------------------------------------------------------------


def test_a_new_version_checks_the_claims_that_wait(world: World) -> None:
    world.activate(cascading())
    good, bad = unsure(world), unsure(world, output="It is free.")
    world.activate(cascading(verifiers=[{**IN_EUROS, "route": "review"}]))
    assert rerouting.reroute_open_claims() == 1
    good.refresh_from_db()
    assert good.status == "awaiting_step"
    assert (standing(bad).route, standing(bad).reasons) == ("review", ["verifier_failed"])
    assert standing(bad).facts["checks"]


def test_a_version_in_shadow_makes_its_own_checks(world: World) -> None:
    draft = draft_of(world, verifying(IN_EUROS))
    policies.start_shadow(version=draft, by=world.olga)
    world.submit(confidence=0.5), world.submit(confidence=0.5, output="It is free.")
    replay_shadows()
    found = ShadowDecision.objects.order_by("claim_id").values_list("route", "reasons")
    assert list(found) == [("review", ["band"]), ("escalate", ["verifier_failed"])]


def test_a_backtest_makes_the_checks_that_are_missing(world: World) -> None:
    for output in ("18 EUR", "It is free.", "It is free."):
        settled(world, correct=True, confidence=0.7, output=output)
    draft = draft_of(world, verifying(IN_EUROS))
    report = backtest(draft, before=world.policy, days=1, now=timezone.now()).report
    moved = {(move.before, move.after): move.claims for move in report.moves}
    assert moved == {("review", "review"): 1, ("review", "escalate"): 2}


def test_reading_what_claims_said_costs_a_backtest_no_further_statement(world: World) -> None:
    for _ in range(30):
        world.submit(confidence=0.7)
    draft = draft_of(world, verifying(IN_EUROS))
    with CaptureQueriesContext(connection) as statements:
        backtest(draft, before=world.policy, days=1, now=timezone.now())
    assert len(statements) <= 6
