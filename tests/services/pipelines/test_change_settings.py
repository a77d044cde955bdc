"""Settings of a pipeline: who changes them, what is recorded, and what cannot be taken away."""

from __future__ import annotations

from typing import Any

import pytest

from reviewqueue.errors import Forbidden, Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.selectors import EntryFilter, entries
from reviewqueue.pipeline_settings import (
    SettingsOutdated,
    change_settings,
    declare_signals,
    names_in_use,
    set_costs,
    settings_hash,
)
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy import services as policies
from tests.world import POLICY, SETUP, World

RISK = {"family": "input_risk", "elicitation": "classifier", "higher_is": "riskier"}
COSTS = {"currency": "EUR", "review": 1.2, "error": 40, "steps": {"retry": 0.002}}


def now(world: World) -> Pipeline:
    return Pipeline.objects.get(pk=world.pipeline.pk)


def refused(world: World, name: str, by: str = "olga", **changes: Any) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as invalid:
        change_settings(pipeline=world.pipeline, changes=changes, by=world.people[by])
    assert getattr(now(world), name) == getattr(world.pipeline, name)
    return [(problem.pointer, problem.code) for problem in invalid.value.problems]


def test_signals_and_costs_are_stored_with_every_field(world: World) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK}, actor=SETUP)
    set_costs(pipeline=world.pipeline, costs=COSTS, actor=SETUP)
    assert now(world).signals == {"risk": {**RISK, "description": ""}}
    assert now(world).costs == {"currency": "EUR", "review": 1.2, "error": 40.0, "steps": {"retry": 0.002}}


def test_a_change_is_in_the_ledger_with_the_names_of_what_changed_and_a_hash(world: World) -> None:
    changes = {"question": "Is it right, and polite?", "description": world.pipeline.description, "costs": COSTS}
    changed = change_settings(pipeline=world.pipeline, changes=changes, by=world.olga)
    [entry] = entries(filters=EntryFilter(kinds=["pipeline.changed"])).entries
    assert entry.body["changed"] == ["costs", "question"]
    assert entry.body["settings_hash"] == settings_hash(changed) == settings_hash(now(world))
    assert entry.body["actor"]["role"] == "owner"
    assert "polite" not in str(entry.body)


def test_what_is_equal_already_is_no_change(world: World) -> None:
    before = Event.objects.count()
    change_settings(pipeline=world.pipeline, changes={"signals": {}, "owner": world.olga}, by=world.olga)
    assert Event.objects.count() == before


def test_who_changes_what_somebody_else_changed_meanwhile_is_told(world: World) -> None:
    seen = settings_hash(world.pipeline)
    change_settings(pipeline=world.pipeline, changes={"costs": COSTS}, by=world.otto, expected=seen)
    with pytest.raises(SettingsOutdated):
        change_settings(pipeline=world.pipeline, changes={"question": "Right?"}, by=world.olga, expected=seen)
    assert now(world).question == world.pipeline.question


@pytest.mark.parametrize("person", ["rita", "sam", "ada", "nora"])
def test_only_owners_and_admins_change_settings(world: World, person: str) -> None:
    with pytest.raises(Forbidden):
        change_settings(pipeline=world.pipeline, changes={"question": "Right?"}, by=world.people[person])


def test_a_signal_or_category_that_a_live_policy_names_stays(world: World) -> None:
    declare_signals(pipeline=world.pipeline, signals={"risk": RISK, "length": RISK}, actor=SETUP)
    world.pipeline.refresh_from_db()
    assert refused(world, "categories", categories=["general", "pricing"]) == [("/categories/refunds", "in_use")]
    change_settings(
        pipeline=world.pipeline, changes={"categories": ["refunds", "news"], "signals": {"risk": RISK}}, by=world.olga
    )
    assert now(world).categories == ["refunds", "news"]
    assert list(now(world).signals) == ["risk"]


def test_the_names_of_drafts_are_in_use_and_those_of_rejected_versions_are_not(world: World) -> None:
    document = {**POLICY, "mandatory": {"categories": ["pricing"], "segments": {}, "route": "review"}}
    draft = policies.propose(pipeline=world.pipeline, document=document, proposer=world.otto)
    assert names_in_use(world.pipeline).categories == {"refunds": [1], "pricing": [2]}
    policies.reject(version=draft, by=world.olga)
    assert names_in_use(world.pipeline).categories == {"refunds": [1]}


def test_only_an_admin_gives_a_pipeline_to_another_owner(world: World) -> None:
    with pytest.raises(Forbidden, match="Only an admin"):
        change_settings(pipeline=world.pipeline, changes={"owner": world.otto, "deputy": world.olga}, by=world.olga)
    change_settings(pipeline=world.pipeline, changes={"owner": world.sam}, by=world.adam)
    assert now(world).owner == world.sam
    assert has_role(world.sam, {Role.OWNER}, pipeline_id=world.pipeline.pk)


def test_every_pipeline_has_an_owner_and_the_deputy_is_somebody_else(world: World) -> None:
    assert refused(world, "owner", by="adam", owner=None) == [("/owner", "required")]
    assert refused(world, "deputy", deputy=world.olga) == [("/deputy", "same")]
    assert refused(world, "deputy", deputy=world.sam) == [("/deputy", "role")]
    change_settings(pipeline=world.pipeline, changes={"deputy": None}, by=world.olga)
    assert now(world).deputy is None


def test_a_closed_account_becomes_no_owner(world: World) -> None:
    world.sam.is_active = False
    world.sam.save(update_fields=["is_active"])
    assert refused(world, "owner", by="adam", owner=world.sam) == [("/owner", "inactive")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"question": "  "}, ("/question", "required")),
        ({"guideline": "x" * 100_001}, ("/guideline", "range")),
        ({"description": "a\0b"}, ("/description", "text")),
        ({"description": "a\ud800b"}, ("/description", "text")),
        ({"elicitation": "guess"}, ("/elicitation", "choice")),
        ({"categories": ["refunds", "refunds"]}, ("/categories", "twice")),
        ({"categories": ["refunds", "réfunds"]}, ("/categories", "name")),
        ({"categories": ["refunds", *map(str, range(500))]}, ("/categories", "too_many")),
        ({"signals": {"risk": {}}}, ("/signals/risk/family", "choice")),
        ({"costs": {"currency": "EUR", "review": -1}}, ("/costs/review", "range")),
    ],
)
def test_what_is_wrong_is_pointed_at_and_nothing_is_changed(
    world: World, changes: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected in refused(world, next(iter(changes)), **changes)
