"""What people send: read into the values that services take, or refused field by field."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services.leases import ESCALATE
from reviewqueue.web.wording import HOLDS, REVISION_REASONS, SKIP_REASONS

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
