"""How much is audited, as the sweep that watches the labels has worked it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from reviewqueue.ledger import services as ledger
from reviewqueue.policy.models import AuditRates, PolicyVersion
from reviewqueue.policy.selectors import Subject
from reviewqueue.policy.services.held import SWEEP
from reviewqueue.transactions import joins_transaction


def set_audit_rates(*, version: PolicyVersion, subject: Subject, band: str, rates: Mapping[str, float]) -> bool:
    """Holds from the next claim on; True when that is a change. Joins the caller's transaction.

    `rates` are by segment, "" for every claim. What was drawn until now keeps the rate it was drawn by.
    """
    joins_transaction()
    names = zip(("model", "model_version", "prompt_version"), subject, strict=True)
    key: dict[str, Any] = {**dict(names), "band": band}
    row = AuditRates.objects.select_for_update(no_key=True).filter(policy_version=version, **key).first()
    if row is not None and row.rates == dict(rates):
        return False
    entry = ledger.append(
        event="sample.rates_changed",
        actor=SWEEP,
        pipeline=version.pipeline.slug,
        policy_version=version.number,
        **key,
        rates=_millionths(rates),
        rates_from=_millionths(row.rates) if row else None,
    )
    AuditRates.objects.update_or_create(
        policy_version=version,
        **key,
        defaults={"rates": dict(rates), "changed_at": timezone.now(), "event_id": entry.id},
    )
    return True


def _millionths(rates: Mapping[str, float]) -> dict[str, int]:
    return {segment or "all": round(rate * 1_000_000) for segment, rate in rates.items()}
