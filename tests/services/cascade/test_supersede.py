"""Attempts that answer each other are one case, for which the newest speaks."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.cascade.models import Attempt
from reviewqueue.cascade.selectors import attempts_of, is_superseded
from reviewqueue.cascade.services.cases import MOST_ATTEMPTS, CaseFull, SupersededAlready
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import ReviewTask
from tests.services.cascade.steps import cascading, step_of, unsure
from tests.services.review.steps import another_pipeline, ledger_kinds
from tests.world import World


def places(world: World) -> list[tuple[str, int, bool]]:
    rows = Attempt.objects.order_by("case", "number")
    return list(rows.values_list("claim__external_id", "number", "standing"))


def test_a_newer_attempt_ends_the_waiting_and_speaks_for_the_case(world: World) -> None:
    world.activate(cascading())
    first = unsure(world)
    second = world.claim(confidence=0.7, supersedes=str(first.pk))
    first.refresh_from_db()
    assert (first.status, step_of(first).closed_how) == ("decided", "answered")
    assert places(world) == [("ticket-1", 1, False), ("ticket-2", 2, True)]
    assert ledger_kinds(first.pk) == ["claim.decided", "claim.superseded"]
    assert f'"supersedes":"{first.pk}"' in Event.objects.get(pk=second.event_id).leaf
    assert Decision.objects.get(claim=second).facts["attempt"] == 2
    assert [row.claim_id for row in attempts_of(first.pk)] == [first.pk, second.pk]
    assert is_superseded(first.pk)
    assert not is_superseded(second.pk)


def test_attempts_are_numbered_and_after_the_budget_people_decide(world: World) -> None:
    world.activate(cascading(step_budget=3))
    attempts = [unsure(world)]
    attempts.append(unsure(world, supersedes=str(attempts[-1].pk)))
    attempts.append(world.claim(confidence=0.5, supersedes=str(attempts[-1].pk)))
    last = Decision.objects.get(claim=attempts[-1])
    assert (last.route, last.reasons, last.facts["attempt"]) == ("review", ["step_budget_spent"], 3)
    assert [standing for _, _, standing in places(world)] == [False, False, True]
    assert step_of(attempts[1]).attempt == 2


def test_a_claim_that_is_with_people_stays_with_them(world: World) -> None:
    first = world.claim(confidence=0.7)
    world.claim(confidence=0.7, supersedes=str(first.pk))
    first.refresh_from_db()
    assert first.status == "in_review"
    assert ReviewTask.objects.filter(claim=first, closed_at=None).exists()


def test_of_a_case_only_the_newest_attempt_can_be_superseded(world: World) -> None:
    first = world.claim()
    second = world.claim(supersedes=str(first.pk))
    with pytest.raises(SupersededAlready):
        world.submit(supersedes=str(first.pk))
    world.submit(supersedes=str(second.pk))
    assert Claim.objects.count() == 3


def test_a_repeated_attempt_gets_its_first_answer(world: World) -> None:
    first = world.claim()
    body = {"external_id": "second", "input": "q", "supersedes": str(first.pk)}
    answer = world.submit(**body).answer
    again = world.submit(**body)
    assert (again.created, again.answer) == (False, answer)
    assert len(places(world)) == 2


def test_a_case_lies_in_one_pipeline_but_its_input_may_change(world: World) -> None:
    another_pipeline(world)
    elsewhere = world.claim(pipeline="translations", category=None, segments={})
    with pytest.raises(Invalid) as refused:
        world.submit(supersedes=str(elsewhere.pk))
    assert [(each.pointer, each.code) for each in refused.value.problems] == [("/supersedes", "other_pipeline")]
    first = world.claim(input="What does it cost?")
    world.submit(input="What does the Pro plan cost per seat?", supersedes=str(first.pk))


def test_in_a_batch_two_elements_cannot_supersede_the_same_claim(world: World) -> None:
    first, other = world.claim(), world.claim()
    bodies = [world.claim_body(supersedes=str(claim.pk)) for claim in (first, first, other)]
    bodies[1]["supersedes"] = str(first.pk).upper()
    results = intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    assert [result.status for result in results] == [201, 409, 201]
    assert isinstance(results[1].error, SupersededAlready)
    again = intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    assert [result.status for result in again] == [200, 409, 200]


def test_an_element_cannot_supersede_another_one_of_its_batch_whose_id_nobody_knows_yet(world: World) -> None:
    first = world.claim_body()
    bodies = [first, world.claim_body(supersedes=first["external_id"])]
    results = intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    assert [result.status for result in results] == [201, 422]


def test_a_case_does_not_grow_for_ever(world: World) -> None:
    first = world.claim()
    second = world.claim(supersedes=str(first.pk))
    Attempt.objects.filter(claim=second).update(number=MOST_ATTEMPTS)
    with pytest.raises(CaseFull):
        world.submit(supersedes=str(second.pk))


def test_a_preview_counts_attempts_and_stores_nothing(world: World) -> None:
    world.activate(cascading(step_budget=2))
    first = unsure(world)
    now = timezone.now()
    body = world.claim_body(confidence=0.5, supersedes=str(first.pk))
    decision = intake.preview(source=world.source, submission=parse_submission(body, now=now), now=now)
    assert decision["reasons"] == ["step_budget_spent"]
    assert not places(world)


@pytest.mark.parametrize("superseding", [0, 1, 30])
def test_the_statements_do_not_grow_with_what_is_superseded(
    world: World, django_assert_max_num_queries: Any, superseding: int
) -> None:
    world.activate(cascading())
    earlier = [unsure(world) for _ in range(superseding)]
    bodies = [world.claim_body(supersedes=str(claim.pk), confidence=0.7) for claim in earlier]
    bodies.append(world.claim_body(confidence=0.7))
    with django_assert_max_num_queries(25 if superseding else 13):
        results = intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    assert {result.status for result in results} == {201}
