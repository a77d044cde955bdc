"""Further questions of a review form, beside the main one. Pure.

`{"name": "severity", "kind": "choice", "title": "How bad is it?", "options": ["minor", "serious"], "required": true,
"when": ["incorrect", "partially_correct"]}`

Kinds: `choice` and `several` (of `options`), `number` (`min`, `max`, `whole`, `unit`), `span` (a passage `of` the input
or the output) and `text`. A question with `when` is asked for these verdicts only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.form_options import MAX_TITLE, Option, is_title, option_problems, options_in

QUESTION_KINDS: Final = ("choice", "several", "number", "span", "text")
SPAN_OF: Final = ("input", "output")
MAX_UNIT: Final = 20
RESERVED_NAMES: Final = frozenset({"fields"})
"""Names in a label's answers that mean something else."""

_NAME: Final = re.compile("[a-z][a-z0-9_]{0,39}")
_OWN_FIELDS: Final[Mapping[str, frozenset[str]]] = {
    "choice": frozenset({"options"}),
    "several": frozenset({"options"}),
    "number": frozenset({"min", "max", "whole", "unit"}),
    "span": frozenset({"of"}),
    "text": frozenset(),
}
_ALL_HAVE: Final = frozenset({"name", "kind", "title", "required", "when"})


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    kind: str
    title: str
    required: bool = False
    when: tuple[str, ...] = ()
    """The verdicts it is asked for; none named: for all."""
    options: tuple[Option, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    unit: str = ""
    of: str = "output"


def question_in(given: Mapping[str, Any]) -> Question:
    """Expects a question without `question_problems`."""
    return Question(
        name=given["name"],
        kind=given["kind"],
        title=given["title"],
        required=given.get("required", False),
        when=tuple(given.get("when", ())),
        options=options_in(given.get("options", ())),
        low=given.get("min"),
        high=given.get("max"),
        whole=given.get("whole", False),
        unit=given.get("unit", ""),
        of=given.get("of", "output"),
    )


def question_problems(pointer: str, question: object, *, verdicts: Collection[str]) -> Iterator[FieldProblem]:
    if not isinstance(question, Mapping):
        yield FieldProblem(pointer, "type", "A question is an object with a name, a kind and a title.")
        return
    yield from _name_problems(pointer, question)
    when = question.get("when", [])
    if not isinstance(when, list) or any(verdict not in verdicts for verdict in when):
        yield FieldProblem(f"{pointer}/when", "choice", "These are verdicts: " + ", ".join(verdicts) + ".")
    if not isinstance(question.get("required", False), bool):
        yield FieldProblem(f"{pointer}/required", "type", "This is true or false.")
    kind = question.get("kind")
    if not isinstance(kind, str) or kind not in QUESTION_KINDS:
        yield FieldProblem(f"{pointer}/kind", "choice", "The kind is one of: " + ", ".join(QUESTION_KINDS) + ".")
        return
    for name in sorted(set(question) - _ALL_HAVE - _OWN_FIELDS[kind], key=str):
        detail = f"A question of the kind {kind} has no such field."
        yield FieldProblem(f"{pointer}/{str(name)[:80]}", "unknown_field", detail)
    yield from _kind_problems(pointer, kind, question)


def _name_problems(pointer: str, question: Mapping[str, Any]) -> Iterator[FieldProblem]:
    name = question.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        detail = "A name is 1 to 40 small letters, digits and underscores, a letter first."
        yield FieldProblem(f"{pointer}/name", "name", detail)
    elif name in RESERVED_NAMES:
        yield FieldProblem(f"{pointer}/name", "reserved", "This name is taken.")
    if not is_title(question.get("title")):
        yield FieldProblem(f"{pointer}/title", "text", f"This is a printable text of 1 to {MAX_TITLE} characters.")


def _kind_problems(pointer: str, kind: str, question: Mapping[str, Any]) -> Iterator[FieldProblem]:
    if kind in ("choice", "several"):
        yield from option_problems(f"{pointer}/options", question.get("options"), at_least=2)
    elif kind == "number":
        yield from _number_problems(pointer, question)
    elif kind == "span" and question.get("of", "output") not in SPAN_OF:
        yield FieldProblem(f"{pointer}/of", "choice", "A passage is of the input or of the output.")


def _number_problems(pointer: str, question: Mapping[str, Any]) -> Iterator[FieldProblem]:
    low, high = question.get("min"), question.get("max")
    for name, value in (("min", low), ("max", high)):
        if value is not None and not is_number(value):
            yield FieldProblem(f"{pointer}/{name}", "number", "This is a number.")
            return
    if low is not None and high is not None and low > high:
        yield FieldProblem(f"{pointer}/max", "range", "The greatest number is below the least one.")
    if not isinstance(question.get("whole", False), bool):
        yield FieldProblem(f"{pointer}/whole", "type", "This is true or false.")
    unit = question.get("unit", "")
    if not isinstance(unit, str) or len(unit) > MAX_UNIT or not unit.isprintable():
        yield FieldProblem(f"{pointer}/unit", "text", f"A unit has at most {MAX_UNIT} printable characters.")


def is_number(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
