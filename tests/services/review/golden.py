"""Gold tasks as the tests make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Claim
from reviewqueue.review.gold import GoldDraw, GoldItem, ReviewerPause
from reviewqueue.review.models import Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services import gold, gold_set, pauses
from reviewqueue.review.services.gold_set import Known
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import RIGHT, WRONG, submit, taken
from tests.world import World


def gold_claims(world: World, number: int, *, correct: bool = True, onboarding: bool = False) -> list[Claim]:
    """Claims that nobody is asked about any more, and whose answer is known."""
    claims = [world.claim() for _ in range(number)]
    ReviewTask.objects.filter(claim__in=claims).update(closed_at=timezone.now())
    ReviewSlot.objects.filter(task__claim__in=claims).update(done=True)
    known = [Known(claim.external_id, correct) for claim in claims]
    gold_set.import_known(pipeline=world.pipeline, known=known, by=world.olga, onboarding=onboarding)
    return claims


def settled_gold(world: World) -> Claim:
    """A claim that sam found right, as is known of it; the first gold task of the pipeline."""
    assert not GoldItem.objects.exists()
    claim = world.claim()
    submit(taken(world.sam))
    gold_set.import_known(pipeline=world.pipeline, known=[Known(claim.external_id, True)], by=world.olga)
    return claim


def gold_comes(world: World, rate: float, *, bar: float = 0.8, fewest: int = 5) -> None:
    gold_set.change_terms(pipeline=world.pipeline, rate=rate, bar=bar, fewest=fewest, by=world.olga)


def is_gold(lease: Lease) -> bool:
    return GoldDraw.objects.filter(task=lease.task_id).exists()


def work_through(reviewer: User, takes: int, answer: LabelAnswer = RIGHT) -> list[bool]:
    """Whether each of the tasks somebody got and answered was gold."""
    found = []
    for _ in range(takes):
        lease = taken(reviewer)
        found.append(is_gold(lease))
        submit(lease, answer)
    return found


def answer_gold(reviewer: User, claims: list[Claim], answer: LabelAnswer = RIGHT, *, of: World) -> None:
    """As if these gold tasks had come to the reviewer and been answered a while ago."""
    for _ in claims:
        of.claim()
    with always_gold():
        work_through(reviewer, len(claims), answer)
    GoldDraw.objects.update(answered_at=timezone.now() - timedelta(minutes=5))


@contextmanager
def drawing(number: float) -> Iterator[None]:
    """Every draw gives this number."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(gold, "draw_number", lambda lease_id: number)
        yield


def always_gold() -> AbstractContextManager[None]:
    """Every draw says gold, at whatever rate above zero."""
    return drawing(0.0)


def never_gold() -> AbstractContextManager[None]:
    return drawing(1.0)


def pause(world: World) -> ReviewerPause:
    """rita answered seven gold tasks, all of them wrongly, and is paused."""
    gold_comes(world, 0.03)
    answer_gold(world.rita, gold_claims(world, 7), WRONG, of=world)
    assert pauses.pause_reviewers() == 1
    return ReviewerPause.objects.get()
