"""The web server of a benchmark, on the database that this process uses."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.running import ROOT, database_url, wait_until


@contextmanager
def server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """With the workers and threads that `manage.py up` gives it."""
    command = ["granian", "--interface", "asgi", "--workers", "2", "--no-ws"]
    address = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning", "reviewqueue.asgi:application"]
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DATABASE_ROLE": "app_web",
        "RATE_LIMIT_INTAKE": "1000000000",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", *command, *address], cwd=ROOT, env=environment, start_new_session=True
    )
    try:
        wait_until(lambda: _answers(port), what="the web server", seconds=60)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    except OSError:
        return False
    return True
