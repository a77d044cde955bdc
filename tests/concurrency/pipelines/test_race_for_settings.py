"""Two owners who save the same settings at the same moment, with real commits on connections of their own."""

from __future__ import annotations

from collections.abc import Callable

from reviewqueue.accounts.models import User
from reviewqueue.errors import Invalid
from reviewqueue.ledger.models import Event
from reviewqueue.pipeline_settings import SettingsOutdated, change_settings, settings_hash
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyVersion
from tests.concurrency.intake.test_twin_claims import at_once
from tests.world import POLICY, World


def saving(world: World, by: User, question: str) -> Callable[[], Pipeline]:
    seen = settings_hash(world.pipeline)
    return lambda: change_settings(pipeline=world.pipeline, changes={"question": question}, by=by, expected=seen)


def test_one_of_two_who_saw_the_same_settings_saves_and_the_other_is_told(committed_world: World) -> None:
    world = committed_world
    for turn in range(5):
        world.pipeline.refresh_from_db()
        works = [saving(world, person, f"{person.username} {turn}?") for person in (world.olga, world.otto)]
        results = at_once(works)
        [saved] = [result for result in results if isinstance(result, Pipeline)]
        assert [type(result) for result in results if result is not saved] == [SettingsOutdated]
        assert Pipeline.objects.get(pk=world.pipeline.pk).question == saved.question
    assert Event.objects.filter(kind="pipeline.changed").count() == 5


def test_a_category_is_taken_away_or_named_by_a_new_policy_but_never_both(committed_world: World) -> None:
    world = committed_world
    naming = {**POLICY, "mandatory": {"categories": ["pricing"], "segments": {}, "route": "review"}}
    without = {"categories": ["general", "refunds"]}
    for _ in range(5):
        world.pipeline.refresh_from_db()
        results = at_once(
            [
                lambda: change_settings(pipeline=world.pipeline, changes=without, by=world.otto),
                lambda: policies.propose(pipeline=world.pipeline, document=naming, proposer=world.olga),
            ]
        )
        assert sorted(isinstance(result, Invalid) for result in results) == [False, True], results
        world.pipeline.refresh_from_db()
        named = PolicyVersion.objects.filter(status="draft").exists()
        assert ("pricing" in world.pipeline.categories) == named
        for draft in PolicyVersion.objects.filter(status="draft"):
            policies.reject(version=draft, by=world.otto)
        change_settings(
            pipeline=world.pipeline, changes={"categories": ["general", "pricing", "refunds"]}, by=world.otto
        )
