"""What the database refuses, whatever the code does."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from reviewqueue.ledger import services as ledger
from reviewqueue.review.models import Label, Lease, ReviewSlot
from tests.services.review.steps import label_next, review_terms, taken
from tests.services.review.test_second_looks import doubted
from tests.world import SETUP, World


def unused_event() -> int:
    return ledger.append(event="config.changed", actor=SETUP, changed=["nothing"]).id


def forge(row: Any, **changes: Any) -> None:
    """A copy of a stored row with another id and event, and these changes."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    del values["id"]
    with transaction.atomic():
        type(row).objects.create(**{**values, "event_id": unused_event(), **changes})


def test_a_slot_has_one_live_lease(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(IntegrityError, match="lease_one_live_per_slot"):
        forge(lease, reviewer_id=world.ravi.pk, lease_no=2)


def test_a_lease_number_of_a_slot_is_given_once(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    with pytest.raises(IntegrityError, match="lease_number_once"):
        forge(lease, reviewer_id=world.ravi.pk, ended_at=lease.expires_at)


def test_a_person_holds_one_slot_of_a_task(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    lease = taken(world.rita)
    other = ReviewSlot.objects.exclude(pk=lease.slot_id).get()
    with pytest.raises(IntegrityError, match="lease_one_live_per_task_and_reviewer"):
        forge(lease, slot_id=other.pk, hand=2)


@pytest.mark.parametrize(("hand", "constraint"), [(1, "lease_hand_once"), (6, "lease_hand_in_range")])
def test_a_person_has_five_hands_and_one_task_in_each(world: World, hand: int, constraint: str) -> None:
    for _ in range(2):
        world.claim()
    lease = taken(world.rita)
    other = ReviewSlot.objects.exclude(pk=lease.slot_id).get()
    with pytest.raises(IntegrityError, match=constraint):
        forge(lease, slot_id=other.pk, task_id=other.task_id, hand=hand)


def test_a_slot_takes_one_label_and_a_person_labels_a_task_once(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    world.claim()
    label = label_next(world.rita).label
    other = ReviewSlot.objects.exclude(pk=label.slot_id).get()
    with pytest.raises(IntegrityError, match="label_revision_once"):
        forge(label, reviewer_id=world.ravi.pk)
    with pytest.raises(IntegrityError, match="label_reviewer_once"):
        forge(label, slot_id=other.pk)
    assert (Label.objects.count(), Lease.objects.count()) == (1, 1)


def test_nobody_takes_a_second_look_at_what_they_have_labelled(world: World) -> None:
    doubted(world)
    label = label_next(world.ravi).label
    with pytest.raises(IntegrityError, match="labelled by the same person before"):
        forge(label, reviewer_id=world.rita.pk)
