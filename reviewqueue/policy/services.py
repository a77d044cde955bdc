from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict, Forbidden, Invalid
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.document import Policy, policy_hash, to_document
from reviewqueue.policy.models import BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.parsing import names_problems, parse_policy
from reviewqueue.policy.sampling import commitment, epoch_key
from reviewqueue.transactions import joins_transaction, service

SWEEP = Actor.system("calibration")


class PolicyNotInState(Conflict):
    """Somebody else approved, activated or rejected it first."""

    code = "policy_not_in_state"


class PolicyOutdated(Conflict):
    """Another version was activated since this one was proposed: approving it would silently undo that."""

    code = "policy_outdated"


class FourEyes(Forbidden):
    """Nobody approves what they proposed."""

    code = "four_eyes"


def actor_of(user: User | None, *, role: str = "owner") -> Actor:
    return Actor.user(user.pseudonym, role=role) if user else SWEEP


@service
def propose(
    *,
    pipeline: Pipeline,
    document: Mapping[str, Any],
    proposer: User | None,
    note: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    """Stores a draft. `proposer` is None when a sweep proposes.

    Raises:
        Invalid: every problem of the document, with JSON Pointers.
    """
    return _propose(pipeline=pipeline, document=document, proposer=proposer, note=note, evidence=evidence)


def propose_within(**proposal: Any) -> PolicyVersion:
    """`propose` for a caller that stores something together with the draft. Joins the caller's transaction."""
    joins_transaction()
    return _propose(**proposal)


def _propose(
    *,
    pipeline: Pipeline,
    document: Mapping[str, Any],
    proposer: User | None,
    note: str = "",
    evidence: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    policy = _checked(pipeline, document)
    Pipeline.objects.select_for_update(no_key=True).get(pk=pipeline.pk)  # numbers are handed out one at a time
    number = (pipeline.policies.aggregate(last=Max("number"))["last"] or 0) + 1
    stored = to_document(policy)
    digest = policy_hash(stored)
    entry = ledger.append(
        event="policy.proposed",
        actor=actor_of(proposer),
        pipeline=pipeline.slug,
        policy_version=number,
        policy_hash=digest,
    )
    return PolicyVersion.objects.create(
        pipeline=pipeline,
        number=number,
        document=stored,
        document_hash=digest,
        note=note,
        evidence=dict(evidence or {}),
        based_on=pipeline.policies.filter(status=PolicyStatus.ACTIVE).first(),
        proposed_by=proposer,
        event_id=entry.id,
    )


def _checked(pipeline: Pipeline, document: Mapping[str, Any]) -> Policy:
    policy = parse_policy(document)
    unknown = names_problems(policy, categories=pipeline.categories, segments=pipeline.segment_values)
    if unknown:
        raise Invalid(unknown)
    return policy


@service
def approve(*, version: PolicyVersion, approver: User) -> PolicyVersion:
    """Raises FourEyes when the approver proposed it, PolicyNotInState when it is no draft."""
    return _approve(version, approver)


def _approve(version: PolicyVersion, approver: User) -> PolicyVersion:
    if version.proposed_by_id == approver.pk:
        raise FourEyes("You proposed this version; somebody else has to approve it.")
    locked = _locked(version, PolicyStatus.DRAFT)
    active = PolicyVersion.objects.filter(pipeline=locked.pipeline_id, status=PolicyStatus.ACTIVE).first()
    if active and active.pk != locked.based_on_id:
        raise PolicyOutdated(f"Version {active.number} became active since this was proposed. Propose it anew.")
    entry = ledger.append(event="policy.approved", actor=actor_of(approver), **_named(locked))
    locked.status = PolicyStatus.APPROVED
    locked.approved_by, locked.approved_at, locked.approved_event_id = approver, timezone.now(), entry.id
    locked.save(update_fields=["status", "approved_by", "approved_at", "approved_event"])
    return locked


@service
def activate(*, version: PolicyVersion, by: User) -> PolicyVersion:
    """Makes an approved version the active one; the version active until now is retired in the same moment."""
    return _activate(version, by)


@service
def approve_and_activate(*, version: PolicyVersion, approver: User) -> PolicyVersion:
    """What a second person does in one step; both steps have their ledger entry."""
    return _activate(_approve(version, approver), approver)


def _activate(version: PolicyVersion, by: User) -> PolicyVersion:
    now = timezone.now()
    Pipeline.objects.select_for_update(no_key=True).get(pk=version.pipeline_id)
    locked = _locked(version, PolicyStatus.APPROVED)
    before = PolicyVersion.objects.filter(pipeline=locked.pipeline_id, status=PolicyStatus.ACTIVE).first()
    _commit_sampling_epoch(locked, before)
    if before:
        ledger.append(event="policy.retired", actor=actor_of(by), **_named(before))
        before.status, before.retired_at = PolicyStatus.RETIRED, now
        before.save(update_fields=["status", "retired_at"])
    entry = ledger.append(event="policy.activated", actor=actor_of(by), **_named(locked))
    locked.status, locked.activated_at, locked.activated_event_id = PolicyStatus.ACTIVE, now, entry.id
    locked.save(update_fields=["status", "activated_at", "activated_event"])
    return locked


def _commit_sampling_epoch(version: PolicyVersion, before: PolicyVersion | None) -> None:
    """Before the first claim is drawn under a sampling key, its commitment stands in the ledger."""
    epoch = version.document["sampling"]["epoch"]
    if before and before.document["sampling"]["epoch"] == epoch:
        return
    ledger.append(
        event="sample.epoch_committed",
        actor=Actor.system("policy"),
        pipeline=version.pipeline.slug,
        epoch=epoch,
        commitment=commitment(sampling_key(version.pipeline.slug, epoch)),
    )


def sampling_key(pipeline_slug: str, epoch: str) -> bytes:
    return epoch_key(settings.SAMPLING_SECRET.encode(), pipeline_slug, epoch)


@service
def reject(*, version: PolicyVersion, by: User) -> PolicyVersion:
    locked = _locked(version, PolicyStatus.DRAFT)
    ledger.append(event="policy.rejected", actor=actor_of(by), **_named(locked))
    locked.status = PolicyStatus.REJECTED
    locked.save(update_fields=["status"])
    return locked


def withdraw(*, version: PolicyVersion) -> None:
    """A sweep takes back its own draft because it has a better one. Joins the caller's transaction."""
    joins_transaction()
    locked = _locked(version, PolicyStatus.DRAFT)
    ledger.append(event="policy.rejected", actor=SWEEP, reason="superseded", **_named(locked))
    locked.status = PolicyStatus.REJECTED
    locked.save(update_fields=["status"])


def _locked(version: PolicyVersion, status: PolicyStatus) -> PolicyVersion:
    locked = (
        PolicyVersion.objects.select_for_update(of=("self",), no_key=True).select_related("pipeline").get(pk=version.pk)
    )
    if locked.status != status:
        raise PolicyNotInState(f"This version is {locked.get_status_display().lower()} now.", status=locked.status)
    return locked


def _named(version: PolicyVersion) -> dict[str, Any]:
    return {
        "pipeline": version.pipeline.slug,
        "policy_version": version.number,
        "policy_hash": version.document_hash,
    }


def set_band_state(
    *,
    version: PolicyVersion,
    model: str,
    model_version: str,
    prompt_version: str,
    band: str,
    state: str,
    figures: Mapping[str, Any],
) -> bool:
    """Records what a band may do from now on; True when that is a change. Joins the caller's transaction.

    `figures` are the counts and limits behind it, as the ledger event `band.state_changed` names them.
    """
    joins_transaction()
    key: dict[str, Any] = {
        "model": model,
        "model_version": model_version,
        "prompt_version": prompt_version,
        "band": band,
    }
    row = BandState.objects.select_for_update(no_key=True).filter(policy_version=version, **key).first()
    before = row.state if row else "unmeasured"
    if before == state:
        return False
    entry = ledger.append(
        event="band.state_changed",
        actor=SWEEP,
        pipeline=version.pipeline.slug,
        policy_version=version.number,
        state_from=before,
        state_to=state,
        **key,
        **figures,
    )
    BandState.objects.update_or_create(
        policy_version=version, **key, defaults={"state": state, "changed_at": timezone.now(), "event_id": entry.id}
    )
    return True
