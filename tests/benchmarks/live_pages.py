"""What open queue pages cost the server, quiet and busy: `python -m tests.benchmarks.live_pages`.

Every page asks every five seconds whether its part changed. Beside it in the same run, what being told would cost: how
fast transactions commit that notify listeners, and those that do not. Needs DATABASE_URL (a server whose user is a
superuser); makes a database of its own there and drops it.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Final

import django
import psutil

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from reviewqueue.accounts.models import User  # noqa: E402
from reviewqueue.pipelines import services as pipelines  # noqa: E402
from reviewqueue.pipelines.models import Role  # noqa: E402
from reviewqueue.review.models import Lease  # noqa: E402
from reviewqueue.review.services import labels, leases  # noqa: E402
from reviewqueue.review.services.labels import LabelAnswer  # noqa: E402
from tests.benchmarks.own_database import own_database, p95, say  # noqa: E402
from tests.benchmarks.served import server  # noqa: E402
from tests.benchmarks.takes import fill, held_claims  # noqa: E402
from tests.running import free_port  # noqa: E402
from tests.world import SETUP, World, make_person  # noqa: E402

EVERY_SECONDS: Final = 5.0
ASKERS: Final = 20
COMMITTERS: Final = 16


class Page:
    """The queue page of one person, as htmx keeps it fresh."""

    def __init__(self, port: int, session: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = {
            "Cookie": f"{settings.SESSION_COOKIE_NAME}={session}",
            "HX-Request": "true",
            "HX-Target": "work",
        }
        self.version = ""

    def ask(self) -> tuple[int, float]:
        """The status and the milliseconds it took."""
        started = time.perf_counter()
        self.connection.request("GET", "/queue/", headers={**self.headers, "If-None-Match": f'"{self.version}"'})
        answer = self.connection.getresponse()
        found = re.search(rb"If-None-Match[^0-9a-f]+([0-9a-f]{32})", answer.read())
        self.version = found[1].decode() if found else self.version
        return answer.status, (time.perf_counter() - started) * 1000


def poll(pages: list[Page], seconds: float) -> list[tuple[int, float]]:
    """Every page asks every five seconds, spread evenly, until the time is over."""
    until = time.perf_counter() + seconds

    def keep_asking(part: int) -> list[tuple[int, float]]:
        mine, told = pages[part::ASKERS], []
        while time.perf_counter() < until:
            for page in mine:
                told.append(page.ask())
                time.sleep(EVERY_SECONDS / len(mine) * 0.9)
        return told

    with ThreadPoolExecutor(ASKERS) as pool:
        return [each for told in pool.map(keep_asking, range(ASKERS)) for each in told]


def busy_seconds(server_pid: int) -> float:
    """Processor time so far of the web server, and of the connections to this database, which it keeps open."""
    web = [psutil.Process(server_pid), *psutil.Process(server_pid).children(recursive=True)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        pids = [pid for (pid,) in cursor.fetchall()]
    times = [process.cpu_times() for process in [*web, *map(psutil.Process, pids)]]
    return sum(each.user + each.system for each in times)


def measure(what: str, pages: list[Page], seconds: float, server_pid: int) -> None:
    before, started = busy_seconds(server_pid), time.perf_counter()
    told = poll(pages, seconds)
    elapsed, busy = time.perf_counter() - started, busy_seconds(server_pid) - before
    took = [milliseconds for _, milliseconds in told]
    unchanged = sum(status == 304 for status, _ in told) / len(told)
    say(f"{what}: {len(told) / elapsed:.0f} questions/s, {unchanged:.0%} unchanged")
    say(f"    processor     {busy / len(told) * 1000:.1f} ms each, {busy / elapsed:.0%} of one core")
    say(f"    answered in   {median(took):.0f} ms, p95 {p95(took):.0f} ms")


def answer_every(seconds: float, reviewer: User, over: threading.Event) -> None:
    while not over.wait(seconds):
        taken = leases.take(reviewer=reviewer)
        if isinstance(taken, Lease):
            labels.submit_label(reviewer=reviewer, lease_id=taken.pk, answer=LabelAnswer("correct"))
    connection.close()


def commits_per_second(seconds: float, *, notify: bool) -> float:
    """Small transactions by several connections; `notify` tells one channel of each."""
    until = time.perf_counter() + seconds

    def commit(_: int) -> int:
        done = 0
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")
            while time.perf_counter() < until:
                told = ", pg_notify('queue', 'changed')" if notify else ""
                cursor.execute(f"WITH one AS (INSERT INTO told VALUES (1) RETURNING 1) SELECT 1{told} FROM one")
                done += 1
        connection.close()
        return done

    with ThreadPoolExecutor(COMMITTERS) as pool:
        return sum(pool.map(commit, range(COMMITTERS))) / seconds


def open_pages(world: World, port: int, number: int) -> list[Page]:
    pages = []
    for place in range(number):
        reviewer = make_person(f"reviewer-{place}")
        pipelines.grant(user=reviewer, role=Role.REVIEWER, pipeline=world.pipeline, actor=SETUP)
        client = Client()
        client.force_login(reviewer)
        pages.append(Page(port, client.cookies[settings.SESSION_COOKIE_NAME].value))
    return pages


def compare_commits(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNLOGGED TABLE told (one integer)")
    kinds: list[Callable[[], float]] = [
        lambda: commits_per_second(seconds, notify=False),
        lambda: commits_per_second(seconds, notify=True),
    ]
    plain, notifying = (median(kind() for _ in range(3)) for kind in kinds)
    say(
        f"{COMMITTERS} connections: {plain:.0f} commits/s, {notifying:.0f} with a notification: {notifying / plain:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--seconds", type=float, default=30)
    chosen = parser.parse_args()
    port = free_port()
    with own_database() as world:
        pages = open_pages(world, port, chosen.pages)
        worker = make_person("worker")
        pipelines.grant(user=worker, role=Role.REVIEWER, pipeline=world.pipeline, actor=SETUP)
        first = held_claims(world)
        with server(port) as process:
            for size in chosen.tasks:
                fill(world, size, first)
                say(f"\n{size:,} open tasks, {chosen.pages} open pages")
                for page in pages:  # the server hung up on them while nobody asked
                    page.connection.close()
                poll(pages, EVERY_SECONDS)
                measure("  quiet", pages, chosen.seconds, process.pid)
                over = threading.Event()
                working = threading.Thread(target=answer_every, args=(0.5, worker, over))
                working.start()
                measure("  an answer every half second", pages, chosen.seconds, process.pid)
                over.set()
                working.join()
            for page in pages:
                page.connection.close()
        compare_commits(min(chosen.seconds, 5))


if __name__ == "__main__":
    main()
