"""Rows B28, B70 and B71: what no HTTP library would send, over a socket, to the web server itself."""

from __future__ import annotations

import json
import re
import select
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from reviewqueue.claims.models import Claim
from tests.running import RunningStack, wait_until
from tests.world import World

MEBIBYTE = 1024 * 1024


@pytest.fixture
def server(committed_world: World) -> Iterator[RunningStack]:
    """The web server alone."""
    stack = RunningStack()
    stack.start("web")
    try:
        wait_until(stack.is_healthy, what="the web server", seconds=30)
        yield stack
    finally:
        stack.__exit__()


def talk(server: RunningStack, raw: bytes, *, seconds: float = 5.0, hang_up: bool = False) -> bytes:
    """All that comes back until the server is silent or closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as connection:
        try:
            connection.sendall(raw)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
                if is_complete(answer):
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
    return answer


def is_complete(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return bool(blank) and length is not None and len(body) >= int(length[1])


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def post(world: World, body: bytes, *headers: str, length: int | None = None, path: str = "/api/v1/claims") -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {world.key}",
        "Content-Type: application/json",
        *(headers or [f"Content-Length: {len(body) if length is None else length}"]),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def claim(world: World, size: int | None = None) -> bytes:
    """A good claim, with spaces behind it until it is as long as asked for."""
    body = json.dumps(world.claim_body()).encode()
    return body if size is None else body.ljust(size)


def refused(answer: bytes, status: int, code: str) -> None:
    assert status_of(answer) == status, answer[:300]
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    assert length is not None
    problem: dict[str, Any] = json.loads(body[: int(length[1])])  # the refusal of what is over may follow at once
    assert problem["code"] == code


def assert_works_and_wrote(server: RunningStack, world: World, claims: int) -> None:
    """The next good request is answered, and nothing was written by the bad ones."""
    assert Claim.objects.count() == claims
    assert status_of(talk(server, post(world, claim(world)))) == 201


def test_bodies_of_every_length_and_of_none(server: RunningStack, committed_world: World) -> None:
    world = committed_world
    assert status_of(talk(server, post(world, claim(world, MEBIBYTE)))) == 201
    refused(talk(server, post(world, claim(world, MEBIBYTE + 1))), 413, "too_large")
    refused(talk(server, post(world, b"{", length=100 * MEBIBYTE)), 413, "too_large")
    body = claim(world)
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    refused(talk(server, post(world, chunked, "Transfer-Encoding: chunked")), 413, "too_large")
    refused(talk(server, post(world, b"")), 400, "malformed_json")
    assert_works_and_wrote(server, world, claims=1)


def test_a_length_that_lies(server: RunningStack, committed_world: World) -> None:
    """Too big: the rest never comes. Too small: what is over is no request."""
    world, body = committed_world, claim(committed_world)
    assert status_of(talk(server, post(world, body, length=len(body) + 10), hang_up=True)) == 400
    short = talk(server, post(world, body, length=len(body) - 10))
    refused(short, 400, "malformed_json")
    assert_works_and_wrote(server, world, claims=0)


def test_a_body_that_dribbles_is_cut_off_and_holds_up_nobody(server: RunningStack, committed_world: World) -> None:
    world = committed_world
    slow = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(20)]
    for connection in slow:
        connection.sendall(post(world, b"{", length=1_000))
    assert status_of(talk(server, post(world, claim(world)))) == 201
    assert not select.select(slow, [], [], 0)[0], "the others have not been cut off yet"
    refused(slow[0].recv(65536), 408, "request_timeout")
    for connection in slow:
        connection.close()
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as form:
        form.sendall(b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 90\r\n\r\nuser")
        assert status_of(form.recv(65536)) == 408
    assert_works_and_wrote(server, world, claims=1)


@pytest.mark.parametrize(
    "headers",
    [
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 6",),
        ("Content-Length: +5",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked, identity",),
        ("Content-Length : 5",),
        ("Content-Length: 5", "X-Folded: a\r\n b"),
        ("Content-Length: 5", "X-Bad: a\x00b"),
    ],
)
def test_two_lengths_or_odd_ones_are_refused(
    server: RunningStack, committed_world: World, headers: tuple[str, ...]
) -> None:
    world = committed_world
    answer = talk(server, post(world, b"0\r\n\r\nGET / HTTP/1.1\r\n\r\n", *headers))
    assert status_of(answer) in (0, 400, 413), answer[:200]
    assert answer.count(b"HTTP/1.1 ") <= 1, "what follows is never taken for a request of its own"
    assert_works_and_wrote(server, world, claims=0)


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "GET /claims HTTP/1.1\r\nX:"])
def test_methods_nobody_offers(server: RunningStack, committed_world: World, method: str) -> None:
    raw = f"{method} /api/v1/claims HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {committed_world.key}\r\n\r\n"
    assert status_of(talk(server, raw.encode())) in (400, 404, 405)
    assert_works_and_wrote(server, committed_world, claims=0)


def test_huge_headers_unknown_hosts_and_two_keys(server: RunningStack, committed_world: World) -> None:
    world = committed_world
    huge = post(world, claim(world)).replace(b"Host:", b"X-Padding: " + b"a" * 1_000_000 + b"\r\nHost:")
    assert status_of(talk(server, huge)) in (0, 400, 413, 431)
    refused(talk(server, post(world, claim(world)).replace(b"127.0.0.1", b"evil.example")), 400, "bad_request")
    twice = post(world, claim(world)).replace(b"Host:", b"Authorization: Bearer nonsense\r\nHost:")
    refused(talk(server, twice), 401, "unauthorized")
    assert_works_and_wrote(server, world, claims=0)
