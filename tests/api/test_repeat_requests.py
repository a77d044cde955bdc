"""Idempotency-Key: sent again, answered again, done once."""

from __future__ import annotations

import threading
from datetime import timedelta

from django.db import connections
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import IdempotentRequest
from reviewqueue.claims.models import Claim
from reviewqueue.transactions import one_transaction
from tests.api.caller import Caller, assert_problem, key_for, row_counts
from tests.world import SETUP, World


def test_a_repeated_request_gets_the_same_bytes_and_does_nothing(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    first = helpdesk.post("/claims", body, idempotency_key="k-1")
    before = row_counts()
    again = helpdesk.post("/claims", body, idempotency_key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"] == "application/json"
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert row_counts() == before


def test_the_answer_is_the_same_with_and_without_a_key(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    keyed = helpdesk.post("/claims", body, idempotency_key="k-1")
    assert helpdesk.post("/claims", body).content == keyed.content


def test_the_same_key_with_another_body_or_address_is_422(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    helpdesk.post("/claims", body, idempotency_key="k-1")
    before = row_counts()
    for path, other in (("/claims", world.claim_body()), ("/claims/preview", body)):
        refused = helpdesk.post(path, other, idempotency_key="k-1")
        assert_problem(refused, 422, "idempotency_key_reused")
    assert row_counts() == before


def test_a_refused_request_can_be_put_right_under_the_same_key(helpdesk: Caller, world: World) -> None:
    assert_problem(helpdesk.post("/claims", world.claim_body(confidence=7), idempotency_key="k-1"), 422)
    assert_problem(helpdesk.post("/claims", b"{", idempotency_key="k-1"), 400)
    assert not IdempotentRequest.objects.exists()
    assert helpdesk.post("/claims", world.claim_body(), idempotency_key="k-1").status_code == 201


def test_a_conflict_is_not_stored_either(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    helpdesk.post("/claims", body)
    for _ in range(2):
        refused = helpdesk.post("/claims", {**body, "confidence": 0.1}, idempotency_key="k-1")
        assert_problem(refused, 409, "claim_conflict")
    assert not IdempotentRequest.objects.exists()


def test_keys_are_1_to_255_printable_characters(helpdesk: Caller, world: World) -> None:
    before = row_counts()
    for key in ("", "x" * 256, "a\tb", "a\x7fb", "\u00e9"):  # B36
        refused = helpdesk.post("/claims", world.claim_body(), idempotency_key=key)
        assert_problem(refused, 400, "bad_idempotency_key")
    assert row_counts() == before
    for key in ("x" * 255, '"structured"', "0"):
        assert helpdesk.post("/claims", world.claim_body(), idempotency_key=key).status_code == 201


def test_keys_of_two_sources_never_meet(helpdesk: Caller, world: World) -> None:
    other = accounts.create_source(slug="other", name="Other", actor=SETUP)
    world.pipeline.sources.add(other)
    stranger = Caller(key_for(other, "intake"))
    body = world.claim_body()
    first = helpdesk.post("/claims", body, idempotency_key="k-1")
    second = stranger.post("/claims", body, idempotency_key="k-1")
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert "Idempotent-Replayed" not in second


def test_a_rotated_key_of_the_same_source_gets_the_stored_answer(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    first = helpdesk.post("/claims", body, idempotency_key="k-1")
    rotated = Caller(key_for(world.source, "intake"))
    assert rotated.post("/claims", body, idempotency_key="k-1").content == first.content


def test_keys_are_forgotten_after_48_hours(helpdesk: Caller, world: World) -> None:
    body = world.claim_body()
    helpdesk.post("/claims", body, idempotency_key="k-1")
    IdempotentRequest.objects.update(created_at=timezone.now() - timedelta(hours=49))
    assert accounts.forget_old_requests() == 1
    assert helpdesk.post("/claims", body, idempotency_key="k-1").status_code == 200


def test_a_concurrent_twin_is_told_to_come_back(committed_world: World) -> None:
    holder = f"source:{committed_world.source.pk}"
    started, done = threading.Event(), threading.Event()

    def first_request() -> None:
        try:
            with one_transaction():
                accounts.stored_answer(holder=holder, key="k-1", request="POST /api/v1/claims", body=b"")
                started.set()
                done.wait(10)
        finally:
            connections.close_all()

    thread = threading.Thread(target=first_request)
    thread.start()
    try:
        assert started.wait(10)
        caller, body = Caller(committed_world.key), committed_world.claim_body()
        refused = caller.post("/claims", body, idempotency_key="k-1")
        assert_problem(refused, 409, "request_in_progress")
        assert refused["Retry-After"] == "1"
        assert caller.post("/claims", committed_world.claim_body(), idempotency_key="k-2").status_code == 201
    finally:
        done.set()
        thread.join()
    assert caller.post("/claims", body, idempotency_key="k-1").status_code == 201


def test_many_twins_at_once_make_one_claim(committed_world: World) -> None:
    body = committed_world.claim_body()
    answers: list[tuple[int, bytes]] = []

    def send() -> None:
        try:
            response = Caller(committed_world.key).post("/claims", body, idempotency_key="k-1")
            answers.append((response.status_code, response.content))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {status for status, _ in answers} <= {201, 409}
    assert len({content for status, content in answers if status == 201}) == 1
    assert Claim.objects.count() == 1
