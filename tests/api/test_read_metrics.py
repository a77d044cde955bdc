"""Metrics: what Prometheus reads, and who may let it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from reviewqueue.api.prometheus import Gauge, exposition
from reviewqueue.deliveries.models import Endpoint
from reviewqueue.deliveries.services import endpoints
from reviewqueue.operations.models import SweepRun
from tests.api.caller import Caller, assert_problem, key_for, taken
from tests.world import World


def metrics_of(world: World) -> dict[str, float]:
    response = Caller(key_for(world.ada, "audit")).get("/metrics")
    assert response["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = [line for line in response.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_queues_are_counted_per_pipeline(world: World, rita: Caller) -> None:
    for _ in range(3):
        world.submit(category="refunds")
    taken(rita)
    metrics = metrics_of(world)
    assert metrics['reviewqueue_queue_open{pipeline="support-answers"}'] == 2
    assert metrics['reviewqueue_queue_leased{pipeline="support-answers"}'] == 1
    assert metrics['reviewqueue_queue_overdue{pipeline="support-answers"}'] == 0


def test_sealing_lag_is_told(world: World) -> None:
    metrics = metrics_of(world)
    assert metrics["reviewqueue_ledger_unsealed_entries"] > 0
    assert metrics["reviewqueue_ledger_oldest_unsealed_seconds"] >= 0
    assert metrics["reviewqueue_ledger_sealed_entries"] == 0


def test_silent_endpoints_are_told_by_cause(world: World) -> None:
    endpoint, _ = endpoints.create_endpoint(source=world.source, url="https://hooks.example.com/", by=world.adam)
    assert metrics_of(world)['reviewqueue_webhook_silent_endpoints{cause="gone"}'] == 0
    Endpoint.objects.filter(pk=endpoint.pk).update(state="disabled", state_reason="gone")
    metrics = metrics_of(world)
    assert metrics['reviewqueue_webhook_silent_endpoints{cause="gone"}'] == 1
    assert metrics["reviewqueue_webhook_undelivered"] == 0, "a challenge is no news"


def test_a_sweep_that_fails_is_told_from_one_that_ended_well(world: World) -> None:
    now = timezone.now()
    SweepRun.objects.create(name="good", started_at=now - timedelta(seconds=60), finished_at=now, failed_at=None)
    SweepRun.objects.create(name="bad", started_at=now, finished_at=now - timedelta(hours=1), failed_at=now)
    SweepRun.objects.create(name="first", started_at=now, failed_at=now)
    metrics = metrics_of(world)
    assert metrics['reviewqueue_sweep_began_seconds{sweep="good"}'] >= 60
    assert metrics['reviewqueue_sweep_ended_seconds{sweep="bad"}'] >= 3600
    assert 'reviewqueue_sweep_ended_seconds{sweep="first"}' not in metrics
    failed = {name: metrics[f'reviewqueue_sweep_failed{{sweep="{name}"}}'] for name in ("good", "bad", "first")}
    assert failed == {"good": 0, "bad": 1, "first": 1}


@pytest.mark.parametrize("name", ["rita", "olga", "nora"])
def test_metrics_are_for_auditors_and_admins(world: World, name: str) -> None:
    assert_problem(Caller(key_for(world.people[name], "audit")).get("/metrics"), 403)
    assert_problem(Caller(key_for(world.adam, "read")).get("/metrics"), 403)
    assert_problem(Caller(None).get("/metrics"), 401)
    assert Caller(key_for(world.adam, "audit")).get("/metrics").status_code == 200


def test_values_and_labels_are_written_exactly() -> None:
    text = exposition([Gauge("a", "Of a.", (({"x": 'q"\\\n'}, 0.1), ({}, 3)))])
    assert text.splitlines() == [
        "# HELP reviewqueue_a Of a.",
        "# TYPE reviewqueue_a gauge",
        'reviewqueue_a{x="q\\"\\\\\\n"} 0.10000000000000001',
        "reviewqueue_a 3",
    ]
