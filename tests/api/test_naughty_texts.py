"""Texts that break other software come back as they were sent, or are refused: never changed, never a 5xx (row B55)."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse

from reviewqueue.review.models import Label, Lease
from reviewqueue.review.services import leases
from tests.api.caller import Caller, lease_path, taken
from tests.web.visitor import Visitor
from tests.world import World

NAUGHTY = [
    *(
        "",
        " ",
        "undefined",
        "null",
        "None",
        "NaN",
        "Infinity",
        "-Infinity",
        "true",
        "0",
        "-1",
        "1e400",
        "0x0",
        "1/0",
        "\\",
        "\\\\",
    ),
    *(
        "'",
        '"',
        "''",
        '""',
        "'\"'",
        "`",
        "<",
        ">",
        "&",
        "&amp;",
        "&#0;",
        "%00",
        "%",
        "%s%s%n",
        "{0}",
        "{{7*7}}",
        "${7*7}",
        "$(id)",
    ),
    *(
        "1;DROP TABLE claims_claim",
        "1' OR '1'='1",
        "' UNION SELECT 1--",
        "admin'--",
        "| id",
        "; ls",
        "../../../../etc/passwd",
        "C:\\nul",
    ),
    *(
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "javascript:alert(1)",
        "<!--",
        "]]>",
        "<![CDATA[",
        "<!DOCTYPE a>",
    ),
    *(
        "\t",
        "\n",
        "\r",
        "\r\n",
        "\x01",
        "\x0b",
        "\x0c",
        "\x1b[31m",
        "\x7f",
        "\x85",
        "\xa0",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufffe",
        "\uffff",
    ),
    *(
        "\u200b",
        "\u202e\u2066",
        "\u2067test\u2069",
        "\U000e0001\U000e0041",
        "a\u0301" * 50,
        "Z\u0351\u036b\u0343",
        "\u00ad",
        "\ufe0f",
    ),
    *(
        "田中さんにあげて",
        "社會科學院",
        "위쪽",
        "表ポあA鷗Œéb",
        "ﷺ",
        "הָיְתָה",
        "ṡ",
        "Ⱥ",
        "ß",
        "İ",
        "ı",
        "ﬁ",
        "Å",
        "１２３",
        "١٢٣",
    ),
    *("👾🙇💁", "👨‍👩‍👧‍👦", "🇩🇪", "👩🏽", "❤️", "1️⃣", "\U0010ffff", "\ue000", "(╯°□°）╯︵ ┻━┻", "ᚠᛇᚻ"),
    *(
        "a" * 1_000,
        "0" * 400,
        "1" * 4_301,
        "[" * 200,
        "{" * 200,
        '{"a":' * 50,
        "=1+1",
        "＝1",
        "+1",
        "-1+1",
        "@SUM(A1)",
        "\t=1",
    ),
]


CASES = [pytest.param(text, id=str(place)) for place, text in enumerate(NAUGHTY)]


def same_or_refused(response: HttpResponse) -> bool:
    assert response.status_code in (200, 201, 422), (response.status_code, response.content[:300])
    return response.status_code != 422


@pytest.mark.parametrize("text", CASES)
def test_a_text_of_a_claim_comes_back_as_it_was(helpdesk: Caller, rita: Caller, world: World, text: str) -> None:
    context = [{"kind": "document", "title": text or "t", "text": text}]
    body = world.claim_body(input=text, output=text, context=context, metadata={"said": text})
    if not same_or_refused(helpdesk.post("/claims", body)):
        return
    task = taken(rita)["task"]
    assert (task["claim"]["input"], task["claim"]["output"], task["claim"]["metadata"]) == (text, text, {"said": text})
    assert task["context"][0]["text"] == text
    lease = leases.take(reviewer=world.ravi)
    assert not isinstance(lease, Lease)
    page = Visitor(world.rita).get(f"/review/{Lease.objects.get().pk}/")
    assert page.status_code == 200


def test_nearly_all_of_them_are_taken(helpdesk: Caller, world: World) -> None:
    claims = [world.claim_body(input=text, output=text, metadata={"said": text}) for text in NAUGHTY]
    results = helpdesk.post("/claims/batch", {"claims": claims}).json()["results"]
    taken_in = sum(result["status"] == 201 for result in results)
    assert taken_in >= 0.95 * len(NAUGHTY)


@pytest.mark.parametrize("text", CASES)
def test_a_name_in_a_claim_comes_back_as_it_was_or_is_refused(helpdesk: Caller, world: World, text: str) -> None:
    for name in ("external_id", "model", "model_version", "prompt_version", "category"):
        response = helpdesk.post("/claims", world.claim_body(**{name: text}))
        if same_or_refused(response) and name == "external_id":
            shown = helpdesk.get(f"/claims/{response.json()['id']}").json()
            assert shown["external_id"] == text


@pytest.mark.parametrize("text", CASES)
def test_what_a_reviewer_writes_comes_back_as_it_was(rita: Caller, world: World, text: str) -> None:
    world.claim()
    work = taken(rita)
    answer = {"verdict": "incorrect", "output": text or None, "note": text}
    if not same_or_refused(rita.post(lease_path(work, "label"), answer)):
        return
    label = Label.objects.get()
    assert (label.output, label.note) == (text or None, text)


@pytest.mark.parametrize("text", CASES)
def test_a_draft_on_the_page_comes_back_as_it_was(world: World, text: str) -> None:
    """Browsers send line ends as CR LF; that is all that may change."""
    world.claim()
    lease = leases.take(reviewer=world.rita)
    assert isinstance(lease, Lease)
    visitor = Visitor(world.rita)
    saved = visitor.post(f"/review/{lease.pk}/draft/", {"verdict": "incorrect", "correction": text, "note": text})
    assert saved.status_code in (200, 422)
    if saved.status_code == 200:
        lease.refresh_from_db()
        assert json.loads(json.dumps(lease.draft))["correction"] == text
