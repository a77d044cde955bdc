"""The example client against a real HTTP server that answers from a script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from examples import client
from examples.client import Conflict, Refused, ReviewQueue, Unreachable

CLAIM = {"external_id": "ticket-1", "output": "18 EUR", "confidence": 0.9}
DROPPED = "the connection ends without an answer"


@dataclass(frozen=True)
class Heard:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Script:
    """What the server answers, in order; the last answer is repeated. `heard` is what it was asked."""

    answers: list[Any]
    heard: list[Heard] = field(default_factory=list)

    def next(self) -> Any:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


class Handler(BaseHTTPRequestHandler):
    script: Script

    def answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.script.heard.append(Heard(self.command, self.path, dict(self.headers), json.loads(content or b"null")))
        answer = self.script.next()
        if answer is DROPPED:
            self.close_connection = True
            return
        status, headers, body = answer
        sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(sent)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


for method in ("do_GET", "do_POST"):
    setattr(Handler, method, Handler.answer)


@contextmanager
def server(*answers: Any) -> Iterator[tuple[str, Script]]:
    """Answers are (status, headers, body) or DROPPED."""
    script = Script(list(answers))
    listening = ThreadingHTTPServer(("127.0.0.1", 0), type("Scripted", (Handler,), {"script": script}))
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_port}", script
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


def queue(url: str, **settings: Any) -> ReviewQueue:
    return ReviewQueue(url, "hrq_key", **settings)


def test_a_claim_goes_out_with_the_key_and_comes_back_with_its_decision() -> None:
    with server((201, {}, {"id": "1", "decision": {"route": "review"}})) as (url, script):
        assert queue(url).post_claim(CLAIM)["decision"]["route"] == "review"
    (heard,) = script.heard
    assert (heard.method, heard.path, heard.body) == ("POST", "/api/v1/claims", CLAIM)
    assert heard.headers["Authorization"] == "Bearer hrq_key"
    assert heard.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_the_time_it_names(status: int) -> None:
    with server((status, {"Retry-After": "0.2"}, {"code": "busy"}), (200, {}, {"id": "1"})) as (url, script):
        begun = time.monotonic()
        assert queue(url).post_claim(CLAIM) == {"id": "1"}
        assert time.monotonic() - begun >= 0.2
    assert [heard.body for heard in script.heard] == [CLAIM, CLAIM]


def test_a_lost_answer_is_asked_for_again_with_the_same_external_id() -> None:
    with server(DROPPED, (502, {}, b"<html>"), (200, {}, {"id": "1"})) as (url, script):
        assert queue(url).post_claim(CLAIM) == {"id": "1"}
    assert [heard.body["external_id"] for heard in script.heard] == ["ticket-1"] * 3


def test_a_request_without_a_name_of_its_own_keeps_one_idempotency_key() -> None:
    taken = {"task": {"id": "t"}, "lease": {"id": "l"}}
    with server(DROPPED, (409, {}, {"code": "request_in_progress"}), (200, {}, taken)) as (url, script):
        assert queue(url).take("yes-no-answers") == taken
    keys = {heard.headers["Idempotency-Key"] for heard in script.heard}
    assert len(script.heard) == 3
    assert len(keys) == 1


def test_a_claim_with_other_content_is_a_conflict_and_is_not_repeated() -> None:
    problem = {"code": "claim_conflict", "detail": "This external_id belongs to other content.", "status": 409}
    with server((409, {}, problem)) as (url, script), pytest.raises(Conflict) as conflict:
        queue(url).post_claim(CLAIM)
    assert conflict.value.code == "claim_conflict"
    assert "belongs to other content" in str(conflict.value)
    assert len(script.heard) == 1


def test_what_is_wrong_with_the_fields_can_be_read() -> None:
    problem = {"code": "invalid", "detail": "…", "errors": [{"pointer": "/confidence", "code": "range"}]}
    with server((422, {}, problem)) as (url, _), pytest.raises(Refused) as refused:
        queue(url).post_claim(CLAIM)
    assert refused.value.status == 422
    assert refused.value.problem["errors"][0]["pointer"] == "/confidence"


def test_a_redirect_is_refused_so_that_the_key_goes_nowhere_else() -> None:
    with (
        server((200, {}, {"id": "stolen"})) as (elsewhere, thief),
        server((307, {"Location": elsewhere}, None)) as (url, _),
        pytest.raises(Refused),
    ):
        queue(url).post_claim(CLAIM)
    assert thief.heard == []


def test_a_server_that_never_answers_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.01)
    with server((503, {}, None)) as (url, script), pytest.raises(Unreachable, match="503"):
        queue(url, attempts=3).post_claim(CLAIM)
    assert len(script.heard) == 3


def test_nothing_to_review_is_none() -> None:
    with server((204, {"X-Queue-Reason": "empty"}, None)) as (url, _):
        assert queue(url).take() is None


def test_a_list_is_read_page_by_page() -> None:
    pages = [{"results": [{"id": "3"}, {"id": "2"}], "next": "a b"}, {"results": [{"id": "1"}], "next": None}]
    with server(*[(200, {}, page) for page in pages]) as (url, script):
        assert [claim["id"] for claim in queue(url).claims(status="in_review")] == ["3", "2", "1"]
    assert [heard.path for heard in script.heard] == [
        "/api/v1/claims?status=in_review",
        "/api/v1/claims?status=in_review&cursor=a+b",
    ]


def test_a_label_goes_out_with_its_seconds_and_a_released_task_with_its_reason() -> None:
    with server((201, {}, {"label": {}, "outcome": None}), (204, {}, None)) as (url, script):
        queue(url).label("lease-1", "incorrect", seconds=7.5)
        queue(url).release("lease-2", "outside_skill")
    labelled, released = script.heard
    assert labelled.path == "/api/v1/leases/lease-1/label"
    assert labelled.body == {"verdict": "incorrect", "note": "", "seconds": 7.5}
    assert released.path == "/api/v1/leases/lease-2/release"
    assert released.body == {"reason": "outside_skill", "note": ""}


def test_retry_after_may_be_a_date() -> None:
    soon = datetime.now(UTC) + timedelta(seconds=30)
    assert 25 < client._pause(0, format_datetime(soon, usegmt=True)) <= 30
    assert client._pause(0, format_datetime(soon - timedelta(hours=1), usegmt=True)) == 0
    assert client._pause(9, "not a time") <= client.LONGEST_PAUSE
    assert client._pause(0, "86400") == client.MOST_PATIENCE
