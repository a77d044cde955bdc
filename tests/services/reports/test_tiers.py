"""Which tier each claim went through, as the rows say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from reviewqueue.cascade.services.steps import expire_steps
from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.pipeline_settings import set_costs
from reviewqueue.reports.tier_costs import Money, Tier
from reviewqueue.reports.tiers import tier_of, tiers_since
from tests.services.cascade.steps import cascading, time_passes, unsure
from tests.services.review.steps import RIGHT, WRONG, label_next, review_terms
from tests.services.review.test_second_looks import doubted
from tests.world import IDENTITY, POLICY, SETUP, World

COSTS = {"currency": "EUR", "review": 2.0, "error": 50.0, "steps": {"retry": 0.5}}


def tiers(world: World, days: int = 30, **later: float) -> dict[str, Tier]:
    world.pipeline.refresh_from_db()
    page = tiers_since(world.pipeline, days=days, now=timezone.now() + timedelta(**later))
    return {tier.name: tier for tier in page.report.tiers}


def test_reviewed_claims_take_until_their_outcome_and_cost_their_labels(world: World) -> None:
    set_costs(pipeline=world.pipeline, costs=COSTS, actor=SETUP)
    world.activate(review_terms(labels_needed=2))
    world.claim(confidence=0.5)
    label_next(world.rita)
    label_next(world.ravi)
    world.claim(confidence=0.5)
    tier = tiers(world)["review"]
    assert (tier.claims, tier.waiting, tier.labels) == (2, 1, 2)
    assert tier.work == Money(4.0)
    assert tier.median is not None
    assert 0 < tier.median < 60


def test_claims_that_a_validated_band_accepts_are_a_tier_with_the_error_of_its_audit(world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    for _ in range(60):
        world.claim(confidence=0.95)
    sampled = Claim.objects.filter(decisions__audit_sampled=True).count()
    for place in range(sampled):
        label_next(world.rita, WRONG if place < 2 else RIGHT)
    tier = tiers(world)["accept"]
    assert (tier.claims, tier.waiting, tier.labels, tier.measured) == (60, 0, sampled, sampled)
    assert (tier.error is None) == (sampled < 10)
    assert tier.p95 is not None
    assert tier.p95 < 5


def test_dissent_that_a_senior_settles_is_a_tier_of_its_own(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2, undo_seconds=0))
    world.claim(confidence=0.5)
    label_next(world.rita, RIGHT)
    label_next(world.ravi, WRONG)
    assert tiers(world).keys() == {"adjudication"}
    label_next(world.sam, RIGHT)
    assert tiers(world)["adjudication"].labels == 3


def test_a_second_look_that_overturns_leaves_a_claim_in_its_tier_with_its_time_and_costs_its_labels(
    world: World,
) -> None:
    world.activate(review_terms(undo_seconds=0))
    claim = doubted(world)
    before = tiers(world)["review"]
    label_next(world.ravi, RIGHT)
    label_next(world.sam, RIGHT)
    first, last = Outcome.objects.filter(claim=claim).order_by("number")
    assert (first.standing, last.standing) == (False, True)
    after = tiers(world)
    assert after.keys() == {"review"}
    assert (after["review"].labels, before.labels) == (4, 2)
    assert (after["review"].median, after["review"].p95) == (before.median, before.p95)


def test_a_step_costs_once_it_is_answered_and_lasts_until_then(world: World) -> None:
    set_costs(pipeline=world.pipeline, costs=COSTS, actor=SETUP)
    world.activate(cascading("retry"))
    first = unsure(world)
    assert tiers(world)["retry"].work == Money(0.0)
    world.claim(confidence=0.7, supersedes=str(first.pk))
    found = tiers(world)
    assert found["retry"].work == Money(0.5)
    assert (found["retry"].attempt, found["retry"].claims, found["retry"].waiting) == (1, 1, 0)


def test_a_claim_whose_step_ran_out_is_in_review(world: World) -> None:
    world.activate(cascading("ask"))
    time_passes(unsure(world), hours=2)
    expire_steps()
    assert tiers(world).keys() == {"review"}


def test_only_the_window_is_looked_at(world: World) -> None:
    world.claim()
    assert tiers(world, days=7).keys() == {"review"}
    assert tiers(world, days=7, hours=7 * 24 + 1) == {}


def test_a_label_after_a_step_ran_out_measures_nothing(world: World) -> None:
    """Whether people saw the claim depended on whether its caller came back."""
    world.activate(cascading("ask"))
    time_passes(unsure(world), hours=2)
    expire_steps()
    label_next(world.rita)
    tier = tiers(world)["review"]
    assert (tier.labels, tier.waiting, tier.measured) == (1, 0, 0)


def test_released_by_verifiers_is_what_the_band_says() -> None:
    assert tier_of("accept", None, "0.60-0.90+verified", is_adjudicated=False) == "verified"
    assert tier_of("accept", None, "0.90-1.00", is_adjudicated=True) == "accept"
    assert tier_of("review", None, "0.60-0.90+verified", is_adjudicated=False) == "review"
    assert tier_of("uncertain", "secondary", "0.00-0.60", is_adjudicated=False) == "secondary"


def test_the_page_needs_two_queries_whatever_it_finds(world: World, django_assert_num_queries: Any) -> None:
    for _ in range(12):
        world.claim()
    world.pipeline.refresh_from_db()
    with django_assert_num_queries(2):
        tiers_since(world.pipeline, days=30, now=timezone.now())
