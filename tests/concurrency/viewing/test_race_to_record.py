"""One person with many windows on one claim, at the same moment, with real commits."""

from __future__ import annotations

from reviewqueue.ledger.models import Event
from reviewqueue.pipeline_settings import change_settings
from reviewqueue.viewing.models import BreakGlass
from reviewqueue.viewing.services import break_glass, record_views
from tests.concurrency.review.test_race_for_leases import at_once
from tests.world import World


def test_a_reading_in_many_windows_is_recorded_once(committed_world: World) -> None:
    world = committed_world
    change_settings(pipeline=world.pipeline, changes={"views_recorded": "everybody"}, by=world.olga)
    claims = [world.claim() for _ in range(5)]

    def read() -> int:
        return record_views(viewer=world.ada, claims=claims, purpose="claim_page")

    assert sum(at_once([read] * 8)) == 5
    assert Event.objects.filter(kind="payload.viewed").count() == 5


def test_glass_is_broken_once(committed_world: World) -> None:
    world = committed_world
    claim = world.claim()

    def ask() -> str:
        glass = break_glass(admin=world.adam, claim_id=claim.pk, reason="To see what a complaint is about.")
        return str(glass.pk)

    assert len(set(at_once([ask] * 6))) == 1
    assert BreakGlass.objects.count() == 1
