"""`manage.py simulate`: plays real model outputs through the whole loop, on a stack that exists for this run alone."""

from __future__ import annotations

import argparse
import http.client
import socket
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from reviewqueue.dev import embedded, postgres
from reviewqueue.dev.console import Console
from reviewqueue.dev.postgres_binaries import NoDatabaseServer
from reviewqueue.dev.service_account import private_directory
from reviewqueue.dev.stack import Stack
from reviewqueue.dev.supervisor import Service, StackFailed, StopRequested, Supervisor

HOST = "127.0.0.1"
LIMIT = 120.0
ALONE = {
    "CELERY_BROKER_URL": "memory://",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT_INTAKE": "1000000",
    "RATE_LIMIT_OTHER": "1000000",
}
"""Nobody but the simulation is there: sweeps are run by it, and it may ask as fast as it can."""


def main(root: Path, arguments: list[str]) -> int:
    options = _parse(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="reviewqueue-simulation-", dir="/tmp") as directory:
            return _play(root, Path(directory), options)
    except StopRequested:
        return 130
    except (NoDatabaseServer, StackFailed) as reason:
        print(f"manage.py simulate: {reason}", file=sys.stderr)
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="orders the claims (default 1)")
    parser.add_argument(
        "--scenario", action="append", default=[], help="quiz, exam, cifar, imagenet or swap; repeat it for several"
    )
    return parser.parse_args(arguments)


def _play(root: Path, directory: Path, options: argparse.Namespace) -> int:
    supervisor = Supervisor(Console())
    supervisor.listen_for_signals()
    local = directory / "local"
    private_directory(local, None)
    (local / "static").mkdir()  # nothing is collected; the server wants the directory all the same
    stack = Stack(root, local, HOST, _free_port())
    try:
        sockets = _start_database(supervisor, directory)
        embedded.stored_secrets(local)
        _run(supervisor, _here(stack.command("migrate", "migrate", "--no-input", role="owner"), sockets))
        supervisor.start(_here(stack.web(), sockets))
        supervisor.wait_for(lambda: _answers(stack.port), limit=LIMIT, what="The web server")
        chosen = [word for name in options.scenario for word in ("--scenario", name)]
        play = stack.command("play", "play_scenarios", "--url", stack.url, "--seed", str(options.seed), *chosen)
        return supervisor.run(_here(play, sockets))
    finally:
        supervisor.stop()


def _start_database(supervisor: Supervisor, directory: Path) -> Path:
    """Returns where its socket is."""
    cluster = postgres.throwaway_cluster(directory)
    cluster.initialise()
    supervisor.start(Stack(directory, directory, HOST, 0).database(cluster))
    supervisor.wait_for(cluster.answers, limit=LIMIT, what="The database")
    postgres.ensure_roles_and_database(cluster.sockets)
    return cluster.sockets


def _here(service: Service, sockets: Path) -> Service:
    """With the database of this run, whatever the caller's environment names."""
    role = {"migrate": "owner", "web": "web"}.get(service.name, "worker")
    database = embedded.database_url(sockets, user=f"reviewqueue_{role}")
    return replace(service, environment={**service.environment, **ALONE, "DATABASE_URL": database})


def _run(supervisor: Supervisor, service: Service) -> None:
    if supervisor.run(service) != 0:
        raise StackFailed(f"`{service.name}` failed; its last lines say why.")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
