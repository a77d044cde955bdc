"""Who has to agree before a version may decide, and what becomes of one that is not wanted."""

from __future__ import annotations

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Forbidden
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.services import Appended
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.policy.models import OnePersonApproval, PolicyStatus, PolicyVersion
from reviewqueue.policy.rights import LOOSEN_MANDATORY, actor_in
from reviewqueue.policy.services.held import FourEyes, active_version, hold, named, refuse_outdated
from reviewqueue.policy.services.shadow import end_run_of
from reviewqueue.transactions import joins_transaction, service


class AdministratorsDecide(Forbidden):
    """The version loosens mandatory review, and this person is no administrator."""

    code = "administrators_decide"


@service
def approve(*, version: PolicyVersion, approver: User, seen: str | None = None) -> PolicyVersion:
    """Approves a draft. One that loosens mandatory review stays a draft until a second administrator has approved.

    Raises:
        FourEyes: the approver proposed it, or has approved it before.
        AdministratorsDecide: it loosens mandatory review, and the approver is no administrator.
        PolicyMovedOn: it is not what the approver saw (`seen`, its revision).
        PolicyNotInState: it is no draft.
        PolicyOutdated: another version became active since it was proposed.
    """
    return approve_within(version, approver, seen)


def approve_within(version: PolicyVersion, approver: User, seen: str | None) -> PolicyVersion:
    """`approve`, in the caller's transaction."""
    joins_transaction()
    locked = hold(version, PolicyStatus.DRAFT, seen=seen)
    if locked.loosens_mandatory:
        _refuse_loosening(locked, approver)
    elif locked.proposed_by_id == approver.pk:
        _refuse_own(locked)
        locked.one_person = True
    refuse_outdated(locked, active_version(locked.pipeline_id))
    complete = not locked.loosens_mandatory or locked.approved_by_id is not None
    entry = ledger.append(
        event="policy.approved",
        actor=actor_in(locked.pipeline, approver),
        approvals=2 if locked.approved_by_id else 1,
        one_person=locked.one_person,
        loosens_mandatory=locked.loosens_mandatory,
        **named(locked),
    )
    if complete:
        locked.status = PolicyStatus.APPROVED
    noted = _note_approval(locked, approver, entry)
    locked.save(update_fields=["status", "one_person", *noted])
    return locked


def _note_approval(version: PolicyVersion, approver: User, entry: Appended) -> list[str]:
    """The fields it was noted in: those of the first approval, or of the second."""
    first = version.approved_by_id is None
    noted = [name if first else f"second_{name}" for name in ("approved_by", "approved_at", "approved_event_id")]
    for name, value in zip(noted, (approver, timezone.now(), entry.id), strict=True):
        setattr(version, name, value)
    return noted


def _refuse_own(version: PolicyVersion) -> None:
    """The proposer may approve only where an administrator has allowed that, and the version will say so for ever."""
    if not OnePersonApproval.objects.filter(pipeline=version.pipeline_id, ended_at__isnull=True).exists():
        raise FourEyes("You proposed this version; somebody else has to approve it.")


def _refuse_loosening(version: PolicyVersion, approver: User) -> None:
    if version.proposed_by_id == approver.pk:
        raise FourEyes("You proposed this version; two administrators other than you have to approve it.")
    if not has_role(approver, LOOSEN_MANDATORY):
        raise AdministratorsDecide("This version loosens mandatory review: two administrators have to approve it.")
    if version.approved_by_id == approver.pk:
        raise FourEyes("You approved this version already; a second administrator has to approve it as well.")
    first = version.approved_by
    if first is not None and not has_role(first, LOOSEN_MANDATORY):
        raise AdministratorsDecide("Whoever approved first is no administrator any more. Propose the version anew.")


@service
def reject(*, version: PolicyVersion, by: User, seen: str | None = None) -> PolicyVersion:
    """Ends a draft. Its proposer withdraws it in this way."""
    return _end(hold(version, PolicyStatus.DRAFT, seen=seen), by, PolicyStatus.REJECTED)


@service
def retire(*, version: PolicyVersion, by: User, seen: str | None = None) -> PolicyVersion:
    """Ends an approved version that has not decided yet. The active one is retired by activating another."""
    return _end(hold(version, PolicyStatus.APPROVED, seen=seen), by, PolicyStatus.RETIRED)


def _end(locked: PolicyVersion, by: User, status: PolicyStatus) -> PolicyVersion:
    event = "policy.rejected" if status == PolicyStatus.REJECTED else "policy.retired"
    ledger.append(event=event, actor=actor_in(locked.pipeline, by), **named(locked))
    locked.status = status
    if status == PolicyStatus.RETIRED:
        locked.retired_at = timezone.now()
    locked.save(update_fields=["status", "retired_at"])
    end_run_of(locked, by=by)
    return locked
