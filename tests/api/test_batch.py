"""POST /claims/batch: up to a thousand claims, each with its own answer."""

from __future__ import annotations

import json
from typing import Any

from reviewqueue.accounts.models import IdempotentRequest
from reviewqueue.claims.models import Claim
from tests.api.caller import PROBLEM, Caller, assert_problem, key_for, row_counts
from tests.world import World

MIB = 1024 * 1024


def test_each_claim_is_answered_as_it_would_be_alone(helpdesk: Caller, world: World) -> None:
    good, bad = world.claim_body(), world.claim_body(confidence=94)
    answer = helpdesk.post("/claims/batch", {"claims": [good, bad]}).json()
    assert (answer["accepted"], answer["rejected"]) == (1, 1)
    taken, refused = answer["results"]
    assert (taken["index"], taken["status"]) == (0, 201)
    assert taken["claim"] == helpdesk.post("/claims", good).json()
    alone = helpdesk.post("/claims", bad).json()
    assert (refused["index"], refused["status"]) == (1, 422)
    assert refused["problem"] == {**alone, "instance": refused["problem"]["instance"]}


def test_the_problem_of_an_element_carries_the_id_of_the_request(helpdesk: Caller) -> None:
    response = helpdesk.post("/claims/batch", {"claims": [{}]})
    assert response.json()["results"][0]["problem"]["instance"] == response["X-Request-ID"]


def test_a_conflict_names_the_differing_fields(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    answer = helpdesk.post("/claims/batch", {"claims": [body, {**body, "confidence": 0.1}]}).json()
    problem = answer["results"][1]["problem"]
    assert (problem["status"], problem["code"], problem["fields"]) == (409, "claim_conflict", ["confidence"])


def test_a_batch_sent_again_is_answered_with_200_for_each(helpdesk: Caller, world: World) -> None:
    batch = {"claims": [world.claim_body() for _ in range(3)]}
    first = helpdesk.post("/claims/batch", batch).json()
    again = helpdesk.post("/claims/batch", batch).json()
    assert [each["status"] for each in again["results"]] == [200, 200, 200]
    assert [each["claim"] for each in again["results"]] == [each["claim"] for each in first["results"]]
    assert again["accepted"] == 3


def test_under_an_idempotency_key_the_same_bytes_come_back_and_nothing_happens(helpdesk: Caller, world: World) -> None:
    batch = {"claims": [world.claim_body(), "not a claim"]}
    first = helpdesk.post("/claims/batch", batch, idempotency_key="k-1")
    before = row_counts()
    again = helpdesk.post("/claims/batch", batch, idempotency_key="k-1")
    assert again.content == first.content
    assert again["Idempotent-Replayed"] == "true"
    assert row_counts() == before
    assert IdempotentRequest.objects.count() == 1


def test_a_body_that_is_no_batch_is_refused_as_a_whole(helpdesk: Caller, world: World) -> None:
    before = row_counts()
    for body in ([], {}, {"claims": {}}, {"claims": [], "more": 1}, {"claims": None}):
        assert_problem(helpdesk.post("/claims/batch", body), 422, "invalid")
    twice = json.dumps({"claims": [world.claim_body()]})[:-1] + ', "claims": []}'
    assert_problem(helpdesk.post("/claims/batch", twice.encode()), 400, "malformed_json")
    assert row_counts() == before


def test_an_empty_batch_is_a_batch(helpdesk: Caller) -> None:
    assert helpdesk.post("/claims/batch", {"claims": []}).json() == {"results": [], "accepted": 0, "rejected": 0}


def test_a_thousand_claims_are_a_batch_and_one_more_is_too_many(helpdesk: Caller) -> None:
    assert_problem(helpdesk.post("/claims/batch", {"claims": [{}] * 1001}), 413, "too_large")  # B79
    assert helpdesk.post("/claims/batch", {"claims": [{}] * 1000}).json()["rejected"] == 1000


def test_a_body_beyond_32_mib_is_refused_and_one_beyond_1_mib_is_not(helpdesk: Caller, world: World) -> None:
    assert_problem(helpdesk.post("/claims/batch", b" " * (32 * MIB + 1)), 413, "too_large")
    bodies = [world.claim_body(output="x" * 200_000) for _ in range(8)]
    assert helpdesk.post("/claims/batch", {"claims": bodies}).json()["accepted"] == 8


def test_one_claim_beyond_256_kib_falls_alone(helpdesk: Caller, world: World) -> None:
    bodies = [world.claim_body(output="x" * 300_000), world.claim_body()]
    answer = helpdesk.post("/claims/batch", {"claims": bodies}).json()
    assert [each["status"] for each in answer["results"]] == [422, 201]
    assert answer["results"][0]["problem"]["errors"][0]["code"] == "too_large"


def test_without_the_scope_for_intake_nothing_is_taken_in(world: World) -> None:
    reader = Caller(key_for(world.source, "read"))
    assert_problem(reader.post("/claims/batch", {"claims": [world.claim_body()]}), 403, "forbidden")
    assert_problem(Caller(None).post("/claims/batch", {"claims": []}), 401, "unauthorized")
    assert not Claim.objects.exists()


def test_what_a_bad_element_says_comes_back_shortened(helpdesk: Caller, world: World) -> None:
    canary = "canary" * 40
    response = helpdesk.post("/claims/batch", {"claims": [world.claim_body(elicitation=canary), {canary: 1}]})
    assert response["Content-Type"] != PROBLEM
    assert canary[:65] not in response.content.decode()


def test_a_batch_is_read_to_its_last_element(helpdesk: Caller, world: World) -> None:
    """Whatever JSON an element is, it has a place in the answer."""
    elements: list[Any] = [None, 1, "x", [], {}, True, 0.5, world.claim_body()]
    answer = helpdesk.post("/claims/batch", {"claims": elements}).json()
    assert [(each["index"], each["status"]) for each in answer["results"]] == [
        *((index, 422) for index in range(7)),
        (7, 201),
    ]
