"""Golden sets over REST: owners fill and publish them, sources answer them, and whoever may see figures reads them."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.accounts import services as accounts
from reviewqueue.claims.models import Claim
from reviewqueue.golden.services import watching
from tests.api.caller import Caller, assert_problem, key_for
from tests.services.golden.steps import answer_bodies, finished, published, started
from tests.world import MODEL, SETUP, World

SETS = "/pipelines/support-answers/golden-sets"
RUN = {**MODEL, "elicitation": "verbalized_after"}


@pytest.fixture
def olga(world: World) -> Caller:
    return Caller(key_for(world.olga, "admin", "read"))


def item(key: str, **changes: Any) -> dict[str, Any]:
    return {"key": key, "input": f"What is {key}?", "answer": "18 EUR", **changes}


def test_from_an_empty_set_to_the_figures_of_a_run(olga: Caller, helpdesk: Caller) -> None:
    made = olga.post(SETS, {"name": "prices", "every_days": 14}).json()
    assert (made["owner"], made["version"], made["every_days"]) == ("olga", None, 14)
    put = olga.post(f"{SETS}/prices/items", {"items": [item("a"), item("b", category="pricing")]}).json()
    assert put == {"version": 1, "added": 2, "replaced": 0, "removed": 0, "items": 2}
    assert olga.post(f"{SETS}/prices/publish").status_code == 201
    questions = helpdesk.get(f"{SETS}/prices/questions").json()
    assert [(each["key"], each["category"]) for each in questions["results"]] == [("a", None), ("b", "pricing")]
    assert "answer" not in questions["results"][0]
    run = helpdesk.post(f"{SETS}/prices/runs", RUN).json()
    assert (run["state"], run["items"], run["right"]) == ("open", 2, None)
    answers = [{"key": "a", "output": "18 eur", "confidence": 0.9}, {"key": "b", "output": "15 EUR", "confidence": 0.8}]
    taken = helpdesk.post(f"{SETS}/prices/runs/{run['id']}/answers", {"answers": answers}).json()
    assert [each["status"] for each in taken["results"]] == [201, 201]
    assert (taken["run"]["state"], taken["run"]["right"], taken["run"]["accuracy"]) == ("complete", 1, 0.5)
    again = helpdesk.post(f"{SETS}/prices/runs/{run['id']}/answers", {"answers": answers}).json()
    assert ([each["status"] for each in again["results"]], again["accepted"]) == ([200, 200], 2)
    figures = helpdesk.get(f"{SETS}/prices/runs/{run['id']}").json()
    assert figures["measures"]["ece_mass"] == {"value": None, "low": None, "high": None, "note": "too_few_labels"}
    assert not Claim.objects.exists()


def test_each_answer_is_refused_alone(world: World, helpdesk: Caller) -> None:
    run = started(world, published(world))
    [good] = answer_bodies(1)
    body = {"answers": [good, {**good, "output": "other"}, {**good, "key": "plan-99"}, 7]}
    results = helpdesk.post(f"{SETS}/prices/runs/{run.pk}/answers", body).json()["results"]
    assert [each["status"] for each in results] == [201, 409, 422, 422]
    assert [each["problem"]["code"] for each in results[1:]] == ["golden_answer_conflict", "invalid", "invalid"]
    helpdesk.post(f"{SETS}/prices/runs/{run.pk}/close")
    [late] = helpdesk.post(f"{SETS}/prices/runs/{run.pk}/answers", {"answers": answer_bodies(1, first=2)}).json()[
        "results"
    ]
    assert late["problem"]["code"] == "golden_run_finished"


def test_a_batch_has_at_most_a_thousand_answers(world: World, helpdesk: Caller) -> None:
    run = started(world, published(world))
    assert_problem(helpdesk.post(f"{SETS}/prices/runs/{run.pk}/answers", {"answers": [1] * 1_001}), 413, "too_large")


def test_how_many_are_right_is_told_at_the_end(world: World, helpdesk: Caller) -> None:
    run = started(world, published(world))
    after = helpdesk.post(f"{SETS}/prices/runs/{run.pk}/answers", {"answers": answer_bodies(9)}).json()["run"]
    assert (after["right"], after["accuracy"], after["missing"]) == (None, None, 1)
    closed = helpdesk.post(f"{SETS}/prices/runs/{run.pk}/close").json()
    assert (closed["state"], closed["right"], closed["missing"]) == ("closed", 9, 1)
    detail = helpdesk.get(f"{SETS}/prices/runs/{run.pk}").json()
    assert (detail["accuracy_if_missing_wrong"], detail["accuracy_if_missing_right"]) == (0.9, 1.0)


def test_the_same_start_under_one_idempotency_key_is_one_run(world: World, helpdesk: Caller) -> None:
    published(world)
    first, again = (helpdesk.post(f"{SETS}/prices/runs", RUN, Idempotency_Key="run-1") for _ in range(2))
    assert first.content == again.content
    assert len(helpdesk.get(f"{SETS}/prices/runs").json()["results"]) == 1


def test_nothing_is_measured_by_a_set_that_is_not_published(olga: Caller, helpdesk: Caller) -> None:
    olga.post(SETS, {"name": "prices"})
    assert_problem(helpdesk.post(f"{SETS}/prices/runs", RUN), 409, "golden_set_not_in_use")
    assert_problem(olga.post(f"{SETS}/prices/publish"), 409, "nothing_to_publish")
    assert helpdesk.get(f"{SETS}/prices/questions").json() == {"version": None, "results": [], "next": None}
    assert_problem(olga.post(SETS, {"name": "prices"}), 409, "golden_set_exists")


def test_problems_of_items_have_their_pointer_or_their_line(olga: Caller) -> None:
    olga.post(SETS, {"name": "prices"})
    problem = assert_problem(
        olga.post(f"{SETS}/prices/items", {"items": [item("a"), item("a"), item("b", category="cats"), 7]}),
        422,
        "invalid",
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/items/1/key", "/items/2/category", "/items/3"]
    text = "key,answer,category\na,1,cats\nb,2\n"
    problem = assert_problem(olga.post(f"{SETS}/prices/items", {"format": "csv", "text": text}), 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/text", "/text"]
    assert problem["errors"][0]["detail"].startswith("Line 2, /category:")
    assert olga.get(SETS).json()["results"][0]["draft_items"] is None
    for body in ({}, {"items": [item("a")], "text": "key\na", "format": "csv"}, {"text": "key\na"}):
        assert_problem(olga.post(f"{SETS}/prices/items", body), 422, "invalid")


def test_a_file_of_json_lines_replaces_what_is_drafted(olga: Caller) -> None:
    olga.post(SETS, {"name": "prices"})
    olga.post(f"{SETS}/prices/items", {"items": [item("a")]})
    text = '{"key": "b", "answer": "1"}\n{"key": "c", "answer": "2"}\n'
    put = olga.post(f"{SETS}/prices/items", {"format": "jsonl", "text": text, "replace": True}).json()
    assert put == {"version": 1, "added": 2, "replaced": 0, "removed": 1, "items": 2}


def test_what_cannot_be_compared_is_refused_at_publication_by_its_key(olga: Caller) -> None:
    olga.post(SETS, {"name": "prices"})
    olga.post(f"{SETS}/prices/items", {"items": [item("a"), item("b", comparison="number")]})
    problem = assert_problem(olga.post(f"{SETS}/prices/publish"), 422, "invalid")
    assert [error["pointer"] for error in problem["errors"]] == ["/b/answer"]


def test_two_runs_are_compared_by_item(world: World, helpdesk: Caller) -> None:
    made = published(world, 20)
    before = finished(world, made, 20, model_version="v1")
    now = finished(world, made, 20, right=lambda place: place > 8, model_version="v2")
    found = helpdesk.get(f"{SETS}/prices/runs/{now.pk}/comparison").json()
    assert (found["before"]["id"], found["lost"], found["gained"], found["verdict"]) == (str(before.pk), 8, 0, "worse")
    assert len(found["flips"]) == 8
    back = helpdesk.get(f"{SETS}/prices/runs/{before.pk}/comparison?against={now.pk}").json()
    assert (back["verdict"], back["p_value"]) == ("better", found["p_value"])
    assert_problem(helpdesk.get(f"{SETS}/prices/runs/{before.pk}/comparison"), 404)
    assert_problem(helpdesk.get(f"{SETS}/prices/runs/{before.pk}/comparison?against=x"), 400, "bad_query")
    open_run = started(world, made)
    address = f"{SETS}/prices/runs/{now.pk}/comparison?against={open_run.pk}"
    assert_problem(helpdesk.get(address), 409, "golden_runs_not_comparable")


def test_what_is_due_comes_with_the_list(world: World, helpdesk: Caller) -> None:
    published(world, within_days=0)
    world.claim()
    watching.watch_traffic()
    listed = helpdesk.get(SETS).json()
    [due] = listed["due"]
    assert (due["model_version"], due["reason"], due["late"], due["owner"]) == (
        "2026-10-01",
        "new_version",
        True,
        "olga",
    )
    assert (listed["results"][0]["version"], listed["results"][0]["items"]) == (1, 10)


def test_lists_go_on_where_they_end(world: World, helpdesk: Caller) -> None:
    made = published(world)
    runs = [str(started(world, made).pk) for _ in range(3)]
    first = helpdesk.get(f"{SETS}/prices/runs?limit=2").json()
    rest = helpdesk.get(f"{SETS}/prices/runs?limit=2&cursor={first['next']}").json()
    assert [run["id"] for page in (first, rest) for run in page["results"]] == runs[::-1]
    assert rest["next"] is None
    first = helpdesk.get(f"{SETS}/prices/questions?limit=6").json()
    rest = helpdesk.get(f"{SETS}/prices/questions?limit=6&cursor={first['next']}").json()
    keys = [each["key"] for page in (first, rest) for each in page["results"]]
    assert keys == [f"plan-{place}" for place in range(1, 11)]
    assert rest["next"] is None


# --- who may --------------------------------------------------------------------------------------------------------


def test_a_source_of_another_pipeline_sees_nothing_and_another_source_does_not_answer(world: World) -> None:
    run = started(world, published(world))
    shop = accounts.create_source(slug="shop", name="Shop", actor=SETUP)
    stranger = Caller(key_for(shop, "intake", "read"))
    paths = [SETS, f"{SETS}/prices/questions", f"{SETS}/prices/runs", f"{SETS}/prices/runs/{run.pk}"]
    assert [stranger.get(path).status_code for path in paths] == [404] * 4
    world.pipeline.sources.add(shop)
    assert [stranger.get(path).status_code for path in paths] == [200] * 4
    body = {"answers": answer_bodies(1)}
    assert_problem(stranger.post(f"{SETS}/prices/runs/{run.pk}/answers", body), 404)
    assert_problem(stranger.post(f"{SETS}/prices/runs/{run.pk}/close"), 404)


@pytest.mark.parametrize("name", ["rita", "sam", "ada", "adam"])
def test_owners_alone_make_fill_and_publish_sets(world: World, name: str) -> None:
    published(world)
    caller = Caller(key_for(world.people[name], "admin", "read"))
    assert_problem(caller.post(SETS, {"name": "mine"}), 403)
    assert_problem(caller.post(f"{SETS}/prices/items", {"items": [item("a")]}), 403)
    assert_problem(caller.post(f"{SETS}/prices/publish"), 403)
    assert caller.get(SETS).status_code == (403 if name == "rita" else 200)


def test_scopes_are_asked_for(world: World) -> None:
    published(world)
    reader = Caller(key_for(world.source, "read"))
    assert reader.get(SETS).status_code == 200
    assert_problem(reader.post(f"{SETS}/prices/runs", RUN), 403)
    assert_problem(Caller(key_for(world.olga, "read")).post(SETS, {"name": "mine"}), 403)
    assert_problem(Caller(key_for(world.source, "intake")).get(SETS), 403)
