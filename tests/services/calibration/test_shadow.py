"""A version in shadow decides about every new claim, and nothing comes of it but figures."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calibration.models import ShadowDecision
from calibration.services import measure_pipeline
from calibration.shadow_report import shadow_report
from calibration.shadowing import replay_run, replay_shadows
from reviewqueue import intake
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.ledger.models import Event
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, PolicyVersion, ShadowRun
from reviewqueue.review.models import ReviewTask
from reviewqueue.transactions import one_transaction
from tests.services.calibration.test_loop import settled
from tests.services.policy.steps import draft_of
from tests.world import IDENTITY, MODEL, POLICY, World

BOLDER: dict[str, Any] = {
    **POLICY,
    "bands": [
        {"low": 0.0, "high": 0.6, "route": "escalate"},
        {"low": 0.6, "high": 1.0, "route": "accept", "audit_rate": 0.2, "required_accuracy": 0.8},
    ],
    "calibrators": [IDENTITY],
}


@pytest.fixture
def draft(world: World) -> PolicyVersion:
    return draft_of(world, BOLDER)


def trust(draft: PolicyVersion, band: str = "0.60-1.00", state: str = "validated") -> None:
    with one_transaction():
        policies.set_band_state(version=draft, band=band, state=state, figures={"labelled": 400}, **MODEL)


def start(world: World, draft: PolicyVersion) -> ShadowRun:
    return policies.start_shadow(version=draft, by=world.olga)


def test_claims_since_the_start_are_decided_again_and_nothing_else_changes(world: World, draft: PolicyVersion) -> None:
    world.submit()
    start(world, draft)
    claim, low = world.claim(confidence=0.7), world.claim(confidence=0.2)
    before = (Event.objects.count(), Decision.objects.count(), ReviewTask.objects.count())
    assert replay_shadows() == 2
    assert (Event.objects.count(), Decision.objects.count(), ReviewTask.objects.count()) == before
    found = {row.claim_id: row for row in ShadowDecision.objects.all()}
    assert found.keys() == {claim.pk, low.pk}
    assert (found[low.pk].route, found[low.pk].reasons) == ("escalate", ["band"])
    assert (found[claim.pk].route, found[claim.pk].reasons) == ("review", ["band_unvalidated"])


def test_its_own_bands_count_in_the_state_they_have_earned(world: World, draft: PolicyVersion) -> None:
    trust(draft)
    start(world, draft)
    claim = world.claim(confidence=0.7)
    replay_shadows()
    assert ShadowDecision.objects.get(claim=claim).route == "accept"
    claim.refresh_from_db()
    assert claim.status == "in_review"


def test_the_bands_of_a_draft_are_measured_before_it_decides_anything(world: World, draft: PolicyVersion) -> None:
    for _ in range(60):
        settled(world, correct=True, confidence=0.7)
    measure_pipeline(world.pipeline)
    assert BandState.objects.get(policy_version=draft, band="0.60-1.00").state == "validated"


def test_mandatory_review_holds_in_the_shadow_too(world: World, draft: PolicyVersion) -> None:
    trust(draft)
    start(world, draft)
    world.submit(category="refunds")
    replay_shadows()
    assert ShadowDecision.objects.get().reasons[0] == "mandatory_category"


def test_the_sweep_goes_on_where_it_stopped_and_counts_a_claim_once(world: World, draft: PolicyVersion) -> None:
    run = start(world, draft)
    for _ in range(5):
        world.submit()
    assert [replay_run(run, at_most=2), replay_run(run, at_most=2), replay_run(run), replay_run(run)] == [2, 2, 1, 0]
    assert ShadowDecision.objects.count() == 5


def test_a_claim_that_is_committed_late_is_found_all_the_same(world: World, draft: PolicyVersion) -> None:
    run = start(world, draft)
    late, punctual = world.claim(), world.claim()
    replay_run(run)
    ShadowDecision.objects.filter(claim=late).delete()
    assert replay_run(run) == 1
    assert set(ShadowDecision.objects.values_list("claim", flat=True)) == {late.pk, punctual.pk}


def test_what_has_ended_is_not_replayed(world: World, draft: PolicyVersion) -> None:
    start(world, draft)
    world.submit()
    policies.stop_shadow(version=draft, by=world.olga)
    assert replay_shadows() == 0


def test_the_report_counts_what_moves_and_what_became_of_it(world: World, draft: PolicyVersion) -> None:
    trust(draft)
    run = start(world, draft)
    for correct in (True, True, False):
        settled(world, correct=correct, confidence=0.7)
    world.submit(confidence=0.7)
    world.submit(confidence=0.2)
    world.submit(category="refunds")
    replay_shadows()
    report = shadow_report(run)
    cells = {(cell.active, cell.shadow): cell for cell in report.cells}
    assert {key: cell.claims for key, cell in cells.items()} == {
        ("review", "accept"): 4,
        ("review", "escalate"): 1,
        ("review", "review"): 1,
    }
    accepted = cells["review", "accept"]
    assert (accepted.labelled, accepted.right) == (3, 2)
    assert accepted.low is not None
    assert accepted.high is not None
    assert accepted.low < 2 / 3 < accepted.high
    assert (report.claims, report.claims_moved, report.waiting) == (6, 5, 0)
    assert report.load_active == 6
    audited = ShadowDecision.objects.filter(audit_sampled=True).count()
    assert report.load_shadow == 2 + audited
    assert report.by_shadow() == {"escalate": 1, "review": 1, "accept": 4}


def test_a_run_that_has_seen_nothing_says_so(world: World, draft: PolicyVersion) -> None:
    report = shadow_report(start(world, draft))
    assert (report.claims, report.cells, report.share_moved, report.caught_up_to) == (0, [], None, None)
    world.submit()
    assert shadow_report(report.run).waiting == 1


def test_the_statements_of_the_sweep_do_not_grow_with_the_claims(
    world: World, draft: PolicyVersion, django_assert_max_num_queries: Any
) -> None:
    run = start(world, draft)
    bodies = [world.claim_body() for _ in range(200)]
    intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    with django_assert_max_num_queries(8):
        assert replay_run(run) == 200
    with django_assert_max_num_queries(3):
        shadow_report(run)


def test_claims_from_before_the_start_are_none_of_its_business(world: World, draft: PolicyVersion) -> None:
    run = start(world, draft)
    ShadowRun.objects.filter(pk=run.pk).update(started_at=timezone.now() + timedelta(minutes=1))
    world.submit()
    run.refresh_from_db()
    assert replay_run(run) == 0
    assert Claim.objects.count() == 1
