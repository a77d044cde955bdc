"""What the bands of a version may do, as the measurement sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from reviewqueue.ledger import services as ledger
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.models import BandState, BandStateName, PolicyVersion
from reviewqueue.policy.selectors import EVERY_MODEL, Subject
from reviewqueue.policy.services.held import SWEEP
from reviewqueue.transactions import joins_transaction


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

    `figures` are the counts and limits behind it, as the ledger event `band.state_changed` names them. A band in breach
    stays so, whatever is measured, until a person resets the breaker.
    """
    joins_transaction()
    return _set(version, state, figures, model, model_version, prompt_version, band)


def end_breaches(pipeline: Pipeline, subject: Subject) -> None:
    """A person has allowed automation again: bands in breach become provisional. Joins the caller's transaction."""
    joins_transaction()
    found = BandState.objects.filter(policy_version__pipeline=pipeline, state=BandStateName.BREACH)
    if subject != EVERY_MODEL:
        found = found.filter(**dict(zip(("model", "model_version", "prompt_version"), subject, strict=True)))
    for row in found.select_related("policy_version__pipeline"):
        names = (row.model, row.model_version, row.prompt_version, row.band)
        _set(row.policy_version, BandStateName.PROVISIONAL, {}, *names, by_a_person=True)


def _set(
    version: PolicyVersion,
    state: str,
    figures: Mapping[str, Any],
    model: str,
    model_version: str,
    prompt_version: str,
    band: str,
    *,
    by_a_person: bool = False,
) -> bool:
    key: dict[str, Any] = {
        "model": model,
        "model_version": model_version,
        "prompt_version": prompt_version,
        "band": band,
    }
    row = BandState.objects.select_for_update(no_key=True).filter(policy_version=version, **key).first()
    before = row.state if row else "unmeasured"
    if before == state or (before == BandStateName.BREACH and not by_a_person):
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
