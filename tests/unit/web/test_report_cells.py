"""A row of a report as HTML: every kind of cell, and nothing of others but as text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reviewqueue.web.report_cells import Writer

CLAIM = "0198f0c2-7a41-7c3e-9d52-3f1f0a6b7c11"


def written(kind: str, value: Any, *, name: str = "x", sees_ledger: bool = True) -> str:
    writer = Writer({"user:1": "Ada <b>"}, sees_ledger=sees_ledger)
    return str(writer.row([{"name": name, "kind": kind}], [value]))


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("count", 12345, "12,345"),
        ("share", 0.931, "93.1 %"),
        ("seconds", 90.0, "1.5 min"),
        ("time", "2026-11-28T08:30:00.000Z", "2026-11-28 08:30:00"),
        ("text", "accept", "accept"),
        ("person", "user:1 user:2", "Ada &lt;b&gt;, user:2"),
        ("pseudonym", "<b>", "&lt;b&gt;"),
        ("text", None, "–"),
        ("count", 0, "0"),
        ("text", "<script>", "&lt;script&gt;"),
    ],
)
def test_each_kind_is_written_in_its_way(kind: str, value: Any, text: str) -> None:
    assert re.sub(r"<[^>]+>", "", written(kind, value)) == text


def test_numbers_stand_on_the_right() -> None:
    assert written("count", 3) == '<td class="right">3</td>'


def test_claims_and_leaves_are_links_and_leaves_only_for_those_who_see_the_ledger() -> None:
    assert f'<a class="hash" href="/claims/{CLAIM}/">{CLAIM}</a>' in written("claim", CLAIM)
    assert re.search(r'<a href="[^"]*/1234/">1,234</a>', written("leaf", 1234))
    assert written("leaf", 1234, sees_ledger=False) == "<td>1,234</td>"


def test_events_are_named_in_words() -> None:
    assert "payload.erased" not in written("text", "payload.erased", name="event")
    assert "never.heard.of" in written("text", "never.heard.of", name="event")
