"""The sealer is killed before and after everything it says to the database or writes to its anchor.

Each time a process of its own seals, and ends by SIGKILL at one place of the list that a first run drew up. The
database then holds the old state or the new one, and the next run leaves nothing unsealed, no gap and no fork.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from pytest_django import Settings

from reviewqueue.ledger import services
from reviewqueue.ledger.anchors import configured_anchor, local_anchors
from reviewqueue.ledger.models import Anchor, Checkpoint, Event, Leaf, Pending, Tile
from reviewqueue.ledger.note import TreeHead, VerifierKey, parse_note
from reviewqueue.ledger.verify import verify
from tests.running import wait_until
from tests.services.ledger.cast import one, prepare_sealing, rows, write_many

pytestmark = pytest.mark.usefixtures("committed_db")

EVENTS = 256
"""As many as a tile holds: every run stores one."""
APPLICATION = "doomed-sealer"
WRITES = (
    "DELETE FROM ledger.refusal",
    "DELETE FROM ledger.pending",
    "COPY ledger.leaf",
    "COPY ledger.tile",
    "INSERT INTO ledger.checkpoint",
    "_commit_gen",
    "the line of the anchor",
    "INSERT INTO ledger.anchor",
)


class Places:
    """Counts the places a process comes by; it does not get past the one it is to die at."""

    def __init__(self, deadly: int | None) -> None:
        self.names: list[str] = []
        self._deadly = deadly

    def pass_by(self, name: str, last_act: Callable[[], object] | None = None) -> None:
        if len(self.names) == self._deadly:
            if last_act:
                last_act()
            os.kill(os.getpid(), signal.SIGKILL)
        self.names.append(name)


def watch_the_database(places: Places) -> None:
    """psycopg has two ways to the server: `wait` for all that callers ask, `_exec_command` for BEGIN and COMMIT."""
    wait, command = psycopg.Connection.wait, psycopg.Connection._exec_command

    def watched_wait(self: Any, gen: Any, *args: Any, **kwargs: Any) -> Any:
        inside = gen.gi_frame.f_locals if hasattr(gen, "gi_frame") else {}
        said = inside.get("query") or inside.get("statement")
        name = " ".join(str(said).split())[:60] if said else gen.__name__
        places.pass_by(f"before {name}")
        answer = wait(self, gen, *args, **kwargs)
        places.pass_by(f"after {name}")
        return answer

    def watched_command(self: Any, text: Any, *args: Any) -> Any:
        name = text.decode() if isinstance(text, bytes) else str(text)
        places.pass_by(f"{name} said, no answer", lambda: send_only(self, text))
        answer = yield from command(self, text, *args)
        places.pass_by(f"{name} answered")
        return answer

    psycopg.Connection.wait = watched_wait  # type: ignore[method-assign,assignment]
    psycopg.Connection._exec_command = watched_command  # type: ignore[method-assign,assignment]


def send_only(talking: Any, text: str | bytes) -> None:
    """The server gets it, and nobody hears what becomes of it."""
    talking.pgconn.send_query(text if isinstance(text, bytes) else text.encode())
    while talking.pgconn.flush():
        pass


def watch_the_anchor_file(places: Places) -> None:
    write, sync = os.write, os.fsync

    def watched_write(descriptor: int, line: bytes) -> int:
        places.pass_by("before the line of the anchor")
        places.pass_by("half a line of the anchor", lambda: write(descriptor, line[: len(line) // 2]))
        written = write(descriptor, line)
        places.pass_by("after the line of the anchor")
        return written

    def watched_sync(descriptor: int) -> None:
        sync(descriptor)
        places.pass_by("the line of the anchor is on the disk")

    os.write, os.fsync = watched_write, watched_sync  # type: ignore[assignment]


def seal_in_a_process(deadly: int | None, record: Path) -> int:
    """The signal that ended it, 0 where it came to its end; `record` then holds the places it came by."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            os.environ["PGAPPNAME"] = APPLICATION
            places = Places(deadly)
            keep = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            plain_write = os.write
            watch_the_database(places)
            watch_the_anchor_file(places)
            services.seal()
            plain_write(keep, "\n".join(places.names).encode())
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the process failed by itself"
    wait_until(nobody_is_left, what="the end of the dead process's session", seconds=10)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def nobody_is_left() -> bool:
    return one("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", APPLICATION) == 0


def state() -> tuple[int, ...]:
    return tuple(model.objects.count() for model in (Pending, Leaf, Tile, Checkpoint))


def check_nothing_is_lost() -> None:
    """No event unsealed or sealed twice, no gap, and everything outside says what the database says."""
    size = Event.objects.count()
    assert (Pending.objects.count(), Leaf.objects.count()) == (0, size)
    assert rows("SELECT min(leaf_index), max(leaf_index), count(DISTINCT event_id) FROM ledger.leaf") == [
        (0, size - 1, size)
    ]
    newest = Checkpoint.objects.order_by("-tree_size").first()
    assert newest
    assert newest.tree_size == size
    for place in local_anchors():
        assert place.newest() == newest.note
        assert Anchor.objects.filter(sink=place.name, tree_size=size).exists()


def heads_outside() -> Iterator[tuple[int, bytes]]:
    anchor = configured_anchor()
    for note in anchor.notes() if anchor else ():
        head = TreeHead.parse(parse_note(note).text)
        yield head.size, head.root


@pytest.fixture
def key(settings: Settings, tmp_path: Path) -> VerifierKey:
    return prepare_sealing(settings, tmp_path)


def places_of_a_run(record: Path) -> list[str]:
    write_many(EVENTS)
    assert seal_in_a_process(None, record) == 0
    names = record.read_text().split("\n")
    for write in WRITES:
        assert {"before", "after"} <= {name.split()[0] for name in names if f" {write}" in name}, write
    assert names.count("COMMIT said, no answer") == 2
    return names


def kill_everywhere(record: Path) -> None:
    """Kills at one place after the other; the ledger goes on from run to run, as a real one does."""
    names = places_of_a_run(record)
    for number, name in enumerate(names):
        write_many(EVENTS)
        waiting, leaves, tiles, checkpoints = before = state()
        assert seal_in_a_process(number, record) == signal.SIGKILL, name
        sealed = (0, leaves + waiting, tiles + 1, checkpoints + 1)
        assert state()[:3] in (before[:3], sealed[:3]), name
        assert state() in (before, sealed), name
        write_many(1)
        assert services.seal().alarms == (), name
        check_nothing_is_lost()


def test_a_sealer_killed_anywhere_leaves_no_gap_no_fork_and_nothing_unsealed(key: VerifierKey, tmp_path: Path) -> None:
    kill_everywhere(tmp_path / "places")
    heads = set(heads_outside())
    assert len(heads) == len({size for size, _ in heads}), "two checkpoints of one size"
    assert heads <= {(each.tree_size, bytes(each.root)) for each in Checkpoint.objects.all()}
    report = verify(keys=[key], anchor=configured_anchor())
    assert (report.findings, report.unsealed) == ((), 0)
