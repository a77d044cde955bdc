"""`manage.py test`: static checks and pytest against a database and a broker that exist for this run alone.

DATABASE_URL is ignored on purpose, so that no test ever meets somebody's data; TEST_DATABASE_URL names a server whose
login may create databases and roles.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reviewqueue.dev import broker, browser, embedded, postgres, static_checks, tally
from reviewqueue.dev.broker import NoBrokerServer
from reviewqueue.dev.browser import NoBrowser
from reviewqueue.dev.console import Console
from reviewqueue.dev.postgres_binaries import NoDatabaseServer
from reviewqueue.dev.selection import Selection, select
from reviewqueue.dev.service_account import private_directory
from reviewqueue.dev.supervisor import Service, StackFailed, StopRequested, Supervisor
from reviewqueue.dev.tally import VARIABLE, Tally

# Set in a developer's shell for the running product or for libpq; a test run chooses its own.
FOREIGN = re.compile(
    r"PG[A-Z]+|DATABASE_.+|CELERY_BROKER_URL|DEBUG|ALLOWED_HOSTS|CSRF_TRUSTED_ORIGINS|PUBLIC_URL"
    r"|LOG_.+|LEDGER_.+|SECRET_KEY_.+"
)
# Tells the tests that the database server ends with this run, so that what they leave there meets nobody.
OWN_SERVER = "REVIEWQUEUE_TEST_SERVER_IS_OWN"
SERVER_LIMIT = 60.0
PYTEST_LIMIT = 20.0


def main(root: Path, arguments: list[str]) -> int:
    selection = select(root, arguments)
    try:
        if selection.browser:
            browser.ensure_chromium()
        # A socket's path must fit in 107 bytes, which TMPDIR does not promise.
        with tempfile.TemporaryDirectory(prefix="reviewqueue-tests-", dir="/tmp") as directory:
            return _run_in(root, Path(directory), selection)
    except StopRequested:
        return 130
    except (NoBrowser, NoDatabaseServer, NoBrokerServer, StackFailed) as reason:
        print(f"manage.py test: {reason}", file=sys.stderr)
        return 1


def _run_in(root: Path, directory: Path, selection: Selection) -> int:
    with open(directory / "servers.log", "w") as log, _servers(directory, Console(log)) as (supervisor, addresses):
        environment = test_environment(directory, addresses)
        checks = static_checks.run(root, environment) if selection.checked else {}
        tallies = []
        for number, arguments in enumerate(selection.runs):
            counts = directory / f"tally-{number}.json"
            variables = {**environment, VARIABLE: str(counts)}
            status = _pytest(supervisor, root, variables, ["-p", tally.__name__, *arguments])
            tallies.append(tally.read_tally(counts, status))
    print(_summary(checks, tallies))
    return int(any(result.failed for result in tallies) or not all(checks.values()))


def test_environment(directory: Path, addresses: Mapping[str, str]) -> dict[str, str]:
    """The settings of a test run: fresh secrets, its own servers, nothing from the caller's shell that names others."""
    inherited = {name: value for name, value in os.environ.items() if not FOREIGN.fullmatch(name)}
    if not os.access(inherited.get("HOME", ""), os.W_OK):
        inherited["HOME"] = str(directory)
    local = directory / "local"
    local.mkdir(mode=0o700)
    (local / "static").mkdir()  # tests collect nothing; the server of static files wants its directory all the same
    return {
        **inherited,
        **embedded.stored_secrets(local),
        **addresses,
        "DATABASE_ROLE": "",
        "REVIEWQUEUE_LOCAL": str(local),
        "REVIEWQUEUE_DEVELOPMENT": "true",
        "OMP_NUM_THREADS": "1",  # as in the workers: small trees wait for threads longer than they grow
    }


@contextlib.contextmanager
def _servers(directory: Path, console: Console) -> Iterator[tuple[Supervisor, dict[str, str]]]:
    supervisor = Supervisor(console)
    supervisor.listen_for_signals()
    try:
        addresses = {"CELERY_BROKER_URL": _start_broker(supervisor, directory)}
        if given := os.environ.get("TEST_DATABASE_URL"):
            addresses["DATABASE_URL"] = given
        else:
            addresses |= {"DATABASE_URL": _start_database(supervisor, directory), OWN_SERVER: "yes"}
        yield supervisor, addresses
    finally:
        supervisor.stop()


def _start_database(supervisor: Supervisor, directory: Path) -> str:
    cluster = postgres.throwaway_cluster(directory)
    cluster.initialise()
    supervisor.start(
        Service(
            "database",
            cluster.command,
            {**os.environ, "LC_ALL": "C.UTF-8"},
            Path("/"),
            layer=0,
            at_its_end="fail",
            stop_signal=signal.SIGINT,
            account=cluster.account,
        )
    )
    supervisor.wait_for(cluster.answers, limit=SERVER_LIMIT, what="The database")
    postgres.ensure_roles_and_database(cluster.sockets)
    return embedded.database_url(cluster.sockets, user=postgres.SUPERUSER)


def _start_broker(supervisor: Supervisor, directory: Path) -> str:
    data, at = directory / "broker", directory / "broker.sock"
    private_directory(data, None)
    command = broker.broker_command(data, at=at, durable=False)
    supervisor.start(Service("broker", command, os.environ, data, layer=1, at_its_end="fail"))
    supervisor.wait_for(lambda: broker.answers(at), limit=SERVER_LIMIT, what="The broker")
    return embedded.broker_url(at)


def _pytest(supervisor: Supervisor, root: Path, environment: Mapping[str, str], arguments: Sequence[str]) -> int:
    """Runs pytest in the foreground, so that it keeps the terminal's colours; ends it when this run is to end."""
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments], cwd=root, env=dict(environment))
    try:
        while process.poll() is None:
            supervisor.pause()
    except (StopRequested, StackFailed):
        _end(process)
        raise
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Pytest prints what it has at an interrupt; Ctrl-C has reached it already, another signal has not."""
    time.sleep(0.5)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(PYTEST_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _summary(checks: Mapping[str, bool], tallies: Sequence[Tally]) -> str:
    lines = [f"{name:<18}{'ok' if passed else 'FAILED'}" for name, passed in checks.items()]
    passed = sum(result.passed for result in tallies)
    failed = sum(result.failed for result in tallies) + list(checks.values()).count(False)
    return "\n".join(["", *lines, f"{passed} passed, {failed} failed"])
