"""The review page asks what the form of the task asks, takes it without JavaScript, and loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from reviewqueue.review.models import Label, Lease
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import ask_by, review_terms, run_out, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

WRONG = ["incorrect", "partially_correct"]
QUESTIONS: dict[str, Any] = {
    "kind": "judgement",
    "error_types": [{"value": "outdated", "title": "Out of date", "key": "o"}],
    "note_required": ["cannot_judge"],
    "questions": [
        {"name": "severity", "kind": "choice", "title": "How bad?", "options": ["minor", "serious"], "when": WRONG},
        {"name": "tags", "kind": "several", "title": "Which?", "options": ["tone", "facts"]},
        {"name": "price", "kind": "number", "title": "Right price?", "min": 0, "unit": "EUR"},
        {"name": "where", "kind": "span", "title": "Where?", "when": WRONG},
        {"name": "why", "kind": "text", "title": "Why?", "required": True},
    ],
}
INVOICE: dict[str, Any] = {
    "kind": "json",
    "schema": {
        "type": "object",
        "required": ["total"],
        "properties": {
            "total": {"type": "number", "title": "Total"},
            "paid": {"type": "boolean"},
            "seller": {"properties": {"name": {"type": "string"}}},
            "currency": {"enum": ["EUR", "USD"]},
        },
    },
}
OUTPUT = {"total": 12.5, "paid": True, "seller": {"name": "Acme <b>"}, "currency": "EUR", "extra": 1}


def at(name: str, lease: Lease) -> str:
    return reverse(f"web:{name}", args=[lease.pk])


def asked(world: World, form: dict[str, Any], **claim: Any) -> Lease:
    ask_by(world, form)
    world.claim(**claim)
    return taken(world.rita)


def label_after(visitor: Visitor, lease: Lease, **sent: Any) -> Label:
    response = visitor.post(at("label", lease), sent)
    assert response.status_code == 303, text_of(response)
    return Label.objects.get()


def test_every_question_is_answered_in_its_own_field(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS, output="The plan costs 18 EUR.")
    sent = {"verdict": "incorrect", "error_types": ["outdated"], "q-severity": "serious", "m-tags": ["tone", "facts"]}
    label = label_after(rita, lease, **sent, **{"q-price": "15", "q-where": "18 EUR", "q-why": "It rose."})
    assert label.error_types == ["outdated"]
    assert label.answers == {
        "severity": "serious",
        "tags": ["tone", "facts"],
        "price": 15,
        "where": {"start": 15, "end": 21},
        "why": "It rose.",
    }


def test_what_is_not_asked_for_a_verdict_does_not_count(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS)
    label = label_after(rita, lease, verdict="correct", **{"q-severity": "serious", "q-where": "18", "q-why": "Fine."})
    assert label.answers == {"why": "Fine."}


def test_what_is_missing_or_wrong_is_said_beside_its_question_and_all_is_kept(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS, output="one, two, one")
    sent = {"verdict": "incorrect", "q-price": "-3", "q-where": "one", "q-severity": "minor", "note": "half a"}
    response = rita.post(at("label", lease), sent)
    page = text_of(response)
    assert response.status_code == 422
    assert "These words occur 2 times." in page
    assert 'value="minor" data-digit="1" checked' in page
    assert "half a</textarea>" in page
    page = text_of(rita.post(at("label", lease), {**sent, "q-where": "two"}))
    assert "At least 0." in page
    assert "This question needs an answer." in page
    assert not Label.objects.exists()


def test_a_note_that_a_verdict_needs_is_asked_for(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS)
    assert "needed for cannot judge" in text_of(rita.get(at("task", lease)))
    response = rita.post(at("label", lease), {"verdict": "cannot_judge"})
    assert response.status_code == 422
    assert "this verdict needs one" in text_of(response)


def test_a_passage_that_is_not_in_the_text_is_refused(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS, output="first line\nsecond line")
    sent = {"verdict": "incorrect", "q-why": "x"}
    assert "These words are not in the text." in text_of(rita.post(at("label", lease), {**sent, "q-where": "third"}))
    label = label_after(rita, lease, **sent, **{"q-where": "line\r\nsecond"})
    assert label.answers["where"] == {"start": 6, "end": 17}


def test_a_text_form_starts_from_the_output_and_needs_a_right_text(world: World, rita: Visitor) -> None:
    lease = asked(world, {"kind": "text"}, output="A & B\nC")
    page = text_of(rita.get(at("task", lease)))
    assert ">\nA &amp; B\nC</textarea>" in page
    assert 'data-compare="A &amp; B\nC"' in page
    unchanged = rita.post(at("label", lease), {"verdict": "incorrect", "correction": "A & B\r\nC"})
    assert "The correction says the same as the output." in text_of(unchanged)
    assert label_after(rita, lease, verdict="incorrect", correction="A & B\r\nD").output == "A & B\nD"


def test_json_that_is_right_is_one_answer(world: World, rita: Visitor) -> None:
    label = label_after(rita, asked(world, INVOICE, output=OUTPUT), verdict="correct")
    assert label.verdict == "correct"
    assert set(label.answers["fields"].values()) == {"correct"}


def by_field(*verdicts: str, **values: str) -> dict[str, str]:
    return {
        "verdict": "by_field",
        **{f"f-{place}": verdict for place, verdict in enumerate(verdicts)},
        **{name.replace("_", "-"): value for name, value in values.items()},
    }


def test_the_fields_of_json_are_judged_and_put_right_one_by_one(world: World, rita: Visitor) -> None:
    lease = asked(world, INVOICE, output=OUTPUT)
    page = text_of(rita.get(at("task", lease)))
    assert "<bdi>Acme &lt;b&gt;</bdi>" in page
    sent = by_field("incorrect", "correct", "correct", "incorrect", v_0="15", v_3="1")
    label = label_after(rita, lease, **sent)
    assert label.verdict == "partially_correct"
    assert label.output == {**OUTPUT, "total": 15, "currency": "USD"}
    assert label.answers == {
        "fields": {"/total": "incorrect", "/paid": "correct", "/seller/name": "correct", "/currency": "incorrect"}
    }


def test_a_field_that_should_not_be_there_is_taken_out(world: World, rita: Visitor) -> None:
    lease = asked(world, INVOICE, output=OUTPUT)
    label = label_after(rita, lease, **by_field("correct", "incorrect", "correct", "correct", n_1="on"))
    assert label.output == {name: value for name, value in OUTPUT.items() if name != "paid"}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (by_field("correct", "correct"), "Right or wrong?"),
        (by_field("incorrect", "incorrect", "correct", "correct", v_0="9"), "leave all of them out"),
        (by_field("incorrect", "correct", "correct", "correct", v_0="much"), "This is no number."),
        (by_field("incorrect", "correct", "correct", "correct", v_0="12.5"), "says the same as the output"),
    ],
)
def test_what_is_wrong_with_a_field_stands_beside_it(
    world: World, rita: Visitor, sent: dict[str, str], said: str
) -> None:
    response = rita.post(at("label", asked(world, INVOICE, output=OUTPUT)), sent)
    assert response.status_code == 422
    assert said in text_of(response)


def test_json_is_filled_in_without_being_seen_and_compared(world: World, rita: Visitor) -> None:
    world.activate(review_terms(blind="answer"))
    lease = asked(world, INVOICE, output=OUTPUT, alternatives=[])
    page = text_of(rita.get(at("task", lease)))
    assert "Acme" not in page
    assert "12.5" not in page
    missing = rita.post(at("label", lease), {"v-1": "true"})
    assert missing.status_code == 422
    assert "A value is needed here." in text_of(missing)
    label = label_after(rita, lease, **{"v-0": "12.50", "v-1": "true", "v-2": "Acme <b>", "v-3": "0"})
    assert label.verdict == "correct"


def test_a_needed_note_does_not_give_away_what_a_blind_answer_was_compared_with(world: World, rita: Visitor) -> None:
    world.activate(review_terms(blind="answer"))
    form = {"kind": "choice", "options": ["yes", "no"], "note_required": ["incorrect"]}
    lease = asked(world, form, output="yes")
    assert "needed for" not in text_of(rita.get(at("task", lease)))
    assert label_after(rita, lease, choice="no").verdict == "incorrect"


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (QUESTIONS, {"verdict": "incorrect", "q-why": "half", "m-tags": ["facts"], "q-price": "x"}),
        (INVOICE, by_field("incorrect", "", "", "", v_0="99.5", n_1="on")),
    ],
)
def test_a_draft_keeps_every_field(world: World, rita: Visitor, form: dict[str, Any], sent: dict[str, Any]) -> None:
    lease = asked(world, form, output="one" if form is QUESTIONS else OUTPUT)
    rita.ajax("post", at("draft", lease), sent)
    page = text_of(Visitor(world.rita).get(at("task", lease)))
    expected = ["half</textarea>", 'value="x"', 'value="facts" data-digit="2" checked']
    if form is INVOICE:
        expected = ['value="99.5"', 'name="n-1" checked', 'value="incorrect" data-digit="2" checked']
    for words in expected:
        assert words in page, words


def test_further_answers_are_not_lost_to_somebody_who_was_faster(world: World, rita: Visitor) -> None:
    lease = asked(world, QUESTIONS)
    run_out(lease)
    submit(taken(world.ravi), LabelAnswer("correct", answers={"why": "As listed."}))
    response = rita.post(at("label", lease), {"verdict": "correct", "q-why": "my own reason"})
    assert response.status_code == 409
    assert "my own reason" in text_of(response)
    over = rita.get(at("task", lease))
    assert over.status_code == 409
    assert "my own reason" in text_of(over)


def test_a_change_of_mind_starts_from_everything_that_was_said(world: World, rita: Visitor) -> None:
    lease = asked(world, INVOICE, output=OUTPUT)
    label = label_after(rita, lease, **by_field("incorrect", "correct", "correct", "correct", v_0="15"))
    address = reverse("web:revise", args=[label.pk])
    page = text_of(rita.get(address))
    assert 'value="by_field" data-key="x 2" checked' in page
    assert 'name="v-0" type="text" value="15"' in page
    again = by_field("incorrect", "correct", "correct", "correct", v_0="16")
    assert rita.post(address, {**again, "reason": "slip"}).status_code == 303
    assert Label.objects.order_by("revision").last().output["total"] == 16


def test_what_needs_more_than_a_verdict_is_not_confirmed_in_bulk(world: World, rita: Visitor) -> None:
    low = {"low": 0.0, "high": 0.9, "route": "review"}
    flagged = {"low": 0.9, "high": 1.0, "route": "accept_flagged", "required_accuracy": 0.9}
    world.activate({**POLICY, "bands": [low, flagged], "calibrators": [IDENTITY]})
    world.validate_band()
    world.claim(output="first kind")
    ask_by(world, QUESTIONS)
    world.claim(output="second kind")
    page = text_of(rita.get(reverse("web:flagged", args=[world.pipeline.slug])))
    assert "first kind" in page
    assert "second kind" not in page
