"""Who changed what decides: policies, calibrators and settings, with who proposed and who approved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.db.models import QuerySet

from reviewqueue.ledger.selectors import LedgerEntry
from reviewqueue.policy.models import PolicyVersion
from reviewqueue.reports.audit.document import Kind, Section, columns, several, table
from reviewqueue.reports.audit.incidents import model_of
from reviewqueue.reports.audit.scope import Scope, person, plain

POLICY: Final = tuple(
    f"policy.{each}"
    for each in (
        *("proposed", "approved", "rejected", "activated", "retired", "shadow_started", "shadow_stopped"),
        *("one_person_allowed", "one_person_ended"),
    )
)
CALIBRATOR: Final = tuple(f"calibrator.{each}" for each in ("fitted", "judged", "activated", "retired"))
SETTINGS: Final = (
    *("pipeline.created", "pipeline.changed", "form.changed", "retention.changed", "sample.rates_changed"),
    *("gold.terms_changed", "golden.set_changed", "golden.published", "skills.changed"),
)
_WHEN: Final = "at: When; event: What; pipeline: Pipeline"
_KINDS: Final = {"at": Kind.TIME, "leaf": Kind.LEAF, "actor": Kind.PERSON}


def changes(scope: Scope) -> Section:
    policies, more_policies = scope.entries(POLICY)
    calibrators, more_calibrators = scope.entries(CALIBRATOR)
    settings, more_settings = scope.entries(SETTINGS)
    activated = sum(entry.kind == "policy.activated" for entry in policies)
    alone = sum(entry.kind == "policy.activated" and entry.body.get("one_person") is True for entry in policies)
    return Section(
        "changes",
        "Changes of policies and calibrators",
        [f"{several(activated, 'policy version was', 'policy versions were')} activated in the period."],
        [f"{alone} of them by one person alone, as this pipeline allows."] if alone else [],
        [
            table(
                "policy_changes",
                "Policies",
                columns(
                    f"{_WHEN}; version: Version; actor: By; proposed_by: Proposed by; approved_by: Approved by; "
                    "hash: Hash; leaf: Leaf",
                    **_KINDS, proposed_by=Kind.PERSON, approved_by=Kind.PERSON,
                ),
                _policy_rows(policies),
                more=more_policies,
            ),
            table(
                "calibrator_changes",
                "Calibrators",
                columns(
                    f"{_WHEN}; calibrator: Calibrator; model: Model; verdict: Verdict; actor: By; leaf: Leaf", **_KINDS
                ),
                (
                    [*_when(entry), entry.body["calibrator"], model_of(entry.body), entry.body.get("verdict"),
                     entry.actor, entry.index]
                    for entry in calibrators
                ),
                more=more_calibrators,
            ),
            table(
                "setting_changes",
                "Settings of pipelines",
                columns(f"{_WHEN}; changed: Changed; actor: By; leaf: Leaf", **_KINDS),
                (
                    [*_when(entry), " ".join(map(str, entry.body.get("changed") or ())), entry.actor, entry.index]
                    for entry in settings
                ),
                more=more_settings,
            ),
        ],
    )  # fmt: skip


def _when(entry: LedgerEntry) -> list[Any]:
    return [plain(entry.recorded_at), entry.kind, entry.body.get("pipeline")]


def _policy_rows(entries: list[LedgerEntry]) -> Iterator[list[Any]]:
    """An entry names its own actor; who else proposed and approved stands with the version."""
    versions = {(each.pipeline.slug, each.number): each for each in _versions(entries)}
    for entry in entries:
        body = entry.body
        version = versions.get((body.get("pipeline", ""), body.get("policy_version", 0)))
        yield [
            *_when(entry),
            body.get("policy_version"),
            entry.actor,
            person(version.proposed_by.pseudonym) if version and version.proposed_by else None,
            _approvers(version) if version else None,
            body.get("policy_hash"),
            entry.index,
        ]


def _versions(entries: list[LedgerEntry]) -> QuerySet[PolicyVersion]:
    slugs = {entry.body.get("pipeline") for entry in entries}
    numbers = {entry.body["policy_version"] for entry in entries if entry.body.get("policy_version") is not None}
    people = ("pipeline", "proposed_by", "approved_by", "second_approved_by")
    return PolicyVersion.objects.filter(pipeline__slug__in=slugs, number__in=numbers).select_related(*people)


def _approvers(version: PolicyVersion) -> str | None:
    both = (version.approved_by, version.second_approved_by)
    return " ".join(f"user:{each.pseudonym}" for each in both if each) or None
