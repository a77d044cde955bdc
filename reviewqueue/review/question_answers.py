"""Answers to the further questions of a form: which are asked, and what is wrong with what was said. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.form_questions import RESERVED_NAMES, Question, is_number
from reviewqueue.pipelines.names import pointer_to
from reviewqueue.pipelines.review_form import Form

MAX_TEXT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reviewer sees of the claim; passages can be marked where it is text."""

    input: object = None
    output: object = None

    def text(self, of: str) -> str | None:
        value = self.input if of == "input" else self.output
        return value if isinstance(value, str) else None


def is_asked(question: Question, *, verdict: str | None, shown: Shown) -> bool:
    """`verdict` is None for somebody who does not see the output: what depends on it cannot be asked."""
    if question.when and verdict not in question.when:
        return False
    return question.kind != "span" or bool(shown.text(question.of))


def is_needed(question: Question, *, verdict: str | None) -> bool:
    """Who cannot judge the output is not made to answer questions about it."""
    return question.required and verdict != "cannot_judge"


def answers_problems(answers: object, form: Form, *, verdict: str | None, shown: Shown) -> Iterator[FieldProblem]:
    if not isinstance(answers, Mapping):
        return  # said where the single values are looked at
    known = {question.name: question for question in form.questions}
    extra = RESERVED_NAMES if form.kind == "json" and verdict is not None else ()
    for name in answers:
        if name not in known and name not in extra:
            pointer = "/answers" + pointer_to(str(name))
            yield FieldProblem(pointer, "unknown_field", "The form has no such question.")
    for question in form.questions:
        asked = is_asked(question, verdict=verdict, shown=shown)
        if question.name in answers:
            yield from _problems(question, answers[question.name], shown) if asked else _not_asked(question)
        elif asked and is_needed(question, verdict=verdict):
            yield FieldProblem(f"/answers/{question.name}", "required", "This question needs an answer.")


def _not_asked(question: Question) -> Iterator[FieldProblem]:
    yield FieldProblem(f"/answers/{question.name}", "not_asked", "This is not asked here.")


def _problems(question: Question, value: object, shown: Shown) -> Iterator[FieldProblem]:
    pointer = f"/answers/{question.name}"
    if question.kind == "choice":
        yield from _choice_problems(pointer, question, [value])
    elif question.kind == "several":
        yield from _several_problems(pointer, question, value)
    elif question.kind == "number":
        yield from _number_problems(pointer, question, value)
    elif question.kind == "span":
        yield from _span_problems(pointer, value, shown.text(question.of) or "")
    else:
        yield from _text_problems(pointer, question, value)


def _choice_problems(pointer: str, question: Question, values: list[object]) -> Iterator[FieldProblem]:
    known = [option.value for option in question.options]
    if any(value not in known for value in values):
        yield FieldProblem(pointer, "choice", "This is one of: " + ", ".join(known) + ".")


def _several_problems(pointer: str, question: Question, value: object) -> Iterator[FieldProblem]:
    if not isinstance(value, list | tuple):
        yield FieldProblem(pointer, "type", "This is a list.")
        return
    yield from _choice_problems(pointer, question, list(value))
    if any(each in value[:place] for place, each in enumerate(value)):
        yield FieldProblem(pointer, "twice", "Name each once.")
    if question.required and not value:
        yield FieldProblem(pointer, "required", "Pick at least one.")


def _number_problems(pointer: str, question: Question, value: object) -> Iterator[FieldProblem]:
    if not isinstance(value, int | float) or not is_number(value):
        yield FieldProblem(pointer, "type", "This is a number.")
    elif question.whole and value != int(value):
        yield FieldProblem(pointer, "whole", "This is a whole number.")
    elif question.low is not None and value < question.low:
        yield FieldProblem(pointer, "range", f"At least {question.low:g}.")
    elif question.high is not None and value > question.high:
        yield FieldProblem(pointer, "range", f"At most {question.high:g}.")


def _span_problems(pointer: str, value: object, text: str) -> Iterator[FieldProblem]:
    if not isinstance(value, Mapping) or set(value) != {"start", "end"} or not all(map(_is_place, value.values())):
        detail = "A passage is an object with its start and its end, counted in characters."
        yield FieldProblem(pointer, "type", detail)
    elif not value["start"] < value["end"] <= len(text):
        yield FieldProblem(pointer, "range", f"A passage lies within the {len(text):,} characters of the text.")


def _is_place(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text_problems(pointer: str, question: Question, value: object) -> Iterator[FieldProblem]:
    if not isinstance(value, str):
        yield FieldProblem(pointer, "type", "This is a text.")
    elif len(value) > MAX_TEXT:
        yield FieldProblem(pointer, "too_long", f"At most {MAX_TEXT:,} characters.")
    elif question.required and not value.strip():
        yield FieldProblem(pointer, "required", "This question needs an answer.")
