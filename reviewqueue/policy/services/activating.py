"""From the next claim on, another version decides."""

from __future__ import annotations

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.ledger import services as ledger
from reviewqueue.policy.models import PolicyStatus, PolicyVersion
from reviewqueue.policy.rights import actor_in
from reviewqueue.policy.services.approving import approve_within
from reviewqueue.policy.services.epochs import commit_epochs
from reviewqueue.policy.services.held import active_version, hold, hold_pipeline, named, refuse_outdated
from reviewqueue.policy.services.shadow import end_run_of
from reviewqueue.transactions import service


@service
def activate(*, version: PolicyVersion, by: User, seen: str | None = None) -> PolicyVersion:
    """Makes an approved version the active one; the version active until now is retired in the same moment.

    Raises PolicyMovedOn, PolicyNotInState, PolicyOutdated.
    """
    return _activate(version, by, seen)


@service
def approve_and_activate(*, version: PolicyVersion, approver: User, seen: str | None = None) -> PolicyVersion:
    """What a second person does in one step; both steps have their ledger entry.

    A version that needs a further approval stays a draft. Raises what `approve` and `activate` raise.
    """
    approved = approve_within(version, approver, seen)
    return _activate(approved, approver, None) if approved.status == PolicyStatus.APPROVED else approved


def _activate(version: PolicyVersion, by: User, seen: str | None) -> PolicyVersion:
    now = timezone.now()
    hold_pipeline(version.pipeline_id)
    locked = hold(version, PolicyStatus.APPROVED, seen=seen)
    before = active_version(locked.pipeline_id)
    refuse_outdated(locked, before)
    commit_epochs(locked, now)
    if before:
        ledger.append(event="policy.retired", actor=actor_in(locked.pipeline, by), **named(before))
        before.status, before.retired_at = PolicyStatus.RETIRED, now
        before.save(update_fields=["status", "retired_at"])
    entry = ledger.append(
        event="policy.activated",
        actor=actor_in(locked.pipeline, by),
        one_person=locked.one_person,
        loosens_mandatory=locked.loosens_mandatory,
        **named(locked),
    )
    locked.status, locked.activated_at, locked.activated_event_id = PolicyStatus.ACTIVE, now, entry.id
    locked.save(update_fields=["status", "activated_at", "activated_event"])
    end_run_of(locked, by=by)
    return locked
