"""A thousand claims at once, each standing or falling alone."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewqueue import intake
from reviewqueue.accounts import services as accounts
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.services import payload_commitment
from reviewqueue.errors import Invalid
from reviewqueue.intake import BatchResult, ClaimConflict, TooManyClaims
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import ClaimPayload, PayloadKey
from reviewqueue.review.models import ReviewSlot, ReviewTask
from tests.world import IDENTITY, POLICY, SETUP, World

CALIBRATED = {**POLICY, "calibrators": [IDENTITY]}


def batch(world: World, *bodies: object) -> list[BatchResult]:
    return intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())


def statuses(results: list[BatchResult]) -> list[int]:
    return [result.status for result in results]


def test_every_good_claim_of_a_batch_is_recorded_and_answered_in_its_place(world: World) -> None:
    bodies = [world.claim_body(confidence=confidence) for confidence in (0.3, 0.7, 0.95)]
    results = batch(world, *bodies)
    assert [(result.index, result.status) for result in results] == [(0, 201), (1, 201), (2, 201)]
    answers = [result.answer for result in results if result.answer]
    assert [answer["external_id"] for answer in answers] == [body["external_id"] for body in bodies]
    assert [answer["decision"]["band"] for answer in answers] == ["0.00-0.60", "0.60-0.90", "0.90-1.00"]
    assert [str(claim.pk) for claim in Claim.objects.order_by("id")] == [answer["id"] for answer in answers]


def test_a_bad_claim_falls_alone(world: World) -> None:
    results = batch(
        world,
        world.claim_body(),
        world.claim_body(confidence=3),
        "not a claim",
        world.claim_body(category="Refunds"),
        world.claim_body(pipeline="elsewhere"),
        world.claim_body(),
    )
    assert statuses(results) == [201, 422, 422, 422, 422, 201]
    assert pointers(results) == [None, "/confidence", "", "/category", "/pipeline", None]
    assert Claim.objects.count() == 2


def pointers(results: list[BatchResult]) -> list[str | None]:
    return [each.error.problems[0].pointer if isinstance(each.error, Invalid) else None for each in results]


def test_two_equal_elements_are_one_claim_with_one_answer(world: World) -> None:
    body = world.claim_body()
    results = batch(world, body, world.claim_body(), dict(body))
    assert statuses(results) == [201, 201, 200]
    assert results[2].answer == results[0].answer
    assert Claim.objects.count() == Event.objects.filter(kind="claim.decided").count() == 2


def test_of_two_conflicting_elements_the_first_stands(world: World) -> None:
    body = world.claim_body(confidence=0.5)
    results = batch(world, body, {**body, "confidence": 0.6, "output": "other"}, body)
    assert statuses(results) == [201, 409, 200]
    assert isinstance(results[1].error, ClaimConflict)
    assert results[1].error.facts["fields"] == ["confidence", "output"]


def test_a_refused_element_takes_no_external_id(world: World) -> None:
    good = world.claim_body()
    results = batch(world, {**good, "category": "unknown"}, {**good, "supersedes": "nothing"}, good)
    assert statuses(results) == [422, 422, 201]


def test_a_batch_sent_again_gets_its_first_answers_whatever_has_happened_since(world: World) -> None:
    bodies = [world.claim_body(confidence=confidence) for confidence in (0.3, 0.95)]
    first = batch(world, *bodies)
    world.activate(CALIBRATED)
    again = batch(world, *bodies, world.claim_body())
    assert statuses(again) == [200, 200, 201]
    assert [each.answer for each in again[:2]] == [each.answer for each in first]


def test_a_stored_claim_with_other_content_is_a_conflict_for_its_element_alone(world: World) -> None:
    stored = world.submit(input="q", confidence=0.5, external_id="taken").answer
    changed = {**world.claim_body(), "external_id": "taken"}
    results = batch(world, changed, world.claim_body())
    assert statuses(results) == [409, 201]
    assert Claim.objects.get(external_id="taken").pk.hex == stored["id"].replace("-", "")


def test_a_claim_may_supersede_a_stored_claim_of_its_source_and_no_other(world: World) -> None:
    mine = world.claim()
    other = accounts.create_source(slug="elsewhere", name="Elsewhere", actor=SETUP)
    world.pipeline.sources.add(other)
    theirs = batch_of(other, world.claim_body())
    assert theirs[0].answer
    results = batch(
        world, world.claim_body(supersedes=str(mine.pk)), world.claim_body(supersedes=theirs[0].answer["id"])
    )
    assert statuses(results) == [201, 422]
    assert pointers(results)[1] == "/supersedes"
    assert Claim.objects.get(external_id="ticket-3").supersedes == mine


def batch_of(source: Any, *bodies: object) -> list[BatchResult]:
    return intake.submit_batch(source=source, bodies=bodies, now=timezone.now())


def test_each_pipeline_of_a_batch_is_judged_by_its_own_policy(world: World) -> None:
    from reviewqueue.pipelines import services as pipelines

    pipelines.create_pipeline(
        slug="no-policy-yet", name="New", question="?", owner=world.olga, sources=[world.source], actor=SETUP
    )
    bare = {**world.claim_body(pipeline="no-policy-yet"), "category": None, "segments": {}}
    results = batch(world, bare, world.claim_body(category="refunds"))
    decisions = [result.answer["decision"] for result in results if result.answer]
    assert [decision["reasons"][0] for decision in decisions] == ["no_policy", "mandatory_category"]


def test_what_is_kept_of_a_claim_is_what_was_submitted(world: World) -> None:
    hostile = 'tab\t line\nback\\slash "quote" \\N \\. {brace} \u2028 \U0001f600'
    body = world.claim_body(
        external_id='{"a",b}\\',
        input=hostile,
        output={"sum": 18.0, "list": [1, None, True]},
        signals={"agreement": 1.0},
        metadata={hostile: hostile},
        occurred_at="2026-01-22T08:00:00+02:00",
        callback_url="https://example.com/hook",
    )
    (result,) = batch(world, body)
    assert result.status == 201
    claim = Claim.objects.select_related("payload").get()
    content = claim.payload.content
    assert {name: content[name] for name in ("input", "output", "metadata")} == {
        name: body[name] for name in ("input", "output", "metadata")
    }
    assert (claim.external_id, claim.signals, claim.segments) == (
        body["external_id"],
        {"agreement": 1.0},
        body["segments"],
    )
    assert claim.occurred_at is not None
    assert claim.occurred_at.isoformat() == "2026-01-22T06:00:00+00:00"
    assert claim.callback_url == "https://example.com/hook"
    assert content_commitment(claim) == payload_commitment(bytes(claim.payload.salt), content).hex()


def content_commitment(claim: Claim) -> str:
    body: dict[str, str] = json.loads(Event.objects.get(pk=claim.event_id).leaf)["body"]
    return body["content_commitment"]


def test_every_column_of_the_rows_is_written(world: World) -> None:
    world.submit(
        supersedes=str(world.claim().pk), callback_url="https://example.com/hook", occurred_at="2026-01-22T06:00:00Z"
    )
    filled = {
        Claim: Claim.objects.exclude(supersedes=None),
        ClaimPayload: ClaimPayload.objects.all(),
        PayloadKey: PayloadKey.objects.all(),
        Decision: Decision.objects.exclude(policy_version=None),
        ReviewTask: ReviewTask.objects.all(),
        ReviewSlot: ReviewSlot.objects.all(),
    }
    empty = {
        field.name for rows in filled.values() for field in rows.model._meta.concrete_fields
        if getattr(rows.first(), field.attname) is None
    }  # fmt: skip
    assert empty == {"next_step", "calibrated_confidence", "calibrator", "closed_at", "for_reviewer", "for_until"}


def test_a_task_is_free_at_once_by_the_databases_clock(world: World) -> None:
    world.claim()
    with connection.cursor() as cursor:
        cursor.execute("SELECT free_at <= now() AND free_at > now() - interval '1 minute' FROM review_reviewslot")
        assert cursor.fetchall() == [(True,)]


def test_more_than_a_thousand_claims_are_too_many(world: World) -> None:
    with pytest.raises(TooManyClaims):
        batch(world, *[{} for _ in range(1001)])
    assert statuses(batch(world, *[{} for _ in range(1000)])) == [422] * 1000
    assert batch(world) == []


def test_the_statements_do_not_grow_with_the_batch(world: World) -> None:
    world.submit()  # the policy is parsed once per process
    assert count_of_statements(world, 1) == count_of_statements(world, 40) == STATEMENTS


# The terms; which external_ids are taken; ledger entries, claims, payloads, their keys, decisions; ledger entries,
# tasks, slots; and the two around the transaction.
STATEMENTS = 12


def count_of_statements(world: World, size: int) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert statuses(batch(world, *[world.claim_body() for _ in range(size)])) == [201] * size
    return len(captured)
