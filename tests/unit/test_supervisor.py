"""The supervisor with real processes: small Python programs stand in for the servers."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewqueue.dev.console import Console
from reviewqueue.dev.supervisor import Service, StackFailed, Supervisor

ROOT = Path(__file__).resolve().parents[2]
SLEEP = "import time; time.sleep(60)"


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(said: io.StringIO) -> Iterator[Supervisor]:
    supervisor = Supervisor(Console(said))
    yield supervisor
    supervisor.stop()


def _program(name: str, code: str, **options: Any) -> Service:
    return Service(name, [sys.executable, "-I", "-S", "-c", code], os.environ, ROOT, **options)


def _until(supervisor: Supervisor, ready: Callable[[], bool]) -> None:
    supervisor.wait_for(ready, limit=10, what="The test")


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_a_child_that_ends_is_started_again(supervisor: Supervisor, said: io.StringIO) -> None:
    child = supervisor.start(_program("web", SLEEP))
    first = child.process.pid
    child.process.kill()
    _until(supervisor, lambda: child.alive and child.process.pid != first)
    assert "web      | ended with status -9; starting it again in 1 s" in said.getvalue()


def test_what_a_child_left_in_its_group_is_killed_before_the_restart(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "orphan"
    fork = f"import os, time; pid = os.fork(); pid and open({str(note)!r}, 'w').write(str(pid)); time.sleep(60)"
    child = supervisor.start(_program("web", fork))
    _until(supervisor, lambda: note.exists() and note.read_text() != "")
    orphan = int(note.read_text())
    child.process.kill()
    _until(supervisor, lambda: child.restart_at is not None)
    _until(supervisor, lambda: not _runs(orphan))


def test_the_pause_grows_while_a_child_keeps_ending(supervisor: Supervisor, said: io.StringIO) -> None:
    supervisor.start(_program("worker", "raise SystemExit(3)"))
    _until(supervisor, lambda: "starting it again in 2 s" in said.getvalue())
    assert "worker   | ended with status 3; starting it again in 1 s" in said.getvalue()


def test_the_end_of_the_database_ends_the_run(supervisor: Supervisor) -> None:
    child = supervisor.start(_program("database", SLEEP, layer=0, at_its_end="fail"))
    child.process.kill()
    with pytest.raises(StackFailed, match=r"^The database ended with status -9\.$"):
        _until(supervisor, lambda: False)


def test_a_task_that_ends_by_itself_gives_its_status(supervisor: Supervisor, said: io.StringIO) -> None:
    assert supervisor.run(_program("migrate", "print('done'); raise SystemExit(4)", at_its_end="done")) == 4
    _until(supervisor, lambda: said.getvalue() == "migrate  | done\n")
    assert supervisor.children == {}


def test_a_server_that_does_not_answer_is_named(supervisor: Supervisor) -> None:
    with pytest.raises(StackFailed, match=r"^The broker did not answer within 0 s\.$"):
        supervisor.wait_for(lambda: False, limit=0.1, what="The broker")


def test_layers_stop_from_the_highest_to_the_lowest(supervisor: Supervisor, said: io.StringIO) -> None:
    farewell = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (print('bye', flush=True), sys.exit()));"
        "print('ready', flush=True); time.sleep(60)"
    )
    for name, layer in (("database", 0), ("web", 2), ("broker", 1)):
        supervisor.start(_program(name, farewell, layer=layer))
    _until(supervisor, lambda: said.getvalue().count("ready") == 3)
    supervisor.stop()
    goodbyes = [line.split()[0] for line in said.getvalue().splitlines() if line.endswith("bye")]
    assert goodbyes == ["web", "broker", "database"]


def test_a_child_that_ignores_the_signal_is_killed_after_its_limit(supervisor: Supervisor, said: io.StringIO) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"
    )
    child = supervisor.start(_program("worker", deaf, stop_limit=0.2))
    _until(supervisor, lambda: "ready" in said.getvalue())
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL


def test_the_pids_of_living_children_are_announced(said: io.StringIO) -> None:
    announced: list[dict[str, int]] = []
    supervisor = Supervisor(Console(said), changed=announced.append)
    child = supervisor.start(_program("web", SLEEP))
    supervisor.stop()
    assert announced == [{"web": child.process.pid}, {}]


RUN = f"""
import os, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from reviewqueue.dev.console import Console
from reviewqueue.dev.supervisor import Service, StopRequested, Supervisor
supervisor = Supervisor(Console())
supervisor.listen_for_signals()
child = supervisor.start(Service("web", [sys.executable, "-c", {SLEEP!r}], os.environ, Path("/")))
print(child.process.pid, flush=True)
try:
    while True:
        supervisor.pause()
except StopRequested:
    supervisor.stop()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_and_the_run_ends_well(how: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        child = int(run.stdout.readline())
        run.send_signal(how)
        assert run.wait(10) == 0
    assert not _runs(child)


def test_children_do_not_outlive_a_killed_supervisor() -> None:
    with subprocess.Popen([sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout
        child = int(run.stdout.readline())
        run.kill()
        deadline = time.monotonic() + 5
        while _runs(child):
            assert time.monotonic() < deadline
            time.sleep(0.02)
