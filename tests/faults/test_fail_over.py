"""The primary dies and its standby takes over: what was lost is shown, and nothing is lost where the standby confirms.

Real servers, one streaming to the other.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import Error, connection
from pytest_django import Settings

from reviewqueue.claims.models import Claim
from reviewqueue.claims.selectors import contents_of
from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import configured_anchor
from reviewqueue.ledger.keys import create_key
from reviewqueue.ledger.models import Checkpoint, Event, Pending
from reviewqueue.ledger.note import VerifierKey
from reviewqueue.ledger.sealer import SealRefused
from reviewqueue.ledger.selectors import refusal
from reviewqueue.ledger.verify import verify
from tests.faults.servers import Server, copy_tables_to, looking_at, new_directory, new_server
from tests.running import wait_until
from tests.services.erasure.steps import erased
from tests.services.ledger.cast import ORIGIN, prepare_sealing
from tests.world import World

RESTARTED = "review-queue/tests-after-the-fail-over"
WRITERS = 4
ACKNOWLEDGED = 60
"""Claims acknowledged before the standby is cut off, at least."""
SETTLING = 0.4
"""Seconds."""


@dataclass
class Pair:
    """Two servers, the second of which follows the first."""

    primary: Server
    standby: Server

    def is_level(self) -> bool:
        [(written,)] = self.primary.sql("SELECT pg_current_wal_lsn()")
        [(level,)] = self.standby.sql(f"SELECT pg_last_wal_replay_lsn() >= '{written}'")
        return bool(level)

    def cut(self) -> None:
        """The standby hears of nothing any more; it only falls behind, and nobody notices."""
        self.standby.sql("ALTER SYSTEM SET primary_conninfo = ''")
        self.standby.sql("SELECT pg_reload_conf()")
        wait_until(lambda: not self._is_listening(), what="the cut")

    def _is_listening(self) -> bool:
        return bool(self.standby.sql("SELECT FROM pg_stat_wal_receiver"))

    def wait_for_each_commit(self) -> None:
        """Only the primary is told so: a server that took over would wait for a standby it does not have."""
        self.primary.sql("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.sql("SELECT pg_reload_conf()")
        wait_until(self._confirms, what="the first confirmation")

    def _confirms(self) -> bool:
        return self.primary.sql("SELECT sync_state FROM pg_stat_replication") == [("sync",)]

    def fail_over(self) -> None:
        self.primary.kill()
        assert self.standby.sql("SELECT pg_promote()") == [(True,)]


@pytest.fixture
def pair(committed_world: World, tmp_path: Path) -> Iterator[Pair]:
    with new_server(synchronous_commit="remote_apply") as primary, new_directory() as directory:
        copy_tables_to(primary, tmp_path)
        standby = primary.standby(directory)
        try:
            yield Pair(primary, standby)
        finally:
            standby.end()


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> VerifierKey:
    settings.ERASURE_LIST_FILE = str(tmp_path / "erasures.jsonl")
    return prepare_sealing(settings, tmp_path)


def anchored() -> int:
    anchor = configured_anchor()
    assert anchor
    return int(str(anchor.newest()).split("\n")[1])


def sealed() -> int:
    newest = Checkpoint.objects.order_by("-tree_size").first()
    return newest.tree_size if newest else 0


def test_a_fail_over_that_lost_its_last_seconds_is_not_signed_until_the_loss_is_named(
    pair: Pair, committed_world: World, key: VerifierKey, settings: Settings, tmp_path: Path
) -> None:
    with looking_at(pair.primary):
        known, erased_since = committed_world.claim(), committed_world.claim()
        services.seal()
        wait_until(pair.is_level, what="the standby")
        before = anchored()
        pair.cut()
        lost = [committed_world.claim() for _ in range(3)]
        erased(committed_world, erased_since)
        services.seal()
        assert anchored() > before
    pair.fail_over()

    with looking_at(pair.standby):
        assert Claim.objects.filter(pk=known.pk).exists()
        assert not Claim.objects.filter(pk__in=[claim.pk for claim in lost]).exists()
        assert set(contents_of([known.pk, erased_since.pk])) == {known.pk, erased_since.pk}
        call_command("reapply_erasures", stdout=StringIO())
        assert set(contents_of([known.pk, erased_since.pk])) == {known.pk}
        with pytest.raises(SealRefused, match=f"ends at {before} leaves, the anchored checkpoint has {anchored()}"):
            services.seal()
        refused = refusal()
        assert refused
        assert refused.code == "rollback"
        assert Pending.objects.exists(), "events are accepted all the while"

    pair.primary.start()
    with looking_at(pair.primary):
        assert Claim.objects.filter(pk__in=[claim.pk for claim in lost]).count() == 3
        committed_world.claim()
        assert services.seal().size == anchored(), "the server that has it all goes on by itself"

    missing = anchored() - before
    old_key = settings.LEDGER_SIGNING_KEY_FILE
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = RESTARTED, str(tmp_path / "second.key")
    new = create_key(tmp_path / "second.key", name=RESTARTED)
    with looking_at(pair.standby):
        said = StringIO()
        call_command("restart_ledger", "--origin", RESTARTED, stdout=said)
        assert re.search(rf"known with {missing + before} entries, {missing} of them are lost", said.getvalue())
        report = verify(keys=[new, key], anchor=configured_anchor(), with_rows=True)
        assert report.sound, report.findings
    settings.LEDGER_ORIGIN, settings.LEDGER_SIGNING_KEY_FILE = ORIGIN, old_key
    with looking_at(pair.primary):
        committed_world.claim()
        with pytest.raises(SealRefused, match=f"belongs to {RESTARTED}"):
            services.seal()


@dataclass
class Traffic:
    """Threads that submit claims, and one that seals, until the database is gone."""

    world: World
    acknowledged: list[UUID] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)

    def start(self) -> list[Thread]:
        threads = [Thread(target=self._until_the_end, args=[act]) for act in [self._submit] * WRITERS + [self._seal]]
        for thread in threads:
            thread.start()
        return threads

    def _submit(self) -> None:
        self.acknowledged.append(UUID(self.world.submit().answer["id"]))

    def _seal(self) -> None:
        self.checkpoints.append(services.seal().size or 0)

    @staticmethod
    def _until_the_end(act: Callable[[], None]) -> None:
        with suppress(Error):
            while True:
                act()
        connection.close()


def test_nothing_acknowledged_is_lost_where_the_standby_confirms(
    pair: Pair, committed_world: World, key: VerifierKey
) -> None:
    pair.wait_for_each_commit()
    traffic = Traffic(committed_world)
    with looking_at(pair.primary):
        threads = traffic.start()
        wait_until(lambda: len(traffic.acknowledged) >= ACKNOWLEDGED, what="claims", seconds=30)
        pair.cut()
        time.sleep(SETTLING)
        confirmed = len(traffic.acknowledged)
        time.sleep(SETTLING)
        assert len(traffic.acknowledged) == confirmed, "what nobody confirms waits"
        pair.fail_over()
        for thread in threads:
            thread.join(20)
            assert not thread.is_alive()

    with looking_at(pair.standby):
        there = set(Claim.objects.values_list("pk", flat=True))
        assert set(traffic.acknowledged) <= there
        assert len(there) - len(traffic.acknowledged) <= WRITERS, "those whose answer nobody heard"
        assert Event.objects.filter(kind="claim.decided").count() == len(there)
        assert len(traffic.checkpoints) > 1
        assert max(traffic.checkpoints) <= sealed()
        committed_world.claim()
        assert services.seal().size == Event.objects.count() == anchored()
        report = verify(keys=[key], anchor=configured_anchor(), with_rows=True)
        assert report.sound, report.findings
