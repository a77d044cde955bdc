"""What the tests of policy life do again and again."""

from __future__ import annotations

import json
from typing import Any

from reviewqueue.ledger.models import Event
from reviewqueue.pipelines import services as pipelines
from reviewqueue.pipelines.models import Role
from reviewqueue.policy import services as policies
from reviewqueue.policy.models import PolicyVersion, ShadowRun
from tests.world import IDENTITY, POLICY, SETUP, World, make_person

LOOSER: dict[str, Any] = {**POLICY, "mandatory": {"categories": [], "segments": {}, "route": "review"}}
OTHER: dict[str, Any] = {**POLICY, "certainty": 0.99}
CALIBRATED: dict[str, Any] = {**POLICY, "calibrators": [IDENTITY]}


def draft_of(world: World, document: dict[str, Any] = OTHER, *, proposer: str = "olga") -> PolicyVersion:
    return policies.propose(pipeline=world.pipeline, document=document, proposer=world.people[proposer])


def last_entry(kind: str) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(Event.objects.filter(kind=kind).latest("id").leaf)["body"]
    return body


def third_administrator(world: World) -> None:
    world.people["alma"] = make_person("alma")
    pipelines.grant(user=world.people["alma"], role=Role.ADMIN, actor=SETUP)


def version_for_step(step: str, world: World) -> PolicyVersion:
    """In the state that the step is for."""
    version = draft_of(world, POLICY)
    if step in ("activate", "retire"):
        return policies.approve(version=version, approver=world.otto)
    for run in ShadowRun.objects.filter(stopped_at__isnull=True):
        policies.stop_shadow(version=run.version, by=world.otto)
    if step == "unshadow":
        policies.start_shadow(version=version, by=world.otto)
    return version
