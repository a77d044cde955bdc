"""A reviewer's answer to one task, as the page sends it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.utils.datastructures import MultiValueDict

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.json_fields import value_at
from reviewqueue.pipelines.review_form import answer_agrees, parse_form
from reviewqueue.review.field_verdicts import verdict_of
from reviewqueue.review.question_answers import Shown
from reviewqueue.review.services.labels import LabelAnswer
from reviewqueue.web import json_rows, question_fields
from reviewqueue.web.json_rows import BY_FIELD, JsonRow
from reviewqueue.web.question_fields import Pick, Row
from reviewqueue.web.wording import VERDICTS

if TYPE_CHECKING:
    from reviewqueue.review.models import Label

MAX_NOTE: Final = 10_000
MAX_CORRECTION: Final = 200_000
MAX_COMPARED: Final = 20_000
"""Longer outputs are not compared word by word while somebody types."""
MAX_DRAFT_FIELDS: Final = 300
WRONG: Final = ("incorrect", "partially_correct")
CANNOT_JUDGE: Final = "cannot_judge"
VERDICT_KEYS: Final = {"correct": "a 1", "incorrect": "x 2", "partially_correct": "3", "cannot_judge": "4"}
WHOLE_KEYS: Final = {"correct": "a 1", BY_FIELD: "x 2", CANNOT_JUDGE: "q 3"}
WHOLE_WORDS: Final = {"correct": "Every field is right", BY_FIELD: "Not every field", CANNOT_JUDGE: "Cannot judge"}


class AnswerForm(forms.Form):
    """Which fields it has is said by the task's review form.

    A choice form asks for the answer itself, whether or not the output is shown; where it is shown, the choice is
    compared here, because the service then expects a verdict.
    """

    verdict = forms.ChoiceField(required=False)
    choice = forms.ChoiceField(required=False)
    correction = forms.CharField(required=False, strip=False, max_length=MAX_CORRECTION)
    error_types = forms.MultipleChoiceField(required=False)
    note = forms.CharField(required=False, max_length=MAX_NOTE)
    seconds = forms.FloatField(required=False, min_value=0, max_value=86_400)

    def __init__(self, task: Mapping[str, Any], data: Mapping[str, Any] | None = None, **named: Any) -> None:
        super().__init__(data, **named)
        self.task = task
        self.asked = parse_form(task["form"])
        self.asks_choice = self.asked.kind == "choice"
        self.asks_json = self.asked.kind == "json"
        self.hides_output = task["blind"] == "answer"
        self.output = task["claim"].get("output")
        self.shown = Shown(input=task["claim"].get("input"), output=self.output)
        self.questions = question_fields.asked_questions(
            self.asked.questions, self.shown, hides_output=self.hides_output
        )
        self._fill_choices()

    def _fill_choices(self) -> None:
        extra = [] if self.hides_output else [(CANNOT_JUDGE, VERDICTS[CANNOT_JUDGE])]
        options = [(option.value, option.title) for option in self.asked.options]
        self._choices("verdict", [*VERDICTS.items(), *([(BY_FIELD, BY_FIELD)] if self.asks_json else [])])
        self._choices("choice", [*options, *extra])
        self._choices("error_types", [(each.value, each.title) for each in self.asked.error_types])
        for question in self.questions:
            self.fields[question_fields.field_name(question)] = question_fields.field_of(question)
        if self.asks_json:
            self.fields.update(json_rows.json_fields(self.asked.fields))

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    # --- what was sent ---------------------------------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        self.cleaned_data = super().clean() or {}
        asked = "choice" if self.asks_choice else "verdict"
        if self.asks_json and self.hides_output:
            asked = ""
        if asked and not self.cleaned_data.get(asked) and asked not in self.errors:
            self.add_error(asked, "Choose an answer.")
        self._given = self._read()
        return self.cleaned_data

    def answer(self) -> LabelAnswer:
        """Corrections and error types count only where the verdict calls the output wrong."""
        return self._given

    def _read(self) -> LabelAnswer:
        given = self.cleaned_data
        said = self._json_answer() if self.asks_json else LabelAnswer(*self._verdict_and_output())
        verdict = said.verdict
        if "fields" in said.answers:
            verdict = verdict or verdict_of(said.answers["fields"].values())  # type: ignore[attr-defined]  # a mapping
        answers, problems = question_fields.answers_in(given, self.questions, verdict=verdict, shown=self.shown)
        self._add_errors(problems)
        return dataclasses.replace(
            said,
            error_types=tuple(given.get("error_types", ())) if verdict in WRONG else (),
            note=given.get("note", ""),
            answers={**said.answers, **answers},
            seconds=given.get("seconds"),
        )

    def _verdict_and_output(self) -> tuple[str | None, str | None]:
        given = self.cleaned_data
        if not self.asks_choice:
            correction = given.get("correction", "").replace("\r\n", "\n")
            return given.get("verdict"), (correction or None) if given.get("verdict") in WRONG else None
        choice = given.get("choice")
        if self.hides_output:
            return None, choice
        if choice == CANNOT_JUDGE:
            return CANNOT_JUDGE, None
        return ("correct", None) if answer_agrees(choice, self.output) else ("incorrect", choice)

    def _json_answer(self) -> LabelAnswer:
        given, fields = self.cleaned_data, self.asked.fields
        everywhere = list(range(len(fields)))
        if self.hides_output:
            values, problems = json_rows.values_in(given, fields, everywhere)
            self._add_errors(problems)
            return LabelAnswer(None, output=json_rows.corrected({}, values))
        if given.get("verdict") != BY_FIELD:
            return LabelAnswer(given.get("verdict"))
        verdicts = {field.pointer: given.get(f"f-{place}") for place, field in enumerate(fields)}
        for place in everywhere:
            if not given.get(f"f-{place}"):
                self.add_error(f"f-{place}", "Right or wrong?")
        wrong = [place for place in everywhere if given.get(f"f-{place}") == "incorrect"]
        return LabelAnswer(None, output=self._correction(wrong), answers={"fields": verdicts})

    def _correction(self, wrong: list[int]) -> object:
        """The output with every wrong field put right; None where nobody said how."""
        values, problems = json_rows.values_in(self.cleaned_data, self.asked.fields, wrong)
        self._add_errors(problems)
        if not values:
            return None
        for place in wrong:
            if self.asked.fields[place].path not in values and f"v-{place}" not in problems:
                self.add_error(f"v-{place}", "Give the right value here too, or leave all of them out.")
        return json_rows.corrected(self.output, values)

    def _add_errors(self, problems: Mapping[str, str]) -> None:
        for name, problem in problems.items():
            self.add_error(name, problem)

    def take_over(self, problems: tuple[FieldProblem, ...]) -> None:
        """Shows what the service refused beside the field it belongs to."""
        for problem in problems:
            self.add_error(self._field_at(problem.pointer), problem.detail)

    def _field_at(self, pointer: str) -> str | None:
        output = "choice" if self.asks_choice else "correction"
        names = {"/verdict": "verdict", "/output": output, "/error_types": "error_types", "/note": "note"}
        for question in self.questions:
            names[f"/answers/{question.name}"] = question_fields.field_name(question)
        if self.asks_json:
            for place, field in enumerate(self.asked.fields):
                names[f"/answers/fields{field.pointer}"] = f"f-{place}"
                names[f"/output{field.pointer}"] = f"v-{place}"
        return names.get(pointer)

    # --- what the page shows ---------------------------------------------------------------------------------------

    def value_of(self, name: str) -> str:
        """What a field shows now: what was sent, else what the draft or the earlier answer said."""
        value = self[name].value()
        return value if isinstance(value, str) else ""

    @property
    def verdict_choices(self) -> list[tuple[str, str, str, bool]]:
        """Code, word, keys, whether chosen."""
        chosen = self.value_of("verdict")
        words, keys = (WHOLE_WORDS, WHOLE_KEYS) if self.asks_json else (VERDICTS, VERDICT_KEYS)
        return [(code, word, keys[code], code == chosen) for code, word in words.items()]

    @property
    def numbered_choices(self) -> list[tuple[str, str, str, bool]]:
        chosen = self.value_of("choice")
        numbered = [
            (each.value, each.title, f"{each.key} {each.digit}".strip(), each.picked)
            for each in question_fields.picks(self.asked.options, chosen)
        ]
        if not self.hides_output:
            numbered.append((CANNOT_JUDGE, VERDICTS[CANNOT_JUDGE], "q", chosen == CANNOT_JUDGE))
        return numbered

    @property
    def error_type_choices(self) -> list[Pick]:
        return question_fields.picks(self.asked.error_types, self["error_types"].value() or ())

    @property
    def question_rows(self) -> list[Row]:
        names = [(each, question_fields.field_name(each)) for each in self.questions]
        return [Row(each, name, self[name].value(), [*map(str, self[name].errors)]) for each, name in names]

    @property
    def json_rows(self) -> list[JsonRow]:
        return [
            JsonRow(
                place,
                field,
                None if self.hides_output else json_rows.text_at(self.output, field),
                self.value_of(f"f-{place}"),
                self.value_of(f"v-{place}"),
                bool(self[f"n-{place}"].value()),
                [str(error) for name in "fv" for error in self[f"{name}-{place}"].errors],
            )
            for place, field in enumerate(self.asked.fields)
        ]

    @property
    def correction_shown(self) -> str:
        """Where a right text is asked for, the output is what it starts from."""
        value = self["correction"].value()
        starts = value if isinstance(value, str) else ""
        return starts or (self.output if self.asked.kind == "text" and isinstance(self.output, str) else "")

    @property
    def compared(self) -> str | None:
        """The output that a correction is compared with word by word."""
        is_text = isinstance(self.output, str) and not self.hides_output
        return self.output if is_text and len(self.output) <= MAX_COMPARED else None

    @property
    def notes_needed(self) -> list[str]:
        """The verdicts that need a note, in words; not where the reviewer gives none."""
        return [] if self.hides_output else [VERDICTS[verdict].lower() for verdict in self.asked.note_required]


def draft_in(data: MultiValueDict[str, str]) -> dict[str, Any]:
    """What is worth keeping of a half-finished answer: every field that a form may have."""
    draft: dict[str, Any] = {name: data.get(name, "") for name in ("verdict", "choice", "correction", "note")}
    named = [name for name in data if name[:2] in ("q-", "f-", "v-", "n-", "m-")][:MAX_DRAFT_FIELDS]
    more = {name: data.getlist(name) if name.startswith("m-") else data.get(name, "") for name in named}
    return {**draft, **more, "error_types": data.getlist("error_types")}


def further_in(draft: Mapping[str, Any]) -> dict[str, Any]:
    """What a draft says beside the correction and the note, by the names of the questions."""
    return {name[2:]: value for name, value in draft.items() if name[:2] in ("q-", "m-", "v-") and value}


def given_before(label: Label, task: Mapping[str, Any]) -> dict[str, Any]:
    """An earlier answer in the fields of its form."""
    form, claim = parse_form(task["form"]), task["claim"]
    given = label.output if isinstance(label.output, str) else ""
    choice = given
    if label.verdict == CANNOT_JUDGE:
        choice = CANNOT_JUDGE
    elif label.verdict == "correct" and not given:
        values = (option.value for option in form.options)
        choice = next((value for value in values if answer_agrees(value, claim.get("output"))), "")
    is_by_field = form.kind == "json" and label.verdict in WRONG
    shown = Shown(input=claim.get("input"), output=claim.get("output"))
    return {
        "verdict": BY_FIELD if is_by_field else label.verdict,
        "choice": choice,
        "correction": given,
        "error_types": label.error_types,
        "note": label.note,
        **_json_before(label, form.fields),
        **{
            question_fields.field_name(each): question_fields.shown_before(each, label.answers[each.name], shown)
            for each in form.questions
            if each.name in label.answers
        },
    }


def _json_before(label: Label, fields: tuple[Any, ...]) -> dict[str, Any]:
    verdicts = label.answers.get("fields") or {}
    before: dict[str, Any] = {}
    for place, field in enumerate(fields):
        before[f"f-{place}"] = verdicts.get(field.pointer, "")
        if label.output is not None and verdicts.get(field.pointer, "incorrect") == "incorrect":
            value = value_at(label.output, field.pointer)
            before[f"v-{place}"] = json_rows.typed(field, value)
            before[f"n-{place}"] = not before[f"v-{place}"]
    return before
