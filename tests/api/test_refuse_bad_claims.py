"""Readable bodies that are no good claims: 422 with a pointer to each mistake, and nothing changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from reviewqueue.claims.models import Claim
from tests.api.caller import Caller, assert_problem, row_counts
from tests.web.visitor import Visitor, text_of
from tests.world import IDENTITY, POLICY, World

CALIBRATED = {**POLICY, "calibrators": [IDENTITY]}
MISSING = object()

BAD_CONFIDENCES = [
    "NaN",
    "inf",
    "0.9",
    True,
    False,
    None,
    MISSING,
    87,
    1.0000000000000002,
    -1e-12,
    [0.9],
    {"value": 0.9},
]  # B21, B22, B23, B24, B25
UNKNOWN_FIELDS = ["is_admin", "route", "status", "mandatory", "reviewer", "policy_hint", "a/b~c", "x" * 300]  # B30, B40
BAD_EXTERNAL_IDS = [
    "",
    "   ",
    "x" * 256,
    "a\tb",
    "a\nb",
    "\u200b\u200d",
    "ticket\u202e1-rewsna",
    "\u2067a\u2069",
    7,
    None,
]  # B32
HOSTILE_EXTERNAL_IDS = [
    "../../x",
    "%00",
    "'; DROP TABLE claims_claim; --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "<script>alert(1)</script>",
    "ü/🎫",
]  # B33
LOOK_ALIKES = [
    "unknown",
    "",
    "Refunds",
    "refunds ",
    "refunds\u200d",
    "r\u0435funds",
    "\uff52\uff45\uff46\uff55\uff4e\uff44\uff53",
    ["refunds", "general"],
]  # B37, B38
BAD_TIMES = [
    "2026-11-22T06:00:00",
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "2026-06-30T23:59:60Z",
    "2026-06-30T24:00:00Z",
    "2426-01-01T00:00:00Z",
    "yesterday",
    1_700_000_000,
]  # B41
BAD_CALLBACKS = [
    "http://example.com/hook",
    "file:///etc/passwd",
    "gopher://example.com",
    "javascript:alert(1)",
    "data:text/html,x",
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://0.0.0.0/",
    "https://169.254.169.254/latest/meta-data",
    "https://2852039166/",
    "https://0x7f000001/",
    "https://0177.0.0.1/",
    "https://127.1/",
    "https://[::ffff:127.0.0.1]/",
    "https://localhost/",
    "https://localhost./",
    "https://10.1.2.3/",
    "https://192.168.0.1/",
    "https://172.16.0.1/",
    "https://[fc00::1]/",
    "https://[fe80::1]/",
    "https://100.64.0.1/",
    "https://[2002:7f00:1::]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2001:4860:4860::8888]/",
    "https://[::ffff:8.8.8.8]/",
    "https://8.8.8.8/",
    "https://0x7f.0.0.1/",
    "https://127.0.0.0x1/",
    "https://0250.0376.0251.0376/",
    "https://localhost.localhost/",
    "https://example.com./",
    "https://example.com:0/",
    "https://example.com:65536/",
    "https://example.com\\@127.0.0.1/",
    "https://exa mple.com/",
    "https://user:secret@example.com/",
    "https://example.com/#fragment",
    "https://münchen.example/",
    "https://example.com/" + "x" * 5_000,
    "https://example.com/\r\nX-Injected: 1",
    "https://",
    "https://example.com:notaport/",
    "",
]  # B43, B44, B47
OTHER_MISTAKES: list[tuple[dict[str, Any], str]] = [
    ({"pipeline": "elsewhere"}, "/pipeline"),
    ({"segments": {"workflow": "LEGAL"}}, "/segments"),
    ({"segments": {"nobody": "knows"}}, "/segments"),
    ({"supersedes": "not-an-id"}, "/supersedes"),
    ({"elicitation": "x" * 500}, "/elicitation"),
    ({"signals": {"self_consistency": 1.5}}, "/signals"),
    ({"metadata": "text"}, "/metadata"),
    ({"signals": {"attempt_agreement": 1.0}}, "/signals/attempt_agreement"),
    ({"input": "x" * 256 * 1024}, ""),
    ({"context": [{"kind": "document", "text": "x" * 256 * 1024}]}, ""),
    ({"output": ["x" * 1024] * 256}, ""),
]


def pointers_of_refused(helpdesk: Caller, world: World, **changes: Any) -> list[str]:
    body = {name: value for name, value in world.claim_body(**changes).items() if value is not MISSING}
    before = row_counts()
    problem = assert_problem(helpdesk.post("/claims", body), 422, "invalid")
    assert row_counts() == before
    assert helpdesk.post("/claims", world.claim_body()).status_code == 201
    assert all(set(error) == {"pointer", "code", "detail"} for error in problem["errors"])
    return [error["pointer"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("confidence", BAD_CONFIDENCES),
        ("external_id", BAD_EXTERNAL_IDS),
        ("category", LOOK_ALIKES),
        ("occurred_at", BAD_TIMES),
        ("callback_url", BAD_CALLBACKS),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_a_bad_value_is_refused_and_pointed_at(
    helpdesk: Caller, world: World, subtests: pytest.Subtests, field: str, values: list[Any]
) -> None:
    for value in values:
        with subtests.test(repr(value)[:60]):
            assert pointers_of_refused(helpdesk, world, **{field: value}) == [f"/{field}"]


@pytest.mark.parametrize(
    ("off", "odd"),
    [({"minutes": 10}, True), ({"days": -5 * 365}, True), ({"minutes": -10}, False), ({"seconds": 9}, False)],
)
def test_a_clock_that_is_off_is_taken_at_its_word_and_flagged(
    helpdesk: Caller, world: World, off: dict[str, int], odd: bool
) -> None:
    """Row B42: no decision and no figure rests on it; on the page of the claim it is marked."""
    occurred_at = timezone.now() + timedelta(**off)
    answer = helpdesk.post("/claims", world.claim_body(occurred_at=occurred_at.isoformat()))
    assert answer.status_code == 201
    assert Claim.objects.get(pk=answer.json()["id"]).has_odd_time is odd
    page = text_of(Visitor(world.olga).get(f"/claims/{answer.json()['id']}/"))
    assert ("clock skew?" in page) is odd


def test_an_unknown_field_is_refused_and_not_ignored(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    for field in UNKNOWN_FIELDS:
        with subtests.test(field[:40]):
            escaped = field[:64].replace("~", "~0").replace("/", "~1")
            assert pointers_of_refused(helpdesk, world, **{field: "accept"}) == [f"/{escaped}"]


def test_other_mistakes_are_pointed_at_too(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    for changes, pointer in OTHER_MISTAKES:
        with subtests.test(pointer):
            assert pointers_of_refused(helpdesk, world, **changes) == [pointer]


def test_every_mistake_is_told_at_once(helpdesk: Caller, world: World) -> None:
    pointers = pointers_of_refused(helpdesk, world, confidence="high", model=MISSING, extra=1, signals={"x": 2})
    assert set(pointers) == {"/confidence", "/model", "/extra", "/signals"}


def test_a_percentage_is_refused_with_a_hint(helpdesk: Caller, world: World) -> None:
    problem = assert_problem(helpdesk.post("/claims", world.claim_body(confidence=87)), 422)
    assert "not a percentage" in problem["errors"][0]["detail"]


def test_the_ends_of_the_range_belong_to_it_and_minus_zero_is_zero(helpdesk: Caller, world: World) -> None:
    for confidence in (0, 1, 0.0, 1.0, -0.0, 1e-400):
        answer = helpdesk.post("/claims", world.claim_body(confidence=confidence)).json()
        assert str(answer["decision"]["confidence"]) in ("0.0", "1.0")


def test_a_hostile_external_id_is_kept_literally(helpdesk: Caller, world: World) -> None:
    for external_id in HOSTILE_EXTERNAL_IDS:
        answer = helpdesk.post("/claims", world.claim_body(external_id=external_id)).json()
        assert answer["external_id"] == external_id
        assert helpdesk.get(f"/claims/{answer['id']}").json()["external_id"] == external_id
        assert Claim.objects.filter(external_id=external_id).count() == 1


def test_a_mandatory_or_missing_category_is_held_even_with_confidence_1(helpdesk: Caller, world: World) -> None:
    world.activate(CALIBRATED)
    world.validate_band()
    for category in ({"category": "refunds"}, {"category": None}):  # B39
        decision = helpdesk.post("/claims", world.claim_body(confidence=1.0, **category)).json()["decision"]
        assert (decision["route"], decision["reasons"][0]) == ("review", "mandatory_category")


def test_a_refusal_repeats_at_most_64_characters_of_what_was_sent(helpdesk: Caller, world: World) -> None:
    canary = "canary" * 50
    for changes in (
        {"elicitation": canary},
        {canary: 1},
        {"context": [{"kind": "x", canary: 1}]},
        {"category": canary},
    ):
        response = helpdesk.post("/claims", world.claim_body(**changes))
        assert_problem(response, 422)
        assert canary[:65] not in response.content.decode()
