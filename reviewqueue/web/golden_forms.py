"""What owners type about a golden set: its terms, files of items, and one item at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from reviewqueue.accounts.models import User
from reviewqueue.errors import FieldProblem, Invalid
from reviewqueue.golden.item_files import MAX_FILE_BYTES, BadItems, LineProblem, guess_format, read_items
from reviewqueue.golden.items import Item, Names, parse_item
from reviewqueue.golden.models import LONGEST_EVERY, LONGEST_WITHIN, USUAL_EVERY_DAYS, USUAL_WITHIN_DAYS
from reviewqueue.golden.services.sets import MAX_DESCRIPTION, Terms
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import people_of
from reviewqueue.strict_json import MalformedJSON, parse_strict

SHOWN_AGAIN: Final = 256 * 1024
"""So much of what was sent is put back into the page when something is wrong with it."""


class TermsForm(forms.Form):
    owner = forms.ModelChoiceField(User.objects.none(), empty_label=None)
    every_days = forms.IntegerField(min_value=1, max_value=LONGEST_EVERY, initial=USUAL_EVERY_DAYS)
    within_days = forms.IntegerField(min_value=0, max_value=LONGEST_WITHIN, initial=USUAL_WITHIN_DAYS)
    description = forms.CharField(required=False, max_length=MAX_DESCRIPTION)

    def __init__(self, pipeline: Pipeline, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        owners = self.fields["owner"]
        owners.queryset = people_of(pipeline, [Role.OWNER])  # type: ignore[attr-defined]  # a ModelChoiceField
        owners.label_from_instance = lambda user: user.shown_name  # type: ignore[attr-defined]

    def terms(self) -> Terms:
        given = self.cleaned_data
        return Terms(
            owner=given["owner"],
            every_days=given["every_days"],
            within_days=given["within_days"],
            description=given["description"],
        )


class NewSetForm(TermsForm):
    name = forms.CharField(max_length=60)


def sent_items(sent: QueryDict, file: UploadedFile[Any] | None, names: Names) -> list[Item]:
    """The items of an uploaded file, else of the pasted text. Raises BadItems."""
    content, name = content_of(sent, file)
    return read_items(content, guess_format(name, content), names)


def content_of(sent: QueryDict, file: UploadedFile[Any] | None) -> tuple[bytes, str]:
    if file is None:
        return sent.get("text", "").encode(), ""
    if (file.size or 0) > MAX_FILE_BYTES:
        raise BadItems([LineProblem(1, FieldProblem("", "too_large", "The file is larger than 32 MiB."))])
    file.seek(0)
    return file.read(), file.name or ""


def shown_again(sent: QueryDict, file: UploadedFile[Any] | None) -> str:
    """What was sent, to be corrected where it is; nothing of what is too long for a page."""
    if file is None:
        text = sent.get("text", "")
        return text if len(text) <= 4 * SHOWN_AGAIN else ""
    if (file.size or 0) > SHOWN_AGAIN:
        return ""
    file.seek(0)
    return bytes(file.read()).decode("utf-8", "replace")


# --- one item -------------------------------------------------------------------------------------------------------


def item_as_typed(item: Item) -> dict[str, Any]:
    """The values of the form for an item that is there."""
    return {
        "key": item.key,
        "input": _typed(item.input),
        "input_json": not isinstance(item.input, str | None),
        "comparison": item.comparison,
        "answer": _answer_typed(item),
        "tolerance": "" if item.tolerance is None else f"{item.tolerance:g}",
        "category": item.category or "",
        "segments": item.segments,
        "note": item.note,
    }


def typed_item(sent: Mapping[str, Any], names: Names) -> Item:
    """The item of the form. Raises Invalid with pointers that name its fields."""
    body: dict[str, Any] = {"key": sent.get("key", ""), "comparison": sent.get("comparison", "text")}
    if sent.get("input"):
        body["input"] = _json("/input", sent["input"]) if sent.get("input_json") else sent["input"]
    if sent.get("answer"):
        body["answer"] = _answer(body["comparison"], sent["answer"])
    if sent.get("tolerance"):
        body["tolerance"] = _json("/tolerance", sent["tolerance"])
    if sent.get("category"):
        body["category"] = sent["category"]
    segments = {name: sent[f"segment-{name}"] for name in names.segment_values if sent.get(f"segment-{name}")}
    item = parse_item({**body, "segments": segments, "note": sent.get("note", "")}, names)
    problems = item.comparison_problems()
    if problems:
        raise Invalid(problems)
    return item


def _answer(comparison: str, typed: str) -> Any:
    if comparison == "exact":
        return _json("/answer", typed)
    if comparison != "one_of":
        return typed.strip() if comparison == "number" else typed
    if typed.lstrip().startswith("["):
        return _json("/answer", typed)
    return [line.strip() for line in typed.splitlines() if line.strip()]


def _answer_typed(item: Item) -> str:
    if item.comparison == "exact":
        return "" if item.answer is None else json.dumps(item.answer, ensure_ascii=False)
    if item.comparison == "one_of" and isinstance(item.answer, list) and all(map(_is_line, item.answer)):
        return "\n".join(item.answer)
    return _typed(item.answer)


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value == value.strip() and len(value.splitlines()) == 1 and value[0] != "["


def _typed(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _json(pointer: str, text: str) -> Any:
    try:
        return parse_strict(text.encode())
    except MalformedJSON as error:
        raise Invalid([FieldProblem(pointer, error.code, f"This is no JSON: {error.detail}")]) from None
