"""Whether this process is up, and whether the whole can do its work. Codes only: anybody may ask."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.connection import Connection

from reviewqueue.ledger.selectors import refusal, sealing_state
from reviewqueue.operations.models import SweepRun

HEARTBEAT: Final = timedelta(seconds=60)
MAX_UNSEALED_SECONDS: Final = 60.0
BROKER_PATIENCE: Final = 2.0


@never_cache
@require_safe
def healthz(_: HttpRequest) -> JsonResponse:
    """This process answers. Asks nothing of anybody else, so a broken database never gets it restarted."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(_: HttpRequest) -> JsonResponse:
    """Every part that the work depends on, each "ok" or what is wrong with it; 503 when one is not."""
    parts = {name: _state_of(check) for name, check in CHECKS.items()}
    failing = [name for name, state in parts.items() if state != "ok"]
    body = {"status": "failing" if failing else "ok", "failing": failing, "parts": parts}
    return JsonResponse(body, status=503 if failing else 200, headers={"Retry-After": "10"} if failing else {})


def _state_of(check: Callable[[], str]) -> str:
    try:
        return check()
    except DatabaseError:
        return "database_unavailable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    return "unapplied" if executor.migration_plan(executor.loader.graph.leaf_nodes()) else "ok"


def _broker() -> str:
    patience = BROKER_PATIENCE
    is_redis = settings.CELERY_BROKER_URL.startswith("redis")
    options = {"socket_connect_timeout": patience, "socket_timeout": patience} if is_redis else {}
    try:
        with Connection(  # type: ignore[no-untyped-call]  # untyped library
            settings.CELERY_BROKER_URL, connect_timeout=patience, transport_options=options
        ) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=patience)
    except Exception:  # each transport of the broker library has its own errors
        return "unreachable"
    return "ok"


def _worker() -> str:
    """Sweeps run every few seconds; a minute without any means that no worker or no scheduler runs."""
    last = SweepRun.objects.aggregate(last=Max("started_at"))["last"]
    return "ok" if last and timezone.now() - last < HEARTBEAT else "no_heartbeat"


def _ledger() -> str:
    refused = refusal()
    if refused is not None:
        return f"refuses_to_sign_{refused.code}"
    oldest = sealing_state().oldest_unsealed_seconds
    return "ok" if oldest is None or oldest <= MAX_UNSEALED_SECONDS else "not_sealing"


CHECKS: Final[dict[str, Callable[[], str]]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "worker": _worker,
    "ledger": _ledger,
}
