"""Golden sets and runs as the tests make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.erasure import services as erasures
from reviewqueue.erasure.models import Erasure
from reviewqueue.golden.items import Item
from reviewqueue.golden.models import GoldenRun, GoldenSet, GoldenVersion
from reviewqueue.golden.services import drafts, runs, sets
from reviewqueue.golden.services.sets import Terms
from reviewqueue.golden.submission import NewRun
from tests.world import MODEL, World

NAME = "prices"


def questions(number: int, **changes: Any) -> list[Item]:
    """Of plans, each with its price; every other one in English."""
    return [
        Item(
            key=f"plan-{place}",
            input=f"What does plan {place} cost?",
            answer=f"{place} EUR",
            category="pricing",
            segments={"language": "en" if place % 2 else "de"},
            **changes,
        )
        for place in range(1, number + 1)
    ]


def golden_set(world: World, name: str = NAME, **terms: Any) -> GoldenSet:
    return sets.create_set(pipeline=world.pipeline, name=name, terms=Terms(owner=world.olga, **terms), by=world.olga)


def published(world: World, number: int = 10, name: str = NAME, **terms: Any) -> GoldenSet:
    """A set of which a version of so many questions is in use."""
    made = golden_set(world, name, **terms)
    publish(world, made, questions(number))
    return made


def publish(world: World, golden_set: GoldenSet, items: Sequence[Item]) -> GoldenVersion:
    drafts.put_items(golden_set=golden_set, items=items)
    return drafts.publish(golden_set=golden_set, by=world.olga)


def erase(world: World, golden_set: GoldenSet, key: str, *, agreed: User | None = None) -> Erasure:
    """Asked for by adam, agreed to by ada."""
    named = f"{golden_set.pipeline.slug}/{golden_set.name}"
    wish = erasures.ask_for_golden_item(by=world.adam, golden_set=named, key=key, basis="objection")
    return erasures.decide(by=agreed or world.ada, erasure_id=wish.pk, approve=True)


def started(world: World, golden_set: GoldenSet, **model: Any) -> GoldenRun:
    run = NewRun(**{**MODEL, "elicitation": "verbalized_after", **model})
    return runs.start_run(golden_set=golden_set, source=world.source, run=run, now=timezone.now())


def answer_bodies(
    number: int, right: Callable[[int], bool] = lambda _: True, *, first: int = 1, confidence: float = 0.9
) -> list[dict[str, Any]]:
    """To the questions, in order; `right` says of the number of a plan whether its price is told."""
    return [
        {"key": f"plan-{place}", "output": f"{place} eur" if right(place) else "no idea", "confidence": confidence}
        for place in range(first, first + number)
    ]


def answered(run: GoldenRun, bodies: Sequence[object]) -> tuple[list[int], GoldenRun]:
    """The status of each answer, and the run as it is then."""
    results, after = runs.answer_batch(run=run, bodies=bodies, now=timezone.now())
    return [result.status for result in results], after


def finished(
    world: World, golden_set: GoldenSet, number: int = 10, right: Callable[[int], bool] = lambda _: True, **model: Any
) -> GoldenRun:
    """A complete run of the set, answered in batches as large as they may be."""
    confidence = model.pop("confidence", 0.9)
    run = started(world, golden_set, **model)
    for first in range(1, number + 1, runs.MOST_AT_ONCE):
        size = min(runs.MOST_AT_ONCE, number + 1 - first)
        _, run = answered(run, answer_bodies(size, right, first=first, confidence=confidence))
    assert run.state == "complete"
    return run


def set_for_step(world: World, step: str) -> tuple[GoldenSet, GoldenRun]:
    """A set that is ready for what the last part of an address says, and a run of it that is."""
    made = world.pipeline.golden_sets.filter(name=NAME).first() or published(world, within_days=0)
    if step == "publish":
        drafts.put_items(golden_set=made, items=[Item(key=f"more-{made.versions.count()}", answer="1 EUR")])
    if step in ("answers", "close"):
        return made, made.runs.filter(state="open").first() or started(world, made)
    over = made.runs.filter(state="complete").order_by("-id").first()
    if over is None:
        size = made.versions.filter(published_at__isnull=False).order_by("-number")[0].size
        finished(world, made, size, model_version="before")
        over = finished(world, made, size, right=lambda place: place > 2)
    return made, over
