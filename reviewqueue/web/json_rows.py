"""The fields of a JSON output on the review page: a verdict for each, and the right value of those that are wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms

from reviewqueue.pipelines.json_fields import ABSENT, json_of, value_at, with_values
from reviewqueue.review.field_verdicts import FIELD_VERDICTS
from reviewqueue.strict_json import MalformedJSON, parse_strict

if TYPE_CHECKING:
    from reviewqueue.pipelines.json_fields import Field

MAX_VALUE: Final = 200_000
BY_FIELD: Final = "by_field"
VERDICT_WORDS: Final = {"correct": "Right", "incorrect": "Wrong", "cannot_judge": "Cannot judge"}
_NUMBERS: Final = ("integer", "number")


class NoValue(ValueError):
    """What was typed is no value of the field; the text says why."""


@dataclass(frozen=True, slots=True)
class JsonRow:
    """One field as the page shows it."""

    place: int
    field: Field
    output: str | None
    """The model's value as text; None where the output does not have it or it is not shown."""
    verdict: str
    value: str
    is_absent: bool
    errors: list[str]

    @property
    def verdicts(self) -> list[tuple[str, str, str, bool]]:
        """Code, word, digit, whether chosen."""
        return [
            (code, word, str(digit), code == self.verdict)
            for digit, (code, word) in enumerate(VERDICT_WORDS.items(), start=1)
        ]

    @property
    def choices(self) -> list[tuple[str, str, bool]]:
        """What can be picked as the right value, where that is a list."""
        if self.field.kind == "boolean":
            return [(code, code, code == self.value) for code in ("true", "false")]
        return [
            (str(place), _text(choice), str(place) == self.value)
            for place, choice in enumerate(self.field.choices)
            if choice is not None
        ]

    @property
    def may_be_absent(self) -> bool:
        return self.field.nullable or not self.field.required


def json_fields(fields: tuple[Field, ...]) -> dict[str, forms.Field]:
    made: dict[str, forms.Field] = {}
    for place in range(len(fields)):
        verdicts = [("", ""), *((code, code) for code in FIELD_VERDICTS)]
        made[f"f-{place}"] = forms.ChoiceField(choices=verdicts, required=False)
        made[f"v-{place}"] = forms.CharField(required=False, strip=False, max_length=MAX_VALUE)
        made[f"n-{place}"] = forms.BooleanField(required=False)
    return made


def text_at(output: object, field: Field) -> str | None:
    value = value_at(json_of(output), field.pointer)
    return None if value is ABSENT else _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def typed(field: Field, value: object) -> str:
    """An earlier value as it would be typed."""
    if value is ABSENT or value is None:
        return ""
    if field.kind == "choice":
        return next((str(place) for place, each in enumerate(field.choices) if each == value), "")
    return _text(value)


def read_value(field: Field, text: str) -> object:
    """Raises NoValue."""
    text = text.replace("\r\n", "\n")
    if field.kind == "string":
        return text
    if field.kind == "choice":
        return field.choices[int(text)] if text.isdigit() and int(text) < len(field.choices) else _refuse("Choose one.")
    try:
        value = parse_strict(text.strip().encode("utf-8", "surrogatepass"))
    except MalformedJSON:
        words = {"number": "This is no number.", "integer": "This is no whole number.", "boolean": "Choose one."}
        return _refuse(words.get(field.kind, "This is not JSON."))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return _refuse("This is no number.") if field.kind in _NUMBERS and not is_number else value


def _refuse(why: str) -> object:
    raise NoValue(why)


def values_in(
    cleaned: Mapping[str, Any], fields: tuple[Field, ...], places: list[int]
) -> tuple[dict[tuple[str, ...], object], dict[str, str]]:
    """The values typed for the fields at these places, and by name of the input what is no value."""
    values: dict[tuple[str, ...], object] = {}
    problems: dict[str, str] = {}
    for place in places:
        field, text = fields[place], cleaned.get(f"v-{place}") or ""
        if cleaned.get(f"n-{place}"):
            values[field.path] = None if field.nullable and field.required else ABSENT
        elif text:
            try:
                values[field.path] = read_value(field, text)
            except NoValue as no_value:
                problems[f"v-{place}"] = str(no_value)
    return values, problems


def corrected(output: object, values: Mapping[tuple[str, ...], object]) -> dict[str, Any]:
    return with_values(json_of(output), values)
