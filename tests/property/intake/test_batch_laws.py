"""A batch gives exactly what the same claims give one by one, but for ids, times and salts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewqueue import intake
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.submission import parse_submission
from reviewqueue.errors import DomainError, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.payloads.models import ClaimPayload
from reviewqueue.pipelines import services as pipelines
from reviewqueue.policy import services as policies
from reviewqueue.review.models import ReviewSlot, ReviewTask
from tests.world import IDENTITY, MODEL, SETUP, World

Body = dict[str, Any]
Took = tuple[int, Any]

# Every draw is certain: two runs give the same claim two ids, and the audit sample is drawn by id.
ROUTES = ("uncertain", "escalate", "review", "accept_flagged", "accept")
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
TERMS: dict[str, dict[str, Any]] = {
    "uncertain": {"next_step": "ask"},
    "review": {"labels_needed": 2},
    "accept_flagged": {"required_accuracy": 0.8},
    "accept": {"audit_rate": 1.0, "required_accuracy": 0.9},
}
DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "bands": [
        {"low": low, "high": high, "route": route, **TERMS.get(route, {})}
        for low, high, route in zip(EDGES, EDGES[1:], ROUTES, strict=False)
    ],
    "mandatory": {"categories": ["refunds"], "segments": {"workflow": ["legal"]}, "route": "escalate"},
    "calibrators": [IDENTITY],
    "review": {"lease_minutes": 10, "labels_needed": 1, "due_minutes": 240, "blind": "answer", "undo_seconds": 10},
    "sampling": {"epoch": "2026-1"},
}
MADE_NEW = {"id", "claim", "claim_id", "task", "task_id", "event", "event_id", "salt", "audit_u", "claim_prev"}
MADE_NEW |= {
    "superseded_by",
    "content_commitment",
    "decided_at",
    "received_at",
    "created_at",
    "due_at",
    "turn",
    "free_at",
    "links",
}


def mostly(usual: Any, *others: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from([usual] * 9 * len(others) + list(others))


claims = st.fixed_dictionaries(
    {
        "pipeline": mostly("support-answers", "choices", "elsewhere"),
        "external_id": st.sampled_from("abcdefg") | st.sampled_from(["stored", "\u00e9", " "]),
        "model": st.just(MODEL["model"]),
        "model_version": mostly(MODEL["model_version"], "2026-11-01"),
        "prompt_version": mostly(MODEL["prompt_version"], None),
        "category": mostly("general", "refunds", "unheard of", None),
        "segments": mostly({"workflow": "qa"}, {"workflow": "legal"}, {"workflow": "none"}, {}),
        "output": st.sampled_from(["18 EUR", {"sum": 18.0}, None]),
        "confidence": st.sampled_from([0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0]),
        "supersedes": mostly(None, "stored", "01990000-0000-7000-8000-000000000000", "nothing"),
    },
)
slips = st.builds(lambda claim, slip: claim | slip, claims, st.sampled_from([{"typo": 1}, {"confidence": 1.5}]))
bodies = st.lists(claims | claims | claims | slips | st.just("no claim"), max_size=8).flatmap(
    lambda some: st.lists(st.sampled_from(some), max_size=3).map(lambda again: some + again) if some else st.just(some)
)


@pytest.fixture
def ready(world: World) -> World:
    """Two pipelines under the same bands, most of them validated for one model version, and one stored claim."""
    choices = pipelines.create_pipeline(
        slug="choices",
        name="Choices",
        question="Which?",
        owner=world.olga,
        categories=["general", "refunds"],
        segment_values={"workflow": ["qa", "legal"]},
        review_form={"kind": "choice", "options": ["yes", "no"]},
        sources=[world.source],
        actor=SETUP,
    )
    draft = policies.propose(pipeline=choices, document=DOCUMENT, proposer=world.olga)
    policies.approve_and_activate(version=draft, approver=world.otto)
    world.activate(DOCUMENT)
    for band in ("0.60-0.80", "0.80-1.00"):
        world.validate_band(band)
    world.submit(external_id="stored")
    return world


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=bodies)
def test_a_batch_is_its_claims_one_by_one(ready: World, bodies: list[Any]) -> None:
    stored = str(Claim.objects.get(external_id="stored").pk)
    sent = [{**each, "supersedes": stored} if superseding(each) else each for each in bodies]
    assert traced(ready, sent, together) == traced(ready, sent, one_by_one)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=bodies)
def test_a_batch_is_foreseen_as_it_comes_to_pass_and_foreseeing_stores_nothing(ready: World, bodies: list[Any]) -> None:
    now = timezone.now()
    before = Event.objects.count(), Claim.objects.count()
    foreseen = intake.preview_batch(source=ready.source, bodies=bodies, now=now)
    assert (Event.objects.count(), Claim.objects.count()) == before
    with undone():
        assert became(intake.submit_batch(source=ready.source, bodies=bodies, now=now)) == became(foreseen)


def became(results: list[intake.BatchResult]) -> list[Took]:
    """Status, and the route of what is new (of which every draw is certain)."""
    return [
        (each.status, each.answer["decision"]["route"] if each.status == 201 and each.answer else None)
        for each in results
    ]


def superseding(body: Any) -> bool:
    return isinstance(body, dict) and body.get("supersedes") == "stored"


def traced(world: World, sent: Sequence[Any], take_in: Callable[[World, Sequence[Any]], list[Took]]) -> dict[str, Any]:
    """The answers and everything in the database, as `take_in` leaves them; afterwards nothing has happened."""
    with undone():
        return {"answers": without_new(take_in(world, sent)), **{name: without_new(rows) for name, rows in stored()}}


@contextmanager
def undone() -> Iterator[None]:
    before = transaction.savepoint()
    try:
        yield
    finally:
        transaction.savepoint_rollback(before)


def together(world: World, sent: Sequence[Any]) -> list[Took]:
    results = intake.submit_batch(source=world.source, bodies=sent, now=timezone.now())
    assert [result.index for result in results] == list(range(len(sent)))
    return [(result.status, result.answer if result.error is None else told(result.error)) for result in results]


def one_by_one(world: World, sent: Sequence[Any]) -> list[Took]:
    return [taken_alone(world, body) for body in sent]


def taken_alone(world: World, body: Any) -> Took:
    now = timezone.now()
    try:
        submitted = intake.submit(source=world.source, submission=parse_submission(body, now=now), now=now)
    except DomainError as error:
        return (422 if isinstance(error, Invalid) else 409), told(error)
    return (201 if submitted.created else 200), submitted.answer


def told(error: DomainError) -> Any:
    return [error.code, error.detail, error.facts, getattr(error, "problems", None)]


def stored() -> Iterator[tuple[str, list[Any]]]:
    """Every row by the claim it belongs to, and the ledger's chain of each claim."""
    yield "claims", list(Claim.objects.order_by("external_id").values())
    yield "order", list(Claim.objects.order_by("id").values_list("external_id", flat=True))
    said = ClaimPayload.objects.select_related("claim", "key").order_by("claim__external_id")
    yield "said", [(each.claim.external_id, each.content) for each in said]
    for model, order in ((Decision, []), (ReviewTask, ["purpose"])):
        rows = model.objects.order_by("claim__external_id", *order)
        yield model.__name__, list(rows.values("claim__external_id", *(f.attname for f in model._meta.concrete_fields)))
    slots = ReviewSlot.objects.order_by("task__claim__external_id", "number")
    yield (
        "slots",
        list(slots.values("task__claim__external_id", *(f.attname for f in ReviewSlot._meta.concrete_fields))),
    )
    names = dict(Claim.objects.values_list("id", "external_id"))
    events = Event.objects.filter(subject__isnull=False).order_by("claim_seq")
    chains = [(names[event.subject], event.claim_seq, json.loads(event.leaf)["body"]) for event in events]
    yield "chains", sorted(chains, key=lambda link: link[:2])


def without_new(value: Any) -> Any:
    """Without what is made anew each time."""
    if isinstance(value, dict):
        return {name: without_new(item) for name, item in value.items() if name not in MADE_NEW}
    if isinstance(value, list | tuple):
        return [without_new(item) for item in value]
    return value
