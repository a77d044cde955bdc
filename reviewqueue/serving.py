"""Hands a request to a thread only when it is there as a whole, and lets go of the thread before the answer is.

A thread that reads from a slow client does nothing else meanwhile, and there are few of them: four clients that dribble
would stop everything. So an event loop waits for slow clients, and the WSGI application never does.

How much may come in is bounded: bodies by their declared length, and requests under way by their number. What declares
more than is read, or no length at all, reaches the application without its body, and is refused there in its own words.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final
from urllib.parse import unquote_to_bytes

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Wsgi = Callable[..., Iterable[bytes]]

INCOMPLETE: Final = "reviewqueue.body_incomplete"
"""In the environ of a request whose body is not all there: LATE or SHORT. It reaches the application without a body."""

LATE: Final = "late"
SHORT: Final = "short"

IN_MEMORY: Final = 256 * 1024
"""Of one body; what is longer waits in a file."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is waited for, and how long.

    `longest` bytes of a body are read, more where an address in `longer` says so, with * for one part of any name. A
    body has `seconds`, and a second
    more for every `bytes_per_second` of it. Beyond `most` requests under way the next one is asked to come back.
    """

    longest: int = 1024 * 1024 + 64 * 1024
    longer: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 10.0
    bytes_per_second: int = 256 * 1024
    most: int = 200

    def bytes_at(self, path: str) -> int:
        parts = path.split("/")
        found = (size for address, size in self.longer.items() if _matches(address.split("/"), parts))
        return next(found, self.longest)

    def seconds_for(self, length: int) -> float:
        return self.seconds + length / self.bytes_per_second


def _matches(address: Sequence[str], parts: Sequence[str]) -> bool:
    return len(address) == len(parts) and all(name in ("*", part) for name, part in zip(address, parts, strict=True))


class Gone(Exception):
    """The client sends no more, though it said that there would be more. It may still listen."""


class Served:
    """An ASGI application that answers as the WSGI application does, in one of `threads` threads."""

    def __init__(self, application: Wsgi, *, threads: int, patience: Patience) -> None:
        self._application = application
        self._patience = patience
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="web")
        self._under_way = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await self._counted(scope, receive, send)

    async def _counted(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._under_way >= self._patience.most:
            await _send_all(send, 503, [(b"retry-after", b"2"), (b"content-length", b"0")], b"")
            return
        self._under_way += 1
        try:
            await self._answer(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = _headers_of(scope)
        length = _length_of(headers)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as body:
            environ = _environ(scope, headers, body)
            if 0 < length <= self._patience.bytes_at(scope["path"]):
                try:
                    await asyncio.wait_for(_read(receive, body, length), self._patience.seconds_for(length))
                except (TimeoutError, Gone) as error:
                    body.truncate(0)
                    environ[INCOMPLETE] = SHORT if isinstance(error, Gone) else LATE
                body.seek(0)
            loop = asyncio.get_running_loop()
            answer = await loop.run_in_executor(self._threads, _respond, self._application, environ)
        status, answered, content = answer
        if INCOMPLETE in environ:
            answered.append((b"connection", b"close"))  # what still comes is no request
        await _send_all(send, status, answered, b"" if scope["method"] == "HEAD" else content)


async def _live(receive: Receive, send: Send) -> None:
    """Nothing is to be done when the server starts or stops, but it wants to hear so."""
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(receive: Receive, body: IO[bytes], length: int) -> None:
    """At most `length` bytes, and at least that many unless the client ends before. Raises Gone."""
    left, more = length, True
    while more and left >= 0:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        piece = message.get("body", b"")
        body.write(piece[:left])
        left -= len(piece)
        more = message.get("more_body", False)


async def _send_all(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


def _respond(application: Wsgi, environ: dict[str, Any]) -> Answer:
    """The whole answer, made in a thread: the client may take its time to read it."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], None]:
        started.append((status, headers))
        return pieces.append

    pieces: list[bytes] = []
    answer = application(environ, start_response)
    try:
        pieces.extend(answer)
    finally:
        close = getattr(answer, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return int(status[:3]), encoded, b"".join(pieces)


def _headers_of(scope: Message) -> dict[str, str]:
    """By their names in lower case; one that came several times is one with commas, as HTTP has it."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        if "_" in name:
            continue  # would become another header's name in an environ
        parting = "; " if name == "cookie" else ","
        headers[name] = f"{headers[name]}{parting}{value}" if name in headers else value
    return headers


def _length_of(headers: Mapping[str, str]) -> int:
    """What is declared; 0 where nothing is, or where it is not to be believed."""
    text = headers.get("content-length", "")
    return int(text[:20]) if text.isascii() and text.isdigit() and "transfer-encoding" not in headers else 0


def _environ(scope: Message, headers: Mapping[str, str], body: IO[bytes]) -> dict[str, Any]:
    """As PEP 3333 describes it."""
    host, port = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("", 0)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path.partition(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope.get('http_version', '1.1')}",
        "REMOTE_ADDR": client[0],
        "REMOTE_PORT": str(client[1]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return environ
