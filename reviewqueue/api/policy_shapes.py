"""How policy versions and breakers look in answers."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from reviewqueue.claims.selectors import instant

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.policy.models import Breaker, PolicyVersion


def policy_answer(version: PolicyVersion, *, in_shadow: bool) -> dict[str, Any]:
    return {
        "number": version.number,
        "status": version.status,
        "revision": version.revision,
        "note": version.note,
        "document_hash": version.document_hash,
        "based_on": version.based_on.number if version.based_on else None,
        "loosens_mandatory": version.loosens_mandatory,
        "one_person": version.one_person,
        "in_shadow": in_shadow,
        "proposed_at": instant(version.proposed_at),
        "proposed_by": _name(version.proposed_by),
        "approvals": _approvals(version),
        "approvals_missing": version.approvals_missing,
        "approved_at": _time(version.approved_at),
        "approved_by": _name(version.approved_by),
        "activated_at": _time(version.activated_at),
        "retired_at": _time(version.retired_at),
    }


def _approvals(version: PolicyVersion) -> list[dict[str, Any]]:
    given = [(version.approved_by, version.approved_at), (version.second_approved_by, version.second_approved_at)]
    return [{"by": by.username, "at": instant(at)} for by, at in given if by and at]


def policy_detail(version: PolicyVersion, *, in_shadow: bool) -> dict[str, Any]:
    return {
        **policy_answer(version, in_shadow=in_shadow),
        "document": version.document,
        "evidence": version.evidence,
    }


def breaker_answer(breaker: Breaker) -> dict[str, Any]:
    return {
        "id": breaker.pk,
        "model": breaker.model,
        "model_version": breaker.model_version,
        "prompt_version": breaker.prompt_version,
        "cause": breaker.cause,
        "reason": breaker.reason or None,
        "figures": breaker.figures,
        "open": breaker.is_open,
        "tripped_at": instant(breaker.tripped_at),
        "tripped_by": _name(breaker.tripped_by),
        "reset_at": _time(breaker.reset_at),
        "reset_by": _name(breaker.reset_by),
        "reset_reason": breaker.reset_reason or None,
    }


def _name(person: User | None) -> str | None:
    return person.username if person else None


def _time(moment: datetime | None) -> str | None:
    return instant(moment) if moment else None
