"""One POST to a real receiver, and to places that must not be reached."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from reviewqueue.deliveries.outgoing import MOST_READ, Answer, Resolver, post
from tests.unit.deliveries.receiver import (
    PATIENCE,
    Behaviour,
    Receiver,
    authority,
    endless,
    hang,
    here,
    raw,
    reset,
    status,
)

HEADERS = {"Content-Type": "application/json", "webhook-id": "msg_1"}


def send(receiver: Receiver, *, resolve: Resolver = here, seconds: float = 5.0, url: str = "") -> Answer:
    return post(
        url or receiver.url,
        body=b'{"hello":"there"}',
        headers=HEADERS,
        permissions=receiver.permissions,
        resolve=resolve,
        seconds=seconds,
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def test_the_body_and_the_headers_arrive_under_the_name_of_the_url(receiver: Receiver) -> None:
    answer = send(receiver)
    assert (answer.status, answer.error, answer.accepted) == (200, "", True)
    (got,) = receiver.received
    assert (got.path, got.body) == ("/hooks?from=queue", b'{"hello":"there"}')
    assert got.headers["host"] == f"receiver.test:{receiver.port}"
    assert got.headers["webhook-id"] == "msg_1"
    assert got.headers["connection"] == "close"


def test_the_name_is_looked_up_once_and_the_connection_goes_to_the_address_that_was_checked(receiver: Receiver) -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    assert send(receiver, resolve=resolve).accepted
    assert asked == [("receiver.test", receiver.port)]


def test_an_address_that_refuses_gives_way_to_the_next_one(receiver: Receiver) -> None:
    assert send(receiver, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"]).accepted


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert send(receiver).accepted


@pytest.mark.parametrize("code", [204, 299, 301, 302, 307, 308, 400, 410, 429, 500, 503])
def test_only_the_two_hundreds_are_accepted_and_no_redirect_is_followed(receiver: Receiver, code: int) -> None:
    receiver.answers = [status(code, Location=receiver.url, Retry_After="7")]
    answer = send(receiver)
    assert (answer.status, answer.accepted, answer.retry_after) == (code, code < 300, "7")
    assert len(receiver.received) == 1


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (hang, "timeout"),
        (endless(b"HTTP/1.1 20", b"0", every=0.05), "timeout"),
        (endless(OK, b"X-More: again\r\n", every=0.05), "timeout"),
        (endless(OK + b"Content-Length: 1000\r\n\r\n", b".", every=0.05), "timeout"),
        (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "broken_answer"),
        (endless(b"HTTP/1.1 200 ", b"O" * 4096), "broken_answer"),
        (endless(OK, b"X-More: " + b"again" * 1000 + b"\r\n"), "broken_answer"),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), "broken_answer"),
        (raw(b"HTTP/1.1 900000 Odd\r\n\r\n"), "broken_answer"),
        (raw(b""), "connection"),
        (reset, "connection"),
    ],
    ids=[
        "never answers", "drips its status", "drips its headers", "drips its body", "floods with 100", "endless status",
        "endless headers", "not http", "status out of range", "says nothing", "resets",
    ],
)  # fmt: skip
def test_a_receiver_that_misbehaves_is_left_in_time(receiver: Receiver, behaviour: Behaviour, error: str) -> None:
    # B46, B80
    receiver.answers = [behaviour]
    started = time.monotonic()
    answer = send(receiver, seconds=0.4)
    assert time.monotonic() - started < PATIENCE / 2, "left long before the receiver would have ended it"
    assert (answer.status, answer.error, answer.accepted) == (None, error, False)


@pytest.mark.parametrize(
    "behaviour",
    [
        endless(OK + b"\r\n", b"." * 65536),
        endless(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"." * 65536 + b"\r\n"),
        raw(OK + b"Content-Length: 1000000000\r\n\r\n.."),
        raw(OK + b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"),
    ],
    ids=["endless body", "endless chunks", "body breaks off", "broken chunks"],
)
def test_an_accepted_delivery_stays_accepted_whatever_follows_in_the_body(
    receiver: Receiver, behaviour: Behaviour
) -> None:
    receiver.answers = [behaviour]
    assert send(receiver).status == 200


def test_no_more_than_64_kib_are_read(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    receive = ssl.SSLSocket.recv_into

    def counted(self: ssl.SSLSocket, *arguments: object) -> int:
        read.append(receive(self, *arguments))  # type: ignore[arg-type]
        return read[-1]

    monkeypatch.setattr(ssl.SSLSocket, "recv_into", counted)
    receiver.answers = [status(200, b"." * 1_000_000)]
    assert send(receiver).status == 200
    assert sum(read) <= MOST_READ + 8192


def test_a_certificate_for_another_name_is_refused(receiver: Receiver) -> None:
    # B46
    permissions = {"other.test": replace(receiver.permissions["receiver.test"], host="other.test")}
    url = f"https://other.test:{receiver.port}/"
    answer = post(url, body=b"", headers={}, permissions=permissions, resolve=here)
    assert (answer.status, answer.error) == (None, "tls")
    assert receiver.received == []


@pytest.mark.parametrize("ca_certificate", ["", authority(2).pem], ids=["of the system", "another one"])
def test_a_certificate_of_an_authority_that_is_not_the_named_one_is_refused(
    receiver: Receiver, ca_certificate: str
) -> None:
    permission = replace(receiver.permissions["receiver.test"], ca_certificate=ca_certificate)
    answer = post(receiver.url, body=b"", headers={}, permissions={"receiver.test": permission}, resolve=here)
    assert answer.error == "tls"
    assert receiver.received == []


def test_a_receiver_without_encryption_is_called_only_where_an_administrator_allows_that() -> None:
    with Receiver(encrypted=False) as receiver:
        strict = {"receiver.test": replace(receiver.permissions["receiver.test"], plain_http=False)}
        refused = post(receiver.url, body=b"", headers={}, permissions=strict, resolve=here)
        assert refused.error == "target_refused"
        assert send(receiver).accepted
        assert len(receiver.received) == 1


def test_encrypted_words_to_a_receiver_that_speaks_plainly_fail() -> None:
    with Receiver(encrypted=False) as receiver:
        answer = send(receiver, url=receiver.url.replace("http:", "https:"))
        assert answer.error in ("tls", "connection")


# --- places that must not be reached --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["::1"], ["::ffff:127.0.0.1"], ["64:ff9b::a00:1"], ["10.0.0.8"]],
)
def test_a_name_that_leads_to_a_private_address_is_not_called(receiver: Receiver, addresses: list[str]) -> None:
    # B45: one of several addresses is enough
    answer = send(receiver, url="https://hooks.example.com/", resolve=lambda *_: addresses)
    assert (answer.status, answer.error) == (None, "address_refused")
    assert receiver.received == []


def test_what_a_name_leads_to_is_checked_at_every_call(receiver: Receiver) -> None:
    # B45: public at first, private later
    """The rebinding attack: acceptable at first, and then the place where clouds keep credentials."""
    answers = iter([["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "169.254.169.254"]])
    errors = [send(receiver, resolve=lambda *_: next(answers)).error for _ in range(3)]
    assert errors == ["", "address_refused", "address_refused"]
    assert len(receiver.received) == 1


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "0.0.0.0", "224.0.0.1"])
def test_a_named_host_may_be_private_but_neither_link_local_nor_no_place_at_all(
    receiver: Receiver, address: str
) -> None:
    assert send(receiver, resolve=lambda *_: [address]).error == "address_refused"
    assert receiver.received == []


def test_a_name_without_an_address_is_said_to_be_unresolvable(receiver: Receiver) -> None:
    def unknown(*_: object) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert send(receiver, resolve=unknown).error == "unresolvable"
    assert send(receiver, resolve=lambda *_: []).error == "unresolvable"


def test_a_look_up_that_hangs_is_left_at_the_deadline(receiver: Receiver) -> None:
    def slow(*_: object) -> list[str]:
        receiver.stopping.wait(PATIENCE)
        return []

    started = time.monotonic()
    assert send(receiver, resolve=slow, seconds=0.2).error == "timeout"
    assert time.monotonic() - started < PATIENCE / 2
