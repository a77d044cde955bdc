"""Policies over the API: proposed and approved by two people, each deciding about what they saw."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse

from reviewqueue.ledger.models import Event
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyVersion
from tests.api.caller import Caller, assert_problem, key_for
from tests.services.policy.steps import LOOSER, OTHER, draft_of
from tests.world import POLICY, World

BASE = "/pipelines/support-answers/policies"
STEPS = ("approve", "activate", "reject", "retire", "shadow", "unshadow")


@pytest.fixture
def olga(world: World) -> Caller:
    return Caller(key_for(world.olga, "admin", "read"))


@pytest.fixture
def otto(world: World) -> Caller:
    return Caller(key_for(world.otto, "admin", "read"))


def step(caller: Caller, number: int, name: str, seen: str = "*") -> HttpResponse:
    return caller.post(f"{BASE}/{number}/{name}", If_Match=seen if seen == "*" else f'"{seen}"')


def test_one_proposes_the_other_approves_and_it_decides(world: World, olga: Caller, otto: Caller) -> None:
    draft = olga.post(BASE, {"document": OTHER, "note": "More certainty."})
    assert draft.status_code == 201
    proposed = draft.json()
    assert (proposed["status"], proposed["proposed_by"], proposed["approvals_missing"]) == ("draft", "olga", 1)
    read = otto.get(f"{BASE}/2")
    assert read["ETag"] == f'"{proposed["revision"]}"'
    approved = step(otto, 2, "approve", proposed["revision"]).json()
    assert (approved["status"], [one["by"] for one in approved["approvals"]]) == ("approved", ["otto"])
    active = step(olga, 2, "activate", approved["revision"]).json()
    assert active["status"] == "active"
    assert otto.get(f"{BASE}/1").json()["status"] == "retired"


def test_nobody_approves_their_own_over_the_api_either(world: World, olga: Caller) -> None:
    olga.post(BASE, {"document": OTHER})
    assert_problem(step(olga, 2, "approve"), 403, "four_eyes")


def test_a_draft_is_rejected_and_an_approved_version_retired(world: World, olga: Caller, otto: Caller) -> None:
    olga.post(BASE, {"document": OTHER})
    assert step(otto, 2, "reject").json()["status"] == "rejected"
    olga.post(BASE, {"document": OTHER})
    step(otto, 3, "approve")
    assert step(olga, 3, "retire").json()["status"] == "retired"
    assert_problem(step(olga, 1, "retire"), 409, "policy_not_in_state")


def test_a_version_runs_in_shadow_and_the_lists_say_so(world: World, olga: Caller) -> None:
    olga.post(BASE, {"document": OTHER})
    olga.post(BASE, {"document": OTHER})
    assert step(olga, 2, "shadow").json()["in_shadow"] is True
    assert [each["in_shadow"] for each in olga.get(BASE).json()["results"]] == [False, True, False]
    assert_problem(step(olga, 3, "shadow"), 409, "shadow_taken")
    assert step(olga, 2, "unshadow").json()["in_shadow"] is False


# --- what was seen (B66) ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STEPS)
def test_a_step_without_if_match_is_428(world: World, otto: Caller, name: str) -> None:
    number = draft_of(world).number
    events = Event.objects.count()
    assert_problem(otto.post(f"{BASE}/{number}/{name}"), 428, "match_required")
    assert Event.objects.count() == events


@pytest.mark.parametrize("name", STEPS)
def test_a_step_on_what_has_changed_since_is_412_and_says_what_it_is_now(world: World, otto: Caller, name: str) -> None:
    draft = draft_of(world)
    policies.reject(version=draft, by=world.adam)
    problem = assert_problem(step(otto, draft.number, name, draft.revision), 412, "policy_moved_on")
    assert problem["revision"] == draft.document_hash + ".rejected"
    assert "rejected now" in problem["detail"]


@pytest.mark.parametrize("header", ["{}", "", '"{}', '"{}" or "b"', "**"])
def test_what_is_no_tag_at_all_says_nothing_of_what_was_seen(world: World, otto: Caller, header: str) -> None:
    draft = draft_of(world)
    answer = otto.post(f"{BASE}/{draft.number}/approve", If_Match=header.format(draft.revision))
    assert_problem(answer, 428, "match_required")


@pytest.mark.parametrize("tag", ['W/"{}"', '"other"', '"a", "b"', '""'])
def test_a_tag_that_is_weak_or_another_matches_nothing(world: World, otto: Caller, tag: str) -> None:
    draft = draft_of(world)
    answer = otto.post(f"{BASE}/{draft.number}/approve", If_Match=tag.format(draft.revision))
    assert_problem(answer, 412, "policy_moved_on")


def test_one_of_several_tags_is_enough(world: World, otto: Caller) -> None:
    draft = draft_of(world)
    answer = otto.post(f"{BASE}/{draft.number}/approve", If_Match=f'"another", "{draft.revision}"')
    assert answer.json()["status"] == "approved"


def test_the_same_step_again_under_its_key_is_answered_as_before(world: World, otto: Caller) -> None:
    draft = draft_of(world)
    sent = {"If_Match": f'"{draft.revision}"', "Idempotency_Key": "approve-2"}
    first = otto.post(f"{BASE}/{draft.number}/approve", **sent)
    again = otto.post(f"{BASE}/{draft.number}/approve", **sent)
    assert (again.status_code, again.content, again["Idempotent-Replayed"]) == (200, first.content, "true")


# --- mandatory review and single approvers ---------------------------------------------------------------------


def test_loosening_mandatory_review_says_what_is_still_missing(world: World, olga: Caller, otto: Caller) -> None:
    proposed = olga.post(BASE, {"document": LOOSER}).json()
    assert (proposed["loosens_mandatory"], proposed["approvals_missing"]) == (True, 2)
    assert_problem(step(otto, 2, "approve"), 403, "administrators_decide")
    adam, amir = (Caller(key_for(person, "admin", "read")) for person in (world.adam, world.amir))
    half = step(adam, 2, "approve", proposed["revision"]).json()
    assert (half["status"], half["approvals_missing"]) == ("draft", 1)
    assert_problem(step(adam, 2, "approve"), 403, "four_eyes")
    assert_problem(step(amir, 2, "approve", proposed["revision"]), 412)
    full = step(amir, 2, "approve", half["revision"]).json()
    assert (full["status"], [one["by"] for one in full["approvals"]]) == ("approved", ["adam", "amir"])


def test_what_one_person_approved_says_so(world: World, olga: Caller) -> None:
    policies.allow_one_person_approval(pipeline=world.pipeline, by=world.adam, note="Olga is alone until June.")
    assert olga.get("/pipelines/support-answers").json()["one_person_approval"] is True
    olga.post(BASE, {"document": OTHER})
    assert step(olga, 2, "approve").json()["one_person"] is True


# --- bad documents (B65) ---------------------------------------------------------------------------------------


def changed(**fields: Any) -> dict[str, Any]:
    return {**POLICY, **fields}


def band(place: int, **fields: Any) -> dict[str, Any]:
    bands = [dict(each) for each in POLICY["bands"]]
    bands[place] |= fields
    return changed(bands=bands)


BAD = {
    "overlap": (band(1, low=0.5), "/document/bands/1"),
    "gap": (band(1, low=0.65), "/document/bands/1"),
    "thresholds reversed": (band(1, low=0.95), "/document/bands/1"),
    "rate above one": (band(0, audit_rate=1.5), "/document/bands/0/audit_rate"),
    "no reviewers": (changed(review={"labels_needed": 0}), "/document/review/labels_needed"),
    "automation of what is mandatory": (
        changed(mandatory={"categories": ["refunds"], "route": "accept"}),
        "/document/mandatory/route",
    ),
    "no category of this pipeline": (
        changed(mandatory={"categories": ["r\u0435funds"]}),
        "/document/mandatory/categories",
    ),
    "empty": ({}, "/document"),
    "no bands": (changed(bands=[]), "/document/bands"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_document_is_422_with_pointers_into_the_body(world: World, olga: Caller, name: str) -> None:
    document, pointer = BAD[name]
    versions = PolicyVersion.objects.count()
    problem = assert_problem(olga.post(BASE, {"document": document}), 422, "invalid")
    assert any(one["pointer"].startswith(pointer) for one in problem["errors"]), problem["errors"]
    assert PolicyVersion.objects.count() == versions


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"document": {"schema": 1, "certainty": NaN}}', 400),
        ({}, 422),
        ({"document": []}, 422),
        ({"document": POLICY, "note": "x" * 2001}, 422),
        ({"document": POLICY, "approve": True}, 422),
    ],
)
def test_a_bad_proposal_is_refused(world: World, olga: Caller, body: Any, status: int) -> None:
    assert_problem(olga.post(BASE, body), status)


# --- who may ---------------------------------------------------------------------------------------------------

DECIDERS = {"rita": 403, "sam": 403, "olga": 428, "otto": 428, "ada": 403, "adam": 428, "nora": 404}
PROPOSERS = {"rita": 403, "sam": 403, "olga": 201, "otto": 201, "ada": 403, "adam": 403, "nora": 404}
STOPPERS = {"rita": 403, "sam": 200, "olga": 200, "otto": 200, "ada": 403, "adam": 200, "nora": 404}
RESETTERS = {"rita": 403, "sam": 403, "olga": 200, "otto": 200, "ada": 403, "adam": 200, "nora": 404}


@pytest.mark.parametrize("name", DECIDERS)
def test_each_role_may_do_what_the_matrix_says(world: World, name: str, subtests: pytest.Subtests) -> None:
    draft = draft_of(world)
    caller = Caller(key_for(world.people[name], "admin"))
    for each in STEPS:
        with subtests.test(each):
            assert caller.post(f"{BASE}/{draft.number}/{each}").status_code == DECIDERS[name]
    with subtests.test("propose"):
        assert caller.post(BASE, {"document": OTHER}).status_code == PROPOSERS[name]
    with subtests.test("stop"):
        assert caller.post("/pipelines/support-answers/breakers", {"reason": "incident"}).status_code == STOPPERS[name]
    with subtests.test("reset"):
        breaker = policies.stop_automation(pipeline=world.pipeline, by=world.sam, reason="incident")
        path = f"/pipelines/support-answers/breakers/{breaker.pk}/reset"
        assert caller.post(path, {"reason": "examined"}).status_code == RESETTERS[name]


def test_the_key_of_a_source_decides_nothing(world: World) -> None:
    caller = Caller(key_for(world.source, "admin", "read"))
    assert_problem(caller.post(BASE, {"document": OTHER}), 403)
    assert_problem(caller.post(f"{BASE}/1/approve", If_Match="*"), 403)
    assert_problem(caller.post("/pipelines/support-answers/breakers", {"reason": "incident"}), 403)


def test_a_key_without_the_scope_decides_nothing(world: World) -> None:
    caller = Caller(key_for(world.otto, "read", "review"))
    assert_problem(caller.post(BASE, {"document": OTHER}), 403)
    assert_problem(step(caller, 1, "approve"), 403)


# --- breakers --------------------------------------------------------------------------------------------------


def test_automation_is_stopped_and_allowed_again(world: World, olga: Caller) -> None:
    path = "/pipelines/support-answers/breakers"
    stopped = olga.post(path, {"reason": "incident"}).json()
    assert (stopped["open"], stopped["tripped_by"], stopped["model"]) == (True, "olga", "")
    assert olga.post(path, {"reason": "complaints"}).json()["id"] == stopped["id"]
    assert olga.get("/pipelines/support-answers").json()["stopped"] is True
    reset = olga.post(f"{path}/{stopped['id']}/reset", {"reason": "cause_removed"}).json()
    assert (reset["open"], reset["reset_reason"]) == (False, "cause_removed")
    assert_problem(olga.post(f"{path}/{stopped['id']}/reset", {"reason": "examined"}), 409, "breaker_not_open")
    assert olga.get(path).json()["results"] == [reset]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"reason": "because"}, "/reason"),
        ({"reason": "incident", "model": "acme-lm"}, "/model_version"),
        ({"reason": "incident", "prompt_version": "v14"}, "/model"),
        ({"reason": "incident", "model": "a\u202eb", "model_version": "1"}, "/model"),
        ({"reason": "incident", "model": "x" * 121, "model_version": "1"}, "/model"),
    ],
)
def test_what_is_stopped_is_named_whole(world: World, olga: Caller, body: Any, pointer: str) -> None:
    problem = assert_problem(olga.post("/pipelines/support-answers/breakers", body), 422)
    assert pointer in [one["pointer"] for one in problem["errors"]]


def test_a_breaker_of_another_pipeline_is_404(world: World, olga: Caller) -> None:
    assert_problem(olga.post("/pipelines/support-answers/breakers/99/reset", {"reason": "examined"}), 404)
    assert_problem(
        olga.post("/pipelines/support-answers/breakers/9" + "9" * 30 + "/reset", {"reason": "examined"}), 404
    )
