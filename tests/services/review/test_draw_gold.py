"""Gold tasks come in place of others, to one person once, and say nothing about the claim."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue.claims.models import Outcome
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review import selectors
from reviewqueue.review.gold import GoldDraw, GoldItem
from reviewqueue.review.models import Purpose, ReviewSlot, ReviewTask
from reviewqueue.review.selectors import task_view
from reviewqueue.review.services import gold, labels, leases, reservations
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.golden import gold_claims, gold_comes, is_gold, settled_gold, work_through
from tests.services.review.steps import (
    RIGHT,
    UNSURE,
    WRONG,
    label_next,
    newcomer,
    review_terms,
    run_out,
    submit,
    taken,
)
from tests.world import World


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every draw says gold, at whatever rate above zero."""
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.0)


def shape_of(value: object) -> object:
    """The names in an answer, without values."""
    if isinstance(value, dict):
        return {name: shape_of(item) for name, item in value.items()}
    return [shape_of(item) for item in value] if isinstance(value, list) else None


def milliseconds_of(identifier: str) -> int:
    return int(identifier.replace("-", "")[:12], 16)


def test_without_gold_everything_is_work(world: World) -> None:
    for _ in range(5):
        world.claim()
    assert work_through(world.rita, 5) == [False] * 5


def test_gold_comes_in_place_of_a_task_which_stays_in_the_queue(world: World, always: None) -> None:
    gold_claims(world, 1)
    waiting = world.claim()
    assert is_gold(taken(world.rita))
    slot = ReviewSlot.objects.get(task__claim=waiting)
    assert (slot.lease_no, slot.done) == (0, False)
    assert taken(world.rita).task.claim_id == waiting.pk


def test_with_an_empty_queue_there_is_no_gold_either(world: World, always: None) -> None:
    gold_claims(world, 1)
    assert isinstance(leases.take(reviewer=world.rita), selectors.Nothing)


def test_nobody_gets_the_same_one_twice(world: World, always: None) -> None:
    gold_claims(world, 2)
    for _ in range(4):
        world.claim()
    assert work_through(world.rita, 4) == [True, True, False, False]
    assert set(GoldDraw.objects.values_list("reviewer", flat=True)) == {world.rita.pk}


def test_nobody_gets_a_claim_they_labelled_as_gold(world: World, always: None) -> None:
    settled_gold(world)
    world.claim()
    assert not is_gold(taken(world.sam))


def test_the_rate_is_met(world: World) -> None:
    gold_claims(world, 60)
    gold_comes(world, 0.3)
    for _ in range(100):
        world.claim()
    drawn = sum(work_through(world.rita, 100))
    assert 14 <= drawn <= 47  # beyond that less than once in 2,000 runs


def test_at_a_rate_of_zero_none_comes_to_old_hands_or_new_ones(world: World) -> None:
    gold_claims(world, 3, onboarding=True)
    gold_comes(world, 0)
    world.claim()
    assert not is_gold(taken(world.rita))


def test_who_is_new_meets_the_onboarding_set_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.99)
    gold_claims(world, 2)
    gold_claims(world, 3, onboarding=True)
    for _ in range(6):
        world.claim()
    nadia = newcomer(world, "nadia")
    assert work_through(nadia, 6) == [True, True, True, False, False, False]


def test_who_worked_here_before_is_not_onboarded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gold, "draw_number", lambda lease_id: 0.99)
    world.claim()
    label_next(world.rita)
    gold_claims(world, 3, onboarding=True)
    world.claim()
    assert not is_gold(taken(world.rita))


def test_who_works_on_one_category_gets_gold_of_that_one(world: World, always: None) -> None:
    gold_claims(world, 1)
    world.claim(category="pricing")
    world.claim(category="general")
    assert not is_gold(taken(world.rita, category="pricing"))
    assert is_gold(taken(world.rita, category="general"))


def test_nobody_gets_gold_that_they_lack_the_skills_for(world: World, always: None) -> None:
    [known] = gold_claims(world, 1)
    rules = {"skills": {"categories": {known.category: ["law"]}}}
    Pipeline.objects.filter(pk=world.pipeline.pk).update(queue_rules=rules)
    world.claim(category="general" if known.category != "general" else "pricing")
    assert not is_gold(taken(world.rita))


def test_several_people_may_be_at_the_same_one(world: World, always: None) -> None:
    gold_claims(world, 1)
    world.claim()
    assert is_gold(taken(world.rita))
    assert is_gold(taken(world.ravi))


def test_a_gold_task_looks_like_a_blind_one_of_its_day(world: World, always: None) -> None:
    [gold_claim] = gold_claims(world, 1)
    world.activate(review_terms(blind="score"))
    waiting = world.claim()
    shown = task_view(taken(world.rita))
    GoldItem.objects.update(retired_at=timezone.now())
    real = task_view(taken(world.ravi))
    assert real["task"]["claim"]["id"] == str(waiting.pk)
    assert shape_of(shown) == shape_of(real)
    for name in ("purpose", "blind", "due_at", "form", "question"):
        assert shown["task"][name] == real["task"][name]
    assert "gold" not in json.dumps(shown)
    assert str(gold_claim.pk) not in json.dumps(shown)
    for of_gold, of_real in (
        (shown["task"]["id"], real["task"]["id"]),
        (shown["task"]["claim"]["id"], real["task"]["claim"]["id"]),
    ):
        assert 0 < milliseconds_of(of_real) - milliseconds_of(of_gold) <= 1_000


def test_an_answer_names_no_other_claim_than_its_task_did(world: World, always: None) -> None:
    [gold_claim] = gold_claims(world, 1)
    world.claim()
    lease = taken(world.rita)
    shown = task_view(lease)["task"]["claim"]["id"]
    answer = selectors.label_answer(submit(lease).label)
    assert answer["claim"] == shown
    assert str(gold_claim.pk) not in json.dumps(answer)


def test_the_claim_keeps_its_outcome_whatever_is_said(world: World, always: None) -> None:
    claim = settled_gold(world)
    before = list(Outcome.objects.values())
    world.claim()
    given = submit(taken(world.rita), WRONG)
    assert given.outcome is None
    labels.revise_label(reviewer=world.rita, label_id=given.label.pk, answer=RIGHT, reason="slip")
    assert list(Outcome.objects.values()) == before
    claim.refresh_from_db()
    assert claim.status == "settled"
    assert not ReviewTask.objects.filter(claim=claim, closed_at__isnull=True).exists()


@pytest.mark.parametrize(
    ("answer", "correct", "right"),
    [(RIGHT, True, True), (WRONG, True, False), (RIGHT, False, False), (WRONG, False, True), (UNSURE, True, None)],
)
def test_an_answer_is_compared_with_what_is_known(
    world: World, always: None, answer: LabelAnswer, correct: bool, right: bool | None
) -> None:
    gold_claims(world, 1, correct=correct)
    world.claim()
    submit(taken(world.rita), answer)
    draw = GoldDraw.objects.get()
    assert (draw.right, draw.answered_at is not None) == (right, True)
    assert Event.objects.filter(kind="gold.answered").count() == 1


def test_a_change_of_mind_is_compared_again(world: World, always: None) -> None:
    gold_claims(world, 1)
    world.claim()
    given = submit(taken(world.rita), WRONG)
    labels.revise_label(reviewer=world.rita, label_id=given.label.pk, answer=RIGHT, reason="slip")
    assert GoldDraw.objects.get().right is True


@pytest.mark.parametrize("reason", ["back", "broken", "escalate"])
def test_what_its_reviewer_gives_away_goes_to_nobody(world: World, always: None, reason: str) -> None:
    gold_claims(world, 1)
    waiting = world.claim()
    lease = taken(world.rita)
    leases.release(reviewer=world.rita, lease_id=lease.pk, reason=reason, note="Look.")
    assert ReviewTask.objects.get(pk=lease.task_id).closed_at is not None
    assert taken(world.rita).task.claim_id == waiting.pk
    assert not ReviewSlot.objects.filter(purpose=Purpose.GOLD, done=False).exists()


def test_one_that_ran_out_comes_back_to_its_reviewer_alone(world: World, always: None) -> None:
    gold_claims(world, 1)
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    GoldItem.objects.update(retired_at=timezone.now())
    assert taken(world.ravi).task_id != lease.task_id
    assert isinstance(leases.take(reviewer=world.sam), selectors.Nothing)
    assert selectors.kept_for(world.rita) == 0
    assert taken(world.rita).task_id == lease.task_id


def test_what_is_fetched_ahead_may_be_gold_and_is_what_comes_next(world: World, always: None) -> None:
    gold_claims(world, 1)
    waiting = world.claim()
    reservation = reservations.reserve(reviewer=world.rita)
    assert reservation is not None
    assert reservation.slot.purpose == Purpose.GOLD
    GoldItem.objects.update(retired_at=timezone.now())
    assert taken(world.ravi).task.claim_id == waiting.pk
    lease = taken(world.rita)
    assert (lease.pk, is_gold(lease)) == (reservation.pk, True)


def test_a_take_costs_as_many_statements_however_many_there_are(world: World) -> None:
    gold_comes(world, 1e-6)
    world.claim()
    label_next(world.rita)
    counts = []
    for number in (1, 30):
        gold_claims(world, number)
        world.claim()
        with CaptureQueriesContext(connection) as queries:
            lease = taken(world.rita)
        counts.append(len(queries))
        submit(lease)
    assert counts[0] == counts[1] <= 18


def test_the_draw_of_a_lease_is_always_the_same_and_even() -> None:
    leases_to_be = [uuid4() for _ in range(4_000)]
    numbers = [gold.draw_number(each) for each in leases_to_be]
    assert numbers == [gold.draw_number(each) for each in leases_to_be]
    assert all(0 <= number < 1 for number in numbers)
    assert 0.46 < sum(numbers) / len(numbers) < 0.54
