"""How long the audit report of a month takes: made by the worker, opened, and taken along in every form.

    DATABASE_URL=… python -m tests.benchmarks.reports                      # months of 10 and of 100 thousand claims
    DATABASE_URL=… python -m tests.benchmarks.reports --claims 100000 --rounds 5

A thousand claims live for real (labels, outcomes from outside that replace them, readings, erasures) and are
multiplied by SQL with their entries, which are then sealed. The report is made by a process of its own, so that its
memory is known. Pages and files are asked for without a web server between.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from reviewqueue import intake  # noqa: E402
from reviewqueue.claims.models import Claim, Outcome  # noqa: E402
from reviewqueue.claims.reporting import Report, report_outcome  # noqa: E402
from reviewqueue.ledger import services as ledger  # noqa: E402
from reviewqueue.ledger.keys import create_key  # noqa: E402
from reviewqueue.pipeline_settings import change_settings  # noqa: E402
from reviewqueue.reports.forms import FORMS  # noqa: E402
from reviewqueue.reports.models import AuditReport  # noqa: E402
from reviewqueue.reports.services import ask_for_report, make_waiting  # noqa: E402
from reviewqueue.viewing.services import record_views  # noqa: E402
from tests.benchmarks import storage  # noqa: E402
from tests.benchmarks.own_database import own_database, say  # noqa: E402
from tests.running import database_url  # noqa: E402
from tests.services.erasure.steps import erased  # noqa: E402
from tests.services.review.steps import RIGHT, WRONG, label_next  # noqa: E402
from tests.world import IDENTITY, POLICY, World  # noqa: E402

MODEL: Final = 1_000
LABELS: Final = 300
REPLACED: Final = 30
READ: Final = 30
ERASED: Final = 20
TABLES: Final = {
    **{table: which for table, which in storage.WRITTEN.items() if table != "ledger.pending"},
    **{f"public.{table}": "event_id > %(after)s" for table in ("review_lease", "review_label", "claims_outcome")},
}
UNSEALED: Final = """
    INSERT INTO ledger.pending SELECT id FROM ledger.event WHERE id NOT IN (SELECT event_id FROM ledger.leaf)
    ON CONFLICT DO NOTHING"""
MAKE: Final = "make-the-waiting-reports"


def live(world: World) -> tuple[int, int]:
    """A thousand claims with all that becomes of them; the ledger entries before and after."""
    change_settings(pipeline=world.pipeline, changes={"views_recorded": "auditors"}, by=world.olga)
    before = storage.last_event()
    bodies: list[Any] = [
        world.claim_body(
            confidence=(0.97, 0.75, 0.4)[place % 3],
            category=("general", "pricing", "refunds")[place % 10 // 4],
            segments={"workflow": "qa", "language": ("en", "de")[place % 2]},
        )
        for place in range(MODEL)
    ]
    intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    for place in range(LABELS):
        label_next((world.rita, world.ravi)[place % 2], WRONG if place % 7 == 0 else RIGHT)
    for outcome in Outcome.objects.order_by("id")[:REPLACED]:
        report_outcome(source=world.source, claim_id=outcome.claim_id, report=Report(correct=not outcome.correct))
    record_views(viewer=world.ada, claims=list(Claim.objects.order_by("id")[:READ]), purpose="claim_page")
    for claim in Claim.objects.order_by("-id")[:ERASED]:
        erased(world, claim)
    return before, storage.last_event()


def fill(first: tuple[int, int], claims: int) -> None:
    """As many claims, and nothing of them waits to be sealed."""
    start = storage.last_event() // storage.STRIDE + 1
    copies = range(start, start + (claims - storage.stored_claims()) // MODEL)
    storage.fill(copies, after=first[0], until=first[1], tables=TABLES, ids=storage.TIMED)
    with connection.cursor() as cursor:
        cursor.execute(UNSEALED)
    while ledger.seal().added:
        pass
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def make_in_a_process(report: AuditReport) -> tuple[float, int, int]:
    """Seconds, and the memory of that process in KiB before and at its peak."""
    connection.close()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "ATTACHMENTS_DIR": str(settings.MEDIA_ROOT),
        "LEDGER_ORIGIN": settings.LEDGER_ORIGIN,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.reports", MAKE], env=environment, check=True, stdout=subprocess.PIPE
    )
    seconds, before, peak = done.stdout.split()[-3:]
    report.refresh_from_db()
    if report.state != "done":
        raise SystemExit(report.failure)
    return float(seconds), int(before), int(peak)


def make_here() -> None:
    connection.ensure_connection()
    before = most_memory()
    seconds = timed(make_waiting)
    say(f"{seconds} {before} {most_memory()}")


def most_memory() -> int:
    """Of this process until now, in KiB. (getrusage counts its parent's as well.)"""
    [line] = [each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1])


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measure(world: World, rounds: int) -> None:
    now = timezone.now()
    makings = []
    for _ in range(rounds):
        report = ask_for_report(by=world.ada, pipeline=world.pipeline, since=now - timedelta(days=30), until=now)
        makings.append(make_in_a_process(report))
    say(f"\n{storage.stored_claims():,} claims, {report.entries:,} entries, a report of {kib(report.size or 0)}")
    seconds, before, peak = (median(column) for column in zip(*makings, strict=True))
    more = (peak - before) / 1024
    say(f"  made in        {seconds:8.2f} s, with {more:.0f} MiB above the {before / 1024:.0f} at rest")
    reader = Client(headers={"host": "localhost"})
    reader.force_login(world.ada, backend="django.contrib.auth.backends.ModelBackend")
    reader.get("/reports/", secure=True)  # the first request of a process loads the pages' programs
    opened(reader, "page", f"/reports/{report.pk}/", rounds)
    opened(reader, "list", "/reports/", rounds)
    for kind in FORMS:
        opened(reader, kind, f"/reports/{report.pk}/?as={kind}", rounds)


def opened(reader: Client, name: str, address: str, rounds: int) -> None:
    took, size = [], 0
    for _ in range(rounds):
        began = time.perf_counter()
        answer = reader.get(address, secure=True)
        took.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise SystemExit(f"{name}: {answer.status_code}")
        size = len(answer.content)
    say(f"  {name:14} {median(took) * 1000:8.0f} ms, the slowest {max(took) * 1000:.0f} ms, {kib(size)}")


def kib(size: int) -> str:
    return f"{size / 1024:,.0f} KiB"


@contextmanager
def own_places() -> Iterator[None]:
    """A key of the ledger, and a folder for the files of reports."""
    with tempfile.TemporaryDirectory() as folder:
        settings.LEDGER_ORIGIN = "review-queue/benchmark"
        settings.LEDGER_SIGNING_KEY_FILE = str(Path(folder) / "signing.key")
        settings.MEDIA_ROOT = Path(folder) / "files"
        settings.STATIC_ROOT = Path(folder)
        create_key(Path(folder) / "signing.key", name=settings.LEDGER_ORIGIN)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, nargs="+", default=[10_000, 100_000], help="of the month, ascending")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    with own_places(), own_database() as world:
        world.activate({**POLICY, "calibrators": [IDENTITY]})
        world.validate_band()
        first = live(world)
        for claims in chosen.claims:
            fill(first, claims)
            measure(world, chosen.rounds)


if __name__ == "__main__":
    make_here() if sys.argv[1:] == [MAKE] else main()
