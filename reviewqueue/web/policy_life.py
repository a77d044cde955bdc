"""What somebody may do with a policy version as it stands. For pages alone: services decide once more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.policy.rights import DECIDE, LOOSEN_MANDATORY, PROPOSE
from reviewqueue.policy.selectors import one_person_approval, version_in_shadow

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.models import PolicyVersion

WaitsFor = Literal["", "somebody_else", "owner", "administrators", "second_administrator"]


@dataclass(frozen=True, slots=True)
class Life:
    """`waits_for` says who has to approve when it is not this person."""

    may_propose: bool
    may_decide: bool
    may_approve: bool
    waits_for: WaitsFor
    is_own: bool
    is_draft: bool
    is_approved: bool
    in_shadow: bool
    shadow_is_free: bool
    alone: bool

    @property
    def may_activate(self) -> bool:
        return self.may_decide and self.is_approved

    @property
    def may_start_shadow(self) -> bool:
        return self.may_decide and self.shadow_is_free and (self.is_draft or self.is_approved)

    @property
    def may_stop_shadow(self) -> bool:
        return self.may_decide and self.in_shadow


def life_of(version: PolicyVersion, person: User, pipeline: Pipeline) -> Life:
    """`alone`: whoever proposed it may approve it, and it will say so for ever."""
    running = version_in_shadow(pipeline)
    is_own = version.proposed_by_id == person.pk
    alone = is_own and not version.loosens_mandatory and one_person_approval(pipeline) is not None
    is_draft = version.status == PolicyStatus.DRAFT
    waits_for = _waits_for(version, person, pipeline, alone=alone) if is_draft else ""
    return Life(
        may_propose=has_role(person, PROPOSE, pipeline_id=pipeline.pk),
        may_decide=has_role(person, DECIDE, pipeline_id=pipeline.pk),
        may_approve=is_draft and not waits_for,
        waits_for=waits_for,
        is_own=is_own,
        is_draft=is_draft,
        is_approved=version.status == PolicyStatus.APPROVED,
        in_shadow=running == version.pk,
        shadow_is_free=running is None,
        alone=alone,
    )


def _waits_for(version: PolicyVersion, person: User, pipeline: Pipeline, *, alone: bool) -> WaitsFor:
    is_own = version.proposed_by_id == person.pk
    if version.loosens_mandatory:
        if version.approved_by_id == person.pk:
            return "second_administrator"
        return "" if has_role(person, LOOSEN_MANDATORY) and not is_own else "administrators"
    if not has_role(person, DECIDE, pipeline_id=pipeline.pk):
        return "owner"
    return "somebody_else" if is_own and not alone else ""
