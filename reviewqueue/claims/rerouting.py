"""How further decisions about claims are written: all of them by the same few statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reviewqueue.claims.copying import copy_rows
from reviewqueue.claims.models import Claim, Decision
from reviewqueue.claims.recording import MandatoryReviewViolated, decision_row
from reviewqueue.claims.services import HELD_ROUTES, first_status, millionths
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.events import Entry
from reviewqueue.ledger.services import Appended
from reviewqueue.policy.facts import Facts
from reviewqueue.policy.routing import Routing
from reviewqueue.policy.selectors import ActivePolicy
from reviewqueue.transactions import joins_transaction


@dataclass(frozen=True, slots=True)
class Rerouted:
    """A claim, locked and with its pipeline, whose standing decision gives way to one that is not yet written."""

    claim: Claim
    standing: Decision
    facts: Facts
    routing: Routing
    policy: ActivePolicy


def record_rerouted(rerouted: Sequence[Rerouted], *, actor: Actor, now: datetime) -> list[Appended]:
    """Writes the decisions, their ledger entries and the new states of the claims. Joins the caller's transaction.

    Returns the entries in the order of `rerouted`.
    """
    joins_transaction()
    if any(each.routing.route not in HELD_ROUTES for each in rerouted):
        raise MandatoryReviewViolated("a claim is only ever routed again to people")
    events = ledger.append_many([_entry(each, actor) for each in rerouted])
    Decision.objects.filter(pk__in=[each.standing.pk for each in rerouted]).update(standing=False)
    copy_rows(Decision, (_row(each, event.id, now) for each, event in zip(rerouted, events, strict=True)))
    Claim.objects.filter(pk__in=[each.claim.pk for each in rerouted]).update(status=first_status("review"))
    return events


def _entry(each: Rerouted, actor: Actor) -> Entry:
    routing, policy = each.routing, each.policy
    fields: dict[str, object] = {
        "pipeline": each.claim.pipeline.slug,
        "from_route": each.standing.route,
        "route": routing.route,
        "reasons": routing.reasons,
        "mandatory": routing.mandatory,
        "band": routing.band,
        "band_state": routing.band_state,
        "calibrated_ppm": millionths(routing.calibrated_confidence),
        "calibrator": routing.calibrator,
        "labels_needed": routing.labels_needed,
        "policy_version": policy.number,
        "policy_hash": policy.document_hash,
    }
    if each.facts.epoch:
        fields["epoch"] = each.facts.epoch  # the draw of the first decision stands
    return Entry("claim.rerouted", actor, each.claim.pk, fields)


def _row(each: Rerouted, event_id: int, now: datetime) -> dict[str, object]:
    claim = each.claim
    return decision_row(
        each.routing,
        each.facts,
        each.standing.number + 1,
        claim.pk,
        claim.pipeline_id,
        each.policy.version_id,
        event_id,
        now,
    )
