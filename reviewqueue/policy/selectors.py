from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from reviewqueue.errors import NotFound
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Policy
from reviewqueue.policy.models import BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.parsing import parse_policy


@dataclass(frozen=True, slots=True)
class ActivePolicy:
    """The policy that decides now: its version and its parsed document."""

    version_id: int
    number: int
    document_hash: str
    policy: Policy


def active_policy(pipeline_id: int) -> ActivePolicy | None:
    """One narrow query; the document is read and parsed once per version and process."""
    row = (
        PolicyVersion.objects.filter(pipeline_id=pipeline_id, status=PolicyStatus.ACTIVE)
        .values_list("id", "number", "document_hash")
        .first()
    )
    return ActivePolicy(*row, policy=policy_of(row[0], row[2])) if row else None


@lru_cache(maxsize=256)
def policy_of(version_id: int, document_hash: str) -> Policy:
    """The parsed document of a version, kept for the life of the process: what a hash names never changes."""
    versions = PolicyVersion.objects.filter(pk=version_id, document_hash=document_hash)
    document: dict[str, Any] = versions.values_list("document", flat=True).get()
    return parse_policy(document)


def band_states(version_id: int, *, model: str, model_version: str, prompt_version: str) -> Mapping[str, str]:
    """State by band key. A band that is not in here has never been measured."""
    return dict(
        BandState.objects.filter(
            policy_version_id=version_id, model=model, model_version=model_version, prompt_version=prompt_version
        ).values_list("band", "state")
    )


def versions(pipeline: Pipeline) -> list[PolicyVersion]:
    """Newest first, with the people who proposed and approved them."""
    return list(pipeline.policies.select_related("proposed_by", "approved_by", "based_on").order_by("-number"))


def version_for(pipeline: Pipeline, number: int) -> PolicyVersion:
    """Raises NotFound."""
    version = (
        pipeline.policies.select_related("pipeline", "proposed_by", "approved_by", "based_on")
        .filter(number=number)
        .first()
    )
    if version is None:
        raise NotFound("There is no such policy version.")
    return version
