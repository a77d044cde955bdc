"""Ends what an earlier run left behind after a crash. Only call it while holding the lock of that run's directory."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

STACK_MARK = "REVIEWQUEUE_STACK"  # in the environment of every child of a stack: its local directory
PATIENCE = ((signal.SIGINT, 10.0), (signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))


def end_stack(local: Path) -> None:
    """Ends the application and the broker of an earlier run; the database is ended where its directory is known."""
    end(lambda: processes_of_stack(local))
    end(lambda: processes_inside(local / "broker"))


def processes_inside(directory: Path) -> list[int]:
    """Processes whose working directory is this one; database and broker servers both move into their data."""
    wanted = str(directory.resolve())
    found = []
    for entry in _process_entries():
        with suppress(OSError):
            if os.readlink(entry / "cwd") == wanted:
                found.append(int(entry.name))
    return found


def processes_of_stack(local: Path) -> list[int]:
    """Our children of an earlier run: processes of this account that carry this stack's mark in their environment."""
    mark = os.fsencode(f"{STACK_MARK}={local}")
    found = []
    for entry in _process_entries():
        with suppress(OSError):
            if int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def end(find: Callable[[], list[int]]) -> None:
    """Signals the processes found, ever more firmly, until none is found."""
    for how, limit in PATIENCE:
        found = find()
        for pid in found if how == signal.SIGKILL else _without_parent_in(found):
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        if _gone_within(limit, find):
            return
    raise RuntimeError(f"Processes {find()} of an earlier run do not end; stop them by hand.")


def _without_parent_in(pids: list[int]) -> list[int]:
    """A server's own children are its business: signalled one by one they would look like crashes to it."""
    return [pid for pid in pids if _parent_of(pid) not in pids]


def _parent_of(pid: int) -> int | None:
    try:
        # The second field is the command in brackets and may hold anything; the parent is the second one after it.
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _gone_within(limit: float, find: Callable[[], list[int]]) -> bool:
    deadline = time.monotonic() + limit
    while find():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _process_entries() -> Iterator[Path]:
    return (entry for entry in Path("/proc").iterdir() if entry.name.isdigit()) if Path("/proc").is_dir() else iter(())
