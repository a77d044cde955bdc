"""Runs the processes of the stack: starts them, restarts what may end, stops them in the reverse order.

Every child leads a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone and whatever a child
leaves behind can be killed with its group. On Linux the kernel signals the children when the supervisor dies.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from reviewqueue.dev.console import Console
from reviewqueue.dev.service_account import ServiceAccount, identity

TICK = 0.05
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
SETTLED_AFTER = 60.0
LAST_WORDS = 1.0
PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class StopRequested(Exception):
    """Ctrl-C or a termination signal arrived."""


class StackFailed(Exception):
    """The stack cannot run on; the message is one sentence for the person at the terminal."""


@dataclass(frozen=True)
class Service:
    """One child. `layer` orders the stop: the highest goes first, and those of one layer go together."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    layer: int = 2
    at_its_end: Literal["restart", "fail", "done"] = "restart"
    stop_signal: signal.Signals = signal.SIGTERM
    stop_limit: float = 15.0
    account: ServiceAccount | None = None


@dataclass
class Child:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE
    restart_at: float | None = None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill_group(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class Supervisor:
    """Call every method from the main thread: the kernel ties the children's lives to the thread that starts them."""

    console: Console
    changed: Callable[[dict[str, int]], None] | None = None
    children: dict[str, Child] = field(default_factory=dict)
    _signals: int = 0
    _logs: list[threading.Thread] = field(default_factory=list)

    def listen_for_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup the end of the terminal is not the end of the run.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self._on_signal)

    def start(self, service: Service) -> Child:
        child = Child(service, self._spawn(service), time.monotonic())
        self.children[service.name] = child
        self._announce()
        return child

    def run(self, service: Service) -> int:
        """Starts a child that ends by itself, waits for it and returns its exit status."""
        child = self.start(service)
        while child.alive:
            self.pause()
        self.forget(service.name)
        return child.process.returncode

    def forget(self, name: str) -> None:
        child = self.children.pop(name)
        child.kill_group()
        self._announce()

    def wait_for(self, ready: Callable[[], bool], *, limit: float, what: str) -> None:
        deadline = time.monotonic() + limit
        while not ready():
            if time.monotonic() > deadline:
                raise StackFailed(f"{what} did not answer within {limit:.0f} s.")
            self.pause()

    def pause(self) -> None:
        """Lets a moment pass while looking after the children. The only place where the supervisor waits."""
        if self._signals:
            raise StopRequested
        time.sleep(TICK)
        for child in list(self.children.values()):
            if not child.alive:
                self._after_end(child)

    def stop(self) -> None:
        """Stops all children, layer by layer. A second signal kills what is left."""
        for layer in sorted({child.service.layer for child in self.children.values()}, reverse=True):
            self._stop_together([child for child in self.children.values() if child.service.layer == layer])
        self.children.clear()
        for log in self._logs:
            log.join(LAST_WORDS)
        self._announce()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self._signals += 1

    def _spawn(self, service: Service) -> subprocess.Popen[bytes]:
        parent = os.getpid()

        def end_with_parent() -> None:
            if _libc:
                _libc.prctl(PR_SET_PDEATHSIG, int(service.stop_signal))
                if os.getppid() != parent:
                    os._exit(1)

        process = subprocess.Popen(
            list(service.command),
            env=dict(service.environment),
            cwd=service.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent,
            **identity(service.account),
        )
        if process.stdout:
            self._logs.append(self.console.follow(service.name, process.stdout))
        return process

    def _after_end(self, child: Child) -> None:
        service, now = child.service, time.monotonic()
        if service.at_its_end == "done":
            return
        if service.at_its_end == "fail":
            raise StackFailed(f"The {service.name} ended with status {child.process.returncode}.")
        if child.restart_at is None:
            child.kill_group()
            child.pause = FIRST_PAUSE if now - child.started > SETTLED_AFTER else child.pause
            child.restart_at = now + child.pause
            status = child.process.returncode
            self.console.line(service.name, f"ended with status {status}; starting it again in {child.pause:.0f} s")
        elif now >= child.restart_at:
            child.process, child.started, child.restart_at = self._spawn(service), now, None
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
            self._announce()

    def _stop_together(self, children: Sequence[Child]) -> None:
        for child in children:
            if child.alive:
                child.process.send_signal(child.service.stop_signal)
        started = time.monotonic()
        waiting = list(children)
        while waiting and self._signals < 2:
            waiting = [child for child in waiting if child.alive]
            if any(time.monotonic() - started > child.service.stop_limit for child in waiting):
                break
            time.sleep(TICK)
        for child in children:
            child.kill_group()
            child.process.wait()

    def _announce(self) -> None:
        if self.changed:
            self.changed({name: child.process.pid for name, child in self.children.items() if child.alive})
