"""Due times and skills over REST."""

from __future__ import annotations

import pytest

from reviewqueue.api import task_examples
from reviewqueue.pipelines.selectors import skills_of
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import World

RULES = "/pipelines/support-answers/queue-rules"
SKILLS = "/pipelines/support-answers/skills"
ALL = task_examples.RULES["rules"]


@pytest.fixture
def olga(world: World) -> Caller:
    return Caller(key_for(world.olga, "admin"))


def test_rules_are_replaced_and_read_back(olga: Caller) -> None:
    seen = olga.get(RULES).json()
    changed = olga.patch(RULES, {"rules": ALL, "expected": seen["revision"]}).json()
    assert changed["rules"] == ALL == olga.get(RULES).json()["rules"]
    assert_problem(olga.patch(RULES, {"rules": {}, "expected": seen["revision"]}), 409, "settings_outdated")
    assert olga.patch(RULES, {"rules": {}}).json()["rules"] == {}


def test_what_the_page_refuses_is_refused_here(olga: Caller) -> None:
    for rules, pointer in (
        ({"working_time": {"zone": "Mars", "hours": {}}}, "/queue_rules/working_time/zone"),
        ({"due": {"categories": {"nonsense": 60}}}, "/queue_rules/due/categories/nonsense"),
        ({"skills": {"segments": {"language": {"xx": ["german"]}}}}, "/queue_rules/skills/segments/language/xx"),
    ):
        problem = assert_problem(olga.patch(RULES, {"rules": rules}), 422)
        assert pointer in [each["pointer"] for each in problem["errors"]]


def test_skills_are_said_and_a_task_is_given_to_who_has_them(world: World, olga: Caller, rita: Caller) -> None:
    olga.patch(RULES, {"rules": ALL})
    world.claim(category="refunds")
    assert rita.post("/reviews/take")["X-Queue-Reason"] == "no_skill"
    assert olga.post(SKILLS, {"person": "rita", "skills": ["law"]}).json() == {"person": "rita", "skills": ["law"]}
    assert {"person": "rita", "skills": ["law"]} in olga.get(RULES).json()["people"]
    assert rita.post("/reviews/take", {"category": "general"})["X-Queue-Reason"] == "empty"
    assert rita.post("/reviews/take", {"category": "refunds"}).status_code == 200
    assert_problem(olga.post(SKILLS, {"person": "rita", "skills": ["magic"]}), 422)
    assert_problem(olga.post(SKILLS, {"person": "nora", "skills": []}), 422)
    assert skills_of(world.rita) == {"law"}


def test_each_role_may_do_what_it_may_on_the_page(world: World) -> None:
    reads = {"rita": 403, "sam": 200, "olga": 200, "ada": 200, "adam": 200, "nora": 404}
    writes = {"rita": 403, "sam": 403, "olga": 200, "ada": 403, "adam": 200, "nora": 404}
    for name in reads:
        caller = Caller(key_for(world.people[name], "admin"))
        assert caller.get(RULES).status_code == reads[name], name
        assert caller.patch(RULES, {"rules": {}}).status_code == writes[name], name
        assert caller.post(SKILLS, {"person": "rita", "skills": []}).status_code == writes[name], name
