"""Database servers of a test's own: started, killed, copied and promoted with the tools that the project installs."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from django.db import connection

from reviewqueue.dev import embedded, leftovers
from reviewqueue.dev.postgres import SUPERUSER, Cluster, connect, throwaway_cluster
from reviewqueue.dev.service_account import identity, private_directory
from tests.running import wait_until


@dataclass
class Server:
    """`options` are settings of the server besides those of a throwaway cluster."""

    cluster: Cluster
    options: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> dict[str, str]:
        """What psql, pg_dump and their like read from the environment."""
        return {"PGHOST": str(self.cluster.sockets), "PGPORT": str(embedded.DATABASE_PORT), "PGUSER": SUPERUSER}

    def start(self) -> None:
        settings = [argument for name, value in self.options.items() for argument in ("-c", f"{name}={value}")]
        self.process = subprocess.Popen(
            [*self.cluster.command, *settings], cwd="/", stderr=subprocess.DEVNULL, start_new_session=True,
            **identity(self.cluster.account),
        )  # fmt: skip
        wait_until(self.cluster.answers, what="the server", seconds=30)

    def kill(self) -> None:
        """As the end of its machine would: nothing is finished, nothing is said."""
        for pid in sorted(leftovers.processes_inside(self.cluster.data)):  # the oldest, which watches the others, first
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not leftovers.processes_inside(self.cluster.data), what="the end of the server")
        self._forget()

    def end(self) -> None:
        self.cluster.clear_leftovers()
        self._forget()

    def _forget(self) -> None:
        if self.process:
            self.process.wait(10)
            self.process = None

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        with connect(self.cluster.sockets) as talking:
            cursor = talking.execute(statement)  # type: ignore[call-overload]
            return list(cursor.fetchall()) if cursor.description else []

    def standby(self, directory: Path) -> Server:
        """Another server, which follows this one from now on."""
        cluster = throwaway_cluster(directory)
        private_directory(cluster.data, cluster.account)
        subprocess.run(
            [self.cluster.binaries / "pg_basebackup", "-D", cluster.data, "-R", "-c", "fast", "--no-sync"],
            cwd="/", env={**os.environ, **self.address}, check=True, **identity(cluster.account),
        )  # fmt: skip
        server = Server(cluster, self.options)
        server.start()
        return server


@dataclass
class Shell:
    """Runs command lines against one server and database, with the tools in `binaries` or else of this machine."""

    folder: Path
    address: Mapping[str, str]
    database: str
    binaries: Path | None
    attachments: Path

    def run(self, line: str) -> None:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line], cwd=self.folder, env=self._environment,
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    @property
    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.address,
            "PATH": f"{self.binaries or ''}:{os.environ['PATH']}".lstrip(":"),
            "DATABASE_URL": f"postgres:///{self.database}",
            "SERVER_URL": "postgres:///postgres",
            "ATTACHMENTS_DIR": str(self.attachments),
        }


def shell_of_the_tests(folder: Path, server: Server, attachments: Path) -> Shell:
    """Against the database of the tests, with the tools of its server's version.

    They are ours, unless another server stands in for ours: what a newer pg_dump writes of it may not be restored.
    """
    at = connection.settings_dict
    known = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": at["USER"], "PGPASSWORD": at["PASSWORD"]}
    [(ours,)] = server.sql("SELECT current_setting('server_version_num')::int / 10000")
    connection.ensure_connection()
    binaries = server.cluster.binaries if connection.pg_version // 10_000 == ours else None
    address = {name: str(value) for name, value in known.items() if value}
    return Shell(folder, address, at["NAME"], binaries, attachments)


def copy_tables_to(server: Server, folder: Path) -> None:
    """The tables of the tests with what is in them, roles included, as the database `reviewqueue` of another server."""
    source = shell_of_the_tests(folder, server, folder)
    source.run('pg_dumpall --roles-only -d "$DATABASE_URL" -f roles.sql; pg_dump -Fc -f all.dump "$DATABASE_URL"')
    target = Shell(folder, server.address, embedded.DATABASE, server.cluster.binaries, folder)
    target.run(f'psql -f roles.sql -d "$SERVER_URL"; createdb {shlex.quote(embedded.DATABASE)}')
    target.run('pg_restore --exit-on-error -d "$DATABASE_URL" all.dump')


@contextmanager
def new_server(**options: str) -> Iterator[Server]:
    with new_directory() as directory:
        server = Server(throwaway_cluster(directory), options)
        server.cluster.initialise()
        server.start()
        try:
            yield server
        finally:
            server.end()


@contextmanager
def new_directory() -> Iterator[Path]:
    """Short, because sockets lie in it."""
    with tempfile.TemporaryDirectory(prefix="reviewqueue-servers-", dir="/tmp") as directory:
        yield Path(directory)


@contextmanager
def looking_at(server: Server, *, user: str = SUPERUSER) -> Iterator[None]:
    """The application of this process, with all its threads, works on that server in the meantime."""
    connection.close()
    before = dict(connection.settings_dict)
    connection.settings_dict.update(
        HOST=str(server.cluster.sockets), PORT=str(embedded.DATABASE_PORT), NAME=embedded.DATABASE, USER=user,
        PASSWORD="",
    )  # fmt: skip
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
