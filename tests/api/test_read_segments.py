"""Segments by band, what is watched of them, and confidences side by side."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from calibration.comparing import comparison
from calibration.models import BandStat
from calibration.slicing import search_pipeline
from reviewqueue.claims import services as claims
from reviewqueue.claims.models import OutcomeBasis
from reviewqueue.ledger.actors import Actor
from reviewqueue.transactions import one_transaction
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import MODEL, World

SEGMENTS = "/pipelines/support-answers/segments"
COMPARISON = "/pipelines/support-answers/comparison"
REVIEWERS = Actor.system("tests")


def settled(world: World, *, correct: bool, **changes: object) -> None:
    answer = world.submit(**changes).answer
    with one_transaction():
        claim = claims.lock_claim(answer["id"])
        claims.settle(claim=claim, correct=correct, output=None, basis=OutcomeBasis.LABELS, actor=REVIEWERS)


def test_a_source_reads_the_heat_table_and_the_last_search(helpdesk: Caller, world: World) -> None:
    assert helpdesk.get(SEGMENTS).json()["search"] is None
    search_pipeline(world.pipeline)
    BandStat.objects.create(
        **{"policy_version": world.policy, "pipeline": world.pipeline, "segment": "language=de", "band": "0.90-1.00"},
        **{"n_routed": 80, "n_sampled": 40, "n_labelled": 40, "n_right": 38, "mean_confidence": 0.95, "level": 0.95},
        **{"accuracy": 0.95, "low": 0.84, "high": 0.98, "error_upper": 0.14, "gate_labels": 20, "required": 0.9},
        **{"state": "provisional", "method": "wilson"},
        **MODEL,
    )
    answer = helpdesk.get(SEGMENTS).json()
    assert answer["watched"] == [["category"], ["language"], ["workflow"]]
    assert answer["search"]["slices"] == []
    (model,) = answer["models"]
    (row,) = model["segments"]
    cell = row["bands"][-1]
    assert (row["segment"], cell["evidence"], cell["labels_missing"]) == ("language=de", "few", 9)
    assert [each["evidence"] for each in row["bands"][:-1]] == ["empty", "empty"]


@pytest.fixture
def olga(world: World) -> Caller:
    return Caller(key_for(world.olga, "admin", "read"))


def test_what_is_watched_is_replaced_and_read_back(olga: Caller, world: World) -> None:
    seen = olga.get(SEGMENTS).json()
    wanted = {"watched": [["language", "category"], ["language"]], "expected": seen["revision"]}
    assert olga.patch(SEGMENTS, wanted).json()["watched"] == [["language"], ["category", "language"]]
    assert_problem(olga.patch(SEGMENTS, wanted), 409, "settings_outdated")
    assert olga.get("/pipelines/support-answers").json()["watched"] == [["language"], ["category", "language"]]
    problem = assert_problem(olga.patch(SEGMENTS, {"watched": [["colour"]]}), 422)
    assert [each["pointer"] for each in problem["errors"]] == ["/watched/0"]
    assert olga.patch(SEGMENTS, {"watched": []}).json()["watched"] == [["category"], ["language"], ["workflow"]]


def test_who_owns_nothing_here_changes_nothing(world: World) -> None:
    sam = Caller(key_for(world.sam, "admin", "read"))
    assert sam.get(SEGMENTS).status_code == 200
    assert_problem(sam.patch(SEGMENTS, {"watched": []}), 403)


def test_groups_are_compared_and_what_is_unknown_is_refused(
    helpdesk: Caller, world: World, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    assert helpdesk.get(COMPARISON).json()["groups"] == []
    for place in range(32):
        for way in ("logprob", "verbalized_after"):
            settled(world, correct=place % 4 > 0, elicitation=way, input=f"Question {place}?")
    answer = helpdesk.get(f"{COMPARISON}?by=elicitation").json()
    assert [group["elicitation"] for group in answer["groups"]] == ["logprob", "verbalized_after"]
    second = answer["groups"][1]
    assert (second["difference"]["method"], second["difference"]["inputs"]) == ("paired", 32)
    assert second["difference"]["finding"] == "unclear"
    turned = helpdesk.get(f"{COMPARISON}?by=elicitation&against={second['key']}").json()
    assert turned["against"] == second["key"]
    assert turned["groups"][1]["difference"] is None
    assert helpdesk.get(f"{COMPARISON}?by=model_version").json()["groups"][0]["model"] == "acme-lm"
    assert_problem(helpdesk.get(f"{COMPARISON}?by=weather"), 400, "bad_query")
    settled(world, correct=True)
    with django_assert_num_queries(2):  # whether anything is new, and the labels
        comparison(world.pipeline, by="elicitation")
    with django_assert_num_queries(1):
        comparison(world.pipeline, by="prompt_version")
