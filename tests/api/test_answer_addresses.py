"""Paths, methods and headers: exactly those of the contract, everything else refused in the same form."""

from __future__ import annotations

import re

import pytest

from reviewqueue.ledger.selectors import EntryFilter, entries
from tests.api.caller import API, Caller, assert_problem, row_counts
from tests.world import World

A_CLAIM = "/claims/0198f0c2-0000-7000-8000-000000000000"


NOWHERE = [
    A_CLAIM,
    "/claims/7",
    "/claims/not-a-uuid",
    "/claims/0198f0c2",
    "/claims/" + "0" * 5_000,
    "/claims/..",
    "/claims/%2e%2e%2fpipelines",
    "/claims/a%2Fb",
    "/claims/%00",
    "/claims/'%20OR%201=1",
    "/pipelines/elsewhere",
    "/pipelines/elsewhere/bands",
    "/pipelines/elsewhere/calibration",
    "/pipelines/elsewhere/thresholds",
    "/pipelines/elsewhere/drift",
    "/pipelines/elsewhere/signals",
    "/pipelines/Support-Answers",
    "/pipelines/support-answers/policies/99",
    "/pipelines/support-answers/policies/-1",
    "/pipelines/support-answers/policies/" + "9" * 5_000,
    "/pipelines/support-answers/policies/one",
    "/outcomes/7",
    "/nothing",
    "/",
    "",
]  # B69


def test_what_is_not_there_is_404(helpdesk: Caller, subtests: pytest.Subtests) -> None:
    for path in NOWHERE:
        with subtests.test(path[:60]):
            assert_problem(helpdesk.get(path), 404, "not_found")


def test_a_trailing_slash_is_another_path_and_nothing_redirects(helpdesk: Caller, world: World) -> None:
    before = row_counts()
    for path in ("/claims/", "/claims/preview/", "/outcomes/", "/pipelines/", "//claims", "/claims//"):
        assert_problem(helpdesk.get(path), 404)
        assert_problem(helpdesk.post(path, world.claim_body()), 404)
    assert row_counts() == before


def test_what_lies_beside_the_api_is_404_as_well(helpdesk: Caller) -> None:
    for path in ("/api", "/api/", "/api/v1", "/api/v2/claims"):
        assert_problem(helpdesk.client.post(path, b"{}", content_type="application/json"), 404)
        assert_problem(helpdesk.client.get(path), 404)


def test_the_id_of_another_kind_of_thing_is_404(helpdesk: Caller, world: World) -> None:
    claim = world.claim()
    task = claim.tasks.get()
    assert helpdesk.get(f"/claims/{claim.pk}").status_code == 200
    assert_problem(helpdesk.get(f"/claims/{task.pk}"), 404)


def test_another_method_is_405_and_says_which_ones_there_are(helpdesk: Caller, world: World) -> None:
    before = row_counts()
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "X" * 100):  # B70
        for path, allowed in (("/claims", {"GET", "POST"}), (A_CLAIM, {"GET"}), ("/reviews/take", {"POST"})):
            response = helpdesk.call(method, path)
            assert_problem(response, 405, "method_not_allowed")
            assert allowed <= set(response["Allow"].split(", "))
            assert method not in response["Allow"]
    assert row_counts() == before


def test_a_method_nobody_offers_is_405_whatever_the_query(helpdesk: Caller) -> None:
    assert_problem(helpdesk.call("TRACE", "/claims?limit=1"), 405)
    assert_problem(helpdesk.call("DELETE", "/claims?nonsense=1"), 405)


def test_head_is_get_without_a_body_and_options_lists_the_methods(helpdesk: Caller) -> None:
    head = helpdesk.call("HEAD", "/claims")
    assert (head.status_code, head.content) == (200, b"")
    options = helpdesk.call("OPTIONS", "/claims")
    assert (options.status_code, options.content) == (204, b"")
    assert set(options["Allow"].split(", ")) >= {"GET", "POST", "OPTIONS"}
    assert "Access-Control-Allow-Origin" not in options


def test_method_override_headers_are_ignored(helpdesk: Caller, world: World) -> None:
    before = row_counts()
    assert helpdesk.get("/claims", x_http_method_override="POST").status_code == 200
    assert_problem(helpdesk.post(A_CLAIM, world.claim_body(), x_http_method_override="GET"), 405)
    assert row_counts() == before


def test_there_is_one_representation_whatever_is_asked_for(helpdesk: Caller) -> None:
    for accepted in ("text/html", "application/xml", "image/*;q=0.1", "nonsense"):
        response = helpdesk.get("/claims", accept=accepted)
        assert response["Content-Type"] == "application/json"
    assert_problem(helpdesk.get("/claims?format=xml"), 400, "bad_query")


def test_an_unknown_host_is_refused_as_a_problem(helpdesk: Caller) -> None:
    assert_problem(helpdesk.get("/claims", host="evil.example"), 400, "bad_request")  # B71


def test_forwarding_headers_change_nothing(helpdesk: Caller, world: World) -> None:
    for header, value in (
        ("x_forwarded_for", "127.0.0.1"),
        ("x_forwarded_host", "evil.example"),
        ("x_forwarded_proto", "https"),
        ("x_original_url", "/api/v1/pipelines"),
        ("x_padding", "a" * 100_000),
    ):
        answer = helpdesk.post("/claims", world.claim_body(), **{header: value})
        assert answer.status_code == 201
        assert answer.json()["links"]["self"] == f"{API}/claims/{answer.json()['id']}"


def test_every_answer_has_a_request_id_of_its_own(helpdesk: Caller) -> None:
    ids = {helpdesk.get("/claims")["X-Request-ID"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one) for one in ids)


def test_a_harmless_request_id_of_the_caller_is_kept_and_any_other_replaced(helpdesk: Caller) -> None:
    kept = helpdesk.get(A_CLAIM, x_request_id="job-42.retry_1")
    assert assert_problem(kept, 404)["instance"] == "job-42.retry_1"
    for bad in ("", "a" * 65, "a b", "<script>", "a\u00e9", "a\x7f"):
        assert helpdesk.get("/claims", x_request_id=bad)["X-Request-ID"] != bad


def test_what_a_request_did_is_found_in_the_ledger_by_its_id(world: World, helpdesk: Caller) -> None:
    answer = helpdesk.post("/claims", world.claim_body(), x_request_id="job-42.retry_1")
    other = helpdesk.post("/claims", world.claim_body())
    wanted = EntryFilter(request="job-42.retry_1")
    assert {str(entry.claim) for entry in entries(filters=wanted).entries} == {answer.json()["id"]}
    wanted = EntryFilter(request=other["X-Request-ID"])
    assert {entry.kind for entry in entries(filters=wanted).entries} >= {"claim.decided"}


def test_answers_are_kept_in_no_cache(helpdesk: Caller) -> None:
    assert helpdesk.get("/claims")["Cache-Control"] == "no-store"
    assert helpdesk.get(A_CLAIM)["Cache-Control"] == "no-store"
