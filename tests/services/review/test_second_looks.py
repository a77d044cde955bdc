"""Second, blind looks at claims that have their truth: who gets them, and what they lead to."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.claims.reporting import Report, report_outcome
from reviewqueue.erasure import services as erasing
from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.review.models import Blind, Label, Lease, Relabel, RelabelRound, RelabelWhy, ReviewSlot, ReviewTask
from reviewqueue.review.selectors import task_view
from reviewqueue.review.services import handing_over, labels, leases, second_looks
from reviewqueue.review.services.returning import WithSeniors, return_label
from reviewqueue.review.services.second_looks import Doubt, Found, NothingToLookAt
from tests.services.review.steps import (
    CHOICE,
    RIGHT,
    UNSURE,
    WRONG,
    another_pipeline,
    ask_by,
    ask_for_choices,
    label_next,
    ledger_kinds,
    newcomer,
    review_terms,
    submit,
    taken,
    undo_windows_pass,
)
from tests.services.review.test_change_tasks import change, reasons, to
from tests.services.review.test_revise_label import outcomes, revise
from tests.world import IDENTITY, POLICY, SETUP, World


def labelled(world: World, answer: labels.LabelAnswer = WRONG, **changes: Any) -> Claim:
    """A claim that rita has labelled."""
    claim = world.claim(**changes)
    label_next(world.rita, answer)
    return claim


def doubt(claim: Claim, why: str = "model", probability: float | None = 0.1) -> Doubt:
    outcome = Outcome.objects.get(claim=claim, measures=True)
    return Doubt(claim.pk, outcome.pk, RelabelWhy(why), None if why == "random" else probability)


def found(suspects: list[Claim], others: list[Claim]) -> Found:
    return Found(
        labels=len(suspects) + len(others),
        suspects=len(suspects),
        seed=7,
        doubted=[doubt(claim) for claim in suspects],
        drawn=[doubt(claim, "random") for claim in others],
    )


def start(world: World, suspects: list[Claim], others: list[Claim], *, wanted: int = 10) -> RelabelRound:
    return begin(world, found(suspects, others), wanted=wanted)


def begin(world: World, search: Found, *, wanted: int = 10) -> RelabelRound:
    return second_looks.start_round(
        pipeline=world.pipeline, by=world.olga, found=search, wanted=wanted, now=timezone.now()
    )


def doubted(world: World, answer: labels.LabelAnswer = WRONG) -> Claim:
    """A claim that rita labelled and that somebody else is to look at again; nothing else is in the queue."""
    claim, other = labelled(world, answer), labelled(world, RIGHT)
    start(world, [claim], [other])
    ReviewSlot.objects.filter(task__claim=other).update(done=True)
    return claim


def look(claim: Claim) -> Relabel:
    return Relabel.objects.get(claim=claim)


# --- starting ---------------------------------------------------------------------------------------------------------


def test_as_many_are_drawn_at_random_as_suspects_are_picked_and_the_ledger_says_how(world: World) -> None:
    suspects, others = [labelled(world) for _ in range(3)], [labelled(world, RIGHT) for _ in range(2)]
    started = start(world, suspects, others)
    assert (
        sorted(Relabel.objects.values_list("sample", "why")) == [("random", "random")] * 2 + [("suspect", "model")] * 2
    )
    assert {look(claim).claim_id for claim in suspects[:2]} == {claim.pk for claim in suspects[:2]}  # the worst first
    body = json.loads(Event.objects.get(kind="relabel.started").leaf)["body"]
    assert (body["pipeline"], body["round"], body["seed"]) == ("support-answers", 1, 7)
    assert (body["labels"], body["suspects"], body["picked"], body["drawn"]) == (5, 3, 2, 2)
    assert (started.started_by, started.number) == (world.olga, 1)


def test_nobody_can_tell_the_halves_from_each_other_nor_from_an_audit(world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    suspect, other = labelled(world), labelled(world, RIGHT)
    start(world, [suspect], [other])
    world.validate_band()
    for _ in range(40):
        world.claim()
    ReviewTask.objects.filter(pk__in=ReviewTask.objects.filter(purpose="audit").order_by("pk")[1:]).delete()
    tasks = {str(task.claim_id): task for task in ReviewTask.objects.filter(closed_at=None)}
    views = []
    for _ in range(3):
        lease = taken(world.ravi)
        views.append(task_view(lease)["task"])
    assert {view["claim"]["id"] for view in views} == set(tasks)
    for view in views:
        assert (view["purpose"], view["blind"]) == ("review", "score")
    assert len({tuple(sorted(view["claim"])) for view in views}) == 1
    assert len({(task.lease_seconds, task.undo_seconds, task.labels_needed) for task in tasks.values()}) == 1
    slots = ReviewSlot.objects.filter(task__in=tasks.values())
    assert len(set(slots.values_list("priority", "seniors_only", "number"))) == 1
    assert {round((task.due_at - task.created_at).total_seconds() / 60) for task in tasks.values()} == {240}


def test_a_choice_is_made_without_seeing_the_output_where_the_policy_says_so(world: World) -> None:
    world.activate(review_terms(blind="answer"))
    ask_for_choices(world)
    world.pipeline.refresh_from_db()
    answer = labels.LabelAnswer(None, output="true")
    claim, other = labelled(world, answer, output="false"), labelled(world, answer, output="true")
    start(world, [claim], [other])
    assert set(Relabel.objects.values_list("task__blind", flat=True)) == {Blind.ANSWER}
    assert "output" not in task_view(taken(world.ravi))["task"]["claim"]


def test_whoever_labelled_the_claim_never_gets_its_second_look(world: World) -> None:
    doubted(world)
    assert leases.take(reviewer=world.rita).reason == "empty"
    assert taken(world.ravi).task.purpose == "relabel"


def test_whoever_labelled_the_claim_cannot_answer_a_second_look_either(world: World) -> None:
    doubted(world)
    lease = taken(world.ravi)
    Lease.objects.filter(pk=lease.pk).update(reviewer=world.rita)
    lease.reviewer = world.rita
    with pytest.raises(Forbidden, match="one of the labels"):
        submit(lease)


def test_nobody_moves_or_hands_a_second_look_to_whoever_labelled_the_claim(world: World) -> None:
    doubted(world)
    done = change(world, to(world.rita), [ReviewSlot.objects.get(done=False).pk])
    assert reasons(done) == ["labelled"]
    with pytest.raises(Invalid):
        handing_over.hand_over(reviewer=world.ravi, lease_id=taken(world.ravi).pk, to="rita", note="You know this one.")


def test_no_claim_is_looked_at_again_twice(world: World) -> None:
    suspect, other = labelled(world), labelled(world, RIGHT)
    start(world, [suspect], [other])
    with pytest.raises(NothingToLookAt):
        start(world, [suspect], [other])
    assert Relabel.objects.count() == 2


def test_the_database_refuses_a_second_look_at_the_same_claim(world: World) -> None:
    claim, other = labelled(world), labelled(world, RIGHT)
    start(world, [claim], [other])
    twin = look(claim)
    twin.task_id = ReviewTask.objects.filter(purpose="review").first().pk
    with pytest.raises(IntegrityError, match="claim_id"), transaction.atomic():
        twin.save(force_insert=True)


def test_what_moved_on_since_the_search_is_passed_over(world: World) -> None:
    settled, reported, open_again, elsewhere, erased = (labelled(world) for _ in range(5))
    others = [labelled(world, RIGHT) for _ in range(5)]
    search = found([reported, open_again, elsewhere, erased, settled], others)
    report_outcome(source=world.source, claim_id=reported.pk, report=Report(correct=True))
    ReviewTask.objects.filter(claim=open_again).update(closed_at=None)
    other_pipeline = another_pipeline(world)
    with pytest.raises(NothingToLookAt):
        second_looks.start_round(pipeline=other_pipeline, by=world.olga, found=search, wanted=5, now=timezone.now())
    erasing.erase_by_itself(erased, basis="retention", actor=SETUP, now=timezone.now())
    second_looks.start_round(pipeline=world.pipeline, by=world.olga, found=search, wanted=5, now=timezone.now())
    assert set(Relabel.objects.filter(sample="suspect").values_list("claim", flat=True)) == {settled.pk, elsewhere.pk}


def test_second_looks_never_become_the_queue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second_looks, "MOST_OPEN", 5)
    suspects, others = [labelled(world) for _ in range(4)], [labelled(world, RIGHT) for _ in range(4)]
    start(world, suspects, others)
    assert Relabel.objects.count() == 4
    with pytest.raises(NothingToLookAt):
        start(world, suspects, others)


def test_starting_asks_the_same_few_questions_for_one_claim_and_for_many(
    world: World, django_assert_max_num_queries: Any
) -> None:
    suspects, others = [labelled(world) for _ in range(9)], [labelled(world, RIGHT) for _ in range(9)]
    one, many = found(suspects[:1], others[:1]), found(suspects[1:], others[1:])
    with CaptureQueriesContext(connection) as few:
        begin(world, one)
    with django_assert_max_num_queries(len(few)):
        begin(world, many)


@pytest.mark.parametrize("wanted", [0, 101])
def test_a_number_out_of_range_is_refused(world: World, wanted: int) -> None:
    with pytest.raises(Invalid):
        start(world, [], [], wanted=wanted)


# --- what a second look leads to --------------------------------------------------------------------------------------


def test_an_agreeing_second_look_confirms_what_stands(world: World) -> None:
    claim = doubted(world)
    assert label_next(world.ravi, dataclasses.replace(WRONG, output="12 EUR")).outcome is None
    assert outcomes(claim.pk) == [(False, True, True)]
    again = look(claim)
    assert (again.result, again.corrected) == ("confirmed", None)
    assert again.task.closed_at is not None
    assert ledger_kinds(claim.pk)[-1] == "task.closed"


def test_a_contradiction_overrules_nobody_before_a_senior_who_gave_no_label_settles_it(world: World) -> None:
    claim = doubted(world)
    assert label_next(world.ravi, RIGHT).outcome is None
    assert (look(claim).result, outcomes(claim.pk)) == ("", [(False, True, True)])
    undo_windows_pass()
    assert leases.take(reviewer=newcomer(world, "rudi")).reason == "empty"
    lease = taken(world.sam)
    shown = task_view(lease)["task"]
    assert (shown["purpose"], [each["verdict"] for each in shown["labels"]]) == (
        "adjudication",
        ["incorrect", "correct"],
    )
    settled = submit(lease, RIGHT)
    assert settled.outcome.correct is True
    again = look(claim)
    assert (again.result, again.corrected, again.settled_at) == (
        "overturned",
        settled.outcome,
        settled.label.created_at,
    )


def test_a_corrected_truth_stands_and_estimates_go_on_using_the_first_one(world: World) -> None:
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, RIGHT)
    assert outcomes(claim.pk) == [(False, False, True), (True, True, False)]
    corrected = Outcome.objects.get(claim=claim, standing=True)
    assert (corrected.basis, corrected.output) == ("adjudication", "18 EUR per seat and month.")
    bodies = [json.loads(event.leaf)["body"] for event in Event.objects.filter(subject=claim.pk).order_by("claim_seq")]
    reasons = {body["event"]: body.get("reason") for body in bodies}
    assert (reasons["outcome.superseded"], reasons["outcome.final"]) == ("relabelled", "relabelled")
    assert [body["event"] for body in bodies[-4:]] == [
        *("outcome.superseded", "outcome.final", "task.closed", "adjudication.decided"),
    ]


def test_a_senior_who_sides_with_the_first_label_changes_nothing_and_that_is_recorded(world: World) -> None:
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, WRONG)
    assert (look(claim).result, outcomes(claim.pk)) == ("confirmed", [(False, True, True)])
    body = json.loads(Event.objects.get(kind="adjudication.decided").leaf)["body"]
    assert (body["correct"], body["outcome"]) == (False, str(look(claim).outcome_id))


def test_what_even_the_senior_cannot_judge_stays_as_it_is(world: World) -> None:
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    label_next(world.sam, UNSURE)
    assert (look(claim).result, outcomes(claim.pk)) == ("undecided", [(False, True, True)])


@pytest.mark.parametrize(("answer", "result"), [(RIGHT, "overturned"), (WRONG, "confirmed"), (UNSURE, "undecided")])
def test_who_cannot_judge_passes_it_blind_to_a_senior(world: World, answer: labels.LabelAnswer, result: str) -> None:
    claim = doubted(world)
    label_next(world.ravi, UNSURE)
    assert look(claim).result == ""
    undo_windows_pass()
    lease = taken(world.sam)
    assert (lease.task.purpose, lease.task.blind) == ("escalation", "score")
    submit(lease, answer)
    assert look(claim).result == result


def test_where_answers_are_exact_two_corrections_can_contradict_each_other(world: World) -> None:
    ask_by(world, {**CHOICE, "options": ["a", "b", "c"]})
    world.pipeline.refresh_from_db()
    claim = labelled(world, dataclasses.replace(WRONG, output="a"), output="b")
    start(world, [claim], [labelled(world, RIGHT, output="b")])
    ReviewSlot.objects.exclude(task__claim=claim).update(done=True)
    label_next(world.ravi, dataclasses.replace(WRONG, output="c"))
    assert look(claim).result == ""
    undo_windows_pass()
    assert label_next(world.sam, dataclasses.replace(WRONG, output="c")).outcome.output == "c"
    assert look(claim).result == "overturned"


def test_while_a_second_look_is_under_way_the_first_label_is_not_returned(world: World) -> None:
    claim = doubted(world)
    first = Label.objects.get(claim=claim)
    with pytest.raises(WithSeniors):
        return_label(senior=world.sam, label_id=first.pk, comment="Think again.")
    label_next(world.ravi, WRONG)
    assert return_label(senior=world.sam, label_id=first.pk, comment="Think again.").label == first


def test_what_is_with_its_reviewer_again_is_not_looked_at_again(world: World) -> None:
    suspect, other = labelled(world), labelled(world, RIGHT)
    return_label(senior=world.sam, label_id=Label.objects.get(claim=suspect).pk, comment="Think again.")
    with pytest.raises(NothingToLookAt):
        start(world, [suspect], [other])


# --- changing one's mind ----------------------------------------------------------------------------------------------


def test_a_contradiction_that_is_undone_takes_the_adjudication_back(world: World) -> None:
    claim = doubted(world)
    done = label_next(world.ravi, RIGHT)
    revise(done, WRONG)
    assert look(claim).result == "confirmed"
    undo_windows_pass()
    assert leases.take(reviewer=world.sam).reason == "empty"


def test_an_agreement_that_is_undone_asks_for_a_senior(world: World) -> None:
    claim = doubted(world)
    done = label_next(world.ravi, WRONG)
    revise(done, RIGHT)
    assert (look(claim).result, look(claim).settled_at) == ("", None)
    undo_windows_pass()
    assert taken(world.sam).task.purpose == "adjudication"


@pytest.mark.parametrize(("second_thought", "result"), [(WRONG, "confirmed"), (UNSURE, "undecided")])
def test_a_senior_who_takes_a_correction_back_gives_the_first_truth_back(
    world: World, second_thought: labels.LabelAnswer, result: str
) -> None:
    claim = doubted(world)
    label_next(world.ravi, RIGHT)
    undo_windows_pass()
    revise(label_next(world.sam, RIGHT), second_thought)
    assert outcomes(claim.pk) == [(False, False, True), (True, False, False), (False, True, False)]
    assert (look(claim).result, look(claim).corrected) == (result, None)
    claim.refresh_from_db()
    assert claim.status == "settled"


def test_three_skips_give_a_second_look_to_the_seniors(world: World) -> None:
    claim = doubted(world)
    for person in (world.ravi, newcomer(world, "rudi"), newcomer(world, "ruth")):
        leases.release(reviewer=person, lease_id=taken(person).pk, reason="policy_unclear")
    assert leases.take(reviewer=newcomer(world, "rosa")).reason == "empty"
    submit(taken(world.sam), WRONG)
    assert look(claim).result == "confirmed"


def test_a_claim_without_a_second_look_is_settled_as_ever(world: World) -> None:
    claim = world.claim()
    label_next(world.rita, UNSURE)
    undo_windows_pass()
    assert label_next(world.sam, RIGHT).outcome.measures
    assert outcomes(claim.pk) == [(True, True, True)]


def test_a_relabel_that_is_settled_has_a_result(world: World) -> None:
    doubted(world)
    with pytest.raises(IntegrityError, match="relabel_settled_with_a_result"), transaction.atomic():
        Relabel.objects.update(settled_at=timezone.now() + timedelta(seconds=1))
