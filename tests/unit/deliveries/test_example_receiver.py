"""The example receiver, sent to by the code that sends to all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from examples.receive_webhooks import Inbox, Rejected, described, receiver, verified
from reviewqueue.deliveries.outgoing import Answer, post
from reviewqueue.deliveries.signing import Scheme, SigningSecret, new_secret, signature_headers
from reviewqueue.deliveries.targets import HostPermission

SECRET = new_secret(Scheme.HMAC_SHA256)


def event(number: int = 1, claim: str = "a") -> bytes:
    return json.dumps({"type": "outcome.settled", "data": {"claim": claim, "number": number}}).encode()


def headers_for(body: bytes, message_id: str = "m1", at: float = 0.0, secret: SigningSecret = SECRET) -> dict[str, str]:
    return signature_headers([secret], message_id=message_id, timestamp=int(at or time.time()), body=body)


@dataclass
class Running:
    port: int
    acted: list[dict[str, Any]] = field(default_factory=list)

    def send(self, body: bytes, headers: dict[str, str]) -> int | None:
        return self.answer(body, headers).status

    def answer(self, body: bytes, headers: dict[str, str]) -> Answer:
        here = {"127.0.0.1": HostPermission("127.0.0.1", frozenset({self.port}), plain_http=True)}
        return post(f"http://127.0.0.1:{self.port}/", body=body, headers=headers, permissions=here)


@pytest.fixture
def running() -> Iterator[Running]:
    acted: list[dict[str, Any]] = []
    server = receiver([SECRET.receiver_text], Inbox(acted.append), port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield Running(server.server_address[1], acted)
    server.shutdown()
    server.server_close()
    thread.join(5)


def test_what_we_sign_it_takes_and_once(running: Running) -> None:
    body = event()
    assert [running.send(body, headers_for(body)) for _ in range(3)] == [204, 204, 204]
    assert len(running.acted) == 1


def test_what_somebody_else_signed_it_refuses(running: Running) -> None:
    body = event()
    forged = headers_for(body, secret=new_secret(Scheme.HMAC_SHA256))
    assert [running.send(body, forged), running.send(body, {}), running.send(event(2), headers_for(body))] == [401] * 3
    assert running.acted == []


def test_an_older_outcome_of_a_claim_does_not_replace_a_newer_one(running: Running) -> None:
    for number, message_id in ((2, "m2"), (1, "m1"), (3, "m3")):
        assert running.send(event(number), headers_for(event(number), message_id)) == 204
    assert [acted["data"]["number"] for acted in running.acted] == [2, 3]


def test_a_challenge_is_repeated_and_not_acted_on(running: Running) -> None:
    body = json.dumps({"type": "endpoint.challenge", "data": {"endpoint": "e", "challenge": "t0ken"}}).encode()
    answer = running.answer(body, headers_for(body))
    assert (answer.status, json.loads(answer.body)) == (200, {"challenge": "t0ken"})
    assert running.acted == []


def test_what_is_no_outcome_is_acted_on_once_and_every_kind_has_its_words(running: Running) -> None:
    subject = {"pipeline": "p", "model": "m", "band": "b", "external_id": "x", "route": "review"}
    for kind in ("band.breached", "breaker.tripped", "step.expired", "sun.rose"):
        body = json.dumps({"type": kind, "data": subject}).encode()
        assert [running.send(body, headers_for(body, kind)) for _ in range(2)] == [204, 204]
    assert [described(acted) for acted in running.acted] == [
        "m no longer keeps its promise in band b of p",
        "m goes to people in all of p",
        "nobody answered the next step of x: review now",
        json.dumps(subject),
    ]


@pytest.mark.parametrize("shift", [-301, 301])
def test_a_message_that_is_not_fresh_is_refused(shift: int) -> None:
    body, now = event(), time.time()
    with pytest.raises(Rejected):
        verified([SECRET.receiver_text], headers_for(body, at=now + shift), body, now=now)


@pytest.mark.parametrize("timestamp", ["", "soon", "-5", "1e9", "\u0661", "9" * 5000])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    body = event()
    with pytest.raises(Rejected):
        verified([SECRET.receiver_text], headers_for(body) | {"webhook-timestamp": timestamp}, body, now=time.time())


def test_one_of_two_signatures_and_one_of_two_secrets_are_enough() -> None:
    body, other = event(), new_secret(Scheme.HMAC_SHA256)
    headers = signature_headers(
        [new_secret(Scheme.ED25519), SECRET], message_id="m1", timestamp=int(time.time()), body=body
    )
    assert verified([other.receiver_text, SECRET.receiver_text], headers, body, now=time.time())["data"]["number"] == 1


def test_what_could_not_be_acted_on_is_not_noted_as_done() -> None:
    class Busy(Exception):
        pass

    results: list[Exception | None] = [Busy(), None]

    def act(_: dict[str, Any]) -> None:
        if failure := results.pop(0):
            raise failure

    inbox = Inbox(act)
    with pytest.raises(Busy):
        inbox.take("m1", json.loads(event()))
    assert inbox.take("m1", json.loads(event())) == "new"
