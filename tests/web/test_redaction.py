"""The page on which owners say what is masked before anything is stored."""

from __future__ import annotations

import re

from reviewqueue.pipelines.models import Pipeline
from tests.web.visitor import Visitor, text_of
from tests.world import World

PAGE = "/pipelines/support-answers/redaction/"
WRITTEN = {
    "ready_email": "on",
    "ready_card": "on",
    "patterns": "order: ORD-[0-9]{6}\n",
    "fields_": "name: mask /metadata/name\nwho: drop /context/*/id",
    "spares": "card",
}
STORED = [
    {"id": "email", "kind": "email"},
    {"id": "card", "kind": "card", "output": False},
    {"id": "order", "kind": "pattern", "pattern": "ORD-[0-9]{6}"},
    {"id": "name", "kind": "mask", "path": "/metadata/name"},
    {"id": "who", "kind": "drop", "path": "/context/*/id"},
]


def rules() -> list[dict[str, object]]:
    stored: list[dict[str, object]] = Pipeline.objects.get().redaction
    return stored


def version_on(page: str) -> str:
    [version] = re.findall(r'name="version" value="([^"]*)"', page)
    return version


def test_what_is_written_is_stored_and_shown_again(world: World) -> None:
    olga = Visitor(world.olga)
    version = version_on(olga.get(PAGE).content.decode())
    assert olga.post(PAGE, {**WRITTEN, "version": version}).status_code == 303
    assert rules() == STORED
    page = olga.get(PAGE).content.decode()
    assert "order: ORD-[0-9]{6}" in page
    assert "drop /context/*/id" in page
    assert page.count(" checked") == 2
    assert olga.post(PAGE, {**WRITTEN, "version": version}).status_code == 422


def test_rules_are_tried_on_a_sample_and_nothing_is_saved(world: World) -> None:
    sample = '{"input": "jane@example.org, ORD-123456", "metadata": {"name": "<b>Jane</b>"}}'
    answer = Visitor(world.olga).post(PAGE, {**WRITTEN, "try": "1", "sample": sample})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "[redacted:email], [redacted:order]" in page
    assert "email</span> 1 place" in text_of(answer)
    assert "<b>Jane" not in page
    assert rules() == []


def test_what_is_wrong_stands_beside_its_field(world: World) -> None:
    for field, text, told in (
        ("patterns", "order: (", "order: The pattern is no regular expression"),
        ("patterns", "order", "Write a name, a colon and the rule"),
        ("patterns", "order: x*", "order: This fits where there is nothing"),
        ("fields_", "name: hide /input", "After the colon comes mask or drop"),
        ("fields_", "name: drop /output", "name: This would take away"),
        ("spares", "nobody", "There is no pattern named “nobody”"),
        ("sample", "{", "This is no JSON"),
        ("sample", '{"secret": 1}', "The sample is an object"),
    ):
        answer = Visitor(world.olga).post(PAGE, {**WRITTEN, field: text})
        assert answer.status_code == 422
        assert told in text_of(answer), (field, text)
    assert rules() == []


def test_an_auditor_reads_the_rules_and_changes_nothing(world: World) -> None:
    page = Visitor(world.ada).get(PAGE).content.decode()
    assert '<fieldset class="bare" disabled>' in page
    assert "Save the rules" not in page


def test_the_page_of_a_claim_says_what_was_masked(world: World) -> None:
    olga = Visitor(world.olga)
    olga.post(PAGE, {**WRITTEN, "version": version_on(olga.get(PAGE).content.decode())})
    claim = world.claim(confidence=0.95, input="a@example.org and b@example.org")
    assert "2 places by rule email" in text_of(olga.get(f"/claims/{claim.pk}/"))
