"""Whatever dies while many work at once: what they were told is true, and what must hold of the whole product holds.

Several seeds play on one running product, each with its faults in another order. Afterwards the tables are held against
what every client saw (tests/invariants.py), the figures against a count from nothing, and the whole ledger is exported
and proven.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from threading import Event

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from calibration import services as learning
from calibration.models import BandStat
from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Scope, User
from reviewqueue.claims.models import Decision, Outcome
from reviewqueue.ledger import models as rows
from reviewqueue.ledger import services as ledger
from reviewqueue.ledger import verify_export
from reviewqueue.ledger.actors import Actor
from reviewqueue.ledger.keys import verifier_keys
from reviewqueue.ledger.roles import acting_as
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.transfers.evidence import export_evidence
from tests.faults.clients import CANARY, Inside, Noted, Poster, Reviewer, Stranger, at_work
from tests.invariants import violations
from tests.running import ROOT, RunningStack, wait_until
from tests.world import IDENTITY, POLICY, SETUP, World

SEEDS = (1, 2, 3)
SETTLING = 0.8
"""Seconds between two faults."""
FLIPS = 25
AUDITOR = Actor.system("history")


@pytest.fixture
def stack(committed_world: World) -> Iterator[RunningStack]:
    with RunningStack() as running:
        yield running


def key_of(holder: User, *scopes: str) -> str:
    return accounts.issue_key(holder=holder, name="history", scopes=list(scopes), actor=SETUP)[1]


def policies() -> Iterator[dict[str, object]]:
    """Two that differ in what is mandatory and in how many labels a claim takes."""
    stricter = {**POLICY["mandatory"], "categories": ["refunds", "pricing"]}
    common = {**POLICY, "calibrators": [IDENTITY]}
    return cycle([common, {**common, "mandatory": stricter, "review": {**POLICY["review"], "labels_needed": 2}}])


# --- what happens to the product --------------------------------------------------------------------------------------


def end_and_start(part: str) -> Callable[[RunningStack], None]:
    def fault(stack: RunningStack) -> None:
        stack.kill(part)
        time.sleep(SETTLING / 2)
        stack.start(part)
        if part == "web":
            wait_until(stack.is_healthy, what="the web server", seconds=30)

    return fault


def cut_every_connection(_: RunningStack) -> None:
    with transaction.atomic(), connection.cursor() as cursor, acting_as(cursor, "none"):
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def seal_beside_the_worker(stack: RunningStack) -> None:
    command = [sys.executable, "manage.py", "seal_ledger"]
    others = [subprocess.Popen(command, cwd=ROOT, env=stack.environment, stderr=subprocess.PIPE) for _ in range(2)]
    for each in others:
        each.communicate(timeout=60)


FAULTS: dict[str, Callable[[RunningStack], None]] = {
    "the web server is killed": end_and_start("web"),
    "the worker is killed": end_and_start("worker"),
    "the broker is killed and forgets everything": end_and_start("broker"),
    "every connection to the database is cut": cut_every_connection,
    "two more sealers run": seal_beside_the_worker,
}


# --- what is looked at afterwards -------------------------------------------------------------------------------------


def everything_is_sealed() -> bool:
    connection.close()
    return not rows.Pending.objects.exists()


def figures(world: World) -> list[tuple[object, ...]]:
    """Of the bands of the policy in force, brought up to date."""
    learning.measure_pipeline(world.pipeline)
    of_active = BandStat.objects.filter(policy_version__status=PolicyStatus.ACTIVE)
    names = [field.attname for field in BandStat._meta.concrete_fields if field.attname != "id"]
    return sorted(of_active.values_list(*names), key=repr)


def exit_code(export: Path, key: object) -> int:
    return verify_export.main([str(export), "--key", str(key)])


def flipped(export: Path, dice: Random) -> Iterator[None]:
    path = export / "entries-0000.jsonl"
    sound = path.read_bytes()
    for _ in range(FLIPS):
        damaged = bytearray(sound)
        damaged[dice.randrange(len(sound))] ^= 1 << dice.randrange(8)
        path.write_bytes(damaged)
        yield
    path.write_bytes(sound)


def play(stack: RunningStack, world: World, seed: int, keys: dict[str, str], noted: Noted) -> None:
    dice, stop = Random(seed), Event()

    def needs(name: str) -> tuple[int, str, Random, Noted, Event]:
        return stack.port, keys[name], Random(dice.random()), noted, stop

    inside = Inside(world, Random(dice.random()), noted, stop)
    with at_work(
        stop,
        *(partial(Poster(*needs("helpdesk")).go, world, f"seed-{seed}-{number}") for number in range(2)),
        *(Reviewer(*needs(name)).go for name in ("rita", "ravi", "sam")),
        Stranger(*needs("stranger")).go,
        partial(inside.change_policies, policies()),
        inside.erase,
        inside.let_leases_run_out,
    ):
        for name in dice.sample(sorted(FAULTS), len(FAULTS)):
            time.sleep(SETTLING)
            FAULTS[name](stack)
        time.sleep(SETTLING)


def test_what_clients_were_told_is_true_whatever_was_killed_while_they_worked(
    stack: RunningStack, committed_world: World, settings: Settings, tmp_path: Path
) -> None:
    world, noted = committed_world, Noted()
    world.activate(next(policies()))  # type: ignore[arg-type]
    world.validate_band()
    stranger = accounts.create_source(slug="stranger", name="Stranger", actor=SETUP)
    keys = {
        "helpdesk": world.key,
        "stranger": accounts.issue_key(holder=stranger, name="history", scopes=[Scope.READ], actor=SETUP)[1],
        **{name: key_of(world.people[name], Scope.REVIEW) for name in ("rita", "ravi", "sam")},
    }
    for seed in SEEDS:
        play(stack, world, seed, keys, noted)
        wait_until(everything_is_sealed, what="sealing", seconds=60)
    logs = "".join(stack.log_of(part) for part in ("web", "worker", "beat"))
    for part in ("beat", "worker", "web"):
        stack.stop(part)
    settings.LEDGER_SIGNING_KEY_FILE = str(stack.directory / "ledger.key")

    assert noted.wrong == [], "Traceback".join(logs.split("Traceback")[-4:])  # why, where it was a 500
    swept = figures(world)
    learning.forget_derived(world.pipeline)
    assert figures(world) == swept != []
    ledger.seal()
    assert violations(noted.operations, keys=verifier_keys()) == []
    assert CANARY not in logs
    assert not [key for key in keys.values() if key in logs]
    assert not rows.Event.objects.filter(leaf__contains=CANARY).exists()

    export_evidence(path=tmp_path / "export", actor=AUDITOR)
    (key,) = verifier_keys()
    assert exit_code(tmp_path / "export", key) == 0
    assert {exit_code(tmp_path / "export", key) for _ in flipped(tmp_path / "export", Random(7))} <= {1, 2}

    told = {
        what: sum(each.what == what and each.state == "ok" for each in noted.operations)
        for what in ("claim", "label", "outcome", "erasure")
    }
    assert min(told.values()) >= len(SEEDS), "all of it happened"
    assert any(each.state == "unknown" for each in noted.operations), "the faults were felt"
    assert Decision.objects.filter(route="accept").exists()
    assert Outcome.objects.filter(standing=True, basis="labels").exists()
