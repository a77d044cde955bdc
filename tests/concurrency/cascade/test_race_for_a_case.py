"""Several at once who would speak for one case, and time running out at that very moment."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

from django.utils import timezone

from reviewqueue.cascade.models import Attempt, Step
from reviewqueue.cascade.services import steps
from reviewqueue.cascade.services.cases import SupersededAlready
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.intake import Submitted, submit_batch
from reviewqueue.review.models import ReviewTask
from tests.concurrency.intake.test_twin_claims import at_once
from tests.services.cascade.steps import cascading, unsure
from tests.world import World

ROUNDS = 8


def is_one_case(first: Claim, *, attempts: int) -> bool:
    rows = Attempt.objects.filter(case=first).order_by("number")
    standing = [False] * (attempts - 1) + [True]
    return list(rows.values_list("number", "standing")) == list(enumerate(standing, 1))


def test_of_several_superseders_one_wins_and_the_others_are_told(committed_world: World) -> None:
    world = committed_world
    world.activate(cascading())
    for _ in range(ROUNDS):
        first = unsure(world)
        bodies = [world.claim_body(confidence=0.7, supersedes=str(first.pk)) for _ in range(4)]
        works = [partial(submit_batch, source=world.source, bodies=[body], now=timezone.now()) for body in bodies]
        results = [result for (result,) in at_once(works)]
        assert Counter(result.status for result in results) == {201: 1, 409: 3}
        assert all(isinstance(result.error, SupersededAlready) for result in results if result.error)
        assert is_one_case(first, attempts=2)


def test_the_same_attempt_sent_twice_at_once_is_one_attempt(committed_world: World) -> None:
    world = committed_world
    world.activate(cascading())
    for _ in range(ROUNDS):
        first = unsure(world)
        body = world.claim_body(confidence=0.7, supersedes=str(first.pk))
        works = [partial(submit_batch, source=world.source, bodies=[body], now=timezone.now()) for _ in range(3)]
        results = [result for (result,) in at_once(works)]
        assert Counter(result.status for result in results) == {201: 1, 200: 2}
        assert is_one_case(first, attempts=2)


def test_an_answer_at_the_moment_its_time_is_over_meets_the_sweep(committed_world: World) -> None:
    world = committed_world
    world.activate(cascading())
    for _ in range(ROUNDS):
        first = unsure(world)
        later = timezone.now() + timedelta(minutes=31)
        answer = partial(world.submit, confidence=0.7, supersedes=str(first.pk))
        sweep = partial(steps.expire_steps, clock=lambda later=later: later)
        submitted, _ = at_once([answer, sweep])
        assert isinstance(submitted, Submitted), submitted
        steps.expire_steps(clock=lambda later=later: later)
        how = Step.objects.get(claim=first).closed_how
        first.refresh_from_db()
        assert (how, first.status) in {("answered", "decided"), ("expired", "in_review")}
        assert ReviewTask.objects.filter(claim=first).exists() == (how == "expired")
        assert Decision.objects.filter(claim=first).count() == (2 if how == "expired" else 1)
        assert is_one_case(first, attempts=2)
