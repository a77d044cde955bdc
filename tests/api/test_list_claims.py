"""Lists: newest first, filtered, in pages that stay put while new claims arrive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.utils import timezone

from reviewqueue.accounts import services as accounts
from reviewqueue.api.views.claims import STATUSES
from reviewqueue.claims.models import ClaimStatus, Route
from reviewqueue.policy.document import LADDER
from tests.api.caller import Caller, assert_problem, key_for
from tests.world import IDENTITY, POLICY, SETUP, World


def listed(caller: Caller, **query: Any) -> dict[str, Any]:
    response = caller.get("/claims?" + urlencode(query))
    assert response.status_code == 200, response.content
    return response.json()


def names(page: dict[str, Any]) -> list[str]:
    return [claim["external_id"] for claim in page["results"]]


def test_claims_are_listed_newest_first(helpdesk: Caller, world: World) -> None:
    for number in range(3):
        world.submit(external_id=f"claim-{number}")
    page = listed(helpdesk)
    assert names(page) == ["claim-2", "claim-1", "claim-0"]
    assert page["next"] is None
    assert page["results"][0] == helpdesk.get(f"/claims/{page['results'][0]['id']}").json()


def test_pages_stay_put_while_new_claims_arrive(helpdesk: Caller, world: World) -> None:
    for number in range(7):
        world.submit(external_id=f"claim-{number}")
    seen, cursor = [], None
    while True:
        page = listed(helpdesk, limit=3, **({"cursor": cursor} if cursor else {}))
        seen += names(page)
        cursor = page["next"]
        if cursor is None:
            break
        world.submit()
    assert seen == [f"claim-{number}" for number in reversed(range(7))]


def test_every_filter_narrows_the_list(helpdesk: Caller, world: World, subtests: pytest.Subtests) -> None:
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    wanted = world.submit(external_id="wanted", category="pricing", confidence=0.95, model_version="2026-10-01").answer
    world.submit(external_id="other", category="general", confidence=0.3, model_version="2026-11-01")
    for query in (
        {"external_id": "wanted"},
        {"category": "pricing"},
        {"model_version": "2026-10-01"},
        {"band": "0.90-1.00"},
        {"route": "accept"},
        {"status": "decided"},
        {"status": "decided", "route": "accept", "band": "0.90-1.00", "pipeline": "support-answers"},
    ):
        with subtests.test(str(query)):
            assert names(listed(helpdesk, **query)) == [wanted["external_id"]]
    assert names(listed(helpdesk, pipeline="support-answers")) == ["other", "wanted"]
    assert names(listed(helpdesk, pipeline="elsewhere")) == []


def test_since_is_included_and_until_is_not(helpdesk: Caller, world: World) -> None:
    moment = world.claim(external_id="only").received_at
    later = moment + timedelta(microseconds=1)
    assert names(listed(helpdesk, since=moment.isoformat(), until=later.isoformat())) == ["only"]
    assert names(listed(helpdesk, since=later.isoformat())) == []
    assert names(listed(helpdesk, until=moment.isoformat())) == []


def test_a_query_that_is_not_exactly_right_is_400(helpdesk: Caller, subtests: pytest.Subtests) -> None:
    now = timezone.now()
    for query in (
        "limit=0",
        "limit=-1",
        "limit=501",
        "limit=1e9",
        "limit=ten",
        "limit=",
        "limit=%D9%A7",
        "limit=1&limit=2",
        "cursor=nonsense",
        "cursor=",
        "cursor=" + "x" * 10_000,
        "unknown=1",
        "&".join(f"field-{number}=1" for number in range(2_000)),
        "id__in=1",
        "pipeline__slug=x",
        quote("' OR 1=1 --") + "=1",
        "status=nonsense",
        "status=" + quote("decided' OR 1=1"),
        "route=ACCEPT",
        "external_id=" + "x" * 201,
        "external_id=" + ",".join(["id"] * 10_000),
        "category=%00",
        "category=",
        "band=" + quote("(a+)+$" * 40),
        "since=2026-01-01",
        "since=2026-01-01T00:00:00",
        "since=0001-01-01T00:00:00%2B14:00",
        "since=9999-12-31T23:59:59-12:00",
        "until=yesterday",
        f"since={quote(now.isoformat())}&until={quote((now - timedelta(1)).isoformat())}",
    ):  # B67, B68
        with subtests.test(query[:60]):
            problem = assert_problem(helpdesk.get(f"/claims?{query}"), 400)
            assert problem["code"] in ("bad_query", "bad_request")


def test_limit_takes_up_to_500(helpdesk: Caller) -> None:
    assert listed(helpdesk, limit=500)["results"] == []


def test_a_cursor_is_good_for_its_key_and_its_filter_alone(helpdesk: Caller, world: World) -> None:
    for _ in range(3):
        world.submit()
    cursor = listed(helpdesk, limit=1, category="general")["next"]
    assert listed(helpdesk, limit=2, category="general", cursor=cursor)["next"] is None
    other_source = accounts.create_source(slug="other", name="Other", actor=SETUP)
    other = Caller(key_for(other_source, "read"))
    for caller, query in (
        (helpdesk, {"cursor": cursor}),
        (helpdesk, {"cursor": cursor, "category": "pricing"}),
        (helpdesk, {"cursor": cursor[:-1] + ("a" if cursor[-1] != "a" else "b"), "category": "general"}),
        (other, {"cursor": cursor, "category": "general"}),
    ):
        assert_problem(caller.get("/claims?" + urlencode(query)), 400, "bad_query")


def test_another_key_of_the_same_source_may_go_on_with_a_cursor(helpdesk: Caller, world: World) -> None:
    world.submit(external_id="first")
    world.submit()
    cursor = listed(helpdesk, limit=1)["next"]
    rotated = Caller(key_for(world.source, "read"))
    assert names(listed(rotated, limit=1, cursor=cursor)) == ["first"]


def test_a_list_takes_as_many_queries_for_fifty_claims_as_for_one(
    helpdesk: Caller, world: World, django_assert_max_num_queries
) -> None:
    for _ in range(12):
        world.submit()
    listed(helpdesk)
    with django_assert_max_num_queries(5):
        assert len(listed(helpdesk, limit=12)["results"]) == 12


def test_the_filters_know_every_status_and_route_there_is() -> None:
    assert set(STATUSES) == set(ClaimStatus.values)
    assert set(LADDER) == set(Route.values)
