"""Giving a label."""

import dataclasses
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction

from reviewqueue.claims.models import Outcome
from reviewqueue.errors import Invalid, NotFound
from reviewqueue.ledger.models import Event
from reviewqueue.review.clock import database_now
from reviewqueue.review.models import Label, Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.labels import LabelAnswer, LeaseLost
from tests.services.review.steps import (
    PARTLY,
    RIGHT,
    UNSURE,
    WRONG,
    ask_for_choices,
    label_next,
    ledger_kinds,
    review_terms,
    run_out,
    submit,
    taken,
)
from tests.world import World


def test_a_label_settles_a_claim_that_needs_one(world: World) -> None:
    claim = world.claim()
    done = label_next(world.rita, RIGHT)
    claim.refresh_from_db()
    assert (done.created, claim.status) == (True, "settled")
    assert (done.outcome.correct, done.outcome.basis, done.outcome.measures) == (True, "labels", True)
    assert done.outcome.output == "18 EUR per seat and month."
    assert done.outcome.label_id == done.label.pk


def test_a_correction_becomes_the_right_output(world: World) -> None:
    world.claim()
    outcome = label_next(world.rita, WRONG).outcome
    assert (outcome.correct, outcome.output) == (False, "15 EUR per seat and month.")


def test_a_partially_correct_output_counts_as_wrong(world: World) -> None:
    world.claim()
    outcome = label_next(world.rita, PARTLY).outcome
    assert (outcome.correct, outcome.output) == (False, None)


def test_the_label_ends_the_lease_the_slot_and_the_task(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    label = submit(lease).label
    lease.refresh_from_db()
    assert (lease.end_reason, lease.slot.done) == ("labelled", True)
    assert ReviewTask.objects.get().closed_at is not None
    assert (label.late, label.revision, label.lease_id) == (False, 0, lease.pk)
    assert abs(label.created_at - database_now()) < timedelta(seconds=5)


def test_what_was_drafted_is_the_label_now(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    leases.save_draft(reviewer=world.rita, lease_id=lease.pk, draft={"note": "half a thought"})
    submit(lease)
    lease.refresh_from_db()
    assert lease.draft == {}


def test_the_ledger_tells_the_whole_story_and_none_of_the_words(world: World) -> None:
    claim = world.claim()
    label_next(world.rita, dataclasses.replace(WRONG, note="canary note", seconds=12.7))
    assert ledger_kinds(claim.pk) == [
        "claim.decided",
        "task.opened",
        "lease.granted",
        "label.submitted",
        "outcome.final",
        "task.closed",
    ]
    leaves = "".join(Event.objects.filter(subject=claim.pk).values_list("leaf", flat=True))
    assert "canary" not in leaves
    assert "15 EUR" not in leaves
    assert '"verdict":"incorrect"' in leaves
    assert '"seconds":12' in leaves


def test_the_same_submit_again_gets_the_first_answer(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    first = submit(lease, dataclasses.replace(WRONG, seconds=3.0))
    again = submit(lease, dataclasses.replace(WRONG, seconds=4.0))
    assert (again.created, again.label.pk, again.outcome.pk) == (False, first.label.pk, first.outcome.pk)
    assert Label.objects.count() == Outcome.objects.count() == 1


def test_a_different_second_submit_is_refused_with_the_label_that_stands(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    submit(lease, WRONG)
    with pytest.raises(LeaseLost) as lost:
        submit(lease, RIGHT)
    assert (lost.value.facts["label"]["verdict"], lost.value.facts["label"]["by"]) == ("incorrect", "you")
    assert Label.objects.get().verdict == "incorrect"


@pytest.mark.parametrize("swept", [False, True])
def test_a_late_label_is_accepted_when_nobody_took_over(world: World, swept: bool) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    if swept:
        leases.expire_leases()
    done = submit(lease)
    assert done.label.late
    assert done.outcome.correct
    lease.refresh_from_db()
    assert lease.end_reason == "labelled"


def test_a_late_label_is_refused_when_somebody_took_over(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    taken(world.ravi)
    with pytest.raises(LeaseLost) as lost:
        submit(lease)
    assert lost.value.facts["label"] is None
    assert not Label.objects.exists()


def test_a_late_label_after_somebody_elses_answer_shows_that_answer(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    label_next(world.ravi, WRONG)
    with pytest.raises(LeaseLost) as lost:
        submit(lease)
    assert lost.value.facts["label"]["verdict"] == "incorrect"
    assert lost.value.facts["label"]["by"] == "another reviewer"


def test_somebody_elses_answer_stays_hidden_while_the_task_still_needs_labels(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    lease = taken(world.rita)
    run_out(lease)
    label_next(world.ravi, WRONG)
    with pytest.raises(LeaseLost) as lost:
        submit(lease)
    assert lost.value.facts["label"] is None


def test_what_was_skipped_or_put_back_takes_no_label(world: World) -> None:
    for _ in range(2):
        world.claim()
    for reason, lease in zip(("broken", "back"), [taken(world.rita), taken(world.rita)], strict=True):
        leases.release(reviewer=world.rita, lease_id=lease.pk, reason=reason)
        with pytest.raises(LeaseLost):
            submit(lease)


def test_one_person_does_not_fill_two_slots_of_a_task_through_an_old_lease(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    old = taken(world.rita)
    run_out(old)
    leases.expire_leases()
    ReviewSlot.objects.filter(pk=old.slot_id).update(due_at=old.slot.due_at + timedelta(days=1))
    label_next(world.rita)
    with pytest.raises(LeaseLost):
        submit(old)
    assert Label.objects.count() == 1


def test_a_lease_of_somebody_else_or_of_nobody_takes_no_label(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    for lease_id in (lease.pk, uuid4()):
        with pytest.raises(NotFound):
            labels.submit_label(reviewer=world.ravi, lease_id=lease_id, answer=RIGHT)


def test_an_answer_that_does_not_fit_changes_nothing(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    before = ledger_kinds(claim.pk)
    for answer in (LabelAnswer(None), LabelAnswer("sure"), dataclasses.replace(RIGHT, note="a\0b")):
        with pytest.raises(Invalid):
            submit(lease, answer)
    assert ledger_kinds(claim.pk) == before
    assert Lease.objects.get().ended_at is None


def test_a_blind_answer_is_compared_by_the_server(world: World) -> None:
    ask_for_choices(world)
    world.activate(review_terms(blind="answer"))
    for output, verdict in (("True", "correct"), ("false", "incorrect")):
        world.claim(output=output)
        done = label_next(world.rita, LabelAnswer(None, output="true"))
        assert done.label.verdict == verdict
        assert done.outcome.output == {"correct": output, "incorrect": "true"}[verdict]
        assert (done.reveal["output"], done.reveal["agreed"]) == (output, verdict == "correct")


def test_a_free_text_is_never_reviewed_without_seeing_it(world: World) -> None:
    world.activate(review_terms(blind="answer"))
    world.claim()
    assert taken(world.rita).task.blind == "score"


def test_what_blindness_hid_is_revealed_with_the_label(world: World) -> None:
    world.activate(review_terms(blind="score"))
    world.claim(confidence=0.93)
    reveal = label_next(world.rita, WRONG).reveal
    assert (reveal["confidence"], reveal["model"], reveal["band"]) == (0.93, "acme-lm", "0.90-1.00")
    assert (reveal["agreed"], reveal["reasons"][0]) == (False, "band_unvalidated")


def test_nothing_is_revealed_where_nothing_was_hidden(world: World) -> None:
    world.claim()
    assert label_next(world.rita).reveal is None


def test_a_label_cannot_be_rewritten(world: World) -> None:
    world.claim()
    label = label_next(world.rita, UNSURE).label
    with pytest.raises(Exception, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE review_label SET verdict = 'correct' WHERE id = %s", [label.pk])
