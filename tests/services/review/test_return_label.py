"""A senior returns a label with a comment; its reviewer changes it or stands by it."""

from __future__ import annotations

import pytest

from reviewqueue.claims.models import Outcome
from reviewqueue.errors import Forbidden, Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review import selectors
from reviewqueue.review.models import Label, ReviewTask
from reviewqueue.review.services.labels import LabelAnswer, Labelled, UndoWindowOver, revise_label
from reviewqueue.review.services.returning import WithSeniors, return_label
from tests.services.review.steps import (
    RIGHT,
    UNSURE,
    WRONG,
    label_next,
    ledger_kinds,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.world import World


def long_ago(done: Labelled) -> Labelled:
    """The undo seconds are over."""
    ReviewTask.objects.filter(pk=done.label.task_id).update(undo_seconds=0)
    return done


def give_back(world: World, done: Labelled, comment: str = "Look at the list of March.") -> None:
    return_label(senior=world.sam, label_id=done.label.pk, comment=comment)


def answer(done: Labelled, given: LabelAnswer, reason: str = "returned") -> Labelled:
    return revise_label(reviewer=done.label.reviewer, label_id=done.label.pk, answer=given, reason=reason)


def test_a_returned_label_is_changed_and_the_outcome_with_it(world: World) -> None:
    claim = world.claim()
    done = long_ago(label_next(world.rita, RIGHT))
    with pytest.raises(UndoWindowOver):
        answer(done, WRONG, "second_thought")
    give_back(world, done)
    [returned] = selectors.returned_to(world.rita)
    assert (returned.label, returned.by, returned.comment) == (done.label, world.sam, "Look at the list of March.")
    changed = answer(done, WRONG)
    assert changed.created
    assert selectors.returned_to(world.rita) == []
    outcomes = Outcome.objects.filter(claim=claim).order_by("number").values_list("correct", "standing")
    assert list(outcomes) == [(True, False), (False, True)]
    assert ledger_kinds(claim.pk)[-4:] == ["label.returned", "label.amended", "outcome.superseded", "outcome.final"]


def test_what_a_return_changes_measures_nothing(world: World) -> None:
    """Seniors choose what they return."""
    claim = world.claim()
    done = long_ago(label_next(world.rita, RIGHT))
    give_back(world, done)
    answer(done, UNSURE)
    assert list(Outcome.objects.filter(claim=claim).values_list("correct", "standing", "measures")) == [
        (True, False, True)
    ]
    undo_windows_pass()
    label_next(world.sam, WRONG)
    outcomes = Outcome.objects.filter(claim=claim).order_by("number")
    assert list(outcomes.values_list("correct", "standing", "measures")) == [(True, False, True), (False, True, False)]


def test_its_reviewer_may_stand_by_it(world: World) -> None:
    claim = world.claim()
    done = long_ago(label_next(world.rita, RIGHT))
    give_back(world, done)
    assert not answer(done, RIGHT).created
    assert selectors.returned_to(world.rita) == []
    assert Label.objects.count() == Outcome.objects.count() == 1
    assert ledger_kinds(claim.pk)[-1] == "label.upheld"


def test_one_return_is_one_change(world: World) -> None:
    world.claim()
    done = long_ago(label_next(world.rita, RIGHT))
    give_back(world, done)
    answer(done, WRONG)
    with pytest.raises(UndoWindowOver):
        answer(done, RIGHT)


def test_returning_twice_keeps_the_first_comment(world: World) -> None:
    claim = world.claim()
    done = long_ago(label_next(world.rita, RIGHT))
    give_back(world, done, "first")
    give_back(world, done, "second")
    assert [returned.comment for returned in selectors.returned_to(world.rita)] == ["first"]
    assert ledger_kinds(claim.pk).count("label.returned") == 1
    assert "first" not in Event.objects.get(kind="label.returned").leaf


def test_only_seniors_of_the_pipeline_return_labels_and_never_their_own(world: World) -> None:
    world.claim()
    world.claim()
    done, own = label_next(world.rita, RIGHT), label_next(world.sam, RIGHT)
    for person in (world.rita, world.ravi, world.olga, world.ada, world.adam):
        with pytest.raises(NotFound):
            return_label(senior=person, label_id=done.label.pk, comment="why?")
    with pytest.raises(Forbidden):
        give_back(world, own)


def test_a_label_of_an_open_task_stays_hidden_from_those_who_may_judge_it(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    done = label_next(world.rita, RIGHT)
    with pytest.raises(NotFound):
        give_back(world, done)


def test_what_a_senior_decided_stands_above_the_label(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2))
    world.claim()
    first, second = label_next(world.rita, RIGHT), label_next(world.ravi, WRONG)
    undo_windows_pass()
    give_back(world, first)
    adjudication = taken(world.sam)
    with pytest.raises(WithSeniors):
        answer(first, WRONG)
    submit(adjudication, WRONG)
    with pytest.raises(WithSeniors):
        give_back(world, second)
    with pytest.raises(WithSeniors):
        answer(first, WRONG)
    answer(first, RIGHT)  # standing by it is always possible
    assert selectors.returned_to(world.rita) == []


def test_a_change_that_brings_agreement_makes_the_adjudication_unneeded(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2))
    world.claim()
    first = label_next(world.rita, RIGHT)
    label_next(world.ravi, WRONG)
    undo_windows_pass()
    give_back(world, first)
    assert answer(first, WRONG).outcome.correct is False
    undo_windows_pass()
    assert selectors.nothing_reason(world.sam).reason == "empty"


@pytest.mark.parametrize("comment", ["", "  \n", "\x00", "x" * 10_001])
def test_a_return_says_what_there_is_to_think_about(world: World, comment: str) -> None:
    world.claim()
    done = label_next(world.rita, RIGHT)
    with pytest.raises(Invalid) as refused:
        give_back(world, done, comment)
    assert [problem.pointer for problem in refused.value.problems] == ["/comment"]
