"""Metrics for operators: how far the machinery is behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from reviewqueue.anchoring.selectors import place_states
from reviewqueue.api import examples
from reviewqueue.api.authentication import person_of
from reviewqueue.api.contract import Answer, Holder, promises
from reviewqueue.api.operation import Operation
from reviewqueue.api.prometheus import CONTENT_TYPE, MEDIA_TYPE, Gauge, exposition, gauge
from reviewqueue.deliveries.alarms import CAUSES, backlog, silent_endpoints
from reviewqueue.errors import Forbidden
from reviewqueue.golden.due import late_counts
from reviewqueue.ledger.selectors import refusal, sealing_state
from reviewqueue.operations.selectors import sweep_states
from reviewqueue.pipelines.selectors import has_role, pipelines_for
from reviewqueue.review.selectors import queue_counts

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User

OPERATORS: Final = frozenset({"auditor", "admin"})


class Metrics(Operation):
    @promises(
        "get_metrics",
        scope="audit",
        holder=Holder.PERSON,
        answers={200: Answer("The Prometheus text format.", str, examples.METRICS, media_type=MEDIA_TYPE)},
    )
    def get(self, request: Request) -> HttpResponse:
        """Read how far the machinery is behind.

        Sealing, queues, webhooks and sweeps, for a Prometheus that sends the key as its `credentials`. For auditors
        and admins.
        """
        person = person_of(request)
        if not has_role(person, OPERATORS):
            raise Forbidden("Metrics are for auditors and admins.")
        return HttpResponse(exposition(_gauges(person)), content_type=CONTENT_TYPE)


def _gauges(person: User) -> Iterator[Gauge]:
    sealing = sealing_state()
    yield gauge("ledger_sealed_entries", "Entries under the latest checkpoint.", sealing.size)
    yield gauge("ledger_unsealed_entries", "Entries that wait to be sealed.", sealing.unsealed)
    yield gauge("ledger_oldest_unsealed_seconds", "Age of the oldest of them.", sealing.oldest_unsealed_seconds or 0)
    yield from _anchors()
    yield from _queues(person)
    yield from _webhooks()
    yield from _golden_sets(person)
    yield from _sweeps()


def _anchors() -> Iterator[Gauge]:
    states = [({"place": state.name}, state) for state in place_states(timezone.now())]
    yield gauge("ledger_sealing_refused", "Whether signing would contradict what was signed before.", bool(refusal()))
    behind = tuple((name, state.behind) for name, state in states)
    yield Gauge("ledger_anchor_behind_seconds", "For how long the place lacks a checkpoint.", behind)
    late = tuple((name, state.is_late) for name, state in states)
    yield Gauge("ledger_anchor_late", "Whether that is longer than it may be.", late)


def _queues(person: User) -> Iterator[Gauge]:
    """An auditor and an admin see every pipeline."""
    rows = [({"pipeline": row.pipeline.slug}, row) for row in queue_counts(person, most=None)]
    yield Gauge("queue_open", "Labels that could be given now.", tuple((name, row.open) for name, row in rows))
    yield Gauge(
        "queue_leased", "Labels that somebody is about to give.", tuple((name, row.leased) for name, row in rows)
    )
    yield Gauge("queue_overdue", "Labels that are due.", tuple((name, row.overdue) for name, row in rows))


def _webhooks() -> Iterator[Gauge]:
    silent, waiting = Counter(alarm.cause for alarm in silent_endpoints()), backlog()
    yield Gauge(
        "webhook_silent_endpoints",
        "Endpoints whose source may be waiting in vain.",
        tuple(({"cause": cause}, silent[cause]) for cause in CAUSES),
    )
    yield gauge("webhook_undelivered", "Deliveries that are written and have not arrived.", waiting.undelivered)


def _golden_sets(person: User) -> Iterator[Gauge]:
    pipelines = list(pipelines_for(person, OPERATORS).order_by("slug"))
    late = late_counts(pipelines)
    yield Gauge(
        "golden_runs_overdue",
        "Measurements by golden sets that are late.",
        tuple(({"pipeline": each.slug}, late.get(each.pk, 0)) for each in pipelines),
    )


def _sweeps() -> Iterator[Gauge]:
    states = [({"sweep": state.name}, state) for state in sweep_states()]
    began = tuple((name, state.began_ago) for name, state in states)
    ended = tuple((name, state.ended_ago) for name, state in states if state.ended_ago is not None)
    yield Gauge("sweep_began_seconds", "Seconds since the sweep last began.", began)
    yield Gauge("sweep_ended_seconds", "Seconds since the sweep last ended well.", ended)
    yield Gauge("sweep_failed", "Whether its last run failed.", tuple((name, state.failed) for name, state in states))
