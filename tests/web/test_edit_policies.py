"""A new draft is written in a form or as JSON; what the form does not know goes through it as it was."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest

from reviewqueue.policy.document import to_document
from reviewqueue.policy.models import PolicyVersion
from reviewqueue.policy.parsing import parse_policy
from reviewqueue.web.policy_form import STARTER, document_of, typed_of
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

NEW = "/pipelines/support-answers/policies/new/"
RULE: dict[str, Any] = {"name": "moody", "signal": "attempt_agreement", "below": 0.5, "route": "escalate"}
SAMPLING: dict[str, Any] = {
    "epoch": "2026-1",
    "ramp": {"first_rate": 0.2, "labels": 150, "days": 7},
    "floors": {"language": 5},
    "weekly_minimum": 20,
    "weekly_extra": 100,
}
RICH: dict[str, Any] = {**POLICY, "calibrators": [IDENTITY], "rules": [RULE], "sampling": SAMPLING}


def fields_of(page: str) -> dict[str, Any]:
    """What a browser would send back: texts, hidden fields, ticks and choices."""
    sent: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", page):
        named, valued = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        is_tick = 'type="checkbox"' in tag
        if named and not (is_tick and " checked" not in tag):
            value = unescape(valued[1]) if valued else ("on" if is_tick else "")
            sent.setdefault(named[1], []).append(value)
    for name, text in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL):
        sent[name] = [unescape(text)]
    for name, options in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)"[^>]*selected', options) or re.search(r'value="([^"]*)"', options)
        sent[name] = [unescape(chosen[1])] if chosen else [""]
    return sent


@pytest.mark.parametrize("document", [POLICY, RICH], ids=["plain", "with parts the form does not know"])
def test_a_document_goes_through_the_form_as_it_was(document: dict[str, Any]) -> None:
    whole = to_document(parse_policy(document))
    assert to_document(parse_policy(document_of(typed_of(whole)))) == whole


def test_the_form_sent_back_as_it_came_proposes_the_same_rules(world: World, olga: Visitor) -> None:
    world.activate(RICH)
    sent = fields_of(text_of(olga.get(NEW)))
    assert olga.post(NEW, {**sent, "propose": "1"}).status_code == 303
    newest = PolicyVersion.objects.order_by("-number").first()
    assert newest is not None
    assert (newest.proposed_by, newest.status) == (world.olga, "draft")
    assert newest.document == world.policy.document


def test_check_says_what_would_change_and_stores_nothing(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    page = text_of(olga.post(NEW, {**sent, "band-2-audit_rate": "0.1", "check": "1"}))
    assert "These rules are valid" in page
    assert "people see 10% of the claims instead of 20%" in page
    assert PolicyVersion.objects.count() == 1


def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    response = olga.post(NEW, {**sent, "band-2-required_accuracy": "most", "note": "Because.", "propose": "1"})
    page = text_of(response)
    assert response.status_code == 422
    assert "/bands/2/required_accuracy" in page
    assert 'value="most"' in page
    assert "Because." in page
    assert PolicyVersion.objects.count() == 1


def test_how_much_is_audited_is_typed_checked_and_specified(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    terms = {"sampling.weekly_minimum": "20", "sampling.weekly_extra": "100"}
    page = text_of(olga.post(NEW, {**sent, **terms, "check": "1"}))
    assert "Labels a week for each band that decides: at least 0 becomes at least 20" in page
    world.activate(RICH)
    specified = text_of(olga.get(f"/pipelines/support-answers/policies/{world.policy.number}/specification/"))
    for said in ("audited until 150 audit labels and 7 days", "at least 5 in", "at least 20 in", "100, where they"):
        assert said in specified


def test_a_wrong_term_of_sampling_is_named_where_the_json_is(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    response = olga.post(NEW, {**sent, "rest": '{"sampling": {"ramp": {"first_rate": 2}}}', "propose": "1"})
    assert response.status_code == 422
    assert "/sampling/ramp/first_rate" in text_of(response)


def test_bands_are_added_and_removed_without_a_script(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    more = text_of(olga.post(NEW, {**sent, "add": "1"}))
    assert "Band 4" in more
    fewer = text_of(olga.post(NEW, {**fields_of(more), "remove": "1"}))
    assert "Band 4" not in fewer
    assert fields_of(fewer)["band-2-low"] == sent["band-2-low"]


def test_the_form_becomes_json_and_a_form_again(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    as_text = fields_of(text_of(olga.post(NEW, {**sent, "to_json": "1"})))
    assert to_document(parse_policy(json.loads(as_text["text"][0]))) == world.policy.document
    again = fields_of(text_of(olga.post(NEW, {**as_text, "to_form": "1"})))
    assert {name: value for name, value in again.items() if name.startswith("band")} == {
        name: value for name, value in sent.items() if name.startswith("band")
    }


@pytest.mark.parametrize("text", ["{", "[]", '{"bands": 1}', '{"a": 1, "a": 2}', "\x00"])
def test_json_that_is_no_policy_is_refused_and_kept(world: World, olga: Visitor, text: str) -> None:
    response = olga.post(NEW, {"text": text, "seen": "1", "propose": "1"})
    assert response.status_code == 422
    assert PolicyVersion.objects.count() == 1


def test_who_began_before_another_version_became_active_is_told_and_keeps_the_work(world: World, olga: Visitor) -> None:
    sent = fields_of(text_of(olga.get(NEW)))
    world.activate(RICH)
    response = olga.post(NEW, {**sent, "note": "My work.", "propose": "1"})
    page = text_of(response)
    assert response.status_code == 409
    assert "Another version became active while you were at it" in page
    assert "My work." in page
    assert olga.post(NEW, {**fields_of(page), "propose": "1"}).status_code == 303


def test_the_first_policy_of_a_pipeline_begins_with_people_looking_at_everything() -> None:
    policy = parse_policy(document_of(typed_of(STARTER)))
    assert [(band.key, band.route) for band in policy.bands] == [("0.00-1.00", "review")]
