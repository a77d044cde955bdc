"""The processes `manage.py up` runs and the environment each of them gets."""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reviewqueue.dev import broker, embedded
from reviewqueue.dev.embedded import Role
from reviewqueue.dev.leftovers import STACK_MARK
from reviewqueue.dev.postgres import Cluster
from reviewqueue.dev.service_account import private_directory
from reviewqueue.dev.supervisor import Service

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
# Celery's advice against root is for servers; on a developer's machine, often a container, root is who we are.
ROOT_IS_FINE_HERE = "ignore:You're running the worker with superuser privileges"
ANYWHERE = {"0.0.0.0", "::"}


@dataclass(frozen=True)
class Stack:
    """What is to run: the project, its local directory and the address of the web server."""

    root: Path
    local: Path
    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """The host a browser on this machine uses."""
        return "127.0.0.1" if self.host in ANYWHERE else self.host

    @property
    def url(self) -> str:
        host = self.reachable_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def environment(self, role: Role) -> dict[str, str]:
        """What the caller's environment says stays, except for the role, which tells our processes apart."""
        ours = embedded.embedded_environment(self.local, role=role, url=self.url)
        variables = ours | {name: value for name, value in os.environ.items() if value or name not in ours}
        variables |= {STACK_MARK: str(self.local), "REVIEWQUEUE_LOCAL": str(self.local)}
        variables["DATABASE_ROLE"] = ours["DATABASE_ROLE"]
        if self.host not in LOOPBACK:
            variables.setdefault("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]," + ",".join(_names_of_machine(self.host)))
        if role != "worker":
            variables.pop("LEDGER_SIGNING_KEY_FILE", None)
        return variables

    def database(self, cluster: Cluster) -> Service:
        return Service(
            "database",
            cluster.command,
            environment={**os.environ, "LC_ALL": "C.UTF-8"},
            directory=Path("/"),
            layer=0,
            at_its_end="fail",
            stop_signal=signal.SIGINT,
            stop_limit=30.0,
            account=cluster.account,
        )

    def broker(self) -> Service:
        data = self.local / "broker"
        private_directory(data, None)
        command = broker.broker_command(data, at=embedded.broker_socket(self.local))
        return Service("broker", command, environment=os.environ, directory=data, layer=1)

    def web(self) -> Service:
        command = _module("granian", "--interface", "asgi", "--workers", "2", "--no-ws")
        address = ["--host", self.host, "--port", str(self.port)]
        return self._service(
            "web", [*command, *address, "--log-level", "warning", "reviewqueue.asgi:application"], "web"
        )

    def worker(self) -> Service:
        options = ["--queues", "default,seal,deliveries", "--concurrency", "3", "--without-gossip", "--without-mingle"]
        service = self._service("worker", [*_celery("worker"), *options, "--loglevel", "INFO"], "worker")
        warnings = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), ROOT_IS_FINE_HERE)))
        return replace(service, environment={**service.environment, "PYTHONWARNINGS": warnings})

    def beat(self) -> Service:
        schedule = str(self.local / "beat-schedule")
        return self._service("beat", [*_celery("beat"), "--schedule", schedule, "--loglevel", "WARNING"], "web")

    def command(self, name: str, *arguments: str, role: Role = "worker") -> Service:
        """A Django command that runs once."""
        command = [sys.executable, str(self.root / "manage.py"), *arguments]
        return Service(name, command, self.environment(role), self.root, at_its_end="done")

    def _service(self, name: str, command: list[str], role: Role) -> Service:
        return Service(name, command, self.environment(role), self.root)


def uses_embedded_database(environment: Mapping[str, str] = os.environ) -> bool:
    return not environment.get("DATABASE_URL")


def uses_embedded_broker(environment: Mapping[str, str] = os.environ) -> bool:
    return not environment.get("CELERY_BROKER_URL")


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", name, *arguments]


def _celery(command: str) -> list[str]:
    return _module("celery", "--app", "reviewqueue.celery", "--quiet", command)


def _names_of_machine(host: str) -> list[str]:
    node = os.uname().nodename
    return [node, f"{node}.local"] if host in ANYWHERE else [host, node]
