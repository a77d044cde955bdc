"""The history of calibrators, and the way back to one, as owners see them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from calibration.models import Calibrator
from reviewqueue.ledger import services as ledger
from reviewqueue.policy.document import policy_hash
from reviewqueue.transactions import service
from tests.web.visitor import Visitor, text_of
from tests.world import MODEL, POLICY, SETUP, World

PAGE = "/pipelines/support-answers/calibrators/"
MAPS = {
    "platt-1": {"kind": "platt", "slope": 1.0, "intercept": -1.0, "eps": 0.02},
    "histogram-2": {"kind": "histogram", "edges": [0.9], "y": [0.4, 0.8]},
}
FIGURES = {
    "champion": {"name": "stated confidence", "log_loss": 0.5, "auroc": 0.7},
    "candidate": {"name": "platt", "log_loss": 0.4, "auroc": 0.7},
    "comparison": {"log_loss_difference": -0.1, "low": -0.15, "high": -0.05, "inputs": 120},
    "reasons": ["better", "segment_worse:language=de"],
}


@service
def keep(world: World, name: str, status: str = "proposed", **names: str) -> Calibrator:
    number = Calibrator.objects.count() + 1
    entry = ledger.append(
        event="calibrator.fitted", actor=SETUP, pipeline=world.pipeline.slug, calibrator=name,
        kind=MAPS[name]["kind"], method="test", params_hash=policy_hash(MAPS[name]), labels=100,
        window_from_us=1, window_to_us=2, **{**MODEL, **names},
    )  # fmt: skip
    return Calibrator.objects.create(
        pipeline=world.pipeline, number=number, name=name, **{**MODEL, **names}, kind=MAPS[name]["kind"],
        map=MAPS[name], fit_labels=90, judged_labels=110, last_outcome_at=timezone.now(), figures=FIGURES,
        status=status, event_id=entry.id,
    )  # fmt: skip


def entry(name: str) -> dict[str, Any]:
    return {**MODEL, "name": name, "map": MAPS[name]}


@pytest.fixture
def two(world: World) -> World:
    """platt-1 was in use, histogram-2 is."""
    for name in MAPS:
        keep(world, name)
        world.activate({**POLICY, "calibrators": [entry(name)]})
    return world


def words_of(response: Any) -> str:
    page = text_of(response)
    return " ".join(re.sub(r"<[^>]+>", " ", page[page.index("<main") : page.index("</main>")]).split())


def test_without_a_calibrator_the_page_says_what_brings_one(world: World, olga: Visitor) -> None:
    assert "The first one is fitted by itself once a model version has 30 labels" in words_of(olga.get(PAGE))


def test_what_is_in_use_names_who_approved_it_and_what_it_does(two: World, olga: Visitor) -> None:
    words = words_of(olga.get(PAGE))
    now, past = words.split("Earlier, proposed and rejected")
    assert "histogram-2 acme-lm 2026-10-01 , prompt v14 Kind Ten steps (histogram)" in now
    assert re.search(r"In use since .* UTC, in version 3 , approved by Otto", now)
    assert "Verdict proposed: better beyond doubt ; worse in the segment language=de" in now
    assert "0 to 0.9 0.4" in now
    assert re.search(r"platt-1 was in use .* Was in use since .* until .* UTC, in version 2 , approved by Otto", past)
    assert "Log loss 0.5000 0.4000 better" in past


def test_one_press_drafts_the_way_back_and_somebody_else_approves(two: World, olga: Visitor) -> None:
    response = olga.post(f"{PAGE}use/", {"name": "platt-1"})
    assert (response.status_code, response["Location"]) == (303, "/pipelines/support-answers/policies/4/")
    draft = two.pipeline.policies.get(number=4)
    assert (draft.status, draft.proposed_by) == ("draft", two.olga)
    assert draft.document["calibrators"] == [entry("platt-1")]
    assert draft.document["bands"] == two.policy.document["bands"]
    assert draft.note == "Back to platt-1."


@pytest.mark.parametrize("name", ["histogram-2", "nothing-7", ""])
def test_what_was_never_left_cannot_be_gone_back_to(two: World, olga: Visitor, name: str) -> None:
    response = olga.post(f"{PAGE}use/", {"name": name})
    assert response.status_code == (409 if name == "histogram-2" else 404)
    assert two.pipeline.policies.count() == 3


def test_only_owners_see_the_button(two: World, olga: Visitor, ada: Visitor) -> None:
    assert "Draft the way back to platt-1" in text_of(olga.get(PAGE))
    assert "Draft the way back" not in text_of(ada.get(PAGE))


def test_what_a_policy_has_by_hand_is_said_to_be_so(world: World, olga: Visitor) -> None:
    world.activate({**POLICY, "calibrators": [entry("platt-1")]})
    assert "The active policy uses platt-1 , which nobody fitted here" in words_of(olga.get(PAGE))


def test_the_history_can_be_taken_away(two: World, olga: Visitor) -> None:
    body = olga.get(PAGE, {"as": "json"}).json()
    assert [(each["name"], each["in_use"]) for each in body["results"]] == [("histogram-2", True), ("platt-1", False)]
    assert body["results"][1]["uses"][0]["approved_by"] == ["Otto"]
    assert "platt-1" in text_of(olga.get(PAGE, {"as": "csv"}))


def test_the_page_takes_no_more_queries_for_more_calibrators(
    two: World, olga: Visitor, django_assert_max_num_queries: Any
) -> None:
    olga.get(PAGE)
    for version in "abcdef":
        keep(two, "histogram-2", model_version=version)
    with django_assert_max_num_queries(16):
        olga.get(PAGE)
