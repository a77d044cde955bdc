"""A version that decides beside the active one and changes nothing."""

from __future__ import annotations

from django.utils import timezone

from reviewqueue.accounts.models import User
from reviewqueue.errors import Conflict
from reviewqueue.ledger import services as ledger
from reviewqueue.policy.models import PolicyStatus, PolicyVersion, ShadowRun
from reviewqueue.policy.services.held import PolicyNotInState, actor_of, hold, hold_pipeline, named
from reviewqueue.transactions import joins_transaction, service


class ShadowTaken(Conflict):
    """Another version runs in shadow; two at once could not be told apart by their readers."""

    code = "shadow_taken"


@service
def start_shadow(*, version: PolicyVersion, by: User, seen: str | None = None) -> ShadowRun:
    """From the next claim on, a draft or approved version decides beside the active one. Starting twice is once.

    Raises PolicyMovedOn, PolicyNotInState, ShadowTaken.
    """
    hold_pipeline(version.pipeline_id)
    locked = hold(version, PolicyStatus.DRAFT, PolicyStatus.APPROVED, seen=seen)
    running = ShadowRun.objects.filter(pipeline=locked.pipeline_id, stopped_at__isnull=True).first()
    if running is not None:
        if running.version_id == locked.pk:
            return running
        raise ShadowTaken(f"Version {running.version.number} runs in shadow. End that first.")
    entry = ledger.append(event="policy.shadow_started", actor=actor_of(locked.pipeline, by), **named(locked))
    return ShadowRun.objects.create(pipeline=locked.pipeline, version=locked, started_by=by, event_id=entry.id)


@service
def stop_shadow(*, version: PolicyVersion, by: User, seen: str | None = None) -> ShadowRun:
    """Its figures stay. Raises PolicyMovedOn, and PolicyNotInState when it does not run in shadow."""
    locked = hold(version, *PolicyStatus, seen=seen)
    ended = end_run_of(locked, by=by)
    if ended is None:
        raise PolicyNotInState("This version does not run in shadow.", status=locked.status)
    return ended


def end_run_of(version: PolicyVersion, *, by: User | None) -> ShadowRun | None:
    """Joins the caller's transaction: what is activated, rejected or retired runs in no shadow any more."""
    joins_transaction()
    run = ShadowRun.objects.select_for_update(no_key=True).filter(version=version, stopped_at__isnull=True).first()
    if run is None:
        return None
    entry = ledger.append(event="policy.shadow_stopped", actor=actor_of(version.pipeline, by), **named(version))
    run.stopped_at, run.stopped_by, run.stopped_event_id = timezone.now(), by, entry.id
    run.save(update_fields=["stopped_at", "stopped_by", "stopped_event"])
    return run
