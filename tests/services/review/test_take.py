"""Who gets which task next."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from reviewqueue.errors import Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from reviewqueue.review.models import Lease, ReviewSlot, ReviewTask
from reviewqueue.review.services import leases
from reviewqueue.review.services.leases import Nothing, TooManyLeases
from tests.services.review.steps import (
    UNSURE,
    WRONG,
    another_pipeline,
    label_next,
    ledger_kinds,
    newcomer,
    review_terms,
    run_out,
    submit,
    taken,
    undo_windows_pass,
)
from tests.world import SETUP, World


def test_a_free_task_is_leased_for_the_minutes_of_the_policy(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    assert lease.task.claim_id == claim.pk
    assert lease.expires_at - lease.granted_at == timedelta(minutes=10)
    assert (lease.lease_no, lease.hand, lease.ended_at) == (1, 1, None)
    assert lease.slot.free_at == lease.expires_at


def test_the_ledger_says_who_was_given_what_without_a_name(world: World) -> None:
    claim = world.claim()
    lease = taken(world.rita)
    assert ledger_kinds(claim.pk) == ["claim.decided", "task.opened", "lease.granted"]
    leaf = Event.objects.get(pk=lease.event_id).leaf
    assert str(world.rita.pseudonym) in leaf
    assert '"role":"reviewer"' in leaf
    assert "rita" not in leaf.lower()


def test_what_is_due_first_comes_first_and_of_two_due_together_the_older(world: World) -> None:
    oldest, urgent, young = (world.claim().pk for _ in range(3))
    ReviewSlot.objects.update(due_at=ReviewSlot.objects.first().due_at)
    ReviewSlot.objects.filter(task__claim=urgent).update(due_at=F("due_at") - timedelta(minutes=1))
    assert [taken(world.rita).task.claim_id for _ in range(3)] == [urgent, oldest, young]


def test_each_step_of_priority_counts_like_being_due_an_hour_earlier(world: World) -> None:
    first, second, third = (world.claim().pk for _ in range(3))
    ReviewSlot.objects.filter(task__claim=third).update(priority=1)
    ReviewSlot.objects.filter(task__claim=first).update(priority=-1)
    assert [taken(world.rita).task.claim_id for _ in range(3)] == [third, second, first]


def test_no_priority_overtakes_what_is_due_so_much_earlier(world: World) -> None:
    waiting, favoured = (world.claim().pk for _ in range(2))
    ReviewSlot.objects.filter(task__claim=waiting).update(due_at=F("due_at") - timedelta(days=8))
    ReviewSlot.objects.filter(task__claim=favoured).update(priority=168)
    assert taken(world.rita).task.claim_id == waiting
    with pytest.raises(IntegrityError, match="slot_priority_within_a_week"), transaction.atomic():
        ReviewSlot.objects.update(priority=169)


def test_an_hour_of_priority_is_an_hour_on_the_day_the_clocks_change(world: World) -> None:
    world.claim()
    due_at = datetime(2026, 10, 25, 4, 30, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL TIME ZONE 'Europe/Berlin'")
        ReviewSlot.objects.update(due_at=due_at, priority=24)
        cursor.execute("SET LOCAL TIME ZONE 'UTC'")
    assert ReviewSlot.objects.get().turn == due_at - timedelta(hours=24)


def test_nobody_gets_a_task_that_somebody_holds(world: World) -> None:
    world.claim()
    taken(world.rita)
    nothing = leases.take(reviewer=world.ravi)
    assert isinstance(nothing, Nothing)
    assert (nothing.reason, nothing.held_by_others) == ("all_leased", 1)
    assert nothing.next_free_at == ReviewSlot.objects.get().free_at


def test_two_slots_of_one_task_go_to_two_people(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    taken(world.rita)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)
    assert taken(world.ravi).slot.number == 2


def test_who_has_labelled_a_task_does_not_get_its_other_slot(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    label_next(world.rita)
    assert isinstance(leases.take(reviewer=world.rita), Nothing)


def test_a_lease_that_ran_out_goes_to_the_next_person_without_waiting_for_a_sweep(world: World) -> None:
    claim = world.claim()
    first = taken(world.rita)
    run_out(first)
    second = taken(world.ravi)
    first.refresh_from_db()
    assert (first.end_reason, second.lease_no, second.slot.expiries) == ("expired", 2, 1)
    assert ledger_kinds(claim.pk)[-3:] == ["lease.granted", "lease.expired", "lease.granted"]


def test_whose_own_lease_ran_out_may_get_the_task_again_with_what_they_had_written(world: World) -> None:
    world.claim()
    first = taken(world.rita)
    leases.save_draft(reviewer=world.rita, lease_id=first.pk, draft={"note": "half a thought"})
    run_out(first)
    again = taken(world.rita)
    assert again.slot_id == first.slot_id
    assert again.draft == {"note": "half a thought"}


def test_a_draft_stays_with_the_person_who_wrote_it(world: World) -> None:
    world.claim()
    first = taken(world.rita)
    leases.save_draft(reviewer=world.rita, lease_id=first.pk, draft={"note": "mine"})
    run_out(first)
    assert taken(world.ravi).draft == {}


def test_five_leases_are_in_hand_at_most_and_the_refusal_says_what_to_do(world: World) -> None:
    for _ in range(6):
        world.claim()
    held = [taken(world.rita) for _ in range(5)]
    assert [lease.hand for lease in held] == [1, 2, 3, 4, 5]
    with pytest.raises(TooManyLeases, match="Finish one or put one back"):
        leases.take(reviewer=world.rita)
    assert ReviewSlot.objects.filter(lease_no=0).count() == 1


def test_a_finished_task_frees_the_lowest_hand(world: World) -> None:
    for _ in range(6):
        world.claim()
    held = [taken(world.rita) for _ in range(5)]
    submit(held[1])
    assert taken(world.rita).hand == 2


def test_a_lease_that_ran_out_does_not_fill_a_hand(world: World) -> None:
    for _ in range(6):
        world.claim()
    held = [taken(world.rita) for _ in range(5)]
    run_out(held[3])
    assert taken(world.rita).hand == 4


def test_a_stranger_and_a_disabled_person_get_no_access(world: World) -> None:
    world.claim()
    world.rita.is_active = False
    for person in (world.nora, world.ada, world.olga, world.rita):
        nothing = leases.take(reviewer=person)
        assert isinstance(nothing, Nothing)
        assert nothing.reason == "no_access"
    assert "Adam or Amir can give you access" in nothing.detail


def test_a_reviewer_gets_nothing_of_a_pipeline_they_do_not_work_in(world: World) -> None:
    elsewhere = another_pipeline(world)
    world.claim(pipeline=elsewhere.slug, category=None, segments={})
    assert leases.take(reviewer=world.rita).reason == "empty"
    assert leases.take(reviewer=world.rita, pipeline=elsewhere).reason == "no_access"


def test_a_reviewer_may_ask_for_one_pipeline(world: World) -> None:
    elsewhere = another_pipeline(world)
    world.claim()
    here = world.claim()
    ReviewTask.objects.exclude(claim=here).update(pipeline=elsewhere)
    ReviewSlot.objects.exclude(task__claim=here).update(pipeline=elsewhere)
    assert taken(world.rita, pipeline=world.pipeline).task.claim_id == here.pk


def test_escalated_claims_go_to_seniors_alone(world: World) -> None:
    world.activate({**review_terms(), "mandatory": {"categories": ["refunds"], "segments": {}, "route": "escalate"}})
    world.claim(category="refunds")
    assert leases.take(reviewer=world.rita).reason == "empty"
    assert taken(world.sam, purpose="escalation").task.purpose == "escalation"


def test_a_senior_of_another_pipeline_is_no_senior_here(world: World) -> None:
    elsewhere = another_pipeline(world)
    ines = newcomer(world, "ines")
    pipelines.grant(user=ines, role=Role.SENIOR, pipeline=elsewhere, actor=SETUP)
    world.claim()
    ReviewSlot.objects.update(seniors_only=True)
    assert isinstance(leases.take(reviewer=ines), Nothing)
    assert isinstance(leases.take(reviewer=world.sam), Lease)


def test_an_adjudication_never_goes_to_a_senior_who_gave_one_of_the_labels(world: World) -> None:
    world.activate(review_terms(labels_needed=2, max_labels=2))
    world.claim()
    label_next(world.sam)
    label_next(world.rita, WRONG)
    undo_windows_pass()
    assert ReviewSlot.objects.get(done=False).purpose == "adjudication"
    assert leases.take(reviewer=world.sam).reason == "empty"
    selma = newcomer(world, "selma", Role.SENIOR)
    assert taken(selma, purpose="adjudication").task.purpose == "adjudication"


def test_an_escalation_does_not_come_back_to_the_senior_who_could_not_judge(world: World) -> None:
    world.claim()
    label_next(world.sam, UNSURE)
    undo_windows_pass()
    assert isinstance(leases.take(reviewer=world.sam), Nothing)


def test_asking_for_audits_is_refused_because_it_would_tell_them_from_other_claims(world: World) -> None:
    for purpose in ("audit", "gold", "nonsense"):
        with pytest.raises(Invalid) as invalid:
            leases.take(reviewer=world.rita, purpose=purpose)
        assert invalid.value.problems[0].pointer == "/purpose"


def test_asking_for_reviews_also_gives_audits_because_they_look_the_same(world: World) -> None:
    world.claim()
    ReviewTask.objects.update(purpose="audit", blind="score")
    ReviewSlot.objects.update(purpose="audit")
    assert isinstance(leases.take(reviewer=world.rita, purpose="escalation"), Nothing)
    assert taken(world.rita, purpose="review").task.purpose == "audit"


def test_taking_costs_the_same_few_queries_whatever_the_queue_holds(world: World) -> None:
    world.claim()
    taken(world.rita)
    counts = []
    for size in (3, 30):
        for _ in range(size):
            world.claim()
        with CaptureQueriesContext(connection) as queries:
            taken(world.rita)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 18
