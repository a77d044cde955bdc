"""A real receiver of webhooks on this machine, behind certificates of an authority made for the tests."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from reviewqueue.deliveries.targets import HostPermission

PATIENCE = 10


@dataclass(frozen=True)
class Authority:
    """Whoever trusts `pem` trusts the certificates it issues."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def server_context(self, *names: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        named = x509.SubjectAlternativeName([_general_name(name) for name in names])
        certificate = _builder("receiver", "tests", key).add_extension(named, critical=False).sign(self.key, SHA256())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with TemporaryDirectory() as directory:
            chain = Path(directory, "chain.pem")
            private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            chain.write_bytes(private + certificate.public_bytes(Encoding.PEM))
            context.load_cert_chain(chain)
        return context


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
    )


@lru_cache
def authority(_number: int = 1) -> Authority:
    """Another number is another authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    constraint = x509.BasicConstraints(ca=True, path_length=0)
    builder = _builder("tests", "tests", key).add_extension(constraint, critical=True)
    return Authority(key, builder.sign(key, SHA256()))


@dataclass(frozen=True)
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[["Connection"], None]


@dataclass
class Receiver:
    """Use as a context manager. `answers` are given in turn, the last one again and again."""

    answers: list[Behaviour] = field(default_factory=lambda: [status(200)])
    names: tuple[str, ...] = ("receiver.test", "localhost")
    encrypted: bool = True
    received: list[Received] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Receiver:
        context = authority().server_context(*self.names) if self.encrypted else None
        self._server = _Server(self, context)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.encrypted else 'http'}://{self.names[0]}:{self.port}/hooks?from=queue"

    @property
    def permissions(self) -> dict[str, HostPermission]:
        ports, pem = frozenset({self.port}), authority().pem
        return {name: HostPermission(name, ports, not self.encrypted, pem) for name in self.names}

    def next_answer(self) -> Behaviour:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def here(_host: str, _port: int) -> list[str]:
    """A resolver to which every name is this machine."""
    return ["127.0.0.1"]


# --- how a receiver behaves -----------------------------------------------------------------------------------------


def status(code: int, body: bytes = b"", **headers: str) -> Behaviour:
    def answer(connection: Connection) -> None:
        connection.send_response(code)
        for name, value in headers.items():
            connection.send_header(name.replace("_", "-"), value)
        connection.send_header("Content-Length", str(len(body)))
        connection.end_headers()
        connection.wfile.write(body)

    return answer


def raw(data: bytes) -> Behaviour:
    return lambda connection: connection.give(data)


def endless(start: bytes, again: bytes, *, every: float = 0.0) -> Behaviour:
    """`start`, then `again` until the sender has had enough."""

    def answer(connection: Connection) -> None:
        connection.give(start)
        while not connection.receiver.stopping.wait(every):
            connection.give(again)

    return answer


def repeat(connection: Connection) -> None:
    """As a receiver that wants to be told answers a challenge."""
    asked = json.loads(connection.receiver.received[-1].body)["data"]
    status(200, json.dumps({"challenge": asked.get("challenge")}).encode())(connection)


def hang(connection: Connection) -> None:
    connection.receiver.stopping.wait(PATIENCE)


def reset(connection: Connection) -> None:
    """Breaks the connection off without a word."""
    connection.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.request.close()


class Connection(BaseHTTPRequestHandler):
    server: _Server

    @property
    def receiver(self) -> Receiver:
        return self.server.receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.received.append(Received(self.path, headers, body))
        self.receiver.next_answer()(self)

    def give(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, receiver: Receiver, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.receiver = receiver
        self.context = context

    def get_request(self) -> tuple[Any, Any]:
        connected, address = super().get_request()
        if self.context is None:
            return connected, address
        return self.context.wrap_socket(connected, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_: object) -> None:
        """A sender that hangs up is what some tests are about."""

    def shutdown_request(self, request: Any) -> None:
        with suppress(OSError):
            super().shutdown_request(request)
