"""How much is audited follows the policy's terms, from intake to the stored chance of every claim."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calibration.auditing import Audited, Traffic, rates_of, set_audit_rates, set_audit_rates_of
from calibration.evidence import Subject
from reviewqueue.claims.models import Decision
from reviewqueue.intake import submit_batch
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import AuditRates
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import policy_of
from tests.services.calibration.truths import settle_all
from tests.services.policy.steps import CALIBRATED, last_entry
from tests.world import MODEL, World

BAND = "0.90-1.00"
NOW = timezone.now()
SUBJECT = Subject(**MODEL)


def with_terms(audit_rate: float = 0.05, **terms: Any) -> dict[str, Any]:
    *held, accepting = CALIBRATED["bands"]
    return {
        **CALIBRATED,
        "bands": [*held, {**accepting, "audit_rate": audit_rate}],
        "sampling": {"epoch": "2026-1", **terms},
    }


def deciding(world: World, document: dict[str, Any]) -> None:
    world.activate(document)
    world.validate_band()


def post(world: World, count: int, **changes: Any) -> list[Decision]:
    bodies = [world.claim_body(**changes) for _ in range(count)]
    results = submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    return list(Decision.objects.filter(claim_id__in=[each.answer["id"] for each in results if each.answer]))


def rate_of(world: World, **changes: Any) -> float:
    (decision,) = post(world, 1, **changes)
    assert decision.route == "accept"
    assert decision.inclusion_probability == decision.audit_rate
    assert decision.audit_sampled == (decision.audit_u < decision.audit_rate)
    policy = policy_of(world.policy.pk, world.policy.document_hash)
    assert route(facts_from_json(decision.facts), policy).audit_rate == decision.audit_rate, "it can be replayed"
    return decision.audit_rate


def test_a_policy_without_terms_audits_as_its_bands_say(world: World) -> None:
    deciding(world, with_terms())
    assert set_audit_rates() == 0
    assert rate_of(world) == 0.05
    assert "audit_rates" not in Decision.objects.get().facts


def test_a_band_that_begins_to_decide_is_audited_more_from_its_first_claim_on(world: World) -> None:
    deciding(world, with_terms(ramp={"first_rate": 0.2, "labels": 3, "days": 0}))
    assert rate_of(world) == 0.2
    assert set_audit_rates() == 1
    assert rate_of(world) == 0.2


def test_the_ramp_ends_once_its_audit_labels_are_in_and_no_rate_changes_twice_a_day(world: World) -> None:
    deciding(world, with_terms(ramp={"first_rate": 1.0, "labels": 3, "days": 0}))
    set_audit_rates()
    settle_all(world, [world.claim_body() for _ in range(3)], [True] * 3)
    assert set_audit_rates() == 0, "not twice a day"
    assert set_audit_rates_of(world.pipeline, now=timezone.now() + timedelta(days=1)) == 1
    assert rate_of(world) == 0.05
    changed = last_entry("sample.rates_changed")
    assert (changed["rates_from"], changed["rates"]) == ({"all": 1_000_000}, {"all": 50_000})
    assert (changed["band"], changed["model_version"]) == (BAND, MODEL["model_version"])


def test_labels_of_reviews_do_not_end_a_ramp(world: World) -> None:
    world.activate(with_terms(ramp={"first_rate": 0.5, "labels": 3, "days": 0}))
    settle_all(world, [world.claim_body() for _ in range(5)], [True] * 5)
    world.validate_band()
    set_audit_rates()
    assert AuditRates.objects.get().rates == {"": 0.5}


def test_a_rare_segment_is_seen_more_often(world: World) -> None:
    deciding(world, with_terms(floors={"language": 2}))
    post(world, 60, segments={"workflow": "qa", "language": "en"})
    post(world, 3, segments={"workflow": "qa", "language": "de"})
    set_audit_rates()
    assert rate_of(world, segments={"workflow": "qa", "language": "de"}) >= 2 / (3 * 7)
    rates = AuditRates.objects.get().rates
    assert rates["language=de"] > rates[""] == 0.05
    assert rate_of(world, segments={"workflow": "qa"}) == 0.05


def test_the_terms_of_one_version_are_not_those_of_the_next(world: World) -> None:
    deciding(world, with_terms(weekly_minimum=1_000))
    post(world, 5)
    set_audit_rates()
    assert rate_of(world) == 1.0
    deciding(world, with_terms())
    assert rate_of(world) == 0.05


def test_intake_asks_no_further_question_for_rates(world: World, django_assert_max_num_queries: Any) -> None:
    deciding(world, with_terms(weekly_minimum=10, floors={"language": 2}))
    post(world, 2)
    set_audit_rates()
    with django_assert_max_num_queries(16):
        world.submit()


# --- the rates themselves --------------------------------------------------------------------------------------


def audited(claims: int, *, labels: int = 400, errors: int = 4, since_days: float = 30, **segments: int) -> Audited:
    policy = parse_policy(with_terms())
    traffic = Traffic(claims, {f"language={name}": count for name, count in segments.items()}, NOW - timedelta(days=7))
    return Audited(SUBJECT, policy.bands[-1], traffic, NOW - timedelta(days=since_days), 500, labels, errors)


def found(band: Audited, values: dict[str, list[str]] | None = None, **terms: Any) -> dict[str, float]:
    (rates,) = rates_of(parse_policy(with_terms(**terms)), [band], values or {}, NOW).values()
    return rates


@pytest.mark.parametrize(("claims", "rate"), [(0, 1.0), (30, 1.0), (100, 0.5), (1_000, 0.05), (100_000, 0.05)])
def test_a_weekly_minimum_brings_its_labels_whatever_the_traffic(claims: int, rate: float) -> None:
    assert found(audited(claims), weekly_minimum=40) == {"": rate}


def test_a_value_that_was_never_seen_is_audited_in_full_and_a_frequent_one_as_the_band_is() -> None:
    rates = found(audited(1_000, en=990, de=10), {"language": ["en", "de", "fr"]}, floors={"language": 5})
    assert rates == {"": 0.05, "language=de": 0.5, "language=fr": 1.0}


def test_a_ramp_lasts_its_days() -> None:
    assert found(audited(100, since_days=3), ramp={"first_rate": 0.2, "labels": 0, "days": 7}) == {"": 0.2}
    assert found(audited(100, since_days=8), ramp={"first_rate": 0.2, "labels": 0, "days": 7}) == {"": 0.05}


def test_further_labels_go_to_the_band_whose_promise_is_least_certain() -> None:
    policy = parse_policy(with_terms(weekly_extra=100))
    certain, uncertain = audited(1_000, labels=4_000, errors=40), audited(1_000, labels=160, errors=6)
    other = replace(uncertain, subject=Subject("b", "1", ""))
    rates = rates_of(policy, [certain, other], {}, NOW)
    assert rates[SUBJECT, BAND] == {"": 0.05}
    assert rates[other.subject, BAND] == {"": 0.15}
