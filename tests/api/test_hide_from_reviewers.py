"""What blindness hides is not in the answer at all, until the label is in."""

from __future__ import annotations

from typing import Any

from reviewqueue.claims.models import Decision
from reviewqueue.review.models import ReviewTask
from tests.api.caller import Caller, assert_problem, lease_path, taken
from tests.services.review.steps import RIGHT, WRONG, ask_by
from tests.services.review.test_second_looks import labelled, start
from tests.world import IDENTITY, POLICY, World

CORRECT = {"verdict": "correct"}
BLIND = {**POLICY, "review": {**POLICY["review"], "blind": "score"}}
HIDDEN = {
    "confidence",
    "calibrated_confidence",
    "decision",
    "route",
    "band",
    "reasons",
    "signals",
    "model",
    "model_version",
    "prompt_version",
    "elicitation",
    "calibrator",
    "inclusion_probability",
    "audit_sampled",
    "metadata",
    "external_id",
}


def keys_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_in(inner)}
    if isinstance(value, list):
        return {key for inner in value for key in keys_in(inner)}
    return set()


def test_a_blind_task_holds_nothing_that_gives_the_score_away(helpdesk: Caller, rita: Caller, world: World) -> None:
    world.activate(BLIND)
    body = world.claim_body(
        signals={"self_consistency": 0.61},
        metadata={"score": 0.123},
        alternatives=[{"output": "other", "confidence": 0.2}],
    )
    helpdesk.post("/claims", body)
    response = rita.post("/reviews/take")
    assert response.json()["task"]["blind"] == "score"
    assert keys_in(response.json()).isdisjoint(HIDDEN)
    for given_away in ("0.95", "0.61", "0.123", "0.2", "band_unvalidated", "acme-lm", body["external_id"]):
        assert given_away not in response.content.decode()


def test_an_audit_sample_looks_like_any_other_blind_task(helpdesk: Caller, rita: Caller, world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    for _ in range(200):  # one in five is drawn
        helpdesk.post("/claims", world.claim_body())
        if Decision.objects.filter(audit_sampled=True).exists():
            break
    response = rita.post("/reviews/take")
    assert ReviewTask.objects.get(pk=response.json()["task"]["id"]).purpose == "audit"
    assert b"audit" not in response.content
    assert keys_in(response.json()).isdisjoint(HIDDEN)


def test_a_second_look_holds_no_word_of_the_first_nor_of_why_it_is_asked_for(ravi: Caller, world: World) -> None:
    claim, other = labelled(world, WRONG), labelled(world, RIGHT)
    start(world, [claim], [other])
    first, second = ravi.post("/reviews/take"), ravi.post("/reviews/take")
    for response in (first, second):
        assert keys_in(response.json()).isdisjoint(HIDDEN | {"labels", "outcome"})
        for given_away in ("relabel", "suspect", "random", "second", WRONG.output, "incorrect", "0.95"):
            assert given_away not in response.content.decode()
    assert keys_in(first.json()) == keys_in(second.json())


def test_after_a_blind_label_the_hidden_part_is_revealed(helpdesk: Caller, rita: Caller, world: World) -> None:
    world.activate(BLIND)
    helpdesk.post("/claims", world.claim_body())
    answer = rita.post(lease_path(taken(rita), "label"), CORRECT).json()
    assert answer["reveal"]["confidence"] == 0.95
    assert answer["reveal"]["model_version"] == "2026-10-01"


def test_where_the_reviewer_answers_alone_not_even_the_output_is_sent(
    helpdesk: Caller, rita: Caller, world: World
) -> None:
    ask_by(world, {"kind": "choice", "options": ["yes", "no"]})
    world.activate({**POLICY, "review": {**POLICY["review"], "blind": "answer"}})
    helpdesk.post("/claims", world.claim_body(output="yes", alternatives=[{"output": "perhaps"}]))
    response = rita.post("/reviews/take")
    assert response.json()["task"]["blind"] == "answer"
    assert keys_in(response.json()).isdisjoint(HIDDEN | {"output", "alternatives"})
    assert "perhaps" not in response.content.decode()
    path = lease_path(response.json(), "label")
    assert_problem(rita.post(path, CORRECT), 422, "invalid")
    answer = rita.post(path, {"output": "no"}).json()
    assert (answer["label"]["verdict"], answer["label"]["output"]) == ("incorrect", "no")
    assert answer["reveal"]["output"] == "yes"
