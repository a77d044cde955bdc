"""What people do in a review queue, in the words of the tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Now

from reviewqueue.accounts.models import User
from reviewqueue.ledger.models import Event
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.form_versions import change_form
from reviewqueue.pipelines.models import Pipeline, ReviewForm, Role
from reviewqueue.review.changing import Wanted
from reviewqueue.review.models import ChangeKind, Lease, ReviewSlot, SavedFilter, TaskChange
from reviewqueue.review.services import changes, filters, labels, leases
from reviewqueue.review.services.labels import LabelAnswer, Labelled
from tests.world import POLICY, SETUP, World, make_person

RIGHT = LabelAnswer("correct")
WRONG = LabelAnswer("incorrect", output="15 EUR per seat and month.")
PARTLY = LabelAnswer("partially_correct")
UNSURE = LabelAnswer("cannot_judge", note="The price list is missing.")
CHOICE = {"kind": "choice", "options": ["true", "false"], "error_types": ["outdated"]}


def review_terms(**changes: Any) -> dict[str, Any]:
    """The policy of the tests, reviewed under other terms."""
    return {**POLICY, "review": {**POLICY["review"], **changes}}


def newcomer(world: World, name: str, role: Role = Role.REVIEWER) -> User:
    person = make_person(name)
    pipelines.grant(user=person, role=role, pipeline=world.pipeline, actor=SETUP)
    return person


def another_pipeline(world: World, slug: str = "translations") -> Pipeline:
    return pipelines.create_pipeline(
        slug=slug, name=slug.title(), question="Is this right?", owner=world.olga, sources=[world.source], actor=SETUP
    )


def ask_for_choices(world: World) -> None:
    """The reviewers of the pipeline answer true or false from now on."""
    ask_by(world, CHOICE)


def ask_by(world: World, document: dict[str, Any]) -> ReviewForm:
    """Claims that come from now on are reviewed by this form."""
    return change_form(pipeline=world.pipeline, document=document, by=world.olga)


def taken(reviewer: User, **wanted: Any) -> Lease:
    lease = leases.take(reviewer=reviewer, **wanted)
    assert isinstance(lease, Lease), lease
    return lease


def submit(lease: Lease, answer: LabelAnswer = RIGHT) -> Labelled:
    return labels.submit_label(reviewer=lease.reviewer, lease_id=lease.pk, answer=answer)


def label_next(reviewer: User, answer: LabelAnswer = RIGHT) -> Labelled:
    return submit(taken(reviewer), answer)


def time_passes(lease: Lease, **passed: float) -> None:
    """For this lease, as if it had been granted that much earlier."""
    earlier = ExpressionWrapper(Value(timedelta(**passed)), output_field=DurationField())
    Lease.objects.filter(pk=lease.pk).update(granted_at=F("granted_at") - earlier, expires_at=F("expires_at") - earlier)
    ReviewSlot.objects.filter(pk=lease.slot_id, lease_no=lease.lease_no).update(free_at=F("free_at") - earlier)


def run_out(lease: Lease) -> None:
    time_passes(lease, minutes=10, seconds=1)


def end_now(lease: Lease) -> None:
    """Its time is over; unlike with `run_out`, it was granted when it was granted.

    Slot and lease have one time, as ever: whoever takes the slot at that very moment ends the lease.
    """
    Lease.objects.filter(pk=lease.pk).update(expires_at=Now())
    ended = Lease.objects.values_list("expires_at", flat=True).get(pk=lease.pk)
    ReviewSlot.objects.filter(pk=lease.slot_id, lease_no=lease.lease_no).update(free_at=ended)


def undo_windows_pass() -> None:
    """What waits for somebody's undo window is free now."""
    ReviewSlot.objects.filter(done=False, lease_no=0).update(free_at=Now())


def ledger_kinds(claim_id: object) -> list[str]:
    return list(Event.objects.filter(subject=claim_id).order_by("claim_seq").values_list("kind", flat=True))


def moved(world: World) -> TaskChange:
    """A change of tasks that can be undone."""
    slot = ReviewSlot.objects.get(task__claim=world.claim())
    wanted = Wanted(ChangeKind.PRIORITISE, hours=24)
    done = changes.change_tasks(by=world.sam, pipeline=world.pipeline, slot_ids=[slot.pk], wanted=wanted)
    assert done.change
    return done.change


def keep_filter(world: World, user: User) -> SavedFilter:
    return filters.save_filter(user=user, pipeline=world.pipeline, name="Refunds", asked={"category": "refunds"})
