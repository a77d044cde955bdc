"""Is the process up, and can the whole do its work?"""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils import timezone

from reviewqueue.ledger.sealer import note_refusal
from reviewqueue.operations import health
from reviewqueue.operations.models import SweepRun
from tests.api.caller import Caller, key_for
from tests.world import World


@pytest.fixture
def running(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Everything in order, with the broker said to be there: tests/e2e starts a real one."""
    SweepRun.objects.create(name="test.sweep", started_at=timezone.now())
    monkeypatch.setitem(health.CHECKS, "broker", lambda: "ok")
    return Client()


def failing(client: Client) -> dict[str, str]:
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    body = response.json()
    assert body["status"] == "failing"
    return {name: body["parts"][name] for name in body["failing"]}


def test_a_process_that_is_up_says_so_without_asking_the_database(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert client.post("/healthz").status_code == 405


def test_everything_in_order_is_200(running: Client) -> None:
    response = running.get("/readyz")
    assert response.status_code == 200, response.content
    assert response.json()["failing"] == []
    assert set(response.json()["parts"]) == {"database", "migrations", "broker", "worker", "ledger", "anchors"}
    assert "no-store" in response["Cache-Control"]


def test_a_minute_without_a_sweep_is_named(running: Client) -> None:
    SweepRun.objects.update(started_at=timezone.now() - timedelta(seconds=61))
    assert failing(running) == {"worker": "no_heartbeat"}
    SweepRun.objects.all().delete()
    assert failing(running) == {"worker": "no_heartbeat"}


def test_an_unapplied_migration_is_named(running: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL ROLE NONE")
        MigrationRecorder.Migration.objects.filter(app="claims").latest("id").delete()
    assert failing(running)["migrations"] == "unapplied"


def test_a_broker_that_nobody_reaches_or_that_says_nothing_is_named(
    db: None, settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    SweepRun.objects.create(name="test.sweep", started_at=timezone.now())
    monkeypatch.setattr(health, "BROKER_PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        for url in (f"redis://127.0.0.1:{port}/0", f"amqp://guest:guest@127.0.0.1:{port}//", "redis://127.0.0.1:9/0"):
            settings.CELERY_BROKER_URL = url
            assert failing(Client()) == {"broker": "unreachable"}


def test_events_that_nobody_seals_are_named_when_they_have_waited_too_long(
    running: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running.get("/readyz").status_code == 200
    monkeypatch.setattr(health, "MAX_UNSEALED_SECONDS", 0.0)
    assert failing(running) == {"ledger": "not_sealing"}


def test_why_nothing_is_signed_is_named(running: Client, world: World) -> None:
    note_refusal(code="rollback", reason="the database ends at 5 leaves")
    assert failing(running) == {"ledger": "refuses_to_sign_rollback"}
    metrics = Caller(key_for(world.ada, "audit")).get("/metrics").content.decode()
    assert "reviewqueue_ledger_sealing_refused 1" in metrics


def test_a_lost_database_is_named_everywhere_it_is_needed(running: Client) -> None:
    def lose(execute, sql, params, many, context):
        raise OperationalError("password=canary")

    with connection.execute_wrapper(lose):
        assert failing(running) == dict.fromkeys(
            ("database", "migrations", "worker", "ledger", "anchors"), "database_unavailable"
        )
