"""Many claims with their truth at once, as reviews would leave them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django.utils import timezone

from reviewqueue import intake
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.transactions import one_transaction
from tests.world import World

REVIEWERS = Actor.system("tests")


def settle_all(world: World, bodies: list[dict[str, Any]], right: list[bool]) -> list[dict[str, Any]]:
    """The decisions that were taken; every claim gets its truth, whether or not a person would have seen it."""
    results = intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    answers = [result.answer for result in results if result.answer]
    with one_transaction():
        for answer, correct in zip(answers, right, strict=True):
            claims.settle(
                claim=claims.lock_claim(answer["id"]),
                correct=correct,
                output=None,
                basis=OutcomeBasis.LABELS,
                actor=REVIEWERS,
            )
    return [answer["decision"] for answer in answers]


def overconfident(world: World, count: int, *, seed: int, chance: Callable[[float], float] | None = None) -> None:
    """Stated 0.95 and mostly right; stated 0.7 and nearly always wrong."""
    dice = random.Random(seed)
    stated = [dice.choice([0.95, 0.95, 0.7]) for _ in range(count)]
    right = [dice.random() < (chance(each) if chance else {0.95: 0.97, 0.7: 0.1}[each]) for each in stated]
    settle_all(world, [world.claim_body(confidence=each) for each in stated], right)
