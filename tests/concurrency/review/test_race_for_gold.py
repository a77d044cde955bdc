"""Several people, and one person in several windows, to whom gold comes at the same moment."""

from __future__ import annotations

from django.db.models import Count

from reviewqueue.review.gold import GoldDraw
from reviewqueue.review.models import Lease, ReviewSlot
from tests.concurrency.review.test_race_for_leases import at_once, crowd, taking
from tests.services.review.golden import always_gold, gold_claims
from tests.world import World


def test_many_at_the_same_gold_never_wait_for_ever_and_no_task_goes_to_two(committed_world: World) -> None:
    gold_claims(committed_world, 2)
    for _ in range(12):
        committed_world.claim()
    people = crowd(committed_world, 6)
    with always_gold():
        results = at_once([taking(person) for person in people for _ in range(2)])
    assert {type(result) for result in results} == {Lease}
    assert len({lease.slot_id for lease in results}) == 12
    twice = GoldDraw.objects.values("item", "reviewer").annotate(n=Count("id")).filter(n__gt=1)
    assert not twice.exists()
    drawn = GoldDraw.objects.count()
    assert ReviewSlot.objects.exclude(purpose="gold").filter(done=False, lease_no=0).count() == drawn
