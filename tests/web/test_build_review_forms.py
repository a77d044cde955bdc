"""The builder of review forms: typed, seen, checked, saved as a further version, and never lost."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.urls import reverse

from reviewqueue.pipelines.form_versions import change_form, form_versions
from reviewqueue.pipelines.models import Pipeline
from tests.services.review.steps import ask_by
from tests.web.test_review_forms import INVOICE, QUESTIONS
from tests.web.visitor import Visitor, text_of
from tests.world import World

ADDRESS = "/pipelines/support-answers/form/"
PREVIEW = "/pipelines/support-answers/form/preview/"
CHOICES: dict[str, Any] = {
    "kind": "choice",
    "options": ["yes", {"value": "no", "title": "No = never", "key": "t"}, "a = b"],
    "note_required": ["incorrect"],
}


def sent_back(page: str) -> dict[str, Any]:
    """What a browser would send of the builder, untouched."""
    form = page[page.index('<form id="builder"') : page.index('<section class="panel form-preview"')]
    fields: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", form):
        named = dict(re.findall(r'(\w[\w-]*)="([^"]*)"', tag))
        if named.get("type") != "checkbox":
            fields[named["name"]] = html.unescape(named.get("value", ""))
        elif re.search(r" checked>", tag):
            fields.setdefault(named["name"], []).append(named.get("value", "on"))
    for name, text in re.findall(r'<textarea[^>]* name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.DOTALL):
        fields[name] = html.unescape(text.removeprefix("\n"))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        fields[name] = re.findall(r'value="([^"]*)" selected', options)[0]
    return fields


def sent(visitor: Visitor, do: str = "save", **changes: Any) -> Any:
    return visitor.post(ADDRESS, {**sent_back(text_of(visitor.get(ADDRESS))), "do": do, **changes})


def document_now(world: World) -> dict[str, Any]:
    return Pipeline.objects.get(pk=world.pipeline.pk).review_form


@pytest.mark.parametrize("document", [{"kind": "judgement"}, CHOICES, QUESTIONS, INVOICE])
def test_a_form_sent_back_untouched_changes_nothing(world: World, olga: Visitor, document: dict[str, Any]) -> None:
    ask_by(world, document)
    number = form_versions(world.pipeline)[0].number
    assert sent(olga).status_code == 303
    assert "Nothing was changed." in text_of(olga.get(ADDRESS))
    assert form_versions(world.pipeline)[0].number == number


def test_a_form_is_built_question_by_question_and_saved(world: World, olga: Visitor) -> None:
    page = text_of(sent(olga, do="add", error_types="wrong fact\r\noutdated = Out of date [o]"))
    assert page.count('class="form-question"') == 1
    typed = {**sent_back(page), "title-0": "How many mistakes?", "kind-0": "number", "min-0": "0", "whole-0": "on"}
    response = olga.post(ADDRESS, {**typed, "required-0": "on", "when-0": ["incorrect"], "do": "save"})
    assert response.status_code == 303
    assert document_now(world) == {
        "kind": "judgement",
        "error_types": ["wrong fact", {"value": "outdated", "title": "Out of date", "key": "o"}],
        "questions": [
            {
                "name": "how_many_mistakes",
                "kind": "number",
                "title": "How many mistakes?",
                "min": 0,
                "whole": True,
                "required": True,
                "when": ["incorrect"],
            }
        ],
    }
    page = text_of(olga.get(ADDRESS))
    assert "Saved as version 2." in page
    assert "question “how_many_mistakes” added" in page


def test_questions_are_moved_and_removed_without_saving(world: World, olga: Visitor) -> None:
    ask_by(world, QUESTIONS)
    page = text_of(sent(olga, do="down-0"))
    names = re.findall(r'name="name-\d" type="text" value="(\w+)"', page)
    assert names == ["tags", "severity", "price", "where", "why"]
    page = text_of(sent(olga, do="remove-2"))
    assert re.findall(r'name="name-\d" type="text" value="(\w+)"', page) == ["severity", "tags", "where", "why"]
    assert document_now(world) == QUESTIONS


@pytest.mark.parametrize("do", ["up-0", "down-9", "remove-x", "up", "dance-1", ""])
def test_a_wish_that_makes_no_sense_changes_nothing(world: World, olga: Visitor, do: str) -> None:
    ask_by(world, QUESTIONS)
    page = text_of(sent(olga, do=do))
    names = re.findall(r'name="name-\d" type="text" value="(\w+)"', page)
    assert names == ["severity", "tags", "price", "where", "why"]


def test_clashes_of_keys_are_found_on_saving_and_said_at_their_line(world: World, olga: Visitor) -> None:
    response = sent(olga, kind="choice", options="yes [x]\nno [t]\nmaybe [t]")
    page = text_of(response)
    assert response.status_code == 422
    assert "Not saved." in page
    assert "Line 1: The key x already does something on the review page." in page
    assert "Line 3: The key t is given to more than one option." in page
    assert "maybe [t]</textarea>" in page
    assert document_now(world) == {"kind": "judgement"}


def test_what_is_wrong_with_a_question_stands_in_its_frame(world: World, olga: Visitor) -> None:
    page = text_of(sent(olga, do="add"))
    typed = {**sent_back(page), "title-0": "How many?", "kind-0": "number", "min-0": "few"}
    response = olga.post(ADDRESS, {**typed, "do": "save"})
    assert response.status_code == 422
    assert "min: This is a number." in text_of(response)
    assert 'value="few"' in text_of(response)


def test_a_schema_that_is_no_json_is_said_beside_it(world: World, olga: Visitor) -> None:
    response = sent(olga, kind="json", schema="{oops")
    assert response.status_code == 422
    assert "This is not JSON." in text_of(response)
    assert "{oops</textarea>" in text_of(response)


def test_somebody_else_was_faster_and_nothing_typed_is_lost(world: World, olga: Visitor) -> None:
    typed = {**sent_back(text_of(olga.get(ADDRESS))), "error_types": "mine", "do": "save"}
    change_form(pipeline=world.pipeline, document=CHOICES, by=world.otto)
    response = olga.post(ADDRESS, typed)
    page = text_of(response)
    assert response.status_code == 409
    assert "Somebody else saved version 2" in page
    assert "mine</textarea>" in page
    assert olga.post(ADDRESS, {**sent_back(page), "do": "save"}).status_code == 303
    assert document_now(world) == {"kind": "judgement", "error_types": ["mine"]}


def test_the_preview_is_what_a_reviewer_gets(world: World, olga: Visitor, rita: Visitor) -> None:
    typed = sent_back(text_of(olga.get(ADDRESS)))
    typed |= {"kind": "choice", "options": "yes\nno = Not at all [t]"}
    page = text_of(olga.ajax("post", PREVIEW, typed))
    assert 'data-key="t 2"' in page
    assert "Not at all" in page
    assert "the kind is choice, and was judgement" in page
    assert "<html" not in page
    assert document_now(world) == {"kind": "judgement"}


def test_the_preview_says_what_is_not_a_form_yet(world: World, olga: Visitor) -> None:
    page = text_of(olga.ajax("post", PREVIEW, {"kind": "choice", "options": "<b>one</b>", "count": "999999999999"}))
    assert "A choice needs at least two options." in page
    assert "<b>one" not in page


def test_who_may_not_change_it_sees_the_form_and_its_versions(world: World, client: Any) -> None:
    ask_by(world, QUESTIONS)
    page = text_of(Visitor(world.sam).get(ADDRESS))
    assert "How bad?" in page
    assert "question “severity” added" in page
    assert "Save as the next version" not in page


def test_every_version_says_what_it_changed(world: World, olga: Visitor) -> None:
    ask_by(world, CHOICES)
    ask_by(world, {**CHOICES, "options": ["no", "yes"]})
    ask_by(world, INVOICE)
    page = html.unescape(text_of(olga.get(reverse("web:review_form", args=[world.pipeline.slug]))))
    assert "option “a = b” removed; option “no” changed" in page
    assert "field “/seller/name” added" in page
    assert page.index("Version 4") < page.index("Version 1</strong>")
