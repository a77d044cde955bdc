"""Ground truth learned elsewhere: reported once, superseded by a different report, read as a feed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from reviewqueue.claims.models import Claim, Outcome
from reviewqueue.claims.reporting import outcomes_page
from reviewqueue.ledger.models import Event
from tests.api.caller import Caller, assert_problem, row_counts
from tests.world import World

REPORT = {
    "correct": False,
    "output": "15 EUR",
    "source": "customer complaint",
    "observed_at": "2026-01-02T03:04:05+02:00",
}


def posted(helpdesk: Caller, world: World, **changes: Any) -> str:
    return str(helpdesk.post("/claims", world.claim_body(**changes)).json()["id"])


def test_a_report_is_201_and_settles_the_claim(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    response = helpdesk.post(f"/claims/{claim}/outcome", REPORT)
    assert response.status_code == 201
    outcome = response.json()
    assert (outcome["claim"], outcome["correct"], outcome["output"], outcome["basis"]) == (
        claim,
        False,
        "15 EUR",
        "external",
    )
    shown = helpdesk.get(f"/claims/{claim}").json()
    assert (shown["status"], shown["outcome"]) == ("settled", outcome)


def test_the_same_report_again_is_200_and_changes_nothing(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    first = helpdesk.post(f"/claims/{claim}/outcome", REPORT)
    before = row_counts()
    again = helpdesk.post(f"/claims/{claim}/outcome", REPORT | {"observed_at": "2026-01-02T01:04:05Z"})
    assert again.status_code == 200
    assert again.content == first.content
    assert row_counts() == before


def test_a_different_report_supersedes_and_both_stay_in_the_ledger(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    first = helpdesk.post(f"/claims/{claim}/outcome", REPORT).json()
    second = helpdesk.post(f"/claims/{claim}/outcome", {"correct": True}).json()
    assert helpdesk.get(f"/claims/{claim}").json()["outcome"]["id"] == second["id"]
    assert Outcome.objects.filter(claim=claim).count() == 2
    leaves = Event.objects.filter(subject=claim, kind__startswith="outcome.").order_by("id")
    assert [leaf.kind for leaf in leaves] == ["outcome.final", "outcome.superseded", "outcome.final"]
    assert first["id"] in leaves[1].leaf
    assert "complaint" not in "".join(leaf.leaf for leaf in leaves)


def test_a_report_never_measures(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    helpdesk.post(f"/claims/{claim}/outcome", REPORT)
    assert not Outcome.objects.filter(measures=True).exists()


def test_a_report_cannot_stand_in_for_mandatory_review(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world, category="refunds")
    before = row_counts()
    assert_problem(helpdesk.post(f"/claims/{claim}/outcome", {"correct": True}), 409, "mandatory_review")
    assert row_counts() == before
    assert Claim.objects.get(pk=claim).status == "in_review"


def test_a_bad_report_is_refused_and_pointed_at(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    before = row_counts()
    for body, pointer in (
        ({}, "/correct"),
        ({"correct": "false"}, "/correct"),
        ({"correct": None}, "/correct"),
        ({"correct": True, "verdict": "x"}, "/verdict"),
        ({"correct": True, "source": "x" * 121}, "/source"),
        ({"correct": True, "observed_at": "2026-01-01T00:00:00"}, "/observed_at"),
        ({"correct": True, "observed_at": "0001-01-01T00:00:00+14:00"}, "/observed_at"),
        ({"correct": True, "observed_at": "2426-01-01T00:00:00Z"}, "/observed_at"),
        ([], ""),
    ):
        problem = assert_problem(helpdesk.post(f"/claims/{claim}/outcome", body), 422, "invalid")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert_problem(helpdesk.post(f"/claims/{claim}/outcome", b""), 400)
    assert row_counts() == before


def test_the_feed_gives_each_settled_claim_once_oldest_first(helpdesk: Caller, world: World) -> None:
    claims = [posted(helpdesk, world, external_id=f"claim-{number}") for number in range(3)]
    for claim in claims:
        helpdesk.post(f"/claims/{claim}/outcome", {"correct": True})
    helpdesk.post(f"/claims/{claims[0]}/outcome", {"correct": False})
    later = timezone.now() + timedelta(minutes=1)
    feed = outcomes_page(source=world.source, pipeline=None, since=None, after=None, limit=10, now=later)
    assert [(row["claim"], row["correct"]) for row in feed] == [
        (claims[1], True),
        (claims[2], True),
        (claims[0], False),
    ]
    assert {row["pipeline"] for row in feed} == {"support-answers"}
    assert [row["external_id"] for row in feed] == ["claim-1", "claim-2", "claim-0"]


def test_an_outcome_that_somebody_may_still_overtake_is_not_in_the_feed_yet(helpdesk: Caller, world: World) -> None:
    claim = posted(helpdesk, world)
    helpdesk.post(f"/claims/{claim}/outcome", {"correct": True})
    assert helpdesk.get("/outcomes").json() == {"results": [], "next": None}


def test_the_feed_goes_on_where_it_stopped(helpdesk: Caller, world: World, monkeypatch) -> None:
    monkeypatch.setattr("reviewqueue.claims.reporting.FEED_DELAY", timedelta(0))
    claims = [posted(helpdesk, world) for _ in range(3)]
    for claim in claims[:2]:
        helpdesk.post(f"/claims/{claim}/outcome", {"correct": True})
    first = helpdesk.get("/outcomes?limit=1").json()
    second = helpdesk.get("/outcomes?" + urlencode({"cursor": first["next"]})).json()
    nothing_yet = helpdesk.get("/outcomes?" + urlencode({"cursor": second["next"]})).json()
    assert nothing_yet["results"] == []
    assert nothing_yet["next"] == second["next"]
    helpdesk.post(f"/claims/{claims[2]}/outcome", {"correct": True})
    third = helpdesk.get("/outcomes?" + urlencode({"cursor": nothing_yet["next"]})).json()
    seen = [row["claim"] for page in (first, second, third) for row in page["results"]]
    assert seen == claims
    assert_problem(helpdesk.get("/outcomes?" + urlencode({"cursor": first["next"], "pipeline": "x"})), 400)
