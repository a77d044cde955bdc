"""The builder of review forms: a document as fields of a page, and what was typed there as a document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.datastructures import MultiValueDict

from reviewqueue.errors import FieldProblem
from reviewqueue.pipelines.json_fields import Field, with_values
from reviewqueue.pipelines.review_form import MAX_QUESTIONS, form_problems, parse_form
from reviewqueue.web.answer_form import AnswerForm
from reviewqueue.web.option_lines import as_lines, in_lines

PREFIX: Final = "/review_form/"
PREVIEW_OUTPUT: Final = "This is what the model wrote."
_PLAIN: Final = ("name", "kind", "title", "min", "max", "unit", "of")


@dataclass
class QuestionFields:
    """One question as it is typed."""

    name: str = ""
    kind: str = "choice"
    title: str = ""
    required: bool = False
    when: list[str] = field(default_factory=list)
    options: str = ""
    min: str = ""
    max: str = ""
    whole: bool = False
    unit: str = ""
    of: str = "output"
    errors: list[str] = field(default_factory=list)


@dataclass
class FormFields:
    """The whole form as it is typed. `errors` by the part they belong to."""

    kind: str = "judgement"
    options: str = ""
    error_types: str = ""
    note_required: list[str] = field(default_factory=list)
    schema: str = ""
    questions: list[QuestionFields] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)


def fields_of(document: Mapping[str, Any]) -> FormFields:
    schema = document.get("schema")
    return FormFields(
        kind=document["kind"],
        options=as_lines(document.get("options", [])) if document["kind"] == "choice" else "",
        error_types=as_lines(document.get("error_types", [])),
        note_required=list(document.get("note_required", [])),
        schema="" if schema is None else json.dumps(schema, indent=2, ensure_ascii=False),
        questions=[_question_fields(each) for each in document.get("questions", [])],
    )


def _question_fields(question: Mapping[str, Any]) -> QuestionFields:
    plain = {name: str(question[name]) for name in _PLAIN if question.get(name) is not None}
    return QuestionFields(
        **plain,  # type: ignore[arg-type]  # texts, by name
        required=question.get("required", False),
        when=list(question.get("when", [])),
        options=as_lines(question.get("options", [])),
        whole=question.get("whole", False),
    )


def typed(data: MultiValueDict[str, str]) -> FormFields:
    """What was sent. Whatever else is in it is left aside."""
    count = data.get("count", "")
    number = min(int(count), MAX_QUESTIONS) if count.isdecimal() and len(count) < 4 else 0
    return FormFields(
        kind=data.get("kind", ""),
        options=data.get("options", ""),
        error_types=data.get("error_types", ""),
        note_required=data.getlist("note_required"),
        schema=data.get("schema", ""),
        questions=[_typed_question(data, place) for place in range(number)],
    )


def _typed_question(data: MultiValueDict[str, str], place: int) -> QuestionFields:
    plain = {name: data.get(f"{name}-{place}", "").strip() for name in _PLAIN}
    return QuestionFields(
        **plain,  # type: ignore[arg-type]  # texts, by name
        required=f"required-{place}" in data,
        when=data.getlist(f"when-{place}"),
        options=data.get(f"options-{place}", ""),
        whole=f"whole-{place}" in data,
    )


def rearranged(questions: list[QuestionFields], wish: str) -> list[QuestionFields]:
    """`wish` is add, or up, down or remove with the place of a question: `up-2`."""
    if wish == "add":
        return [*questions, QuestionFields()]
    action, _, number = wish.partition("-")
    place = int(number) if number.isdecimal() and len(number) < 4 else -1
    if not 0 <= place < len(questions):
        return questions
    rest = questions[:place] + questions[place + 1 :]
    to = {"up": place - 1, "down": place + 1}.get(action)
    if to is None:
        return rest if action == "remove" else questions
    return [*rest[: max(to, 0)], questions[place], *rest[max(to, 0) :]]


def document_in(form: FormFields) -> tuple[dict[str, Any], list[FieldProblem]]:
    """The document that was typed, without what its kind has no use for, and what is wrong with it."""
    document: dict[str, Any] = {"kind": form.kind}
    problems: list[FieldProblem] = []
    if form.kind == "choice":
        document["options"] = in_lines(form.options)
    if error_types := in_lines(form.error_types):
        document["error_types"] = error_types
    if form.note_required:
        document["note_required"] = form.note_required
    if form.questions:
        document["questions"] = [_question(each, place) for place, each in enumerate(form.questions, start=1)]
    if form.kind == "json":
        try:
            document["schema"] = json.loads(form.schema)
        except (ValueError, RecursionError):
            problems.append(FieldProblem(f"{PREFIX}schema", "schema", "This is not JSON."))
    found = [] if problems else form_problems(document)
    return document, problems or found


def _question(given: QuestionFields, place: int) -> dict[str, Any]:
    slug = re.sub("[^a-z0-9]+", "_", given.title.lower()).strip("_")[:40].strip("_")
    made: dict[str, Any] = {
        "name": given.name or (slug if slug[:1].isalpha() else f"question_{place}"),
        "kind": given.kind,
        "title": given.title,
    }
    if given.kind in ("choice", "several"):
        made["options"] = in_lines(given.options)
    if given.kind == "number":
        made |= {name: _number(text) for name, text in (("min", given.min), ("max", given.max)) if text}
        made |= {"whole": True} if given.whole else {}
        made |= {"unit": given.unit} if given.unit else {}
    if given.kind == "span":
        made["of"] = given.of or "output"
    if given.required:
        made["required"] = True
    return made | ({"when": given.when} if given.when else {})


def _number(text: str) -> object:
    """What is no number stays a text, which the form refuses."""
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def place_errors(form: FormFields, problems: Iterable[FieldProblem]) -> None:
    """Each beside the part of the form it is about; of a list with the number of its line."""
    for problem in problems:
        part, _, rest = problem.pointer.removeprefix(PREFIX).partition("/")
        if part == "questions" and rest.split("/")[0].isdecimal():
            place, _, within = rest.partition("/")
            form.questions[int(place)].errors.append(_in_line(within.removeprefix("options/"), problem.detail))
        else:
            known = part if part in ("kind", "options", "error_types", "note_required", "schema") else "form"
            form.errors.setdefault(known, []).append(_in_line(rest, problem.detail))


def _in_line(within: str, detail: str) -> str:
    line = within.split("/")[0]
    if line.isdecimal():
        return f"Line {int(line) + 1}: {detail}"
    return f"{line}: {detail}" if line.isidentifier() else detail


def preview(document: Mapping[str, Any], question: str) -> AnswerForm:
    """The fields a reviewer would get, about an output that nobody wrote. Expects a sound document."""
    form = parse_form(document)
    output: object = PREVIEW_OUTPUT
    if form.kind == "json":
        output = with_values({}, {each.path: _example(each) for each in form.fields})
    claim = {"input": "This is what the model was asked.", "output": output}
    task = {"form": document, "blind": "none", "question": question, "claim": claim}
    return AnswerForm(task)


def _example(field_: Field) -> object:
    if field_.choices:
        return field_.choices[0]
    return {"string": "text", "boolean": True, "json": []}.get(field_.kind, field_.low or 1)
