"""Pipelines, bands and policies: a source sees its own, a person those where their role may see figures."""

from __future__ import annotations

from calibration import services as calibration
from reviewqueue import pipeline_settings as settings
from reviewqueue.accounts import services as accounts
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import IDENTITY, MODEL, POLICY, SETUP, World

PATHS = (
    "/pipelines/support-answers",
    "/pipelines/support-answers/bands",
    "/pipelines/support-answers/calibration",
    "/pipelines/support-answers/thresholds",
    "/pipelines/support-answers/drift",
    "/pipelines/support-answers/drift/series",
    "/pipelines/support-answers/overview",
    "/pipelines/support-answers/coverage",
    "/pipelines/support-answers/calibrators",
    "/pipelines/support-answers/plan",
    "/pipelines/support-answers/signals",
    "/pipelines/support-answers/policies",
    "/pipelines/support-answers/policies/1",
)


def test_a_source_reads_its_pipelines(helpdesk: Caller, world: World) -> None:
    (pipeline,) = helpdesk.get("/pipelines").json()["results"]
    assert pipeline["slug"] == "support-answers"
    assert pipeline["owner"] == "olga"
    assert pipeline["categories"] == ["general", "pricing", "refunds"]
    detail = helpdesk.get(pipeline["links"]["self"].removeprefix("/api/v1")).json()
    assert detail["active_policy"]["number"] == 1
    assert detail["calibrators"] == []
    assert detail["bands"] == []
    assert (detail["elicitation"], detail["signals"], detail["costs"]) == (None, {}, None)


def test_what_a_pipeline_declares_is_in_its_answer(helpdesk: Caller, world: World) -> None:
    signal = {"family": "evidence", "elicitation": "verifier", "higher_is": "better", "description": "Supported?"}
    costs = {"currency": "EUR", "review": 1.2, "error": None, "steps": {"retry": 0.002}}
    settings.declare_signals(pipeline=world.pipeline, signals={"coverage": signal}, actor=SETUP)
    settings.set_costs(pipeline=world.pipeline, costs=costs, actor=SETUP)
    detail = helpdesk.get("/pipelines/support-answers").json()
    assert detail["signals"] == {"coverage": signal}
    assert detail["costs"] == costs


def test_a_pipeline_of_another_source_is_404(world: World) -> None:
    other = accounts.create_source(slug="other", name="Other", actor=SETUP)
    stranger = Caller(key_for(other, "read"))
    assert stranger.get("/pipelines").json() == {"results": []}
    for path in PATHS:
        assert_problem(stranger.get(path), 404)


def test_figures_are_for_those_whose_role_may_see_them(world: World, subtests) -> None:
    for name, status in (
        ("nora", 404),
        ("rita", 403),
        ("sam", 200),
        ("olga", 200),
        ("otto", 200),
        ("ada", 200),
        ("adam", 200),
    ):
        caller = Caller(key_for(world.people[name], "read"))
        for path in PATHS:
            with subtests.test(name, path=path):
                assert caller.get(path).status_code == status


def test_the_list_holds_whatever_a_person_has_to_do_with(world: World) -> None:
    for name, slugs in (("rita", ["support-answers"]), ("ada", ["support-answers"]), ("nora", [])):
        results = Caller(key_for(world.people[name], "read")).get("/pipelines").json()["results"]
        assert [pipeline["slug"] for pipeline in results] == slugs


def test_bands_come_with_their_figures_and_one_of_four_states(helpdesk: Caller, world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    for confidence in (0.3, 0.95, 0.97):
        world.submit(confidence=confidence)
    calibration.measure_bands()
    (table,) = helpdesk.get("/pipelines/support-answers/bands").json()["results"]
    assert {name: table[name] for name in MODEL} == MODEL
    assert table["calibrator"] == "identity-1"
    bands = {band["band"]: band for band in table["bands"]}
    top = bands["0.90-1.00"]
    assert (top["n_routed"], top["n_labelled"], top["accuracy"]) == (2, 0, None)
    assert {"low", "high", "level", "required", "state"} <= set(top)
    assert {band["state"] for band in bands.values()} <= {"validated", "unvalidated", "breach", "stale"}
    detail = helpdesk.get("/pipelines/support-answers").json()
    assert detail["calibrators"] == [{**MODEL, "name": "identity-1"}]
    assert {band["band"]: band["state"] for band in detail["bands"]} == {
        name: band["state"] for name, band in bands.items()
    }


def test_policies_are_listed_newest_first_and_one_is_read_whole(helpdesk: Caller, world: World) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    policies = helpdesk.get("/pipelines/support-answers/policies").json()["results"]
    assert [(policy["number"], policy["status"]) for policy in policies] == [(2, "active"), (1, "retired")]
    assert (policies[0]["proposed_by"], policies[0]["approved_by"]) == ("olga", "otto")
    whole = helpdesk.get("/pipelines/support-answers/policies/2").json()
    assert whole["document"]["bands"] == world.policy.document["bands"]
    assert whole["document_hash"] == world.policy.document_hash


def test_the_list_of_policies_takes_as_many_queries_for_many_as_for_one(
    helpdesk: Caller, world: World, django_assert_max_num_queries
) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.activate(POLICY)
    helpdesk.get("/pipelines")
    with django_assert_max_num_queries(5):
        assert len(helpdesk.get("/pipelines/support-answers/policies").json()["results"]) == 3
    with django_assert_max_num_queries(4):
        helpdesk.get("/pipelines")
