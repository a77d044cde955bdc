"""A stricter policy goes through the open claims while people take, label and answer them."""

from __future__ import annotations

from functools import partial

from reviewqueue.cascade.services import rerouting
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services import leases
from tests.concurrency.intake.test_twin_claims import at_once
from tests.services.cascade.steps import cascading, unsure
from tests.services.review.steps import RIGHT, submit
from tests.world import World

ROUNDS = 5
FOR_SENIORS = {"categories": ["general", "pricing", "refunds"], "segments": {}, "route": "escalate"}


def work(world: World, name: str) -> int:
    """Takes and labels until nothing is left; returns how many labels were given."""
    given = 0
    while isinstance(lease := leases.take(reviewer=world.people[name]), Lease):
        submit(lease, RIGHT)
        given += 1
    return given


def test_every_claim_that_was_not_final_is_seen_by_a_senior(committed_world: World) -> None:
    world = committed_world
    for _ in range(ROUNDS):
        world.activate(cascading())
        before = set(Claim.objects.values_list("pk", flat=True))
        held = [world.claim(confidence=0.7) for _ in range(6)]
        waiting = [unsure(world) for _ in range(3)]
        world.activate(cascading(mandatory=FOR_SENIORS))
        answer = partial(world.submit, confidence=0.7, supersedes=str(waiting[0].pk))
        results = at_once([partial(work, world, "rita"), partial(work, world, "ravi"), sweep, answer])
        assert [result for result in results if isinstance(result, Exception)] == []
        rerouting.reroute_open_claims()
        work(world, "sam")
        new = Claim.objects.exclude(pk__in=before)
        for claim in new.exclude(pk__in=[held_claim.pk for held_claim in held]).exclude(status="decided"):
            assert claim.status == "settled"
            assert set(Label.objects.filter(claim=claim).values_list("reviewer__username", flat=True)) == {"sam"}
        for claim in held:
            decision = Decision.objects.get(claim=claim, standing=True)
            labelled_by = set(Label.objects.filter(claim=claim).values_list("reviewer__username", flat=True))
            assert ("sam" in labelled_by) == (decision.route == "escalate")
        assert not ReviewSlot.objects.filter(done=False).exists()
        assert not ReviewTask.objects.filter(closed_at=None).exists()


def sweep() -> int:
    return rerouting.reroute_open_claims()
