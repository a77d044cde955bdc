"""A version in hand: its row locked, seen as it is, and in a state that allows the step."""

from __future__ import annotations

from typing import Any, Final

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.rights import actor_in

SWEEP: Final = Actor.system("calibration")


class PolicyNotInState(Conflict):
    """Somebody else approved, activated or rejected it first."""

    code = "policy_not_in_state"


class PolicyOutdated(Conflict):
    """Another version was activated since this one was proposed: it would silently undo that."""

    code = "policy_outdated"


class PolicyMovedOn(Conflict):
    """The version is not what the caller saw any more. `version` is what it is now."""

    code = "policy_moved_on"

    def __init__(self, version: PolicyVersion, seen: str) -> None:
        detail = f"Version {version.number} has changed since you looked: it is {_state(version)} now."
        super().__init__(detail, revision=version.revision)
        self.version = version
        self.seen = seen


class FourEyes(Forbidden):
    """Nobody approves what they proposed."""

    code = "four_eyes"


def hold(version: PolicyVersion, *allowed: PolicyStatus, seen: str | None) -> PolicyVersion:
    """The version, locked. `seen` is the revision that the caller decided about; None when nobody looked.

    Raises:
        PolicyMovedOn: the version is not what the caller saw.
        PolicyNotInState: it is in none of the states that the step is for.
    """
    locked = (
        PolicyVersion.objects.select_for_update(of=("self",), no_key=True)
        .select_related("pipeline", "proposed_by", "approved_by")
        .get(pk=version.pk)
    )
    if seen is not None and seen != locked.revision:
        raise PolicyMovedOn(locked, seen)
    if locked.status not in allowed:
        raise PolicyNotInState(f"This version is {_state(locked)} now.", status=locked.status)
    return locked


def hold_pipeline(pipeline_id: int) -> Pipeline:
    """What there is one of per pipeline is decided by one transaction at a time. Intake does not wait for it."""
    return Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline_id)


def active_version(pipeline_id: int) -> PolicyVersion | None:
    return PolicyVersion.objects.filter(pipeline=pipeline_id, status=PolicyStatus.ACTIVE).first()


def refuse_outdated(version: PolicyVersion, active: PolicyVersion | None) -> None:
    """Raises PolicyOutdated."""
    if active and active.pk != version.based_on_id:
        raise PolicyOutdated(f"Version {active.number} became active since this was proposed. Propose it anew.")


def named(version: PolicyVersion) -> dict[str, Any]:
    """How ledger entries name a version."""
    return {
        "pipeline": version.pipeline.slug,
        "policy_version": version.number,
        "policy_hash": version.document_hash,
    }


def actor_of(pipeline: Pipeline, user: User | None) -> Actor:
    return actor_in(pipeline, user) if user else SWEEP


def _state(version: PolicyVersion) -> str:
    half_way = version.status == PolicyStatus.DRAFT and version.approved_by_id
    return "a draft with one approval" if half_way else version.get_status_display().lower()
