"""The answer a reviewer gave last, while it can still be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from reviewqueue.review import selectors

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.review.models import Label


@dataclass(frozen=True, slots=True)
class LastAnswer:
    """`reveal` is what blindness hid until this answer was in; None where nothing was hidden."""

    label_id: UUID
    verdict: str
    output: object  # the reviewer's own answer or correction
    seconds_left: int
    reveal: Mapping[str, Any] | None


def last_answer(user: User) -> LastAnswer | None:
    recent = selectors.recent_labels(user, limit=1)
    return undoable(recent[0]) if recent else None


def undoable(label: Label) -> LastAnswer | None:
    """None when the undo window is over, or was used: it runs from the first answer."""
    if label.revision:
        return None
    until = label.created_at + timedelta(seconds=label.task.undo_seconds)
    left = (until - timezone.now()).total_seconds()
    if left <= 0:
        return None
    return LastAnswer(label.pk, label.verdict, label.output, max(int(left), 1), reveal_after(label))


def reveal_after(label: Label) -> Mapping[str, Any] | None:
    if label.blind == "none":
        return None
    return {**selectors.reveal_of(label), "hid_output": label.blind == "answer"}
