"""The further questions of a review form as fields of the page, and what is typed there as answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django import forms

from reviewqueue.review.question_answers import MAX_TEXT, Shown, is_asked

if TYPE_CHECKING:
    from reviewqueue.pipelines.form_options import Option
    from reviewqueue.pipelines.form_questions import Question

MAX_PASSAGE: Final = 300_000


@dataclass(frozen=True, slots=True)
class Pick:
    """An option as it is shown: what is sent, what is read, the keys that pick it, whether it is picked."""

    value: str
    title: str
    digit: str
    key: str
    picked: bool

    @property
    def shown_key(self) -> str:
        return self.key or self.digit


def picks(options: tuple[Option, ...], picked: object) -> list[Pick]:
    chosen = picked if isinstance(picked, list | tuple) else [picked]
    return [
        Pick(each.value, each.title, str(place % 10) if place <= 10 else "", each.key, each.value in chosen)
        for place, each in enumerate(options, start=1)
    ]


@dataclass(frozen=True, slots=True)
class Row:
    """A question as the page shows it."""

    question: Question
    name: str
    value: object
    errors: list[str]

    @property
    def picks(self) -> list[Pick]:
        return picks(self.question.options, self.value)

    @property
    def input_id(self) -> str:
        return f"question-{self.question.name}"

    @property
    def limits(self) -> str:
        """The range of a number in words, with its unit."""
        low, high, unit = self.question.low, self.question.high, self.question.unit
        words = [f"at least {low:g}"] if low is not None else []
        words += [f"at most {high:g}"] if high is not None else []
        return ", ".join([*words, *(["a whole number"] if self.question.whole else []), *([unit] if unit else [])])


def field_name(question: Question) -> str:
    """`m-` where several values are sent, so that a draft knows it too."""
    return ("m-" if question.kind == "several" else "q-") + question.name


def field_of(question: Question) -> forms.Field:
    """Only the form of what is sent is looked at; the service knows what is right."""
    choices = [(option.value, option.title) for option in question.options]
    if question.kind == "several":
        return forms.MultipleChoiceField(choices=choices, required=False)
    if question.kind == "choice":
        return forms.ChoiceField(choices=[("", ""), *choices], required=False)
    if question.kind == "number":
        return forms.FloatField(required=False, widget=forms.TextInput)
    longest = MAX_PASSAGE if question.kind == "span" else MAX_TEXT
    return forms.CharField(required=False, strip=question.kind != "span", max_length=longest)


def asked_questions(questions: tuple[Question, ...], shown: Shown, *, hides_output: bool) -> list[Question]:
    """What may come to be asked on this page: of those that depend on the verdict all, where one is given."""
    found = []
    for question in questions:
        verdicts: list[str | None] = [None] if hides_output else [*question.when] or [None]
        if any(is_asked(question, verdict=verdict, shown=shown) for verdict in verdicts):
            found.append(question)
    return found


def answers_in(
    cleaned: Mapping[str, Any], questions: list[Question], *, verdict: str | None, shown: Shown
) -> tuple[dict[str, object], dict[str, str]]:
    """The answers to what is asked for this verdict, and by field what cannot be an answer."""
    answers: dict[str, object] = {}
    problems: dict[str, str] = {}
    for question in questions:
        given = cleaned.get(field_name(question))
        if given in (None, "", []) or not is_asked(question, verdict=verdict, shown=shown):
            continue
        if question.kind != "span":
            answers[question.name] = _plain(given)
        elif isinstance(passage := _passage(str(given), shown.text(question.of) or ""), str):
            problems[field_name(question)] = passage
        else:
            answers[question.name] = passage
    return answers, problems


def _plain(given: object) -> object:
    return int(given) if isinstance(given, float) and given.is_integer() and abs(given) < 2**53 else given


def _passage(quote: str, text: str) -> dict[str, int] | str:
    """Where the quoted words stand, or why that cannot be told. A browser sends its own line breaks."""
    for words in (quote, quote.replace("\r\n", "\n"), quote.strip()):
        times = text.count(words) if words else 0
        if times == 1:
            start = text.index(words)
            return {"start": start, "end": start + len(words)}
        if times > 1:
            return f"These words occur {times} times. Mark more of them, so that it is clear which ones are meant."
    return "These words are not in the text."


def shown_before(question: Question, answer: object, shown: Shown) -> object:
    """An earlier answer in its field."""
    if question.kind == "span" and isinstance(answer, Mapping):
        return (shown.text(question.of) or "")[answer["start"] : answer["end"]]
    return answer
