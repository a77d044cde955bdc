"""Takes per second by 32 reviewers, beside the bare SQL of the same statement: `python -m tests.benchmarks.takes`.

Needs DATABASE_URL (a server whose user is a superuser); makes a database of its own there and drops it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.db import connection, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from reviewqueue import intake  # noqa: E402
from reviewqueue.accounts.models import User  # noqa: E402
from reviewqueue.pipelines import services as pipelines  # noqa: E402
from reviewqueue.pipelines.models import Role  # noqa: E402
from reviewqueue.review.models import MAX_LEASES_IN_HAND, Lease, ReviewSlot  # noqa: E402
from reviewqueue.review.picking import pick, work_for  # noqa: E402
from reviewqueue.review.services.leases import take  # noqa: E402
from tests.benchmarks import storage  # noqa: E402
from tests.benchmarks.own_database import own_database, p95, say, spread  # noqa: E402
from tests.world import SETUP, World, make_person  # noqa: E402

CLIENTS: Final = 32
MODEL: Final = 1_000
SIZES: Final = [1_000, 10_000, 100_000, 1_000_000]


def bare_take(reviewer: User) -> bool:
    """The statement that `take` is made of, in a transaction of its own; no lease, no ledger."""
    with transaction.atomic():
        return pick(work_for(reviewer)) is not None


def take_one(reviewer: User) -> bool:
    return isinstance(take(reviewer=reviewer), Lease)


def takes(pool: ThreadPoolExecutor, reviewers: list[User], once: Callable[[User], bool]) -> tuple[float, list[float]]:
    """Takes per second when everybody fills their hands, and the seconds of each take. Then all hands are empty."""

    def fill_hands(reviewer: User) -> list[float]:
        took = []
        for _ in range(MAX_LEASES_IN_HAND):
            started = time.perf_counter()
            if not once(reviewer):
                raise SystemExit("Somebody got nothing.")
            took.append(time.perf_counter() - started)
        return took

    started = time.perf_counter()
    seconds = [each for took in pool.map(fill_hands, reviewers) for each in took]
    rate = len(seconds) / (time.perf_counter() - started)
    Lease.objects.filter(ended_at=None).update(ended_at=timezone.now(), end_reason="released")
    ReviewSlot.objects.filter(lease_no__gt=0, done=False).update(free_at=timezone.now())
    return rate, seconds


def fill(world: World, size: int, first: tuple[int, int]) -> None:
    """As many open tasks: the claims of the model batch, multiplied with all that was written with them."""
    open_tasks = ReviewSlot.objects.filter(done=False).count()
    start = storage.last_event() // storage.STRIDE + 1
    storage.fill(range(start, start + (size - open_tasks) // MODEL), after=first[0], until=first[1])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def held_claims(world: World) -> tuple[int, int]:
    """A batch of claims that all wait for people; the ledger entries before and after it."""
    before = storage.last_event()
    bodies: list[Any] = [world.claim_body(category="refunds", confidence=0.5) for _ in range(MODEL)]
    intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())
    return before, storage.last_event()


def measure(pool: ThreadPoolExecutor, reviewers: list[User], size: int, rounds: int) -> None:
    for once in (take_one, bare_take):
        takes(pool, reviewers, once)
    rates: list[tuple[float, float]] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        (whole, took), (bare, picked) = (takes(pool, reviewers, once) for once in (take_one, bare_take))
        rates.append((whole, bare))
        seconds[0].extend(took)
        seconds[1].extend(picked)
    say(f"\n{size:,} open tasks, {CLIENTS} clients, {rounds} rounds of {CLIENTS * MAX_LEASES_IN_HAND} takes")
    say(f"  take, per second      {spread([whole for whole, _ in rates])}, p95 {p95(seconds[0]) * 1000:.0f} ms")
    say(f"  bare SQL, per second  {spread([bare for _, bare in rates])}, p95 {p95(seconds[1]) * 1000:.0f} ms")
    say(f"  take / bare           {spread([whole / bare for whole, bare in rates])}")


def hang_up(_: int) -> None:
    time.sleep(0.05)  # so that every thread gets one
    connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=SIZES, help="open tasks, ascending")
    parser.add_argument("--rounds", type=int, default=10)
    chosen = parser.parse_args()
    with own_database() as world, ThreadPoolExecutor(CLIENTS) as pool:
        reviewers = [make_person(f"reviewer-{number}") for number in range(CLIENTS)]
        for reviewer in reviewers:
            pipelines.grant(user=reviewer, role=Role.REVIEWER, pipeline=world.pipeline, actor=SETUP)
        first = held_claims(world)
        try:
            for size in chosen.tasks:
                fill(world, size, first)
                measure(pool, reviewers, size, chosen.rounds)
        finally:
            list(pool.map(hang_up, range(CLIENTS)))


if __name__ == "__main__":
    main()
