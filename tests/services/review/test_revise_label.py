"""Changing one's mind."""

import dataclasses
from uuid import UUID

import pytest

from reviewqueue.claims.models import Outcome
from reviewqueue.errors import Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import Label, ReviewSlot, ReviewTask
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.labels import LabelAnswer, Labelled, UndoWindowOver
from tests.services.review.steps import (
    RIGHT,
    UNSURE,
    WRONG,
    ask_for_choices,
    label_next,
    ledger_kinds,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.world import World


def revise(done: Labelled, answer: LabelAnswer, reason: str = "undo") -> Labelled:
    return labels.revise_label(reviewer=done.label.reviewer, label_id=done.label.pk, answer=answer, reason=reason)


def outcomes(claim_id: UUID) -> list[tuple[bool | None, bool, bool]]:
    return list(
        Outcome.objects.filter(claim=claim_id).order_by("number").values_list("correct", "standing", "measures")
    )


def test_a_revision_is_a_further_label_and_the_first_one_stays(world: World) -> None:
    claim = world.claim()
    first = label_next(world.rita, RIGHT)
    second = revise(first, WRONG)
    revisions = Label.objects.order_by("revision").values_list("revision", "verdict")
    assert list(revisions) == [(0, "correct"), (1, "incorrect")]
    assert second.outcome.correct is False
    assert outcomes(claim.pk) == [(True, False, False), (False, True, True)]
    assert ledger_kinds(claim.pk)[-3:] == ["label.amended", "outcome.superseded", "outcome.final"]
    leaf = Event.objects.get(kind="label.amended").leaf
    assert f'"supersedes":"{first.label.pk}"' in leaf
    assert '"reason":"undo"' in leaf


def test_after_the_undo_window_of_the_policy_the_label_stands(world: World) -> None:
    world.activate(review_terms(undo_seconds=0))
    world.claim()
    done = label_next(world.rita, RIGHT)
    with pytest.raises(UndoWindowOver) as over:
        revise(done, WRONG)
    assert over.value.code == "undo_window_over"
    assert Label.objects.count() == 1


def test_any_revision_names_the_label(world: World) -> None:
    claim = world.claim()
    first = label_next(world.rita, RIGHT)
    revise(first, WRONG)
    third = revise(first, RIGHT)
    assert third.label.revision == 2
    assert [standing for _, standing, _ in outcomes(claim.pk)] == [False, False, True]


def test_the_same_revision_again_is_one_revision(world: World) -> None:
    world.claim()
    first = label_next(world.rita, RIGHT)
    second, again = revise(first, WRONG), revise(first, WRONG)
    assert (second.created, again.created) == (True, False)
    assert again.label.pk == second.label.pk
    assert again.outcome == second.outcome
    assert Label.objects.count() == 2


def test_a_repeated_first_submit_still_gets_its_first_answer_after_a_revision(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    first = submit(lease, RIGHT)
    revise(first, WRONG)
    again = submit(lease, RIGHT)
    assert (again.created, again.label.pk, again.outcome.correct) == (False, first.label.pk, True)


def test_a_note_alone_leaves_the_outcome_as_it_is(world: World) -> None:
    claim = world.claim()
    first = label_next(world.rita, WRONG)
    second = revise(first, dataclasses.replace(WRONG, note="The list is from May."))
    assert second.outcome == first.outcome
    assert outcomes(claim.pk) == [(False, True, True)]


def test_taking_back_that_one_could_not_judge_takes_the_escalation_back(world: World) -> None:
    claim = world.claim()
    first = label_next(world.rita, UNSURE)
    assert revise(first, RIGHT).outcome.correct
    undo_windows_pass()
    assert leases.take(reviewer=world.sam).reason == "empty"
    assert not ReviewTask.objects.filter(closed_at=None).exists()
    assert outcomes(claim.pk) == [(True, True, True)]


def test_who_cannot_judge_after_all_withdraws_the_outcome_and_asks_a_senior(world: World) -> None:
    claim = world.claim()
    first = label_next(world.rita, RIGHT)
    assert revise(first, UNSURE).outcome is None
    claim.refresh_from_db()
    assert claim.status == "in_review"
    assert outcomes(claim.pk) == [(True, False, False)]
    undo_windows_pass()
    assert label_next(world.sam, WRONG).outcome.correct is False
    assert outcomes(claim.pk) == [(True, False, False), (False, True, True)]


def test_agreeing_after_all_takes_the_further_label_back(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=3))
    world.claim()
    label_next(world.rita, RIGHT)
    second = label_next(world.ravi, WRONG)
    assert ReviewSlot.objects.filter(done=False).count() == 1
    assert revise(second, RIGHT).outcome.correct
    assert not ReviewSlot.objects.filter(done=False).exists()
    assert ReviewTask.objects.get().closed_at


def test_disagreeing_after_all_goes_to_a_senior(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=3))
    claim = world.claim()
    label_next(world.rita, RIGHT)
    second = label_next(world.ravi, RIGHT)
    assert revise(second, WRONG).outcome is None
    claim.refresh_from_db()
    assert claim.status == "in_review"
    undo_windows_pass()
    assert taken(world.sam).task.purpose == "adjudication"


def test_one_of_two_may_change_their_mind_before_the_other_answers(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=3))
    world.claim()
    first = label_next(world.rita, RIGHT)
    assert revise(first, WRONG).outcome is None
    assert label_next(world.ravi, WRONG).outcome.correct is False


def test_after_the_reveal_of_a_blind_answer_a_verdict_may_be_given(world: World) -> None:
    ask_for_choices(world)
    world.activate(review_terms(blind="answer"))
    world.claim(output="true")
    first = label_next(world.rita, LabelAnswer(None, output="false"))
    second = revise(first, RIGHT, reason="after_reveal")
    assert (first.label.verdict, second.label.verdict, second.outcome.correct) == ("incorrect", "correct", True)


def test_nobody_revises_another_persons_label_or_for_an_unknown_reason(world: World) -> None:
    world.claim()
    done = label_next(world.rita, RIGHT)
    for somebody in (world.ravi, world.sam):
        with pytest.raises(NotFound):
            labels.revise_label(reviewer=somebody, label_id=done.label.pk, answer=WRONG, reason="undo")
    for answer, reason in ((WRONG, "because"), (LabelAnswer("sure"), "undo")):
        with pytest.raises(Invalid):
            revise(done, answer, reason)
    assert Label.objects.count() == 1
