"""Several batches, twins and a closing hand at one golden run, at the same moment, with real commits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from django.utils import timezone

from reviewqueue.erasure import services as erasures
from reviewqueue.golden.models import GoldenAnswer, GoldenAnswerPayload, GoldenRun, GoldenVersion
from reviewqueue.golden.services import drafts, runs
from reviewqueue.golden.services.drafts import NothingToPublish
from reviewqueue.ledger.models import Event
from tests.concurrency.review.test_race_for_leases import at_once
from tests.services.golden.steps import answer_bodies, golden_set, published, questions, started
from tests.world import World


def answering(run: GoldenRun, bodies: list[dict[str, Any]]) -> Callable[[], list[int]]:
    def work() -> list[int]:
        results, _ = runs.answer_batch(run=run, bodies=bodies, now=timezone.now())
        return [result.status for result in results]

    return work


def test_batches_side_by_side_complete_the_run_once(committed_world: World) -> None:
    run = started(committed_world, published(committed_world, 60))
    works = [answering(run, answer_bodies(10, lambda place: place % 2 == 0, first=first)) for first in range(1, 60, 10)]
    assert [statuses for statuses in at_once(works) if statuses != [201] * 10] == []
    run.refresh_from_db()
    assert (run.state, run.answered, run.right) == ("complete", 60, 30)
    assert run.report["measures"]["accuracy"]["value"] == 0.5
    assert Event.objects.filter(kind="golden.run_completed").count() == 1


def test_twins_at_the_same_moment_are_taken_once(committed_world: World) -> None:
    run = started(committed_world, published(committed_world, 20))
    results = at_once([answering(run, answer_bodies(20)) for _ in range(6)])
    counted = Counter(status for statuses in results for status in statuses)
    assert counted == {201: 20, 200: 100}
    run.refresh_from_db()
    assert (run.state, run.answered) == ("complete", 20)


def test_of_different_answers_at_the_same_moment_the_first_stands(committed_world: World) -> None:
    run = started(committed_world, published(committed_world, 1))
    works = [answering(run, answer_bodies(1, confidence=place / 10)) for place in range(6)]
    assert Counter(statuses[0] for statuses in at_once(works)) == {201: 1, 409: 5}
    assert GoldenAnswer.objects.count() == 1


def test_a_run_that_is_closed_while_answers_come_in_counts_exactly_what_it_took(committed_world: World) -> None:
    run = started(committed_world, published(committed_world, 60))
    works: list[Callable[[], Any]] = [answering(run, answer_bodies(10, first=first)) for first in range(1, 60, 10)]
    results = at_once([*works[:3], lambda: runs.close_run(run=run, now=timezone.now()), *works[3:]])
    taken = [statuses for statuses in results if isinstance(statuses, list)]
    assert all(set(statuses) in ({201}, {409}) for statuses in taken)
    accepted = sum(statuses.count(201) for statuses in taken)
    run.refresh_from_db()
    assert run.answered == accepted == GoldenAnswer.objects.filter(run=run).count()
    assert run.state == ("complete" if accepted == 60 else "closed")
    assert Event.objects.filter(kind="golden.run_completed").count() == 1


def test_of_an_item_that_is_erased_while_answers_come_in_no_answer_is_left(committed_world: World) -> None:
    made = published(committed_world, 30)
    runs_of_it = [started(committed_world, made, model_version=f"v{number}") for number in range(4)]
    named = {"golden_set": "support-answers/prices", "key": "plan-7", "basis": "objection"}
    wish = erasures.ask_for_golden_item(by=committed_world.adam, **named)
    works: list[Callable[[], Any]] = [answering(run, answer_bodies(30)) for run in runs_of_it]
    agree = partial(erasures.decide, by=committed_world.ada, erasure_id=wish.pk, approve=True)
    results = at_once([*works[:2], agree, *works[2:]])
    assert {status for statuses in results if isinstance(statuses, list) for status in statuses} <= {201, 422}
    assert not GoldenAnswerPayload.objects.filter(answer__item__key="plan-7").exists()
    assert GoldenAnswerPayload.objects.count() == 4 * 29
    assert GoldenAnswer.objects.filter(item__key="plan-7").values("content_hash").distinct().count() <= 1


def test_two_who_publish_at_once_publish_once_and_drafts_are_filled_one_after_the_other(committed_world: World) -> None:
    made = golden_set(committed_world)
    filling = [lambda part=part: drafts.put_items(golden_set=made, items=part) for part in _parts()]
    assert [type(result).__name__ for result in at_once(filling)] == ["Put"] * 4
    draft = GoldenVersion.objects.get()
    assert draft.items.count() == 40
    results = at_once([lambda: drafts.publish(golden_set=made, by=committed_world.olga) for _ in range(4)])
    assert Counter(type(result) for result in results) == {GoldenVersion: 1, NothingToPublish: 3}


def _parts() -> list[Any]:
    items = questions(40)
    return [items[first : first + 10] for first in range(0, 40, 10)]
