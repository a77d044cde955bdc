"""Drafts that a sweep makes, and the way back to a calibrator that was in use before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from calibration.evidence import Subject
from calibration.models import Calibrator
from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy import services as policies
from reviewqueue.policy.document import CalibratorEntry, thawed
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.transactions import joins_transaction, service


class CalibratorInUse(Conflict):
    """It decides already."""

    code = "calibrator_in_use"


class CalibratorNeverDecided(Conflict):
    """One can only go back to what was in use before."""

    code = "calibrator_never_decided"


@service
def roll_back(*, pipeline: Pipeline, calibrator: Calibrator, by: User) -> PolicyVersion:
    """The active policy with a calibrator that was in use before, as a draft that somebody else approves.

    Raises CalibratorInUse, CalibratorNeverDecided.
    """
    active = PolicyVersion.objects.filter(pipeline=pipeline, status=PolicyStatus.ACTIVE).first()
    entry = entry_of(calibrator)
    if active is None or not _ever_decided(pipeline, calibrator.name):
        raise CalibratorNeverDecided("This calibrator was never part of a policy that decided.")
    if entry in active.document["calibrators"]:
        raise CalibratorInUse("This calibrator is the one in use.")
    return policies.propose_within(
        pipeline=pipeline,
        document=_with_calibrators(active, [entry]),
        proposer=by,
        note=f"Back to {calibrator.name}.",
        evidence=_evidence(calibrator),
    )


def _ever_decided(pipeline: Pipeline, name: str) -> bool:
    decided = PolicyVersion.objects.filter(pipeline=pipeline, activated_at__isnull=False)
    return decided.filter(document__calibrators__contains=[{"name": name}]).exists()


def draft_with(calibrator: Calibrator, active: PolicyVersion) -> PolicyVersion:
    return draft_of(
        calibrator.pipeline,
        active,
        entry_of(calibrator),
        note=(
            f"{calibrator.name} describes {calibrator.model} {calibrator.model_version} better than what is in use, "
            f"beyond doubt, on {calibrator.judged_labels} labels it was not fitted on."
        ),
        evidence=_evidence(calibrator),
    )


def draft_of(
    pipeline: Pipeline, active: PolicyVersion, entry: dict[str, Any], *, note: str, evidence: Mapping[str, Any]
) -> PolicyVersion:
    """The active policy with this entry in it, as a draft; what open drafts of the sweep add is carried over.

    Joins the caller's transaction.
    """
    joins_transaction()
    additions = [entry]
    for old in _open_drafts(pipeline):
        additions = _additions(old) + additions
        policies.withdraw(version=old)
    return policies.propose_within(
        pipeline=pipeline,
        document=_with_calibrators(active, additions),
        proposer=None,
        note=note,
        evidence=evidence,
    )


def subject_of(calibrator: Calibrator) -> Subject:
    return Subject(calibrator.model, calibrator.model_version, calibrator.prompt_version)


def entry_of(calibrator: Calibrator) -> dict[str, Any]:
    """As a policy document names it."""
    return {**subject_of(calibrator)._asdict(), "name": calibrator.name, "map": calibrator.map}


def entry_in(entry: CalibratorEntry) -> dict[str, Any]:
    return {**Subject(*entry.subject)._asdict(), "name": entry.name, "map": thawed(entry.map)}


def _open_drafts(pipeline: Pipeline) -> list[PolicyVersion]:
    """Drafts of the sweep that nobody has decided about yet, oldest first."""
    drafts = PolicyVersion.objects.filter(pipeline=pipeline, status=PolicyStatus.DRAFT, proposed_by__isnull=True)
    return list(drafts.select_related("pipeline", "based_on").order_by("number"))


def _additions(draft: PolicyVersion) -> list[dict[str, Any]]:
    """The calibrators that a draft has and the version it was based on has not."""
    before = draft.based_on.document["calibrators"] if draft.based_on else []
    return [entry for entry in draft.document["calibrators"] if entry not in before]


def _with_calibrators(active: PolicyVersion, additions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The active document with these calibrators, the last one of a subject winning."""
    document = dict(active.document)
    by_subject = {
        (entry["model"], entry["model_version"], entry["prompt_version"]): entry
        for entry in [*document["calibrators"], *additions]
    }
    document["calibrators"] = list(by_subject.values())
    return document


@service
def rebase_drafts(pipeline: Pipeline, active: PolicyVersion) -> None:
    """A draft of the sweep that was based on what is no longer active is made anew on what is."""
    for old in _open_drafts(pipeline):
        if old.based_on_id == active.pk:
            continue
        policies.withdraw(version=old)
        document = _with_calibrators(active, _additions(old))
        if document != active.document:
            policies.propose_within(
                pipeline=pipeline, document=document, proposer=None, note=old.note, evidence=old.evidence
            )


def _evidence(calibrator: Calibrator) -> Mapping[str, Any]:
    return {
        "calibrator": calibrator.name,
        "kind": calibrator.kind,
        "model": calibrator.model,
        "model_version": calibrator.model_version,
        "prompt_version": calibrator.prompt_version,
        "fit_labels": calibrator.fit_labels,
        "judged_labels": calibrator.judged_labels,
        **calibrator.figures,
    }
