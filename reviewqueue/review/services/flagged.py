"""Flagged claims were accepted already and are looked at within a day: many at a time, one label each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from reviewqueue.accounts.models import User
from reviewqueue.review.services import labels, leases
from reviewqueue.review.services.labels import LabelAnswer, LeaseLost

CORRECT: Final = LabelAnswer("correct")


@dataclass(frozen=True, slots=True)
class Confirmed:
    """`missed` were answered or taken by somebody else meanwhile."""

    labelled: int
    missed: int


def confirm(*, reviewer: User, slot_ids: Iterable[int]) -> Confirmed:
    """Labels each of these flagged claims correct, under a lease of its own, as if they had come one by one.

    Each stands or falls alone: what was saved before a failure stays saved.

    Raises:
        TooManyLeases: five tasks are in this person's hands.
    """
    outcomes = [_confirm(reviewer, slot_id) for slot_id in slot_ids]
    return Confirmed(labelled=sum(outcomes), missed=len(outcomes) - sum(outcomes))


def _confirm(reviewer: User, slot_id: int) -> bool:
    lease_id = leases.take_flagged(reviewer=reviewer, slot_id=slot_id)
    if lease_id is None:
        return False
    try:
        labels.submit_label(reviewer=reviewer, lease_id=lease_id, answer=CORRECT)
    except LeaseLost:
        return False
    return True
