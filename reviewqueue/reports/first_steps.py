"""What a new pipeline still needs before its first claim."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey, Scope
from reviewqueue.claims.models import Claim
from reviewqueue.pipelines.models import Grant, Pipeline
from reviewqueue.pipelines.selectors import WORKING_ROLES
from reviewqueue.policy.document import Policy


@dataclass(frozen=True, slots=True)
class Step:
    """`page` names the address where it is done, "" where no page does it."""

    title: str
    text: str
    is_done: bool
    page: str = ""


def first_steps(pipeline: Pipeline, policy: Policy | None) -> list[Step]:
    """Nothing once a claim has come in."""
    if Claim.objects.filter(pipeline=pipeline).exists():
        return []
    reviewers = Grant.objects.filter(pipeline=pipeline, role__in=WORKING_ROLES, user__is_active=True)
    valid = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    keys = ApiKey.objects.filter(
        valid, source__in=pipeline.sources.all(), revoked_at=None, scopes__contains=[Scope.INTAKE]
    )
    return [
        Step("Owner", f"{pipeline.owner.shown_name} answers for it.", pipeline.owner.is_active, "settings"),
        Step("Review form", f"Reviewers are asked: {pipeline.question}", True, "review_form"),
        Step("Policy", "Without an active one everything is held.", policy is not None, "policies"),
        Step(
            "Error target",
            "A band that accepts has to say how often it must be right.",
            _has_target(policy),
            "policies",
        ),
        Step(
            "Mandatory review",
            "Categories or segments that always go to people, whatever the confidence.",
            policy is not None and bool(policy.mandatory.categories or policy.mandatory.segments),
            "policies",
        ),
        Step(
            "Reviewers", "An administrator gives people the role of a reviewer or senior.", reviewers.exists(), "people"
        ),
        Step(
            "Key",
            "A source that may post here, with a key for intake: an administrator issues it.",
            keys.exists(),
            "sources",
        ),
        Step("First claim", "Post one, as below: its decision comes back at once.", False),
    ]


def _has_target(policy: Policy | None) -> bool:
    return policy is not None and any(band.required_accuracy is not None for band in policy.bands)
