"""The reference for people: complete, readable without scripts, and nothing in it that the security policy forbids."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from django.test import Client

from reviewqueue.api import reading
from reviewqueue.api.views.reference import document
from tests.api.caller import API


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text between scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


@pytest.fixture
def page(client: Client) -> str:
    response = client.get(f"{API}/docs")
    assert response.status_code == 200
    assert "script-src 'self'" in response["Content-Security-Policy"]
    assert "unsafe" not in response["Content-Security-Policy"]
    return response.content.decode()


def test_every_operation_and_every_type_is_on_the_page(page: str) -> None:
    for path, item in document()["paths"].items():
        for method in item.keys() - {"parameters"}:
            assert f'id="{item[method]["operationId"]}"' in page
            assert item[method]["summary"] in page
        assert f"/api/v1{path}" in page
    for name in document()["components"]["schemas"]:
        assert (f'id="type-{name}"' in page) != name.startswith("problem.")


def test_links_within_the_page_lead_somewhere(page: str) -> None:
    tags = Elements(page).tags
    ids = {attributes["id"] for _, attributes in tags if "id" in attributes}
    targets = {str(attributes["href"])[1:] for _, attributes in tags if str(attributes.get("href", "")).startswith("#")}
    assert targets <= ids


def test_nothing_on_the_page_is_inline_or_from_elsewhere(page: str) -> None:
    for tag, attributes in Elements(page).tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert tag != "style"
        for name in ("src", "href", "action"):
            assert not re.match(r"(https?:)?//", attributes.get(name) or ""), (tag, attributes)
        assert tag != "script" or attributes.get("src")


def test_a_key_is_asked_for_and_never_part_of_the_page(page: str) -> None:
    (key,) = [attributes for _, attributes in Elements(page).tags if attributes.get("id") == "api-key"]
    assert (key["type"], key["autocomplete"]) == ("password", "off")
    assert "value" not in key
    assert "name" not in key


def test_kinds_are_told_in_words() -> None:
    for schema, words in (
        ({"type": "string", "maxLength": 120, "minLength": 1}, "text, 1 or more characters, 120 or fewer characters"),
        (
            {"anyOf": [{"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}]},
            "number, at least 0, at most 1 or null",
        ),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Claim"}}, "list of Claim"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "object of text"),
        ({"enum": ["a", "", None]}, 'a, "", null'),
        ({"type": "string", "format": "uuid"}, "uuid"),
        ({}, "any JSON value"),
    ):
        assert reading.kind_of(schema) == words
