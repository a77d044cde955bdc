"""What people send: read into the values that services take, or refused field by field."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.utils.datastructures import MultiValueDict

from reviewqueue.errors import FieldProblem
from reviewqueue.ledger.selectors import EntryFilter
from reviewqueue.pipelines.review_form import answer_agrees
from reviewqueue.review.picking import ASKABLE_PURPOSES
from reviewqueue.review.services.labels import LabelAnswer
from reviewqueue.review.services.leases import ESCALATE
from reviewqueue.web.wording import EVENTS, HOLDS, REVISION_REASONS, SKIP_REASONS, VERDICTS

if TYPE_CHECKING:
    from reviewqueue.review.models import Label

MAX_NOTE: Final = 10_000
MAX_CORRECTION: Final = 200_000
WRONG: Final = ("incorrect", "partially_correct")
CANNOT_JUDGE: Final = "cannot_judge"
HOW_LONG: Final = "Choose how long to keep the task."
VERDICT_KEYS: Final = {"correct": "a 1", "incorrect": "x 2", "partially_correct": "3", "cannot_judge": "4"}


class AnswerForm(forms.Form):
    """A reviewer's answer to one task. Which fields it has is said by the pipeline's review form.

    A choice form asks for the answer itself, whether or not the output is shown; where it is shown, the choice is
    compared here, because the service then expects a verdict.
    """

    verdict = forms.ChoiceField(choices=list(VERDICTS.items()), required=False)
    choice = forms.ChoiceField(required=False)
    correction = forms.CharField(required=False, strip=False, max_length=MAX_CORRECTION)
    error_types = forms.MultipleChoiceField(required=False)
    note = forms.CharField(required=False, max_length=MAX_NOTE)
    seconds = forms.FloatField(required=False, min_value=0, max_value=86_400)

    def __init__(self, task: Mapping[str, Any], data: Mapping[str, Any] | None = None, **named: Any) -> None:
        super().__init__(data, **named)
        self.task = task
        self.asks_choice = task["form"]["kind"] == "choice"
        self.hides_output = task["blind"] == "answer"
        self.options = [(option, option) for option in task["form"].get("options", ())]
        extra = [] if self.hides_output else [(CANNOT_JUDGE, VERDICTS[CANNOT_JUDGE])]
        self.fields["choice"].choices = [*self.options, *extra]  # type: ignore[attr-defined]  # a ChoiceField
        names = task["form"].get("error_types", ())
        self.fields["error_types"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # as above

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        asked = "choice" if self.asks_choice else "verdict"
        if not cleaned.get(asked) and asked not in self.errors:
            self.add_error(asked, "Choose an answer.")
        return cleaned

    def answer(self) -> LabelAnswer:
        """Corrections and error types count only where the verdict calls the output wrong."""
        given = self.cleaned_data
        verdict, output = self._verdict_and_output()
        return LabelAnswer(
            verdict=verdict,
            output=output,
            error_types=tuple(given["error_types"]) if verdict in WRONG else (),
            note=given["note"],
            seconds=given["seconds"],
        )

    def _verdict_and_output(self) -> tuple[str | None, str | None]:
        given = self.cleaned_data
        if not self.asks_choice:
            return given["verdict"], (given["correction"] or None) if given["verdict"] in WRONG else None
        if self.hides_output:
            return None, given["choice"]
        if given["choice"] == CANNOT_JUDGE:
            return CANNOT_JUDGE, None
        if answer_agrees(given["choice"], self.task["claim"]["output"]):
            return "correct", None
        return "incorrect", given["choice"]

    def take_over(self, problems: tuple[FieldProblem, ...]) -> None:
        """Shows what the service refused beside the field it belongs to."""
        fields = {"/verdict": "verdict", "/output": "correction", "/error_types": "error_types", "/note": "note"}
        for problem in problems:
            self.add_error(fields.get(problem.pointer), problem.detail)

    def value_of(self, name: str) -> str:
        """What a field shows now: what was sent, else what the draft or the earlier answer said."""
        value = self[name].value()
        return value if isinstance(value, str) else ""

    @property
    def verdict_choices(self) -> list[tuple[str, str, str, bool]]:
        """Code, word, keys, whether chosen."""
        chosen = self.value_of("verdict")
        return [(code, word, VERDICT_KEYS[code], code == chosen) for code, word in VERDICTS.items()]

    @property
    def numbered_choices(self) -> list[tuple[str, str, str, bool]]:
        chosen = self.value_of("choice")
        numbered = [
            (code, word, str(place % 10) if place <= 10 else "", code == chosen)
            for place, (code, word) in enumerate(self.options, start=1)
        ]
        if not self.hides_output:
            numbered.append((CANNOT_JUDGE, VERDICTS[CANNOT_JUDGE], "q", chosen == CANNOT_JUDGE))
        return numbered

    @property
    def error_type_choices(self) -> list[tuple[str, bool]]:
        chosen = self["error_types"].value() or ()
        return [(name, name in chosen) for name in self.task["form"].get("error_types", ())]


def draft_in(data: MultiValueDict[str, str]) -> dict[str, Any]:
    """What is worth keeping of a half-finished answer."""
    draft: dict[str, Any] = {name: data.get(name, "") for name in ("verdict", "choice", "correction", "note")}
    return {**draft, "error_types": data.getlist("error_types")}


def given_before(label: Label, task: Mapping[str, Any]) -> dict[str, Any]:
    """An earlier answer in the fields of its form."""
    given = label.output if isinstance(label.output, str) else ""
    choice = given
    if label.verdict == CANNOT_JUDGE:
        choice = CANNOT_JUDGE
    elif label.verdict == "correct" and not given:
        options = task["form"].get("options", ())
        choice = next((option for option in options if answer_agrees(option, task["claim"].get("output"))), "")
    return {
        "verdict": label.verdict,
        "choice": choice,
        "correction": given,
        "error_types": label.error_types,
        "note": label.note,
    }


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
