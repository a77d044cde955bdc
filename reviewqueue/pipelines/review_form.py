"""The review form of a pipeline: what a reviewer is asked to give. Pure.

The kind says what the main question is:

- `judgement`: is the output right (correct, incorrect, partially correct, cannot judge);
- `choice`: the answer itself, one of `options`;
- `text`: as a judgement, and whoever calls the output wrong writes what would be right;
- `json`: a verdict for every field of the `schema`, which together decide the whole.

With blind degree `answer` a choice or JSON is given without seeing the model's, and the server compares. Every form may
list `error_types`, verdicts with a `note_required`, and further `questions` (pipelines/form_questions.py). An option is
its text, or `{"value": "yes", "title": "Yes, it does", "key": "y"}`.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from reviewqueue.accounts.key_bindings import ACTIONS
from reviewqueue.errors import FieldProblem
from reviewqueue.ledger.canonical import NotCanonical, canonical
from reviewqueue.pipelines.form_options import Option, option_problems, options_in
from reviewqueue.pipelines.form_questions import Question, question_in, question_problems
from reviewqueue.pipelines.json_fields import (
    Field,
    fields_in,
    json_of,
    nothing_to_tell_apart,
    schema_problems,
    value_at,
)

KINDS: Final = ("judgement", "choice", "text", "json")
VERDICTS: Final = ("correct", "incorrect", "partially_correct", "cannot_judge")
MAX_QUESTIONS: Final = 20
MAX_BYTES: Final = 256 * 1024
TAKEN_KEYS: Final = frozenset(filter(str.isalpha, ACTIONS))
"""Letters that do something on the review page whatever the form is."""

_FIELDS: Final = frozenset({"kind", "options", "error_types", "note_required", "questions", "schema"})


@dataclass(frozen=True, slots=True)
class Form:
    """A sound document, read."""

    kind: str
    options: tuple[Option, ...] = ()
    error_types: tuple[Option, ...] = ()
    note_required: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()
    fields: tuple[Field, ...] = ()
    """What of a JSON output is judged."""


def parse_form(document: Mapping[str, Any]) -> Form:
    """Expects a document without `form_problems`."""
    kind = document["kind"]
    return Form(
        kind=kind,
        options=options_in(document.get("options", ())) if kind == "choice" else (),
        error_types=options_in(document.get("error_types", ())),
        note_required=tuple(document.get("note_required", ())),
        questions=tuple(question_in(each) for each in document.get("questions", ())),
        fields=tuple(fields_in(document["schema"])) if kind == "json" else (),
    )


def document_text(document: Mapping[str, Any]) -> str:
    """As it is stored: members in the order in which they were given."""
    return json.dumps(document, ensure_ascii=False)


def asks_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether nobody could tell two sound documents apart: defaults may be written out or left out."""
    return parse_form(one) == parse_form(other) and one.get("schema") == other.get("schema")


def confirms_without_words(document: Mapping[str, Any]) -> bool:
    """Whether "correct" is a whole answer: no note and no further answer is needed with it."""
    form = parse_form(document)
    needed = (each for each in form.questions if each.required and (not each.when or "correct" in each.when))
    return "correct" not in form.note_required and not any(needed)


def form_hash(document: Mapping[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(canonical(dict(document))).hexdigest()


def form_problems(document: Mapping[str, Any]) -> list[FieldProblem]:
    """Everything that is wrong with it, with JSON Pointers below `/review_form`."""
    problems = [
        FieldProblem(f"/review_form/{str(name)[:80]}", "unknown_field", "There is no such field in a review form.")
        for name in sorted(set(document) - _FIELDS, key=str)
    ]
    problems += _main_problems(document)
    problems += option_problems("/review_form/error_types", document.get("error_types", []), at_least=0)
    problems += _note_problems(document.get("note_required", []))
    problems += _questions_problems(document.get("questions", []))
    return problems or [*_size_problems(document)] or [*_key_problems(parse_form(document))]


def _main_problems(document: Mapping[str, Any]) -> Iterator[FieldProblem]:
    kind = document.get("kind")
    if kind not in KINDS:
        yield FieldProblem("/review_form/kind", "choice", "The kind is one of: " + ", ".join(KINDS) + ".")
        return
    if kind == "choice":
        yield from option_problems("/review_form/options", document.get("options"), at_least=2)
    elif kind != "judgement" and "options" in document:
        yield FieldProblem("/review_form/options", "not_asked", "Only a choice has options.")
    if kind == "json":
        yield from schema_problems("/review_form/schema", document.get("schema"))
    elif "schema" in document:
        yield FieldProblem("/review_form/schema", "not_asked", "Only a form of the kind json has a schema.")


def _note_problems(verdicts: object) -> Iterator[FieldProblem]:
    if not isinstance(verdicts, list) or any(verdict not in VERDICTS for verdict in verdicts):
        detail = "The verdicts that need a note are a list of: " + ", ".join(VERDICTS) + "."
        yield FieldProblem("/review_form/note_required", "choice", detail)
    elif len(set(verdicts)) < len(verdicts):
        yield FieldProblem("/review_form/note_required", "twice", "Name each verdict once.")


def _questions_problems(questions: object) -> Iterator[FieldProblem]:
    if not isinstance(questions, list) or len(questions) > MAX_QUESTIONS:
        detail = f"Further questions are a list of at most {MAX_QUESTIONS}."
        yield FieldProblem("/review_form/questions", "questions", detail)
        return
    for place, question in enumerate(questions):
        yield from question_problems(f"/review_form/questions/{place}", question, verdicts=VERDICTS)
    names = [question.get("name") for question in questions if isinstance(question, Mapping)]
    for place, name in enumerate(names):
        if isinstance(name, str) and name in names[:place]:
            yield FieldProblem(f"/review_form/questions/{place}/name", "twice", "Another question has this name.")


def _size_problems(document: Mapping[str, Any]) -> Iterator[FieldProblem]:
    try:
        if len(canonical(dict(document))) > MAX_BYTES:
            yield FieldProblem("/review_form", "too_large", "At most 256 KiB.")
    except NotCanonical:
        detail = "This holds a NUL, half a character, a number without an exact JSON form, or too many levels."
        yield FieldProblem("/review_form", "value", detail)


def _key_problems(form: Form) -> Iterator[FieldProblem]:
    """A key does one thing: nothing of the page itself, and nothing of another option."""
    placed = list(_placed_options(form))
    uses = Counter(option.key for _, option in placed if option.key)
    for pointer, option in placed:
        if option.key in TAKEN_KEYS:
            detail = f"The key {option.key} already does something on the review page."
            yield FieldProblem(f"{pointer}/key", "key_taken", detail)
        elif uses[option.key] > 1:
            yield FieldProblem(f"{pointer}/key", "key_twice", f"The key {option.key} is given to more than one option.")


def keys_of(document: Mapping[str, Any]) -> frozenset[str]:
    """The letters that pick an option of this form."""
    return frozenset(option.key for _, option in _placed_options(parse_form(document)) if option.key)


def _placed_options(form: Form) -> Iterator[tuple[str, Option]]:
    lists: list[tuple[str, Iterable[Option]]] = [
        ("/review_form/options", form.options),
        ("/review_form/error_types", form.error_types),
        *((f"/review_form/questions/{at}/options", each.options) for at, each in enumerate(form.questions)),
    ]
    for pointer, options in lists:
        for place, option in enumerate(options):
            yield f"{pointer}/{place}", option


def knows_answer(document: Mapping[str, Any]) -> bool:
    """Whether a reviewer can answer without seeing the output (so that `answer` blinding is possible)."""
    return document.get("kind") in ("choice", "json")


def answer_agrees(answer: object, output: object) -> bool:
    """Whether a reviewer's own answer is the model's, for choices: exact text, ignoring case and outer space."""
    return isinstance(answer, str) and str(output).strip().casefold() == answer.strip().casefold()


def own_answer_agrees(form: Form, answer: object, output: object) -> bool:
    """Whether a reviewer's own answer is the model's. Of JSON the fields of the schema count, and nothing else."""
    if form.kind != "json":
        return answer_agrees(answer, output)
    said = json_of(output)
    return all(
        nothing_to_tell_apart(value_at(answer, field.pointer), value_at(said, field.pointer)) for field in form.fields
    )
