"""What must not be seen is not in the page."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from reviewqueue.reports.claim_life import claim_life
from reviewqueue.review.services.labels import LabelAnswer
from tests.services.review.steps import ask_for_choices, review_terms, submit, taken
from tests.web.visitor import Visitor, text_of
from tests.world import MODEL, World

HIDDEN_SCORE = {
    "model": "canary-model",
    "model_version": "canary-version",
    "prompt_version": "canary-prompt",
    "confidence": 0.912345,
    "external_id": "canary-external-id",
    "metadata": {"canary-key": "canary-value"},
    "signals": {"canary-signal": 0.5},
}
SCORE_CANARIES = ("canary-model", "canary-version", "canary-prompt", "0.91", "91 %", "91%", "canary-external-id",
                  "canary-key", "canary-value", "canary-signal", "Why is this here")  # fmt: skip
OUTPUT_CANARIES = ("canary-output", "canary-alternative")


def task_page(world: World, visitor: Visitor, **claim: Any) -> str:
    world.claim(
        **{**MODEL, **HIDDEN_SCORE, "alternatives": [{"output": "canary-alternative", "confidence": 0.08}], **claim}
    )
    return text_of(visitor.get(reverse("web:task", args=[taken(world.rita).pk])))


@pytest.fixture
def blind_to(world: World) -> Any:
    def make(degree: str) -> None:
        world.activate(review_terms(blind=degree))

    return make


def test_a_page_blind_to_the_score_shows_the_output_and_no_trace_of_the_score(
    world: World, rita: Visitor, blind_to: Any
) -> None:
    blind_to("score")
    page = task_page(world, rita, output="canary-output")
    assert "canary-output" in page
    assert [canary for canary in SCORE_CANARIES if canary in page] == []


def test_a_page_blind_to_the_answer_shows_neither(world: World, rita: Visitor, blind_to: Any) -> None:
    blind_to("answer")
    ask_for_choices(world)
    page = task_page(world, rita, output="canary-output", input="the question itself")
    assert "the question itself" in page
    assert [canary for canary in (*SCORE_CANARIES, *OUTPUT_CANARIES) if canary in page] == []


def test_evidence_does_not_show_what_a_hidden_output_cites(world: World, rita: Visitor, blind_to: Any) -> None:
    blind_to("answer")
    ask_for_choices(world)
    evidence = [{"kind": "document", "title": "Prices", "text": "The Pro plan costs 18 EUR per seat."}]
    page = task_page(world, rita, output="It says “plan costs 18 EUR” [1].", context=evidence)
    assert "The Pro plan costs 18 EUR per seat." in page
    assert "passage" not in page
    assert "points at" not in page


def test_an_open_page_says_why_the_claim_is_here(world: World, rita: Visitor) -> None:
    page = task_page(world, rita, output="canary-output")
    assert "Why is this here" in page
    assert "canary-model" in page
    assert "canary-alternative" in page


def test_nobody_sees_what_another_reviewer_said_while_the_task_is_open(world: World) -> None:
    world.activate(review_terms(labels_needed=2))
    claim = world.claim()
    submit(taken(world.ravi), LabelAnswer("incorrect", output="ravis correction", note="ravis note"))
    lease = taken(world.rita)
    sam, rita = Visitor(world.sam), Visitor(world.rita)
    pages = [
        rita.get(reverse("web:task", args=[lease.pk])),
        rita.get("/queue/"),
        rita.get(reverse("web:claim", args=[claim.pk])),
        sam.get(reverse("web:claim", args=[claim.pk])),
    ]
    assert [text_of(page) for page in pages if "ravis" in text_of(page)] == []
    entries = claim_life(world.sam, claim.pk).entries
    assert {entry.kind for entry in entries} >= {"claim.decided", "lease.granted"}
    assert "label.submitted" not in {entry.kind for entry in entries}
    assert "label.submitted" in {entry.kind for entry in claim_life(world.ada, claim.pk).entries}


def test_an_audit_sample_looks_like_any_other_task(world: World, rita: Visitor, blind_to: Any) -> None:
    blind_to("score")
    held = task_page(world, rita, output="one", external_id="one")
    assert "Audit" not in held
    assert "audit" not in held


def test_who_may_yet_review_a_claim_blind_cannot_open_its_record_first(world: World, blind_to: Any) -> None:
    blind_to("score")
    claim = world.claim(**HIDDEN_SCORE)
    sam, olga = Visitor(world.sam), Visitor(world.olga)
    closed = sam.get(reverse("web:claim", args=[claim.pk]))
    assert closed.status_code == 403
    assert [canary for canary in SCORE_CANARIES if canary in text_of(closed)] == []
    assert olga.get(reverse("web:claim", args=[claim.pk])).status_code == 200, "owners do not review"
    submit(taken(world.sam))
    assert sam.get(reverse("web:claim", args=[claim.pk])).status_code == 200
