"""What people send: read into the values that services take, or refused field by field."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms

from reviewqueue.ledger.selectors import EntryFilter
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services.leases import ESCALATE
from reviewqueue.web.wording import EVENTS, HOLDS, REVISION_REASONS, SKIP_REASONS

MAX_NOTE: Final = 10_000
HOW_LONG: Final = "Choose how long to keep the task."


class RevisionForm(forms.Form):
    reason = forms.ChoiceField(choices=list(REVISION_REASONS.items()))


class SkipForm(forms.Form):
    """Passing on a task: to whoever is next, or, with a note, to the seniors."""

    reason = forms.ChoiceField(
        choices=[*SKIP_REASONS.items(), (ESCALATE, "Escalate")],
        error_messages={"required": "Choose a reason for skipping.", "invalid_choice": "Choose a reason for skipping."},
    )
    note = forms.CharField(required=False, max_length=MAX_NOTE)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("reason") == ESCALATE and "note" in cleaned and not cleaned["note"]:
            self.add_error("note", "Say in a note what the seniors are to look at.")
        return cleaned


class HoldForm(forms.Form):
    minutes = forms.TypedChoiceField(
        choices=list(HOLDS.items()), coerce=int, error_messages=dict.fromkeys(("required", "invalid_choice"), HOW_LONG)
    )


class HandOverForm(forms.Form):
    to = forms.CharField(max_length=150, error_messages={"required": "Choose who is to get the task."})
    note = forms.CharField(required=False, max_length=MAX_NOTE)


class TakeForm(forms.Form):
    pipeline = forms.SlugField(required=False, max_length=60)
    purpose = forms.ChoiceField(required=False, choices=[("", ""), *((each, each) for each in ASKABLE_PURPOSES)])
    category = forms.CharField(required=False, max_length=80)


class LedgerFilter(forms.Form):
    """Which entries the ledger page lists, as its address says."""

    kind = forms.ChoiceField(required=False, choices=[("", "Everything"), *sorted(EVENTS.items(), key=itemgetter(1))])
    subject = forms.UUIDField(required=False)
    pipeline = forms.SlugField(required=False, max_length=60)
    older_than = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

    narrowing = ("kind", "subject", "pipeline")

    def wanted(self) -> EntryFilter:
        given = self.cleaned_data
        subject: UUID | None = given["subject"]
        kinds = [given["kind"]] if given["kind"] else []
        return EntryFilter(claim=subject, kinds=kinds, pipeline=given["pipeline"] or None)

    def before(self) -> int | None:
        older_than: int | None = self.cleaned_data["older_than"]
        return older_than

    def is_filtered(self) -> bool:
        return any(self.cleaned_data[name] for name in self.narrowing)

    def address_of_next(self, before: int | None) -> str | None:
        """The query of the following page, None after the last."""
        if before is None:
            return None
        kept = {name: str(self.cleaned_data[name]) for name in self.narrowing if self.cleaned_data[name]}
        return "?" + urlencode({**kept, "older_than": before})
