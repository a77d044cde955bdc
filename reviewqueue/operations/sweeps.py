"""How every sweep runs: alone, and leaving a trace of having run."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from reviewqueue.operations.models import SweepRun

log = logging.getLogger("reviewqueue.sweeps")


def run_sweep(name: str, work: Callable[[], int]) -> int:
    """Runs `work` unless the same sweep is running elsewhere; returns how many things it changed (0 if it did not run).

    A failure is recorded and raised again: the next interval tries anew, because sweeps find their own work.
    """
    with _alone(name) as free:
        if not free:
            return 0
        started = timezone.now()
        try:
            changed = work()
        except Exception as error:
            SweepRun.objects.update_or_create(
                name=name,
                defaults={"started_at": started, "failed_at": timezone.now(), "failure": type(error).__name__},
            )
            raise
        SweepRun.objects.update_or_create(
            name=name, defaults={"started_at": started, "finished_at": timezone.now(), "changed": changed}
        )
    if changed:
        log.info("%s: %d changed", name, changed)
    return changed


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """Holds a session advisory lock named after the sweep; yields whether it was free."""
    key = int.from_bytes(hashlib.sha256(b"sweep:" + name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        free = cursor.fetchone()[0]
    try:
        yield free
    finally:
        if free and connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
