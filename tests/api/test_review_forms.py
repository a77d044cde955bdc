"""Review forms over REST: what does not fit the form of the task is 422 with a pointer, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.review.models import Label
from tests.api.caller import Caller, assert_problem, lease_path, taken
from tests.services.review.steps import ask_by
from tests.web.test_review_forms import INVOICE, OUTPUT, QUESTIONS
from tests.world import World

FIELDS = {"/total": "incorrect", "/paid": "correct", "/seller/name": "correct", "/currency": "correct"}


def work_by(form: dict[str, Any], world: World, rita: Caller, output: object) -> dict[str, Any]:
    ask_by(world, form)
    world.claim(output=output)
    return taken(rita)


def test_a_task_carries_its_form_and_the_label_its_answers(rita: Caller, world: World) -> None:
    work = work_by(QUESTIONS, world, rita, "The plan costs 18 EUR.")
    assert work["task"]["form"] == QUESTIONS
    answers = {"severity": "minor", "price": 15, "where": {"start": 15, "end": 17}, "why": "It rose."}
    label = rita.post(lease_path(work, "label"), {"verdict": "incorrect", "answers": answers}).json()["label"]
    assert label["answers"] == answers


@pytest.mark.parametrize(
    ("sent", "pointer", "code"),
    [
        ({"answers": {}}, "/answers/why", "required"),
        ({"answers": {"why": "x", "colour": "red"}}, "/answers/colour", "unknown_field"),
        ({"answers": {"why": "x", "severity": "grave"}}, "/answers/severity", "choice"),
        ({"answers": {"why": "x", "tags": "tone"}}, "/answers/tags", "type"),
        ({"answers": {"why": "x", "price": "15"}}, "/answers/price", "type"),
        ({"answers": {"why": "x", "price": -1}}, "/answers/price", "range"),
        ({"answers": {"why": "x", "where": {"start": 0, "end": 99}}}, "/answers/where", "range"),
        ({"answers": {"why": "x", "where": "18"}}, "/answers/where", "type"),
        ({"answers": {"why": "x", "fields": FIELDS}}, "/answers/fields", "unknown_field"),
        ({"answers": {"why": "x" * 10_001}}, "/answers/why", "too_long"),
        ({"verdict": "cannot_judge"}, "/note", "required"),
        ({"verdict": "correct", "answers": {"why": "x", "severity": "minor"}}, "/answers/severity", "not_asked"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused_with_its_place(
    rita: Caller, world: World, sent: dict[str, Any], pointer: str, code: str
) -> None:
    work = work_by(QUESTIONS, world, rita, "The plan costs 18 EUR.")
    response = rita.post(lease_path(work, "label"), {"verdict": "incorrect", **sent})
    assert_problem(response, 422, "invalid")
    assert [(each["pointer"], each["code"]) for each in response.json()["errors"]] == [(pointer, code)]
    assert not Label.objects.exists()


def test_the_verdicts_on_fields_decide_the_whole(rita: Caller, world: World) -> None:
    work = work_by(INVOICE, world, rita, OUTPUT)
    path = lease_path(work, "label")
    assert_problem(rita.post(path, {"verdict": "incorrect", "answers": {"fields": FIELDS}}), 422, "invalid")
    right = {**OUTPUT, "total": 15}
    label = rita.post(path, {"output": right, "answers": {"fields": FIELDS}}).json()["label"]
    assert (label["verdict"], label["output"]) == ("partially_correct", right)
