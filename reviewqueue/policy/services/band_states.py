"""What the bands of a version may do, as the measurement sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from reviewqueue.ledger import services as ledger
from reviewqueue.policy.models import BandState, PolicyVersion
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
