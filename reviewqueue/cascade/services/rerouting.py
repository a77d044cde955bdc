"""Claims that are not final yet, routed again when a policy version becomes active: only ever more strictly.

Claims that were released (`decided`) are not touched: what has left cannot be called back, and the sample that was
drawn of them measures it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.utils import timezone

from reviewqueue.cascade.models import Rerouting, StepEnd
from reviewqueue.cascade.services import steps
from reviewqueue.cascade.services.separately import separately
from reviewqueue.claims.checking import checked_for
from reviewqueue.claims.models import Claim, ClaimStatus, Decision
from reviewqueue.claims.rerouting import Rerouted, record_rerouted
from reviewqueue.claims.selectors import contents_of
from reviewqueue.policy.facts import facts_from_json
from reviewqueue.policy.models import BandState, PolicyStatus, PolicyVersion
from reviewqueue.policy.rerouting import rerouted
from reviewqueue.policy.routing import route
from reviewqueue.policy.selectors import ActivePolicy, Subject, policy_of
from reviewqueue.review.models import ReviewTask
from reviewqueue.review.services import tasks, tightening
from reviewqueue.review.services.tightening import Tighter
from reviewqueue.transactions import service

BATCH: Final = 100
RUN_SECONDS: Final = 20.0
"""Of one pipeline in one run; the next run goes on."""
NOT_FINAL: Final = (ClaimStatus.AWAITING_STEP, ClaimStatus.IN_REVIEW)
SECOND_LOOK_AFTER: Final = timedelta(minutes=20)
"""All claims are looked at once more after this: one may have been on its way in when the version became active, or
settled by an answer that was taken back in its undo window (ten minutes at most)."""


def reroute_open_claims(*, clock: Callable[[], datetime] = timezone.now) -> int:
    """Goes on where the last run ended, for every pipeline whose active version has not been through all open claims.

    Returns how many claims are held more strictly than before.
    """
    return separately(lambda version: sum(_batches(version, clock)), _unfinished(clock()))


def _unfinished(now: datetime) -> list[PolicyVersion]:
    """Active versions that have claims to look at now."""
    known = {row.pk: row for row in Rerouting.objects.filter(version__status=PolicyStatus.ACTIVE)}
    active = PolicyVersion.objects.filter(status=PolicyStatus.ACTIVE).order_by("pk")
    return [version for version in active if _has_work(known.get(version.pk), version, now)]


def _has_work(progress: Rerouting | None, version: PolicyVersion, now: datetime) -> bool:
    if progress is None or progress.finished_at is None:
        return True
    assert version.activated_at is not None
    return progress.started_at < version.activated_at + SECOND_LOOK_AFTER <= now


def _batches(version: PolicyVersion, clock: Callable[[], datetime]) -> Iterator[int]:
    looked_at, ends = BATCH, time.monotonic() + RUN_SECONDS
    while looked_at == BATCH and time.monotonic() < ends:
        looked_at, changed = _reroute_batch(version=version, now=clock())
        yield changed


@service
def _reroute_batch(*, version: PolicyVersion, now: datetime) -> tuple[int, int]:
    """The next claims after the last one looked at: how many, and how many of them are held more strictly now."""
    progress = _progress(version, now)
    claims = _next_claims(version, after=progress.cursor)
    changed = _hold_more_strictly(claims, version, now)
    progress.cursor = claims[-1].pk if claims else progress.cursor
    progress.finished_at = now if len(claims) < BATCH else None
    progress.looked_at += len(claims)
    progress.changed += changed
    progress.save()
    return len(claims), changed


def _progress(version: PolicyVersion, now: datetime) -> Rerouting:
    """Where the last batch ended, held; at the beginning where a pass through all claims begins."""
    Rerouting.objects.get_or_create(version=version, defaults={"started_at": now})
    progress = Rerouting.objects.select_for_update().get(pk=version.pk)
    if progress.finished_at is not None:
        progress.cursor, progress.started_at = None, now
    return progress


def _next_claims(version: PolicyVersion, *, after: UUID | None) -> list[Claim]:
    """Locked, in the order in which everybody locks several claims; a reviewer who is writing is waited for."""
    claims = Claim.objects.filter(pipeline=version.pipeline_id, status__in=NOT_FINAL)
    if after is not None:
        claims = claims.filter(pk__gt=after)
    locked = claims.select_related("pipeline__form").select_for_update(no_key=True, of=("self",))
    return list(locked.order_by("pk")[:BATCH])


def _hold_more_strictly(claims: Sequence[Claim], version: PolicyVersion, now: datetime) -> int:
    policy = ActivePolicy(
        version.pk, version.number, version.document_hash, policy_of(version.pk, version.document_hash)
    )
    reviews, states = tightening.open_reviews(claims), _states(claims, version)
    contents = contents_of([claim.pk for claim in claims]) if policy.policy.checks else {}
    changed = []
    for claim, standing in _decided_by_others(claims, version):
        task = reviews.get(claim.pk)
        facts = facts_from_json(standing.facts)
        facts = replace(facts, band_states=states.get((claim.model, claim.model_version, claim.prompt_version), {}))
        facts = checked_for(facts, policy.policy, contents.get(claim.pk))
        routing = rerouted(standing, route(facts, policy.policy), labels_needed=task.labels_needed if task else None)
        if routing:
            changed.append(Rerouted(claim, standing, facts, routing, policy))
    if changed:
        _write(changed, reviews, now)
    return len(changed)


def _decided_by_others(claims: Sequence[Claim], version: PolicyVersion) -> Iterator[tuple[Claim, Decision]]:
    decisions = Decision.objects.filter(claim__in=claims, standing=True)
    standing = {decision.claim_id: decision for decision in decisions}
    for claim in claims:
        if standing[claim.pk].policy_version_id != version.pk:
            yield claim, standing[claim.pk]


def _states(claims: Sequence[Claim], version: PolicyVersion) -> Mapping[Subject, Mapping[str, str]]:
    """What the bands of the version have earned, for the models of these claims."""
    rows = BandState.objects.filter(policy_version=version, model__in={claim.model for claim in claims})
    states: dict[Subject, dict[str, str]] = {}
    for model, model_version, prompt_version, band, state in rows.values_list(
        "model", "model_version", "prompt_version", "band", "state"
    ):
        states.setdefault((model, model_version, prompt_version), {})[band] = state
    return states


def _write(changed: Sequence[Rerouted], reviews: Mapping[UUID, ReviewTask], now: datetime) -> None:
    """Decisions and ledger entries first, then what people are asked for: nothing that somebody holds is taken away."""
    waiting = [each for each in changed if each.claim.status == ClaimStatus.AWAITING_STEP]
    events = {
        each.claim.pk: event
        for each, event in zip(changed, record_rerouted(changed, actor=steps.SYSTEM, now=now), strict=True)
    }
    steps.close([each.claim.pk for each in waiting], StepEnd.REROUTED, now=now)
    tasks.open_for_rerouted(waiting, [events[each.claim.pk] for each in waiting], now=now)
    tightening.tighten(
        [
            Tighter(reviews[each.claim.pk], each.routing.route == "escalate", each.routing.labels_needed)
            for each in changed
            if each.claim.pk in reviews
        ],
        now=now,
    )
