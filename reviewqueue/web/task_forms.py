"""What the page of a pipeline's tasks is asked: which tasks, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django import forms
from django.utils import timezone

from reviewqueue.pipelines.selectors import WORKING_ROLES, people_of
from reviewqueue.review.changing import Wanted
from reviewqueue.review.models import ChangeKind
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services.changes import AT_ONCE
from reviewqueue.review.task_list import STATES, Position, TaskFilter
from reviewqueue.web.task_wording import DUE_WITHIN, KEEPS, MOVES, OLDER_THAN, TASK_STATES
from reviewqueue.web.wording import PURPOSES

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline

EVERYBODY = ""


def _numbers(words: Mapping[int, str]) -> list[tuple[str, str]]:
    return [(str(number), word) for number, word in words.items()]


_FILTER_LABELS: Final = {
    "purpose": "Kind",
    "category": "Category",
    "state": "State",
    "holder": "In hand or kept for",
    "due_within": "Due",
    "older_than": "Waiting longer than",
}


def _hours(given: str | None) -> int | None:
    return int(given) if given else None


class TaskFilterForm(forms.Form):
    """Which tasks the page lists, as its address says."""

    purpose = forms.ChoiceField(required=False)
    category = forms.ChoiceField(required=False)
    state = forms.ChoiceField(required=False)
    holder = forms.ChoiceField(required=False)
    due_within = forms.ChoiceField(required=False, choices=[("", "any time"), *_numbers(DUE_WITHIN)])
    older_than = forms.ChoiceField(required=False, choices=[("", "any time"), *_numbers(OLDER_THAN)])
    after = forms.CharField(required=False, max_length=60)

    def __init__(self, given: Mapping[str, Any], *, pipeline: Pipeline, people: Iterable[User]) -> None:
        super().__init__(given)
        choices = {
            "purpose": [("", "every kind"), *((code, PURPOSES[code]) for code in ASKABLE_PURPOSES)],
            "category": [("", "every category"), *((name, name) for name in pipeline.categories)],
            "state": [("", "any"), *((code, TASK_STATES[code]) for code in STATES)],
            "holder": [("", "anybody or nobody"), *((person.username, person.shown_name) for person in people)],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]  # they are all ChoiceFields

    def labelled(self) -> list[tuple[forms.BoundField, str]]:
        return [(self[name], label) for name, label in _FILTER_LABELS.items()]

    def wanted(self) -> TaskFilter:
        """What cannot be read asks for nothing."""
        given = self.cleaned_data if self.is_valid() else {}
        return TaskFilter(
            purpose=given.get("purpose", ""),
            category=given.get("category", ""),
            state=given.get("state", ""),
            holder=given.get("holder", ""),
            due_within=_hours(given.get("due_within")),
            older_than=_hours(given.get("older_than")),
        )

    def asked(self) -> dict[str, str]:
        """The parts of the address that narrow the list."""
        given = self.cleaned_data if self.is_valid() else {}
        return {name: given[name] for name in _FILTER_LABELS if given.get(name)}

    def after_position(self) -> Position | None:
        given = self.cleaned_data["after"] if self.is_valid() else ""
        moment, _, slot = given.partition("_")
        if not (moment.isascii() and moment.isdigit() and slot.isascii() and slot.isdigit() and len(given) < 40):
            return None
        try:
            return _EPOCH + timedelta(microseconds=int(moment)), int(slot)
        except OverflowError:
            return None

    def address_of_first(self) -> str:
        return "?" + urlencode(self.asked())

    def address_after(self, position: Position) -> str:
        turn, slot = position
        return "?" + urlencode({**self.asked(), "after": f"{(turn - _EPOCH) // timedelta(microseconds=1)}_{slot}"})


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ChangeForm(forms.Form):
    """What to do with which tasks; `until` is there once it was shown."""

    do = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in ChangeKind])
    hours = forms.ChoiceField(required=False, choices=_numbers(MOVES))
    to = forms.CharField(required=False, max_length=150)
    keep = forms.ChoiceField(required=False, choices=_numbers(KEEPS))
    until = forms.DateTimeField(required=False, input_formats=["%Y-%m-%dT%H:%M:%S.%f%z"])
    all = forms.BooleanField(required=False)

    def wanted(self, pipeline: Pipeline) -> Wanted:
        given = self.cleaned_data
        kind = ChangeKind(given["do"])
        if kind == ChangeKind.PRIORITISE:
            return Wanted(kind, hours=int(given["hours"] or 0))
        if kind == ChangeKind.RELEASE or given["to"] == EVERYBODY:
            return Wanted(kind)
        person = people_of(pipeline, WORKING_ROLES).filter(username=given["to"]).first()
        if person is None:
            raise forms.ValidationError("Nobody of that name reviews here.")
        until = given["until"] or timezone.now() + timedelta(hours=int(given["keep"] or 24))
        return Wanted(kind, person=person, until=until)


def slots_in(texts: Iterable[str]) -> list[int]:
    """The numbers of slots that were ticked, one more than can be changed at the most."""
    numbers = [int(text) for text in dict.fromkeys(texts) if text.isascii() and text.isdigit() and len(text) < 19]
    return numbers[: AT_ONCE + 1]
