"""What one version of a review form asks that another did not, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reviewqueue.pipelines.form_options import Option
from reviewqueue.pipelines.review_form import Form, parse_form


def form_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Expects two sound documents. Empty when they ask the same."""
    old, new = parse_form(before), parse_form(after)
    found = [*_main(old, new), *_options("error type", old.error_types, new.error_types)]
    if set(old.note_required) != set(new.note_required):
        needed = ", ".join(new.note_required).replace("_", " ") or "no verdict"
        found.append(f"a note is needed for: {needed}")
    return [*found, *_questions(old, new), *_fields(old, new, before.get("schema") == after.get("schema"))]


def _main(old: Form, new: Form) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"the kind is {new.kind}, and was {old.kind}"
    yield from _options("option", old.options, new.options)


def _options(what: str, old: tuple[Option, ...], new: tuple[Option, ...]) -> Iterator[str]:
    before, after = ({option.value: option for option in options} for options in (old, new))
    yield from (f"{what} “{value}” added" for value in after if value not in before)
    yield from (f"{what} “{value}” removed" for value in before if value not in after)
    yield from (f"{what} “{value}” changed" for value in after if before.get(value, after[value]) != after[value])
    if set(before) == set(after) and list(before) != list(after):
        yield f"{what}s in another order"


def _questions(old: Form, new: Form) -> Iterator[str]:
    before, after = ({question.name: question for question in form.questions} for form in (old, new))
    yield from (f"question “{name}” added" for name in after if name not in before)
    yield from (f"question “{name}” removed" for name in before if name not in after)
    yield from (f"question “{name}” changed" for name in after if before.get(name, after[name]) != after[name])
    if set(before) == set(after) and list(before) != list(after):
        yield "questions in another order"


def _fields(old: Form, new: Form, same_schema: bool) -> Iterator[str]:
    before, after = ({field.pointer: field for field in form.fields} for form in (old, new))
    yield from (f"field “{pointer}” added" for pointer in after if pointer not in before)
    yield from (f"field “{pointer}” removed" for pointer in before if pointer not in after)
    yield from (f"field “{name}” changed" for name in after if before.get(name, after[name]) != after[name])
    if set(before) == set(after) and list(before) != list(after):
        yield "fields in another order"
    elif old.fields == new.fields and not same_schema:
        yield "the schema changed where reviewers do not see it"
