"""The embedded servers for real: started, killed, started again, and with the roles the application needs."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from reviewqueue.dev import broker, postgres
from reviewqueue.dev.service_account import identity


@pytest.fixture(scope="module")
def cluster() -> Iterator[postgres.Cluster]:
    with _new_cluster() as cluster, _served(cluster):
        postgres.ensure_roles_and_database(cluster.sockets)
        yield cluster


@contextmanager
def _new_cluster() -> Iterator[postgres.Cluster]:
    with tempfile.TemporaryDirectory(prefix="reviewqueue-servers-", dir="/tmp") as directory:
        cluster = postgres.throwaway_cluster(Path(directory))
        cluster.initialise()
        yield cluster


@contextmanager
def _served(cluster: postgres.Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is cleared away as one left over by a crash would be."""
    with subprocess.Popen(
        cluster.command, cwd="/", stderr=subprocess.DEVNULL, start_new_session=True, **identity(cluster.account)
    ) as process:
        try:
            _wait_for(cluster.answers)
            yield process
        finally:
            cluster.clear_leftovers()


def _wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.02)


def _acts(cluster: postgres.Cluster, login: str, *, role: str) -> bool:
    try:
        with psycopg.connect(host=str(cluster.sockets), user=login, dbname="reviewqueue") as connection:
            connection.execute(f"SET ROLE {role}")
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def test_making_the_roles_twice_changes_nothing(cluster: postgres.Cluster) -> None:
    postgres.ensure_roles_and_database(cluster.sockets)
    assert cluster.initialise() is False


def test_only_the_worker_can_act_as_the_sealer(cluster: postgres.Cluster) -> None:
    assert _acts(cluster, "reviewqueue_web", role="app_web")
    assert _acts(cluster, "reviewqueue_worker", role="app_web")
    assert _acts(cluster, "reviewqueue_worker", role="app_sealer")
    assert not _acts(cluster, "reviewqueue_web", role="app_sealer")
    assert not _acts(cluster, "reviewqueue_worker", role="ledger_owner")


def test_migrations_can_hand_a_schema_to_the_owner_of_the_ledger(cluster: postgres.Cluster) -> None:
    with psycopg.connect(host=str(cluster.sockets), user=postgres.OWNER, dbname="reviewqueue") as connection:
        connection.execute("CREATE SCHEMA probe AUTHORIZATION ledger_owner")
        connection.execute("SET LOCAL ROLE ledger_owner")
        connection.execute("CREATE TABLE probe.evidence ()")
        connection.rollback()


def test_the_server_listens_on_its_socket_alone_in_utf_8(cluster: postgres.Cluster) -> None:
    with postgres.connect(cluster.sockets, database="reviewqueue") as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone() for name in ("listen_addresses", "server_encoding")
        }
    assert settings == {"listen_addresses": ("",), "server_encoding": ("UTF8",)}
    assert not cluster.sockets.stat().st_mode & 0o077


def test_what_a_crash_left_behind_is_cleared_before_the_next_start() -> None:
    with _new_cluster() as cluster:
        with _served(cluster) as abandoned:
            cluster.clear_leftovers()
            assert abandoned.wait(5) == 0
        with _served(cluster) as killed:
            killed.kill()
            killed.wait()
        with _served(cluster):
            assert cluster.answers()
        assert not cluster.answers()


def test_the_broker_keeps_its_messages_through_a_kill() -> None:
    with tempfile.TemporaryDirectory(prefix="reviewqueue-servers-", dir="/tmp") as directory:
        at = Path(directory) / "broker.sock"
        command = broker.broker_command(Path(directory), at=at)
        for expected in ("OK", "kept"):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            _wait_for(lambda: broker.answers(at))
            assert expected in _ask(at, "SET message kept" if expected == "OK" else "GET message")
            time.sleep(1.2 if expected == "OK" else 0)  # the log reaches the disk every second
            process.kill()
            process.wait()


def _ask(at: Path, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(at))
        line.sendall(f"{command}\r\n".encode())
        return line.recv(256).decode()
