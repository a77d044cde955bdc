"""What a reviewer answers: everything that can be wrong with it, and what it says about the claim. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.ledger.canonical import NotCanonical, canonical
from reviewqueue.pipelines.review_form import VERDICTS, Form, answer_agrees, own_answer_agrees, parse_form
from reviewqueue.review import field_verdicts
from reviewqueue.review.question_answers import Shown, answers_problems

__all__ = ["VERDICTS", "WRONG", "LabelAnswer", "content_hash", "content_of", "judged", "text_problems"]

WRONG: Final = ("incorrect", "partially_correct")
MAX_TEXT: Final = 10_000
MAX_OUTPUT_BYTES: Final = 256 * 1024
MAX_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class LabelAnswer:
    """What a reviewer submits.

    `verdict` is None where the reviewer has not seen the output (blind degree `answer`) and gives an own `output`
    instead; elsewhere `output` is a correction. `answers` holds what the further questions of the form were answered
    with, by name, and the verdict on each field of a JSON output as `fields`; `seconds` is the working time.
    """

    verdict: str | None
    output: object = None
    error_types: tuple[str, ...] = ()
    note: str = ""
    answers: Mapping[str, object] = field(default_factory=dict)
    seconds: float | None = None


def judged(
    answer: LabelAnswer,
    *,
    form: Mapping[str, Any],
    blind: str,
    model_output: object,
    model_input: object = None,
    revealed: bool = False,
) -> LabelAnswer:
    """The answer with its verdict, which the comparison gives where the output was hidden, and the verdicts on the
    fields where the output is JSON.

    `revealed` is for a change of mind after the output was shown: then a verdict may be given in any case.

    Raises:
        Invalid: with every problem found.
    """
    asked = parse_form(form)
    compares = blind == "answer" and not (revealed and answer.verdict is not None)
    if asked.kind == "json" and not compares:
        answer = _by_fields(answer, asked)
    shown = Shown(input=model_input, output=None if compares else model_output)
    problems = [*value_problems(answer, error_types=[option.value for option in asked.error_types])]
    problems += _own_answer_problems(answer, asked) if compares else _verdict_problems(answer, asked, model_output)
    if not any(problem.pointer == "/answers" for problem in problems):
        problems += answers_problems(answer.answers, asked, verdict=None if compares else answer.verdict, shown=shown)
    if problems:
        raise Invalid(problems)
    if not compares:
        return answer
    verdict = "correct" if own_answer_agrees(asked, answer.output, model_output) else "incorrect"
    return dataclasses.replace(answer, verdict=verdict)


def _by_fields(answer: LabelAnswer, form: Form) -> LabelAnswer:
    """With the verdict that the fields make, and with a verdict on every field where the whole was called right."""
    if not isinstance(answer.answers, Mapping):
        return answer
    fields = answer.answers.get(field_verdicts.NAME)
    if fields is None and answer.verdict == "correct":
        fields = field_verdicts.all_right(form)
        return dataclasses.replace(answer, answers={**answer.answers, field_verdicts.NAME: fields})
    if answer.verdict is None and isinstance(fields, Mapping):
        return dataclasses.replace(answer, verdict=field_verdicts.verdict_of(fields.values()))
    return answer


def content_hash(answer: LabelAnswer) -> bytes:
    """Equal for answers that say the same; the time somebody took is no part of what they say.

    Raises:
        Invalid: the answer holds something that cannot be stored.
    """
    try:
        return hashlib.sha256(canonical(content_of(answer))).digest()
    except NotCanonical:
        problems = list(value_problems(answer, error_types=None))
        raise Invalid(problems or [_not_storable("")]) from None


def content_of(answer: LabelAnswer) -> dict[str, object]:
    return {
        "verdict": answer.verdict,
        "output": answer.output,
        "error_types": sorted(answer.error_types, key=str),
        "note": answer.note,
        "answers": dict(answer.answers) if isinstance(answer.answers, Mapping) else answer.answers,
    }


def value_problems(answer: LabelAnswer, *, error_types: Collection[str] | None) -> Iterator[FieldProblem]:
    """What is wrong with single fields; `error_types` are those of the form, None when it is not known."""
    yield from text_problems("/note", answer.note)
    yield from _json_problems("/output", answer.output)
    if isinstance(answer.answers, Mapping):
        yield from _json_problems("/answers", dict(answer.answers))
    else:
        yield FieldProblem("/answers", "type", "Answers are an object of fields.")
    if error_types is not None:
        yield from _error_type_problems(answer, error_types)
    if answer.seconds is not None and not _is_working_time(answer.seconds):
        yield FieldProblem("/seconds", "range", "Seconds are a number from 0 to 86,400.")


def text_problems(pointer: str, text: object) -> Iterator[FieldProblem]:
    if not isinstance(text, str):
        yield FieldProblem(pointer, "type", "This is a text.")
    elif len(text) > MAX_TEXT:
        yield FieldProblem(pointer, "too_long", f"At most {MAX_TEXT:,} characters.")
    else:
        yield from _json_problems(pointer, text)


def _json_problems(pointer: str, value: object) -> Iterator[FieldProblem]:
    try:
        if len(canonical(value)) > MAX_OUTPUT_BYTES:
            yield FieldProblem(pointer, "too_large", "At most 256 KiB.")
    except NotCanonical:
        yield _not_storable(pointer)


def _not_storable(pointer: str) -> FieldProblem:
    detail = "This holds a NUL, half a character, a number without an exact JSON form, or too many levels."
    return FieldProblem(pointer, "value", detail)


def _error_type_problems(answer: LabelAnswer, known: Collection[str]) -> Iterator[FieldProblem]:
    given = answer.error_types
    if any(name not in known for name in given):
        yield FieldProblem("/error_types", "choice", "The form has no such error type.")
    elif len(set(given)) < len(given):
        yield FieldProblem("/error_types", "twice", "Name each error type once.")
    elif given and answer.verdict not in WRONG:
        yield FieldProblem("/error_types", "contradiction", "Error types belong to an output that is wrong.")


def _is_working_time(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return False
    return math.isfinite(seconds) and 0 <= seconds <= MAX_SECONDS


def _own_answer_problems(answer: LabelAnswer, form: Form) -> Iterator[FieldProblem]:
    if answer.verdict is not None:
        yield FieldProblem("/verdict", "not_asked", "Give your own answer; it is compared for you.")
    if answer.output is None:
        yield FieldProblem("/output", "required", "Give your own answer.")
    elif form.kind == "json":
        yield from field_verdicts.own_answer_problems(answer.output, form)
    else:
        yield from _option_problems(answer, form)


def _verdict_problems(answer: LabelAnswer, form: Form, model_output: object) -> Iterator[FieldProblem]:
    if answer.verdict not in VERDICTS:
        code = "required" if answer.verdict is None else "choice"
        yield FieldProblem("/verdict", code, "The verdict is one of: " + ", ".join(VERDICTS) + ".")
    elif answer.verdict in form.note_required and not (isinstance(answer.note, str) and answer.note.strip()):
        yield FieldProblem("/note", "required", "Say why in a note: this verdict needs one.")
    if form.kind == "json" and isinstance(answer.answers, Mapping):
        yield from field_verdicts.problems(
            answer.answers.get(field_verdicts.NAME), answer.verdict, answer.output, form, model_output
        )
    yield from _correction_problems(answer, form, model_output)


def _correction_problems(answer: LabelAnswer, form: Form, model_output: object) -> Iterator[FieldProblem]:
    if answer.output is None:
        if form.kind == "text" and answer.verdict in WRONG:
            yield FieldProblem("/output", "required", "Write what would be right.")
        return
    yield from _option_problems(answer, form)
    agrees = form.kind == "choice" and answer_agrees(answer.output, model_output)
    if answer.verdict == "cannot_judge" or (answer.verdict == "correct" and not agrees):
        yield FieldProblem("/output", "contradiction", "A correction belongs to an output that is wrong.")
    elif answer.verdict in WRONG and (agrees or (form.kind == "text" and answer.output == model_output)):
        yield FieldProblem("/output", "contradiction", "The correction says the same as the output.")


def _option_problems(answer: LabelAnswer, form: Form) -> Iterator[FieldProblem]:
    options = [option.value for option in form.options]
    if form.kind == "choice" and answer.output not in options:
        yield FieldProblem("/output", "choice", "The answer is one of: " + ", ".join(options) + ".")
    elif form.kind == "text" and not isinstance(answer.output, str):
        yield FieldProblem("/output", "type", "This is a text.")
