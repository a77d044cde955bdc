"""`manage.py up`: the whole product in one supervised foreground process."""

import argparse
import errno
import socket
import sys
from pathlib import Path

from reviewqueue.dev import embedded, leftovers
from reviewqueue.dev.broker import NoBrokerServer
from reviewqueue.dev.locks import Refused, only_start_in
from reviewqueue.dev.postgres_binaries import NoDatabaseServer
from reviewqueue.dev.stack import Stack
from reviewqueue.dev.start import Start
from reviewqueue.dev.supervisor import StackFailed


def main(root: Path, arguments: list[str]) -> int:
    options = _parse(arguments)
    local = embedded.local_directory(root)
    try:
        local.mkdir(mode=0o700, parents=True, exist_ok=True)
        with only_start_in(local):
            leftovers.end_stack(local)  # they may hold the port
            _require_free_port(options.host, options.port)
            stack = Stack(root, local, options.host, options.port)
            return Start(stack, with_claims=not options.empty, wait_for_demo=not options.no_demo_wait).run()
    except (Refused, StackFailed, NoDatabaseServer, NoBrokerServer, OSError, RuntimeError) as reason:
        print(f"manage.py up: {reason}", file=sys.stderr)
        return 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py up", description=__doc__)
    parser.add_argument("--port", type=_port, default=8000, help="port of the web server (default 8000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument(
        "--empty", action="store_true", help="no demo claims: accounts, keys and an empty pipeline only"
    )
    parser.add_argument("--no-demo-wait", action="store_true", help="print the address before the demo is complete")
    return parser.parse_args(arguments)


def _port(text: str) -> int:
    if text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is not a port between 1 and 65535")


def _require_free_port(host: str, port: int) -> None:
    if _is_free(host, port):
        return
    free = next((other for other in range(port + 1, min(port + 100, 65536)) if _is_free(host, other)), None)
    offer = f"; try `python3 manage.py up --port {free}`" if free else ""
    raise Refused(f"Port {port} on {host} is in use{offer}.")


def _is_free(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise Refused(f"Port {port} needs more rights; use one above 1023 with --port.") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise Refused(f"The address {host} cannot be used: {error.strerror}.") from None
    return True
