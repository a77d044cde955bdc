"""Claims per second through HTTP, beside a bare COPY of the same rows: `python -m tests.benchmarks.intake`.

Needs DATABASE_URL (a server whose user is a superuser); makes a database of its own there and drops it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles
from typing import Any, Final

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewqueue.settings")
django.setup()

from django.db import connection  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from tests.benchmarks import storage  # noqa: E402
from tests.benchmarks.served import server  # noqa: E402
from tests.running import free_port  # noqa: E402
from tests.world import IDENTITY, POLICY, World, make_world  # noqa: E402

BATCH: Final = 1_000
CLIENTS: Final = 4
SIZES: Final = [10_000, 100_000, 1_000_000]
PASSAGE: Final = "The Pro plan costs 18 EUR per seat and month when it is billed by the year. " * 6


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def post(self, path: str, body: bytes) -> tuple[int, Any, float]:
        """Status, decoded answer, and the seconds from the request until that answer is decoded."""
        started = time.perf_counter()
        self.connection.request("POST", f"/api/v1/{path}", body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        return answer.status, json.loads(content), time.perf_counter() - started


def claims(world: World, count: int) -> list[dict[str, Any]]:
    """Claims of about 1 KB. A third is routine enough to be accepted; the others go to people or to audit."""
    return [
        world.claim_body(
            confidence=(0.97, 0.93, 0.75, 0.4, 0.99, 0.95)[place % 6],
            category="refunds" if place % 20 == 0 else "pricing",
            signals={"self_consistency": 0.6, "evidence_coverage": 0.4},
            alternatives=[{"output": "15 EUR", "confidence": 0.2}],
            context=[{"kind": "document", "title": "Price list", "text": PASSAGE}],
        )
        for place in range(count)
    ]


def batch_and_bare(client: Client, world: World) -> tuple[float, float]:
    """Seconds that a batch took, and that a COPY of the very rows it wrote takes into the bare tables."""
    body = json.dumps({"claims": claims(world, BATCH)}).encode()
    before = storage.last_event()
    status, answer, seconds = client.post("claims/batch", body)
    if status != 200 or answer["accepted"] != BATCH:
        raise SystemExit(f"The batch was not accepted: {status} {str(answer)[:500]}")
    rows = storage.written_after(before)
    started = time.perf_counter()
    storage.copy_bare(rows)
    return seconds, time.perf_counter() - started


def singles(port: int, world: World, count: int, clients: int) -> tuple[float, list[float]]:
    """Claims per second, and the seconds each took."""
    bodies = [json.dumps(claim).encode() for claim in claims(world, count)]

    def run(part: int) -> list[float]:
        client = Client(port, world.key)
        took = [client.post("claims", body) for body in bodies[part::clients]]
        if any(status != 201 for status, _, _ in took):
            raise SystemExit("A claim was not accepted.")
        return [seconds for _, _, seconds in took]

    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        took = [seconds for part in pool.map(run, range(clients)) for seconds in part]
    return count / (time.perf_counter() - started), took


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def spread(values: list[float]) -> str:
    low, _, high = quantiles(values, n=4)
    return f"{median(values):8.2f} (quartiles {low:.2f} to {high:.2f})"


def measure(port: int, world: World, stored: int, rounds: int) -> None:
    client = Client(port, world.key)
    for _ in range(4):  # both workers have their code and their statements ready
        batch_and_bare(client, world)
    pairs = [batch_and_bare(client, world) for _ in range(rounds)]
    rate, _ = singles(port, world, 800, CLIENTS)
    _, calm = singles(port, world, 200, 1)
    share = quantiles(calm, n=20)
    say(f"\n{stored:,} stored claims, {rounds} rounds")
    say(f"  batch, claims/s      {spread([BATCH / batch for batch, _ in pairs])}")
    say(f"  bare COPY, claims/s  {spread([BATCH / bare for _, bare in pairs])}")
    say(f"  batch / bare         {spread([bare / batch for batch, bare in pairs])}")
    say(f"  single, claims/s     {rate:8.0f} with {CLIENTS} clients")
    say(f"  single, one client   p50 {median(calm) * 1000:.1f} ms, p95 {share[-1] * 1000:.1f} ms")


def run(world: World, sizes: list[int], rounds: int) -> None:
    port = free_port()
    storage.make_bare_tables()
    world.activate({**POLICY, "calibrators": [IDENTITY]})
    world.validate_band()
    with server(port):
        before = storage.last_event()
        batch_and_bare(Client(port, world.key), world)
        first = storage.last_event()
        say("Routes of the first batch: {}; open reviews: {}".format(*storage.mix()))
        for size in sizes:
            start = storage.last_event() // storage.STRIDE + 1  # the ids before it are taken
            copies = range(start, start + (size - storage.stored_claims()) // BATCH)
            storage.fill(copies, after=before, until=first)
            storage.fill_bare()
            measure(port, world, size, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, nargs="+", default=SIZES, help="stored claims, ascending")
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    connection.settings_dict["OPTIONS"]["options"] += " -c statement_timeout=0 -c lock_timeout=0"
    made = setup_databases(verbosity=0, interactive=False, aliases={"default"})
    try:
        run(make_world(), chosen.claims, chosen.rounds)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
