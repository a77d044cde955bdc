"""The open tasks of a pipeline over REST: listing, moving, undoing."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.review.models import ReviewSlot, ReviewTask
from tests.api.caller import Caller, assert_problem, key_for, taken
from tests.services.review import steps
from tests.world import World

TASKS = "/pipelines/support-answers/tasks"
CHANGES = f"{TASKS}/changes"


@pytest.fixture
def sam(world: World) -> Caller:
    return Caller(key_for(world.sam, "review"))


def listed(caller: Caller, **asked: Any) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer: dict[str, Any] = caller.get(f"{TASKS}?{query}" if query else TASKS).json()
    return answer


def all_slots() -> list[int]:
    return list(ReviewSlot.objects.order_by("pk").values_list("pk", flat=True))


def change(caller: Caller, **wanted: Any) -> Any:
    return caller.post(CHANGES, {"slots": all_slots(), **wanted})


def test_a_page_says_what_waits_and_who_has_it(world: World, sam: Caller, rita: Caller) -> None:
    world.claim(category="pricing")
    world.claim()
    taken(rita)
    first, second = listed(sam)["results"]
    assert (first["state"], first["person"], first["category"]) == ("held", "rita", "pricing")
    assert (second["state"], second["person"], second["until"]) == ("free", None, None)
    assert "claim" not in first
    assert [each["slot"] for each in listed(sam, state="held")["results"]] == [first["slot"]]


def test_what_is_judged_blind_is_a_review(world: World, sam: Caller) -> None:
    world.claim()
    ReviewTask.objects.update(purpose="audit", blind="score")
    ReviewSlot.objects.update(purpose="audit")
    [entry] = listed(sam)["results"]
    assert entry["purpose"] == "review"
    assert_problem(sam.get(f"{TASKS}?purpose=audit"), 400, "bad_query")


def test_pages_follow_each_other_and_a_cursor_is_for_its_filter(world: World, sam: Caller) -> None:
    for _ in range(3):
        world.claim()
    first = listed(sam, limit=2)
    second = listed(sam, limit=2, cursor=first["next"])
    assert [each["slot"] for each in first["results"] + second["results"]] == all_slots()
    assert second["next"] is None
    assert_problem(sam.get(f"{TASKS}?state=free&cursor={first['next']}"), 400, "bad_query")


def test_tasks_are_moved_and_moved_back(world: World, sam: Caller) -> None:
    world.claim()
    seen = change(sam, do="prioritise", hours=24, preview=True).json()
    assert (seen["id"], seen["changed"]) == (None, all_slots())
    assert ReviewSlot.objects.get().priority == 0
    done = change(sam, do="prioritise", hours=24).json()
    assert done["changed"] == all_slots()
    assert listed(sam)["results"][0]["hours"] == 24
    undone = sam.post(f"{CHANGES}/{done['id']}/undo").json()
    assert undone == {"restored": all_slots(), "unchanged": []}
    assert_problem(sam.post(f"{CHANGES}/{done['id']}/undo"), 409, "change_stands")


def test_what_cannot_be_changed_is_named_with_its_reason(world: World, sam: Caller) -> None:
    world.claim()
    [slot] = all_slots()
    answer = sam.post(CHANGES, {"slots": [slot, 10**9], "do": "release"}).json()
    assert answer["changed"] == []
    assert answer["unchanged"] == [{"slot": slot, "why": "not_held"}, {"slot": 10**9, "why": "not_found"}]


def test_a_task_taken_out_of_hands_can_be_given_to_one_person(
    world: World, sam: Caller, rita: Caller, ravi: Caller
) -> None:
    world.claim()
    taken(rita)
    assert change(sam, do="reassign", to="ravi", keep_hours=2).json()["changed"] == all_slots()
    assert listed(sam)["results"][0]["state"] == "kept"
    taken(ravi)
    assert_problem(change(sam, do="reassign", to="nora"), 422)


def test_an_undo_names_what_somebody_acted_on(world: World, sam: Caller) -> None:
    world.claim()
    done = change(sam, do="prioritise", hours=1).json()
    steps.label_next(world.rita)
    undone = sam.post(f"{CHANGES}/{done['id']}/undo").json()
    assert undone == {"restored": [], "unchanged": [{"slot": all_slots()[0], "why": "answered"}]}


def test_each_role_may_do_what_it_may_on_the_pages(world: World) -> None:
    world.claim()
    reads = {"rita": 403, "sam": 200, "olga": 200, "ada": 200, "adam": 200, "nora": 404}
    moves = {"rita": 403, "sam": 200, "olga": 403, "ada": 403, "adam": 403, "nora": 404}
    takes_out = {**moves, "adam": 200}
    for name, person in world.people.items():
        if name not in reads:
            continue
        caller = Caller(key_for(person, "review"))
        assert caller.get(TASKS).status_code == reads[name], name
        assert change(caller, do="prioritise", hours=3).status_code == moves[name], name
        assert change(caller, do="release").status_code == takes_out[name], name


def test_too_many_at_once_and_no_task_at_all_are_refused(sam: Caller) -> None:
    for slots in ([], list(range(1, 202))):
        assert_problem(sam.post(CHANGES, {"slots": slots, "do": "release"}), 422)
