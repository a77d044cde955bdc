"""One POST to an address that somebody else chose. The standard library only; no Django.

Of the answer, status, `Retry-After` and the body up to a limit go to the caller, who keeps no more than it needs. No
redirect is followed, no proxy of the environment is used, and the whole exchange, from the look-up of the name to the
last byte read, ends within one deadline.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final

from reviewqueue.deliveries.targets import (
    AddressRefused,
    HostPermission,
    Target,
    checked_addresses,
    parse_target,
)
from reviewqueue.web_addresses import TargetRefused

TOTAL_SECONDS: Final = 20.0
CONNECT_SECONDS: Final = 5.0
"""For one of several addresses: one that swallows packets must not use up the time of the next."""
MOST_ADDRESSES: Final = 4
MOST_READ: Final = 64 * 1024

ERRORS: Final[Mapping[str, str]] = {
    "target_refused": "The address is not one that is called.",
    "address_refused": "The host name leads to an address that is not public.",
    "unresolvable": "The host name has no address.",
    "tls": "The certificate was not accepted, or the encrypted connection failed.",
    "timeout": f"There was no complete answer within {TOTAL_SECONDS:g} seconds.",
    "connection": "There was no connection, or it broke off.",
    "broken_answer": "The answer was not HTTP, or its head was too long.",
    "not_repeated": "The answer did not repeat the challenge.",
}

Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it: a status, or one of the codes of `ERRORS`."""

    status: int | None
    error: str
    retry_after: str | None
    seconds: float
    body: bytes = b""

    @property
    def accepted(self) -> bool:
        return not self.error and self.status is not None and 200 <= self.status < 300


class _TooMuch(http.client.HTTPException):
    """More bytes than anybody wants to read."""


class _Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Raises TimeoutError when nothing is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    permissions: Mapping[str, HostPermission],
    resolve: Resolver | None = None,
    seconds: float = TOTAL_SECONDS,
    most_read: int = MOST_READ,
) -> Answer:
    """Sends `body` and waits for the answer. What the network does is in the Answer, never an exception.

    An answer counts by its status once its head is complete; its body is read to its end, up to `most_read` in all.
    """
    started = time.monotonic()
    status, retry_after, error, said = None, None, "", b""
    try:
        status, retry_after, said = _exchange(
            parse_target(url, permissions), body, headers, resolve or system_addresses, _Deadline(seconds), most_read
        )
    except _FAILURES as failure:
        error = _code(failure)
    return Answer(status, error, retry_after, time.monotonic() - started, said)


_FAILURES: Final = (TargetRefused, AddressRefused, OSError, http.client.HTTPException, UnicodeError)


def _code(failure: Exception) -> str:
    match failure:
        case TargetRefused():
            return "target_refused"
        case AddressRefused():
            return "address_refused"
        case socket.gaierror() | UnicodeError():
            return "unresolvable"
        case ssl.SSLError():
            return "tls"
        case TimeoutError():
            return "timeout"
        case OSError():
            return "connection"
    return "broken_answer"


def system_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _exchange(
    target: Target, body: bytes, headers: Mapping[str, str], resolve: Resolver, deadline: _Deadline, most_read: int
) -> tuple[int, str | None, bytes]:
    addresses = checked_addresses(_resolved(target, resolve, deadline), target.permission)
    own = {"Host": target.host_header, "Connection": "close", "Content-Length": str(len(body))}
    with closing(_connected(target, addresses[:MOST_ADDRESSES], deadline)) as connected:
        connection = http.client.HTTPConnection(target.host, target.port)
        wire: Any = _Wire(connected, deadline, most_read)
        connection.sock = wire  # connected to the checked address: http.client looks nothing up
        connection.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {**headers, **own}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        with closing(connection.getresponse()) as response:
            said = _read_to_its_end(response)
            return response.status, response.getheader("Retry-After"), said


def _resolved(target: Target, resolve: Resolver, deadline: _Deadline) -> list[str]:
    """The addresses of the name. A look-up cannot be interrupted: at the deadline its thread is left to itself."""
    answers: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        found = answers.get(timeout=deadline.left())
    except Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    if not found:
        raise socket.gaierror
    return found


def _connected(target: Target, addresses: list[str], deadline: _Deadline) -> socket.socket:
    """A connection to the first of the checked addresses that takes one. Raises OSError as the last one did."""
    failure: OSError = ConnectionError()
    for address in addresses:
        try:
            plain = socket.create_connection((address, target.port), timeout=min(CONNECT_SECONDS, deadline.left()))
        except OSError as error:
            failure = error
        else:
            return _encrypted(plain, target, deadline) if target.encrypted else plain
    raise failure


def _encrypted(plain: socket.socket, target: Target, deadline: _Deadline) -> ssl.SSLSocket:
    """Asks for, and verifies, the name that was in the URL, whatever address it was found at."""
    context = _tls_context(target.permission.ca_certificate if target.permission else "")
    wrapped = context.wrap_socket(plain, server_hostname=target.host, do_handshake_on_connect=False)
    try:
        wrapped.settimeout(deadline.left())
        wrapped.do_handshake()
    except BaseException:
        wrapped.close()
        raise
    return wrapped


@lru_cache(maxsize=64)
def _tls_context(ca_certificate: str) -> ssl.SSLContext:
    """Certificates and names are verified, TLS 1.2 at least; with an own authority, by that authority alone."""
    return ssl.create_default_context(cadata=ca_certificate or None)


def _read_to_its_end(response: http.client.HTTPResponse) -> bytes:
    """The status is what counts, so a body that breaks off or never ends is no failure; one that dawdles is."""
    said = bytearray()
    with suppress(http.client.HTTPException, ConnectionError, ssl.SSLError):
        while part := response.read(8192):
            said += part
    return bytes(said)


class _Wire:
    """What http.client needs of a socket, with every wait ending at the deadline and an end to what is read."""

    def __init__(self, connected: socket.socket, deadline: _Deadline, most_read: int) -> None:
        self._socket = connected
        self._deadline = deadline
        self._may_read = most_read

    def sendall(self, data: bytes) -> None:
        unsent = memoryview(data)
        while unsent:
            self._socket.settimeout(self._deadline.left())
            unsent = unsent[self._socket.send(unsent) :]

    def receive_into(self, buffer: Any) -> int:
        if self._may_read <= 0:
            raise _TooMuch
        self._socket.settimeout(self._deadline.left())
        received = self._socket.recv_into(buffer)
        self._may_read -= received
        return received

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """http.client closes its connection before the answer is read; who opened the socket closes it."""


class _Incoming(io.RawIOBase):
    def __init__(self, wire: _Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)
