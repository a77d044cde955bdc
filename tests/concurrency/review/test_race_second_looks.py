"""Two owners start second looks at once; a second look and a report from outside meet."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from calibration.cleaning import search_pipeline, start
from reviewqueue.claims.models import Outcome
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.review.models import Relabel, RelabelRound, ReviewTask
from reviewqueue.review.services.second_looks import NothingToLookAt
from tests.concurrency.review.test_race_for_leases import at_once
from tests.services.calibration.test_clean import labelled_answers
from tests.world import World


def searched(world: World) -> None:
    labelled_answers(world, 20)
    search_pipeline(world.pipeline, now=timezone.now() + timedelta(hours=1))


def test_two_owners_who_start_at_once_never_send_a_claim_twice(committed_world: World) -> None:
    world = committed_world
    searched(world)
    results = at_once(
        [lambda by=by: start(pipeline=world.pipeline, by=by, wanted=50) for by in (world.olga, world.otto)]
    )
    assert sorted(type(result).__name__ for result in results) == ["NothingToLookAt", "RelabelRound"]
    assert isinstance(next(each for each in results if not isinstance(each, RelabelRound)), NothingToLookAt)
    assert Relabel.objects.count() == ReviewTask.objects.filter(purpose="relabel").count() == 4


def test_a_report_from_outside_that_comes_first_is_what_stands(committed_world: World) -> None:
    """Whichever is first: no claim that stands by a report is looked at again, unless the look began before it."""
    world = committed_world
    searched(world)
    doubted = Outcome.objects.filter(claim__confidence=0.95, correct=False).get()
    results = at_once(
        [
            lambda: start(pipeline=world.pipeline, by=world.olga, wanted=50),
            lambda: report_outcome(source=world.source, claim_id=doubted.claim_id, report=Report(True)),
        ]
    )
    assert not [result for result in results if isinstance(result, Exception)]
    assert Outcome.objects.get(claim=doubted.claim_id, standing=True).basis == "external"
    assert Relabel.objects.filter(sample="suspect").count() == Relabel.objects.filter(sample="random").count()
