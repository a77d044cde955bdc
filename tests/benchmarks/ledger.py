"""What the ledger costs and how quickly it seals, proves and verifies: `python -m tests.benchmarks.ledger`.

Needs DATABASE_URL (a server whose user is a superuser); makes a database of its own there and drops it.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any, Final
from uuid import uuid4

import django
import msgspec

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


def entries_like(after: int) -> list[Entry]:
    """Entries with the fields of those written after an event, about claims of their own."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, (leaf::jsonb -> 'body')::text FROM ledger.event WHERE id > %s", [after])
        bodies = [(kind, msgspec.json.decode(body)) for kind, body in cursor.fetchall()]
    placed = {"event", "actor", "claim", "claim_seq", "claim_prev"}
    return [
        Entry(kind, ACTOR, uuid4(), {name: value for name, value in body.items() if name not in placed})
        for kind, body in bodies
    ]


def write_entries(entries: list[Entry]) -> None:
    with one_transaction():
        services.append_many(entries, after={entry.claim: services.NO_EVENT for entry in entries if entry.claim})


def write_path(world: World) -> tuple[float, float]:
    """Seconds of a batch, and of its ledger entries alone, written again in a transaction of their own."""
    before = storage.last_event()
    whole = timed(lambda: submit_batch(world))
    entries = entries_like(before)
    return whole, timed(lambda: write_entries(entries))


def say_write_path(world: World, rounds: int) -> None:
    for _ in range(2):
        write_path(world)
    pairs = [write_path(world) for _ in range(rounds)]
    say(f"\nThe write path, batches of {BATCH:,}, {rounds} rounds")
    say(f"  with the ledger, claims/s   {spread([BATCH / whole for whole, _ in pairs])}")
    say(f"  its entries alone, share    {spread([ledger / whole for whole, ledger in pairs])}")
    say(f"  with / without the ledger   {spread([1 - ledger / whole for whole, ledger in pairs])}")


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


def say_proofs_and_verification(key: VerifierKey) -> None:
    size = selectors.sealing_state().size
    chance = random.Random(7)
    inclusion = [timed(lambda: selectors.inclusion_proof(index=chance.randrange(size))) for _ in range(PROOFS)]
    checkpoints = [each.tree_size for each in selectors.checkpoints(limit=50) if 0 < each.tree_size < size]
    consistency = [timed(lambda: selectors.consistency_proof(first=chance.choice(checkpoints))) for _ in range(PROOFS)]
    say(f"\nProofs in a tree of {size:,} leaves")
    for name, took in (("inclusion", inclusion), ("consistency", consistency)):
        say(f"  {name:12} p50 {median(took) * 1000:.1f} ms, p95 {p95(took) * 1000:.1f} ms")
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
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, own_database() as world:
        settings.LEDGER_ORIGIN = "review-queue/benchmark"
        settings.LEDGER_SIGNING_KEY_FILE = str(Path(folder) / "signing.key")
        key = create_key(Path(folder) / "signing.key", name=settings.LEDGER_ORIGIN)
        world.activate({**POLICY, "calibrators": [IDENTITY]})
        world.validate_band()
        say_write_path(world, chosen.rounds)
        say_sealing(chosen.entries)
        say_proofs_and_verification(key)


if __name__ == "__main__":
    main()
