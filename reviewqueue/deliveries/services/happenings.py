"""What is to be told besides outcomes, found in the ledger: each happening is one entry, and so at most one delivery
for each endpoint (docs/decisions/0008). There is nothing to undo, so there is no window to wait for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from reviewqueue.accounts.models import Source
from reviewqueue.claims.models import Claim
from reviewqueue.deliveries.models import Delivery, Endpoint, EndpointState, EventType
from reviewqueue.deliveries.payloads import written
from reviewqueue.ledger.models import Event
from reviewqueue.ledger.times import microseconds
from reviewqueue.transactions import service

RECENT: Final = timedelta(minutes=20)
"""Longer than any transaction, so that an entry that was committed late is found by the frequent look."""
PAGE: Final = 500

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Happening:
    """A kind of ledger entry that endpoints may ask for: which entries count, and what of them is told."""

    type: EventType
    kind: str
    counts: Callable[[Body], bool]
    told: tuple[str, ...]


def _is_breach(body: Body) -> bool:
    return body.get("state_from") == "validated" and body.get("state_to") in ("breach", "failed")


def _is_expiry(body: Body) -> bool:
    """Of a step, and not of a claim that went to people by one and is held more strictly since."""
    return body.get("from_route") == "uncertain" and "step_timeout" in body.get("reasons", ())


def _is_report(body: Body) -> bool:
    """An audit report of one pipeline: what concerns them all is not told to sources."""
    return body.get("format") == "report" and body.get("pipeline") is not None


_SUBJECT: Final = ("model", "model_version", "prompt_version")

HAPPENINGS: Final = (
    Happening(EventType.STEP_EXPIRED, "claim.rerouted", _is_expiry, ("route", "reasons", "policy_version")),
    Happening(
        EventType.BAND_BREACHED,
        "band.state_changed",
        _is_breach,
        (*_SUBJECT, "band", "state_from", "state_to", "policy_version"),
    ),
    Happening(EventType.BREAKER_TRIPPED, "breaker.tripped", lambda _: True, (*_SUBJECT, "cause")),
    Happening(EventType.GOLDEN_OVERDUE, "golden.overdue", lambda _: True, (*_SUBJECT, "golden_set", "reason")),
    Happening(
        EventType.GOLDEN_WORSE,
        "golden.run_completed",
        lambda body: bool(body.get("worse_bands")),
        (*_SUBJECT, "golden_set", "golden_version", "run", "worse_bands"),
    ),
    Happening(
        EventType.PIPELINE_ALARM, "pipeline.alarm", lambda _: True, ("code", "subject", "tone", "state", "since_us")
    ),
    Happening(
        EventType.REPORT_MADE,
        "export.created",
        _is_report,
        ("export", "leaf_from", "leaf_to", "tree_size", "manifest_hash"),
    ),
)


def find_recent(*, now: datetime | None = None) -> int:
    """Writes a delivery for each recent happening that an endpoint asked for; returns how many.

    Looking twice changes nothing.
    """
    return _find(since_us=microseconds((now or timezone.now()) - RECENT))


def find_overlooked() -> int:
    """As `find_recent`, for all there are."""
    return _find(since_us=0)


def _find(*, since_us: int) -> int:
    return sum(
        _tell(happening, page)
        for happening in HAPPENINGS
        if _listening(happening).exists()
        for page in _pages(happening.kind, since_us)
    )


def _listening(happening: Happening) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(events__contains=[happening.type]).exclude(state=EndpointState.DISABLED)


def _pages(kind: str, since_us: int) -> Iterator[list[Event]]:
    """Newest first, so that a look at the last minutes reads no more than those."""
    entries = Event.objects.filter(kind=kind).only("id", "leaf", "subject", "recorded_us").order_by("-id")
    page = list(entries[:PAGE])
    while page:
        yield [entry for entry in page if entry.recorded_us >= since_us]
        if page[-1].recorded_us < since_us:
            return
        page = list(entries.filter(id__lt=page[-1].id)[:PAGE])


@service
def _tell(happening: Happening, page: Sequence[Event]) -> int:
    bodies = {entry.id: json.loads(entry.leaf)["body"] for entry in page}
    entries = [entry for entry in page if happening.counts(bodies[entry.id])]
    known = set(Delivery.objects.filter(event__in=entries).values_list("endpoint_id", "event_id"))
    claims = Claim.objects.in_bulk({entry.subject for entry in entries if entry.subject})
    deliveries = [
        Delivery(
            endpoint=endpoint,
            event_id=entry.id,
            claim=claim,
            type=happening.type,
            body=_body(happening, entry, bodies[entry.id], claim),
        )
        for entry in reversed(entries)
        for claim in [claims.get(entry.subject)]
        for endpoint in _listeners(happening, claim, bodies[entry.id]["pipeline"])
        if _told_from(endpoint, happening) < entry.id and (endpoint.pk, entry.id) not in known
    ]
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)  # the other sweep may have found the same
    return len(deliveries)


def _listeners(happening: Happening, claim: Claim | None, pipeline: str) -> QuerySet[Endpoint]:
    """Endpoints of the claim's source; what concerns no claim, those of every source that may post to the pipeline."""
    listening = _listening(happening)
    if claim is not None:
        return listening.filter(source=claim.source_id)
    return listening.filter(source__in=Source.objects.filter(pipelines__slug=pipeline))


def _told_from(endpoint: Endpoint, happening: Happening) -> int:
    return int(endpoint.asked_at.get(happening.type, endpoint.event_id))


def _body(happening: Happening, entry: Event, body: Body, claim: Claim | None) -> str:
    """The happening in identifiers and codes: the ledger holds nothing else."""
    pipeline = body["pipeline"]
    about = {"pipeline": pipeline, "links": {"pipeline": f"/api/v1/pipelines/{pipeline}"}}
    if claim is not None:
        about = {
            "claim": str(claim.id),
            "external_id": claim.external_id,
            "pipeline": pipeline,
            "links": {"claim": f"/api/v1/claims/{claim.id}"},
        }
    told = {name: body.get(name) for name in happening.told}
    return written(happening.type, datetime.fromtimestamp(entry.recorded_us / 1e6, UTC), {**about, **told})
