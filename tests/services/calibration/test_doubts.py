"""Numbers of a version whose traffic another one has are stale, and so are those of one whose confidences moved."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from calibration import services
from calibration.doubts import successors
from calibration.evidence import Subject
from calibration.selectors import band_table
from reviewqueue.intake import submit_batch
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import BandState, Breaker
from reviewqueue.transactions import one_transaction
from tests.services.calibration.truths import settle_all
from tests.services.policy.steps import CALIBRATED
from tests.world import MODEL, World

NOW = timezone.now()
OLD, NEW, OTHER = Subject("acme-lm", "1", ""), Subject("acme-lm", "2", ""), Subject("other", "9", "")


def first(**days_ago: int) -> dict[Subject, datetime]:
    return {
        subject: NOW - timedelta(days=days_ago[name])
        for name, subject in (("old", OLD), ("new", NEW), ("other", OTHER))
        if name in days_ago
    }


def test_a_version_is_superseded_once_hardly_any_claim_is_its_own() -> None:
    known = first(old=30, new=1)
    assert successors(known, {OLD: 4, NEW: 396}) == {OLD: NEW}
    assert successors(known, {NEW: 400}) == {OLD: NEW}
    assert successors(known, {OLD: 60, NEW: 340}) == {}, "both are in use"


def test_a_handful_of_claims_supersedes_nothing() -> None:
    assert successors(first(old=30, new=1), {NEW: 60}) == {}


def test_another_model_and_an_older_version_supersede_nothing() -> None:
    assert successors(first(old=30, other=1), {OTHER: 400}) == {}
    assert successors(first(old=1, new=30), {NEW: 400}) == {}, "traffic went back to the version before"


def state(world: World) -> str:
    return BandState.objects.get(policy_version=world.policy, band="0.90-1.00", **MODEL).state


def validated(world: World) -> None:
    world.activate(CALIBRATED)
    settle_all(world, [world.claim_body() for _ in range(80)], [True] * 80)
    services.measure_pipeline(world.pipeline)
    assert state(world) == "validated"


def test_the_old_version_is_shown_stale_and_decides_no_more_once_a_new_one_has_its_traffic(world: World) -> None:
    validated(world)
    bodies = [world.claim_body(model_version="2026-11-01") for _ in range(400)]
    submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    services.measure_pipeline(world.pipeline)
    assert state(world) == "stale"
    shown = {table.model_version: table.rows[-1].state for table in band_table(world.pipeline)}
    assert shown == {MODEL["model_version"]: "stale", "2026-11-01": "unmeasured"}
    assert "band_unvalidated" in world.submit().answer["decision"]["reasons"]


def test_confidences_that_moved_make_numbers_stale_until_a_person_has_looked(world: World) -> None:
    validated(world)
    with one_transaction():
        policies.trip_breaker(pipeline=world.pipeline, subject=tuple(MODEL.values()), figures={"claims_now": 1})
    services.measure_pipeline(world.pipeline)
    assert state(world) == "stale"
    policies.reset_breaker(breaker=Breaker.objects.get(), by=world.olga, reason="examined")
    services.measure_pipeline(world.pipeline)
    assert state(world) == "validated"
