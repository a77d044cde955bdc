"""What a reviewer gets to see, and what is not even sent."""

import json
from typing import Any

import pytest

from reviewqueue.claims.models import Decision
from reviewqueue.errors import NotFound
from reviewqueue.review.models import ReviewSlot, ReviewTask
from reviewqueue.review.selectors import label_answer, lease_for, task_view, why_here
from tests.services.review.steps import RIGHT, label_next, review_terms, taken
from tests.world import World

CLAIM = {
    "output": "canary-output",
    "confidence": 0.93717,
    "model": "canary-model",
    "model_version": "canary-version",
    "prompt_version": "canary-prompt",
    "external_id": "canary-external",
    "alternatives": [{"output": "canary-alternative", "confidence": 0.11213}],
    "signals": {"canary-signal": 0.44414},
    "metadata": {"canary-key": "canary-value"},
    "context": [{"kind": "document", "title": "Price list", "text": "Pro: 18 EUR."}],
}
HIDDEN_IN_SCORE = [
    "0.93717",
    "canary-model",
    "canary-version",
    "canary-prompt",
    "canary-external",
    "0.11213",
    "canary-signal",
    "canary-key",
    "canary-value",
    "reasons",
    "band",
    "decision",
]


def view_of(world: World, blind: str, form: dict[str, Any] | None = None) -> dict[str, Any]:
    world.activate(review_terms(blind=blind))
    world.claim(**CLAIM)
    ReviewTask.objects.update(blind=blind)
    return task_view(taken(world.rita))


def test_an_open_task_shows_the_claim_its_context_and_why_it_is_here(world: World) -> None:
    view = view_of(world, "none")
    task, claim = view["task"], view["task"]["claim"]
    assert set(view["lease"]) == {"id", "expires_at"}
    assert (task["purpose"], task["blind"], task["question"]) == ("review", "none", "Is this answer right?")
    assert task["guideline"].startswith("Prices are")
    assert task["context"][0]["title"] == "Price list"
    assert task["form"] == {"kind": "judgement"}
    assert (claim["output"], claim["confidence"], claim["model"]) == ("canary-output", 0.93717, "canary-model")
    assert claim["alternatives"][0]["confidence"] == 0.11213
    assert claim["decision"]["route"] == "review"
    assert claim["decision"]["reasons"][0] == "band_unvalidated"
    assert {"code", "text", "kind"} == set(claim["decision"]["why"][0])
    json.dumps(view)


@pytest.mark.parametrize("hidden", HIDDEN_IN_SCORE)
def test_a_task_blind_to_the_score_shows_the_output_and_nothing_that_judges_it(world: World, hidden: str) -> None:
    view = view_of(world, "score")
    assert hidden not in json.dumps(view)
    assert view["task"]["claim"]["output"] == "canary-output"
    assert view["task"]["claim"]["alternatives"] == [{"output": "canary-alternative"}]


@pytest.mark.parametrize("hidden", [*HIDDEN_IN_SCORE, "canary-output", "canary-alternative", "alternatives"])
def test_a_task_blind_to_the_answer_shows_only_the_question(world: World, hidden: str) -> None:
    view = view_of(world, "answer")
    assert hidden not in json.dumps(view)
    assert view["task"]["claim"]["input"].startswith("What does plan")


def test_audit_flagged_and_held_tasks_look_the_same(world: World) -> None:
    """Gold tasks too: see test_draw_gold.py."""
    world.activate(review_terms(blind="score"))
    for purpose in ("review", "audit", "flagged"):
        claim = world.claim(input="same", confidence=0.5)
        ReviewTask.objects.filter(claim=claim).update(purpose=purpose)
        ReviewSlot.objects.filter(task__claim=claim).update(purpose=purpose)
    shown = [task_view(taken(world.rita))["task"] for _ in range(3)]
    for task in shown:
        for own in ("id", "due_at"):
            del task[own]
        del task["claim"]["id"]
    assert shown[0] == shown[1] == shown[2]
    assert shown[0]["purpose"] == "review"


def test_a_lease_is_shown_to_its_holder_alone(world: World) -> None:
    world.claim()
    lease = taken(world.rita)
    assert lease_for(world.rita, lease.pk) == lease
    for somebody in (world.ravi, world.sam, world.olga, world.ada, world.adam, world.nora):
        with pytest.raises(NotFound):
            lease_for(somebody, lease.pk)


def test_a_task_is_shown_with_one_query_beyond_its_lease(world: World, django_assert_max_num_queries) -> None:
    world.claim()
    lease_id = taken(world.rita).pk
    with django_assert_max_num_queries(2):
        task_view(lease_for(world.rita, lease_id))


def test_why_here_names_blockers_and_vouchers_in_plain_words(world: World) -> None:
    claim = world.claim(category="refunds", confidence=0.94)
    items = why_here(Decision.objects.get(claim=claim))
    by_code = {item["code"]: item for item in items}
    assert by_code["confidence"]["text"] == "The model stated a confidence of 94%."
    assert by_code["mandatory_category"]["kind"] == "blocker"
    assert by_code["mandatory_category"]["text"].endswith("always goes to a person.")
    assert not any("_" in item["text"] for item in items)


def test_a_label_is_written_as_the_contract_says(world: World) -> None:
    world.claim()
    label = label_next(world.rita, RIGHT).label
    shown = label_answer(label)
    assert (shown["id"], shown["verdict"], shown["output"], shown["note"]) == (str(label.pk), "correct", None, "")
    assert shown["created_at"].endswith("Z")
    assert "reviewer" not in shown
