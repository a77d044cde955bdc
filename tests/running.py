"""The product as separate processes (web, worker, scheduler, broker) on the test database: what a person would run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from reviewqueue.dev import broker, embedded
from reviewqueue.dev.start import COLLECT_STATIC

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class RunningStack:
    """Start with `with RunningStack() as stack`. Each part can be killed and started again by its name."""

    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="rq-", dir="/tmp")))
    port: int = field(default_factory=lambda: free_port())
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DATABASE_ROLE": "app_web",
            "CELERY_BROKER_URL": embedded.broker_url(self._broker_socket),
            "LEDGER_SIGNING_KEY_FILE": str(self.directory / "ledger.key"),
            "REVIEWQUEUE_LOCAL": str(self.directory),
            "PUBLIC_URL": self.url,
            "PYTHONWARNINGS": "default",
            "WEB_THREADS": "4",
            "WEB_BODY_SECONDS": "2",
        }

    @property
    def _broker_socket(self) -> Path:
        return self.directory / "broker.sock"

    def __enter__(self) -> RunningStack:
        connection.close()
        self.run_command("ledger_key", "--create", str(self.directory / "ledger.key"))
        self.run_command(*COLLECT_STATIC)
        for part in ("broker", "web", "worker", "beat"):
            self.start(part)
        try:
            wait_until(self.is_healthy, what="the web server", seconds=30)
        except AssertionError as late:
            self.__exit__()
            raise AssertionError(self.log_of("web")) from late
        return self

    def __exit__(self, *_: object) -> None:
        for part in ("beat", "worker", "web", "broker"):
            self.stop(part)
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, part: str) -> None:
        python = [sys.executable, "-m"]
        commands: Mapping[str, Callable[[], list[str]]] = {
            "broker": lambda: broker.broker_command(self.directory, at=self._broker_socket),
            "web": lambda: [
                *python, "granian", "--interface", "asgi", "--workers", "1", "--no-ws",
                "--host", "127.0.0.1", "--port", str(self.port), "reviewqueue.asgi:application",
            ],
            "worker": lambda: [
                *python, "celery", "--app", "reviewqueue.celery", "worker", "--queues", "default,seal,deliveries",
                "--concurrency", "1", "--without-gossip", "--without-mingle",
            ],
            "beat": lambda: [
                *python, "celery", "--app", "reviewqueue.celery", "beat",
                "--schedule", str(self.directory / "beat"),
            ],
        }  # fmt: skip
        with (self.directory / f"{part}.log").open("ab") as log:
            self.processes[part] = subprocess.Popen(
                commands[part](), cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        if part == "broker":
            wait_until(lambda: broker.answers(self._broker_socket), what="the broker", seconds=10)

    def stop(self, part: str) -> None:
        process = self.processes.pop(part, None)
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
        _kill_group(process)

    def kill(self, part: str) -> None:
        """As a crash would: nothing is finished, nothing is said."""
        _kill_group(self.processes.pop(part))

    def log_of(self, part: str) -> str:
        return (self.directory / f"{part}.log").read_text(errors="replace")

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def call(self, key: str, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One REST call: its status and its decoded body (None when there is none)."""
        request = urllib.request.Request(
            f"{self.url}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, _decoded(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _decoded(error.read())

    def run_command(self, *arguments: str) -> None:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _decoded(body: bytes) -> Any:
    return json.loads(body) if body else None


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def database_url() -> str:
    settings = connection.settings_dict
    if settings["HOST"].startswith("/"):
        return embedded.database_url(Path(settings["HOST"]), user=settings["USER"], database=settings["NAME"])
    login = quote(settings["USER"]) + (":" + quote(settings["PASSWORD"]) if settings["PASSWORD"] else "")
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    return f"postgres://{login}@{settings['HOST']}{port}/{settings['NAME']}"


def free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_until(holds: Callable[[], object], *, what: str, seconds: float = 10) -> float:
    """Waits until `holds()` is true; returns how long that took, in seconds."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        if holds():
            return time.monotonic() - started
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")
