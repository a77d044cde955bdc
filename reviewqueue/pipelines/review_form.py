"""The review form of a pipeline: what a reviewer is asked to give. Pure.

`{"kind": "judgement"}` asks whether the output is right (correct, incorrect, partially correct, cannot judge).
`{"kind": "choice", "options": ["true", "false"]}` asks for the answer itself, one of the options; with blind degree
`answer` the reviewer gives it without seeing the model's, and the server compares.
Both may list `error_types` to pick from when something is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reviewqueue.errors import FieldProblem

KINDS = ("judgement", "choice")


def form_problems(form: Mapping[str, Any]) -> list[FieldProblem]:
    problems = [
        FieldProblem(f"/review_form/{name}", "unknown_field", "There is no such field in a review form.")
        for name in sorted(set(form) - {"kind", "options", "error_types"})
    ]
    if form.get("kind") not in KINDS:
        problems.append(FieldProblem("/review_form/kind", "choice", "The kind is one of: " + ", ".join(KINDS) + "."))
    elif form["kind"] == "choice" and not _is_list_of_names(form.get("options"), at_least=2):
        problems.append(FieldProblem("/review_form/options", "options", "A choice needs at least two options."))
    if not _is_list_of_names(form.get("error_types", []), at_least=0):
        problems.append(FieldProblem("/review_form/error_types", "error_types", "Error types are a list of names."))
    return problems


def _is_list_of_names(value: object, *, at_least: int) -> bool:
    return (
        isinstance(value, list)
        and len(value) >= at_least
        and len(set(map(str, value))) == len(value)
        and all(isinstance(name, str) and 0 < len(name) <= 60 for name in value)
    )


def knows_answer(form: Mapping[str, Any]) -> bool:
    """Whether a reviewer can answer without seeing the output (so that `answer` blinding is possible)."""
    return form.get("kind") == "choice"


def answer_agrees(answer: object, output: object) -> bool:
    """Whether a reviewer's own answer is the model's, for choices: exact text, ignoring case and outer space."""
    return isinstance(answer, str) and str(output).strip().casefold() == answer.strip().casefold()
