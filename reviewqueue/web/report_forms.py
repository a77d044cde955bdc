"""What is asked of audit reports: of which pipeline and time, and how often by themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

from django import forms
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.reports.schedules import all_possible_recipients


class ReportForm(forms.Form):
    """Days are UTC and both belong to the report."""

    pipeline = forms.ModelChoiceField(
        Pipeline.objects.order_by("slug"), required=False, to_field_name="slug", empty_label="All pipelines"
    )
    first = forms.DateField()
    last = forms.DateField()

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        first, last = given.get("first"), given.get("last")
        if first and last and first > last:
            self.add_error("last", "The last day comes before the first.")
        return given

    @property
    def period(self) -> tuple[datetime, datetime]:
        return begin_of(self.cleaned_data["first"]), begin_of(self.cleaned_data["last"] + timedelta(days=1))


def begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def last_month() -> dict[str, str]:
    """What the form proposes."""
    end = timezone.now().astimezone(UTC).date().replace(day=1)
    last = end - timedelta(days=1)
    return {"first": last.replace(day=1).isoformat(), "last": last.isoformat()}


class People(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # takes none when it runs
    def label_from_instance(self, user: Any) -> str:
        return f"{user.shown_name} ({user.username})"


class ScheduleForm(forms.Form):
    """People are chosen among those who may see any report; whether they may see these is checked when it is sent."""

    pipeline = forms.ModelChoiceField(
        Pipeline.objects.order_by("slug"), required=False, to_field_name="slug", empty_label="All pipelines"
    )
    every = forms.ChoiceField(choices=[("week", "Week"), ("month", "Month"), ("quarter", "Quarter")], initial="month")
    recipients = People(User.objects.none())

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.people.queryset = all_possible_recipients()

    @property
    def people(self) -> People:
        return cast("People", self.fields["recipients"])
