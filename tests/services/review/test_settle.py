"""From labels to the standing outcome: overlap, disagreement, escalation, adjudication."""

import dataclasses

import pytest

from reviewqueue.accounts.models import User
from reviewqueue.claims.models import Outcome
from reviewqueue.errors import Forbidden
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines.models import Grant, Role
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from reviewqueue.review.selectors import task_view
from reviewqueue.review.services import leases
from tests.services.review.steps import (
    PARTLY,
    RIGHT,
    UNSURE,
    WRONG,
    label_next,
    ledger_kinds,
    newcomer,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.world import World


def overlap(world: World, labels_needed: int, max_labels: int, people: int = 4) -> list:
    world.activate(review_terms(labels_needed=labels_needed, max_labels=max_labels))
    return [world.rita, world.ravi, *(newcomer(world, f"reviewer-{number}") for number in range(people - 2))]


def test_agreeing_labels_settle_when_the_last_one_is_in(world: World) -> None:
    first, second, *_ = overlap(world, 2, 3)
    claim = world.claim()
    assert label_next(first).outcome is None
    claim.refresh_from_db()
    assert claim.status == "in_review"
    assert label_next(second).outcome.correct is True
    claim.refresh_from_db()
    assert claim.status == "settled"


def test_incorrect_and_partially_correct_agree_that_it_is_wrong(world: World) -> None:
    first, second, *_ = overlap(world, 2, 3)
    world.claim()
    label_next(first, WRONG)
    outcome = label_next(second, PARTLY).outcome
    assert (outcome.correct, outcome.output) == (False, WRONG.output)


def test_two_different_corrections_leave_the_right_output_open(world: World) -> None:
    first, second, *_ = overlap(world, 2, 3)
    world.claim()
    label_next(first, WRONG)
    outcome = label_next(second, dataclasses.replace(WRONG, output="12 EUR")).outcome
    assert (outcome.correct, outcome.output) == (False, None)


def test_on_disagreement_one_more_person_is_asked_and_the_majority_settles(world: World) -> None:
    first, second, third, _ = overlap(world, 2, 3)
    world.claim()
    label_next(first, RIGHT)
    label_next(second, WRONG)
    assert not Outcome.objects.exists()
    undo_windows_pass()
    assert label_next(third, RIGHT).outcome.correct is True
    assert sorted(ReviewSlot.objects.values_list("number", "done")) == [(1, True), (2, True), (3, True)]
    assert ReviewTask.objects.get().closed_at


def test_the_further_label_waits_for_the_undo_window_of_the_one_that_called_for_it(world: World) -> None:
    first, second, third, _ = overlap(world, 2, 3)
    world.claim()
    label_next(first, RIGHT)
    last = label_next(second, WRONG)
    nothing = leases.take(reviewer=third)
    assert nothing.reason == "empty"
    assert (nothing.next_free_at - last.label.created_at).total_seconds() == 10


def test_at_the_most_labels_without_a_majority_a_senior_adjudicates(world: World) -> None:
    first, second, third, _ = overlap(world, 2, 3)
    claim = world.claim()
    label_next(first, RIGHT)
    label_next(second, WRONG)
    undo_windows_pass()
    assert label_next(third, UNSURE).outcome is None
    undo_windows_pass()
    task = ReviewTask.objects.get(purpose="adjudication")
    assert (task.blind, task.labels_needed, task.slots.get().seniors_only) == ("none", 1, True)
    done = label_next(world.sam, WRONG)
    claim.refresh_from_db()
    assert (done.outcome.correct, done.outcome.basis, claim.status) == (False, "adjudication", "settled")
    assert not ReviewTask.objects.filter(closed_at=None).exists()
    assert "adjudication.opened" in ledger_kinds(claim.pk)
    assert ledger_kinds(claim.pk)[-1] == "adjudication.decided"


def test_who_adjudicates_sees_the_labels_without_names(world: World) -> None:
    first, second, *_ = overlap(world, 2, 2)
    world.claim()
    label_next(first, RIGHT)
    label_next(second, WRONG)
    undo_windows_pass()
    shown = task_view(taken(world.sam))["task"]["labels"]
    assert [(label["by"], label["verdict"]) for label in shown] == [
        ("first reviewer", "correct"),
        ("second reviewer", "incorrect"),
    ]
    assert "rita" not in str(shown).lower()


def test_nobody_adjudicates_an_own_label_even_with_a_lease_on_it(world: World) -> None:
    first, *_ = overlap(world, 2, 2)
    selma = newcomer(world, "selma", Role.SENIOR)
    world.claim()
    label_next(first, RIGHT)
    label_next(selma, WRONG)
    undo_windows_pass()
    lease = taken(world.sam)
    Lease.objects.filter(pk=lease.pk).update(reviewer=selma)
    lease.reviewer = selma
    with pytest.raises(Forbidden):
        submit(lease)
    assert Label.objects.count() == 2


def test_who_is_no_senior_any_more_settles_nothing(world: World) -> None:
    world.claim()
    label_next(world.rita, UNSURE)
    undo_windows_pass()
    lease = taken(world.sam)
    Grant.objects.filter(user=world.sam).update(role=Role.REVIEWER)
    lease.reviewer = User.objects.get(pk=world.sam.pk)
    with pytest.raises(Forbidden):
        submit(lease)
    assert not Outcome.objects.exists()


@pytest.mark.parametrize("blind", ["none", "score"])
def test_a_single_reviewer_who_cannot_judge_hands_the_claim_to_a_senior(world: World, blind: str) -> None:
    world.activate(review_terms(blind=blind))
    world.claim()
    assert label_next(world.rita, UNSURE).outcome is None
    undo_windows_pass()
    assert leases.take(reviewer=world.ravi).reason == "empty"
    lease = taken(world.sam)
    assert (lease.task.purpose, lease.task.blind) == ("escalation", blind)
    assert "labels" not in task_view(lease)["task"]
    assert submit(lease, RIGHT).outcome.basis == "adjudication"


def test_a_senior_who_cannot_judge_either_settles_that_nobody_can_tell(world: World) -> None:
    claim = world.claim()
    label_next(world.rita, UNSURE)
    undo_windows_pass()
    outcome = label_next(world.sam, UNSURE).outcome
    claim.refresh_from_db()
    assert (outcome.correct, outcome.output, outcome.basis) == (None, None, "adjudication")
    assert claim.status == "settled"


def test_an_audit_does_not_change_what_was_decided_until_it_is_labelled(world: World) -> None:
    claim = world.claim()
    ReviewTask.objects.update(purpose="audit", blind="score")
    ReviewSlot.objects.update(purpose="audit")
    assert label_next(world.rita, WRONG).outcome.measures
    claim.refresh_from_db()
    assert claim.status == "settled"


def test_every_label_has_an_entry_in_the_ledger_and_every_entry_a_label(world: World) -> None:
    people = overlap(world, 3, 3)
    for _ in range(3):
        world.claim()
        for person, answer in zip(people, (RIGHT, WRONG, RIGHT), strict=False):
            label_next(person, answer)
    entries = set(Event.objects.filter(kind="label.submitted").values_list("pk", flat=True))
    assert entries == set(Label.objects.values_list("event_id", flat=True))
    assert len(entries) == 9
    assert set(Outcome.objects.values_list("correct", flat=True)) == {True}
