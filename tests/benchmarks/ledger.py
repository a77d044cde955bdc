"""What the ledger costs and how quickly it seals, proves and verifies: `python -m tests.benchmarks.ledger`.

Needs DATABASE_URL (a server whose user is a superuser); makes a database of its own there and drops it.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.utils import timezone  # noqa: E402

from reviewqueue import intake  # noqa: E402
from reviewqueue.ledger import selectors, services  # noqa: E402
from reviewqueue.ledger.actors import Actor  # noqa: E402
from reviewqueue.ledger.events import Entry  # noqa: E402
from reviewqueue.ledger.keys import create_key  # noqa: E402
from reviewqueue.ledger.note import VerifierKey  # noqa: E402
from reviewqueue.ledger.services import Appended  # noqa: E402
from reviewqueue.ledger.verify import verify  # noqa: E402
from reviewqueue.transactions import one_transaction  # noqa: E402
from tests.benchmarks import storage  # noqa: E402
from tests.benchmarks.own_database import own_database, p95, say, spread  # noqa: E402
from tests.world import IDENTITY, POLICY, World  # noqa: E402

BATCH: Final = 1_000
PROOFS: Final = 500
ACTOR: Final = Actor.system("benchmark")


def timed(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def submit_batch(world: World) -> None:
    bodies: list[Any] = [world.claim_body(confidence=(0.97, 0.75)[place % 2]) for place in range(BATCH)]
    intake.submit_batch(source=world.source, bodies=bodies, now=timezone.now())


def write_entries(entries: list[Entry]) -> list[Appended]:
    with one_transaction():
        return services.append_many(entries)


def made_ahead(count: int) -> list[Appended]:
    return write_entries([Entry("config.changed", ACTOR, None, {"changed": ["made ahead"]}) for _ in range(count)])


@contextmanager
def without_the_ledger(ready: list[Appended]) -> Iterator[None]:
    """Nothing is appended: rows point at entries made ahead, so that every key is checked as ever."""
    written = services.append_many
    services.append_many = lambda entries, **_: [ready.pop() for _ in entries]
    try:
        yield
    finally:
        services.append_many = written


def write_path(world: World, ready: list[Appended]) -> tuple[float, float]:
    """Seconds of a batch with the ledger, and of one without."""
    with_ledger = timed(lambda: submit_batch(world))
    with without_the_ledger(ready):
        return with_ledger, timed(lambda: submit_batch(world))


def say_write_path(world: World, rounds: int) -> None:
    before = storage.last_event()
    submit_batch(world)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger.event WHERE id > %s", [before])
        a_batch = int(cursor.fetchone()[0])
    ready = made_ahead(a_batch * (rounds + 4))  # batches differ a little: the audit is drawn
    for _ in range(2):
        write_path(world, ready)
    pairs = [write_path(world, ready) for _ in range(rounds)]
    say(f"\nThe write path, batches of {BATCH:,}, {rounds} rounds, one with the ledger and one without in turn")
    say(f"  with the ledger, claims/s     {spread([BATCH / ours for ours, _ in pairs])}")
    say(f"  without the ledger, claims/s  {spread([BATCH / bare for _, bare in pairs])}")
    say(f"  with / without the ledger     {spread([bare / ours for ours, bare in pairs])}")


def say_delay(*, per_second: int, interval: float, seconds: float) -> None:
    """From the moment an entry is written until a checkpoint covers it, beside a writer that never pauses."""
    before = storage.last_event()
    stop = threading.Event()
    writer = threading.Thread(target=write_steadily, args=(per_second, stop))
    writer.start()
    ends = time.perf_counter() + seconds
    while (now := time.perf_counter()) < ends:
        services.seal()
        time.sleep(max(0.0, interval - (time.perf_counter() - now)))
    stop.set()
    writer.join()
    services.seal()
    with connection.cursor() as cursor:
        cursor.execute(_DELAYS, [before])
        count, middle, late = cursor.fetchone()
    say(f"\nSealing every {interval:g} s beside {count / seconds:,.0f} entries/s: p50 {middle:.2f} s, p99 {late:.2f} s")


def write_steadily(per_second: int, stop: threading.Event) -> None:
    try:
        due = time.perf_counter()
        while not stop.is_set():
            write_entries([Entry("config.changed", ACTOR, None, {"changed": ["steadily"]})])
            due += 1 / per_second
            time.sleep(max(0.0, due - time.perf_counter()))
    finally:
        connection.close()


_DELAYS: Final = """
    SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY delay),
           percentile_cont(0.99) WITHIN GROUP (ORDER BY delay)
      FROM ledger.event e JOIN ledger.leaf l ON l.event_id = e.id
      CROSS JOIN LATERAL (SELECT extract(epoch FROM min(c.sealed_at)) - e.recorded_us / 1e6 AS delay
                            FROM ledger.checkpoint c WHERE c.tree_size > l.leaf_index) AS sealed
     WHERE e.id > %s"""


def say_sealing(entries: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ledger.pending")
        waiting = int(cursor.fetchone()[0])
    while waiting < entries:
        count = min(10_000, entries - waiting)
        write_entries([Entry("config.changed", ACTOR, None, {"changed": [f"n{n}"]}) for n in range(count)])
        waiting += count
    runs: list[float] = []
    sealed = 0
    while sealed < waiting:
        started = time.perf_counter()
        sealed += services.seal().added
        runs.append(time.perf_counter() - started)
    say(f"\nSealing {waiting:,} entries: {waiting / sum(runs):,.0f} per second, {median(runs):.2f} s a run")
    alone = []
    for _ in range(50):
        write_entries([Entry("config.changed", ACTOR, None, {"changed": ["one"]})])
        alone.append(timed(services.seal))
    say(
        f"  one new entry: sealed p50 {median(alone) * 1000:.1f} ms, p95 {p95(alone) * 1000:.1f} ms after its run began"
    )


def say_proofs(key: VerifierKey, *, verified: bool) -> None:
    size = selectors.sealing_state().size
    chance = random.Random(7)
    inclusion = [timed(lambda: selectors.inclusion_proof(index=chance.randrange(size))) for _ in range(PROOFS)]
    checkpoints = [each.tree_size for each in selectors.checkpoints(limit=50) if 0 < each.tree_size < size]
    consistency = [timed(lambda: selectors.consistency_proof(first=chance.choice(checkpoints))) for _ in range(PROOFS)]
    say(f"\nProofs in a tree of {size:,} leaves")
    for name, took in (("inclusion", inclusion), ("consistency", consistency)):
        say(f"  {name:12} p50 {median(took) * 1000:.1f} ms, p95 {p95(took) * 1000:.1f} ms")
    if not verified:
        return
    started = time.perf_counter()
    report = verify(keys=[key])
    seconds = time.perf_counter() - started
    if not report.sound:
        raise SystemExit(report.summary())
    say(f"  verification {seconds:.1f} s, {seconds / size * 1_000_000:.0f} s per million entries")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000, help="entries to seal, prove and verify")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=30, help="of writing and sealing beside each other")
    parser.add_argument(
        "--unverified", action="store_true", help="leave out verification, which takes minutes per million"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, own_database() as world:
        settings.LEDGER_ORIGIN = "review-queue/benchmark"
        settings.LEDGER_SIGNING_KEY_FILE = str(Path(folder) / "signing.key")
        key = create_key(Path(folder) / "signing.key", name=settings.LEDGER_ORIGIN)
        world.activate({**POLICY, "calibrators": [IDENTITY]})
        world.validate_band()
        say_write_path(world, chosen.rounds)
        say_sealing(chosen.entries)
        say_proofs(key, verified=not chosen.unverified)
        say_delay(per_second=200, interval=1, seconds=chosen.seconds)
        say_delay(per_second=200, interval=5, seconds=chosen.seconds)


if __name__ == "__main__":
    main()
