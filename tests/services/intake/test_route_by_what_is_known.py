"""What intake knows of a claim beyond its confidence reaches the routing: breakers, signals, earlier attempts."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Invalid
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.policy import services as policies
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import policy_of
from tests.services.cascade.steps import cascading, unsure
from tests.world import IDENTITY, POLICY, World

RISK = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier"}
RULE: dict[str, Any] = {"name": "risky", "signal": "input_risk", "at_least": 0.8, "route": "escalate"}
CHANGING = {"name": "changes its mind", "signal": "attempt_agreement", "below": 0.5, "if_missing": "skip"}


@pytest.fixture
def automated(world: World) -> World:
    """What lies above 0.9 is accepted."""
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    return world


def decision(claim: Claim) -> Decision:
    return claim.decisions.get(standing=True)


def with_rules(world: World, *rules: dict[str, Any]) -> World:
    change_settings(pipeline=world.pipeline, changes={"signals": {"input_risk": RISK}}, by=world.olga)
    world.activate({**POLICY, "calibrators": [IDENTITY], "rules": list(rules)})
    world.validate_band()
    return world


def test_a_breaker_that_a_person_tripped_holds_the_next_claim(automated: World) -> None:
    assert decision(automated.claim()).route == "accept"
    breaker = policies.stop_automation(pipeline=automated.pipeline, by=automated.sam, reason="incident")
    held = decision(automated.claim())
    assert (held.route, held.reasons) == ("review", ["drift_breaker"])
    policies.reset_breaker(breaker=breaker, by=automated.olga, reason="examined")
    assert decision(automated.claim()).route == "accept"


def test_a_breaker_holds_every_claim_of_a_batch(automated: World) -> None:
    policies.stop_automation(pipeline=automated.pipeline, by=automated.sam, reason="incident")
    bodies = [automated.claim_body(), automated.claim_body()]
    results = intake.submit_batch(source=automated.source, bodies=bodies, now=timezone.now())
    assert [result.answer and result.answer["decision"]["route"] for result in results] == ["review", "review"]


def test_a_rule_over_a_signal_decides_at_intake_and_is_replayed_from_what_is_stored(world: World) -> None:
    with_rules(world, RULE)
    assert decision(world.claim(signals={"input_risk": 0.2})).route == "accept"
    risky = decision(world.claim(signals={"input_risk": 0.85}))
    assert (risky.route, risky.reasons) == ("escalate", ["signal_rule"])
    assert decision(world.claim()).route == "escalate", "silence does not dodge the rule"
    policy = policy_of(world.policy.pk, world.policy.document_hash)
    again = route(facts_from_json(risky.facts), policy)
    assert (again.route, list(again.reasons)) == (risky.route, risky.reasons)


def test_a_preview_knows_the_rules_too(world: World) -> None:
    with_rules(world, RULE)
    body = world.claim_body(signals={"input_risk": 0.85})
    now = timezone.now()
    answer = intake.preview(source=world.source, submission=parse_submission(body, now=now), now=now)
    assert (answer["route"], answer["reasons"]) == ("escalate", ["signal_rule"])


def test_a_rule_over_a_signal_that_is_not_declared_is_refused(world: World) -> None:
    with pytest.raises(Invalid) as refusal:
        world.activate({**POLICY, "rules": [{**RULE, "signal": "unheard_of"}]})
    assert [problem.pointer for problem in refusal.value.problems] == ["/rules/0/signal"]


def test_how_far_attempts_agree_is_a_signal_that_rules_may_use(world: World) -> None:
    with_rules(world, {**CHANGING, "route": "escalate"})
    first = world.claim(output="18 EUR")
    same = world.claim(output="18  eur", supersedes=str(first.pk))
    other = world.claim(output="15 EUR", supersedes=str(same.pk))
    assert (decision(same).facts["signals"], decision(same).route) == ({"attempt_agreement": 1.0}, "accept")
    assert (decision(other).facts["signals"], decision(other).route) == ({"attempt_agreement": 0.0}, "escalate")


def test_a_further_attempt_under_another_category_does_not_leave_mandatory_review(world: World) -> None:
    world.activate(cascading(calibrators=[IDENTITY]))
    first = unsure(world)
    mandatory = world.claim(category="refunds", supersedes=str(first.pk))
    last = decision(world.claim(confidence=0.95, supersedes=str(mandatory.pk)))
    assert (last.route, last.mandatory, last.reasons[0]) == ("review", True, "mandatory_case")
