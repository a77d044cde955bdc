"""The verdicts on the fields of a JSON output, and the verdict they make together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.json_fields import json_of, nothing_to_tell_apart, value_at, value_problem
from reviewqueue.pipelines.review_form import Form

NAME: Final = "fields"
"""Where they stand in a label's answers: `{"/total": "correct", "/date": "incorrect"}`."""
FIELD_VERDICTS: Final = ("correct", "incorrect", "cannot_judge")


def all_right(form: Form) -> dict[str, str]:
    return {field.pointer: "correct" for field in form.fields}


def verdict_of(verdicts: Iterable[object]) -> str:
    """Wrong when every field that could be judged is wrong, partly right when some are, right only when all are."""
    given = set(map(str, verdicts))
    if "incorrect" in given:
        return "partially_correct" if "correct" in given else "incorrect"
    return "correct" if given == {"correct"} else "cannot_judge"


def problems(
    verdicts: object, verdict: str | None, correction: object, form: Form, model_output: object
) -> Iterator[FieldProblem]:
    """`verdict` is the one on the whole; nobody who cannot judge it has to say anything about its fields."""
    if verdicts is None:
        if verdict != "cannot_judge":
            yield FieldProblem("/answers/fields", "required", "Give a verdict for every field.")
        return
    if not isinstance(verdicts, Mapping):
        yield FieldProblem("/answers/fields", "type", "This is an object: a verdict for every field, by its pointer.")
        return
    found = [*_verdict_problems(verdicts, form)]
    yield from found
    if not found and verdict != verdict_of(verdicts.values()):
        detail = (
            f"The fields say “{verdict_of(verdicts.values())}” of the whole; leave the verdict out, or say the same."
        )
        yield FieldProblem("/verdict", "contradiction", detail)
    elif not found and correction is not None:
        yield from _correction_problems(verdicts, correction, form, json_of(model_output))


def _verdict_problems(verdicts: Mapping[str, Any], form: Form) -> Iterator[FieldProblem]:
    known = {field.pointer for field in form.fields}
    for name in verdicts:
        if name not in known:
            yield FieldProblem(_at(str(name)), "unknown_field", "The form has no such field.")
        elif verdicts[name] not in FIELD_VERDICTS:
            yield FieldProblem(_at(name), "choice", "This is one of: " + ", ".join(FIELD_VERDICTS) + ".")
    for field in form.fields:
        if field.pointer not in verdicts:
            yield FieldProblem(_at(field.pointer), "required", "Give a verdict for this field.")


def _correction_problems(
    verdicts: Mapping[str, Any], correction: object, form: Form, output: object
) -> Iterator[FieldProblem]:
    """A correction changes the fields that are wrong, and no other."""
    if not isinstance(correction, Mapping):
        yield FieldProblem("/output", "type", "The correction is the whole output as it should be: an object.")
        return
    for field in form.fields:
        value, before = value_at(correction, field.pointer), value_at(output, field.pointer)
        is_same, is_wrong = nothing_to_tell_apart(value, before), verdicts[field.pointer] == "incorrect"
        if is_wrong and is_same:
            yield FieldProblem(
                "/output" + field.pointer, "contradiction", "The correction says the same as the output."
            )
        elif is_wrong and (problem := value_problem(field, value)):
            yield FieldProblem("/output" + field.pointer, "value", problem)
        elif not is_wrong and not is_same:
            detail = "A correction belongs to a field that is wrong."
            yield FieldProblem("/output" + field.pointer, "contradiction", detail)


def own_answer_problems(answer: object, form: Form) -> Iterator[FieldProblem]:
    """What is wrong with the fields of somebody who does not see the output."""
    if not isinstance(answer, Mapping):
        yield FieldProblem("/output", "type", "The answer is an object with the fields of the form.")
        return
    for field in form.fields:
        if problem := value_problem(field, value_at(answer, field.pointer)):
            yield FieldProblem("/output" + field.pointer, "value", problem)


def _at(name: str) -> str:
    return "/answers/fields/" + name[:200].replace("~", "~0").replace("/", "~1")
