"""Slow clients take no thread, and what comes in is bounded."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from reviewqueue.serving import INCOMPLETE, LATE, SHORT, Patience, Served

BODY = b'{"a": 1}'


@dataclass
class Echo:
    """A WSGI application that says what it got, and remembers it."""

    seen: list[dict[str, Any]] = field(default_factory=list)
    closed: int = 0
    wait: threading.Event | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.seen.append({**environ, "body": environ["wsgi.input"].read()})
        if self.wait:
            self.wait.wait(5)
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Two", "a"), ("X-Two", "b")])
        return Closing(self, [b"he", b"llo"])


@dataclass
class Closing:
    echo: Echo
    pieces: list[bytes]

    def __iter__(self) -> Any:
        return iter(self.pieces)

    def close(self) -> None:
        self.echo.closed += 1


@dataclass
class Client:
    """One request: its parts come as `pieces`, and never the rest when `hangs`."""

    headers: list[tuple[str, str]] = field(default_factory=list)
    pieces: list[bytes] = field(default_factory=list)
    method: str = "POST"
    path: str = "/form"
    raw_path: bytes | None = None
    hangs: bool = False
    leaves: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0

    @property
    def scope(self) -> dict[str, Any]:
        return {
            "type": "http", "method": self.method, "path": self.path, "query_string": b"q=1", "http_version": "1.1",
            "raw_path": self.raw_path or self.path.encode(), "scheme": "http", "server": ("here", 8000),
            "client": ("10.0.0.7", 5000),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in self.headers],
        }  # fmt: skip

    async def receive(self) -> dict[str, Any]:
        self.asked += 1
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces) or self.hangs}
        if self.leaves:
            return {"type": "http.disconnect"}
        if self.hangs:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)

    async def ask(self, served: Served) -> None:
        await served(self.scope, self.receive, self.send)

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def answer(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


def run(work: Coroutine[Any, Any, Any]) -> None:
    asyncio.run(work)


def declared(body: bytes, *more: tuple[str, str]) -> list[tuple[str, str]]:
    return [("content-length", str(len(body))), ("content-type", "application/json"), *more]


def served(echo: Echo, **patience: Any) -> Served:
    return Served(echo, threads=2, patience=Patience(**{"seconds": 0.1, **patience}))


def test_a_request_reaches_the_application_as_it_came() -> None:
    echo = Echo()
    client = Client(
        declared(BODY, ("cookie", "a=1"), ("cookie", "b=2"), ("x-many", "1"), ("x-many", "2"), ("x_forged", "no")),
        [BODY[:3], BODY[3:]],
        path="/p/ü",
        raw_path=b"/p/%C3%BC",
    )
    run(client.ask(served(echo)))
    [seen] = echo.seen
    assert (client.status, client.answer, echo.closed) == (200, b"hello", 1)
    assert client.sent[0]["headers"] == [(b"content-type", b"text/plain"), (b"x-two", b"a"), (b"x-two", b"b")]
    assert seen["body"] == BODY
    assert (seen["REQUEST_METHOD"], seen["QUERY_STRING"], seen["REMOTE_ADDR"]) == ("POST", "q=1", "10.0.0.7")
    assert seen["PATH_INFO"].encode("latin-1").decode() == "/p/ü"
    assert (seen["CONTENT_LENGTH"], seen["CONTENT_TYPE"]) == (str(len(BODY)), "application/json")
    assert (seen["HTTP_COOKIE"], seen["HTTP_X_MANY"]) == ("a=1; b=2", "1,2")
    assert "HTTP_X_FORGED" not in seen


def test_what_does_not_come_in_time_is_told_so_and_has_no_body() -> None:
    echo = Echo()
    client = Client(declared(BODY), [BODY[:3]], hangs=True)
    run(client.ask(served(echo, bytes_per_second=10_000)))
    assert echo.seen[0][INCOMPLETE] == LATE
    assert echo.seen[0]["body"] == b""
    assert (b"connection", b"close") in client.sent[0]["headers"]


def test_clients_that_dribble_hold_up_nobody() -> None:
    """Two threads, fifty clients that never finish: the next one is answered at once."""
    echo = Echo()

    async def crowd() -> None:
        server = served(echo, seconds=30)
        slow = [asyncio.create_task(Client(declared(BODY), [b"{"], hangs=True).ask(server)) for _ in range(50)]
        await asyncio.sleep(0.05)
        quick = Client(method="GET")
        await asyncio.wait_for(quick.ask(server), 1)
        assert quick.status == 200
        for task in slow:
            task.cancel()

    run(crowd())
    assert len(echo.seen) == 1


@pytest.mark.parametrize(
    "headers",
    [
        [("content-length", "1000")],
        [("transfer-encoding", "chunked")],
        [("content-length", "8"), ("transfer-encoding", "chunked")],
        [("content-length", "-8")],
        [("content-length", "eight")],
        [],
    ],
)
def test_what_is_too_long_or_of_unknown_length_is_not_read(headers: list[tuple[str, str]]) -> None:
    echo = Echo()
    client = Client(headers, [BODY] * 3)
    run(client.ask(served(echo, longest=100)))
    assert client.asked == 0
    assert echo.seen[0]["body"] == b""
    assert echo.seen[0].get("CONTENT_LENGTH") == dict(headers).get("content-length")


def test_some_addresses_take_longer_bodies() -> None:
    echo = Echo()
    run(Client(declared(BODY), [BODY], path="/batch").ask(served(echo, longest=3, longer={"/batch": 100})))
    assert echo.seen[0]["body"] == BODY


def test_a_part_of_an_address_may_have_any_name() -> None:
    patience = Patience(longest=3, longer={"/sets/*/items": 100})
    assert patience.bytes_at("/sets/basics/items") == 100
    assert {patience.bytes_at(path) for path in ("/sets/items", "/sets/a/b/items", "/sets/basics/item", "/")} == {3}


def test_a_long_body_waits_in_a_file() -> None:
    echo, body = Echo(), b"x" * 700_000
    run(Client(declared(body), [body[:400_000], body[400_000:]]).ask(served(echo, longest=1_000_000)))
    assert echo.seen[0]["body"] == body


def test_more_than_was_declared_is_not_taken() -> None:
    echo = Echo()
    run(Client([("content-length", "3")], [BODY, BODY]).ask(served(echo)))
    assert echo.seen[0]["body"] == BODY[:3]


def test_half_a_body_of_a_client_that_hung_up_is_not_read() -> None:
    echo = Echo()
    client = Client(declared(BODY), [BODY[:3]], hangs=True, leaves=True)
    run(client.ask(served(echo)))
    assert (echo.seen[0][INCOMPLETE], echo.seen[0]["body"]) == (SHORT, b"")


def test_beyond_the_bound_the_next_one_is_asked_to_come_back() -> None:
    echo = Echo(wait=threading.Event())

    async def crowd() -> None:
        server = served(echo, most=3)
        under_way = [asyncio.create_task(Client(method="GET").ask(server)) for _ in range(3)]
        await asyncio.sleep(0.05)
        late = Client(method="GET")
        await late.ask(server)
        assert late.status == 503
        assert (b"retry-after", b"2") in late.sent[0]["headers"]
        assert echo.wait is not None
        echo.wait.set()
        await asyncio.gather(*under_way)
        again = Client(method="GET")
        await again.ask(server)
        assert again.status == 200

    run(crowd())


def test_a_head_request_gets_no_body() -> None:
    client = Client(method="HEAD")
    run(client.ask(served(Echo())))
    assert (client.status, client.answer) == (200, b"")


def test_the_server_is_told_that_all_is_ready() -> None:
    sent: list[str] = []
    wanted = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, Any]:
        return {"type": next(wanted)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    run(served(Echo())({"type": "lifespan"}, receive, send))
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
