"""A small client of the Review Queue API, with nothing but the standard library: copy it, or read it as documentation.

    queue = ReviewQueue("http://127.0.0.1:8000", key)
    claim = queue.post_claim({"pipeline": …, "external_id": …, "model": …, "model_version": …, "output": …,
                              "confidence": 0.94})
    if claim["decision"]["route"] == "accept":
        …                                       # act on the output; anything else waits for a person

What it takes care of:
* Nothing is done twice. A claim is named by its `external_id`, so posting it again returns the first answer. Requests
  without such a name carry an Idempotency-Key. That is why every request may be repeated after a lost answer.
* When the server is busy (429), not ready (503) or gone for a moment, it waits as long as `Retry-After` says, or a
  little longer each time, and tries again.
* Everything else that the server refuses is raised as `Refused` with the server's own explanation.

One object may be shared by several threads.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

BUSY = frozenset({429, 502, 503, 504})
"""Statuses that say "later", not "no"."""

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 30.0
MOST_PATIENCE = 120.0
"""No Retry-After is waited for longer than this at a time."""

Json = dict[str, Any]


class Refused(Exception):
    """The server understood and said no. `problem` is its answer (RFC 9457): detail, code, and errors per field."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code', '')}: {problem.get('detail', '')}")
        self.status = status
        self.problem = dict(problem)

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))


class Conflict(Refused):
    """409: the external_id belongs to a claim with other content, the lease is lost, and the like. Never retried."""


class Unreachable(Exception):
    """Busy or gone at every attempt. Whatever was asked for may or may not have happened; asking again is safe."""


@dataclass(frozen=True)
class Answer:
    """Status, headers (by lower-case name) and the body as JSON, or an empty object without one."""

    status: int
    headers: Mapping[str, str]
    body: Json


class ReviewQueue:
    """One server and one key. What a key may do depends on its scopes: intake, read, outcomes, review."""

    def __init__(self, url: str, key: str, *, timeout: float = 20.0, attempts: int = 8) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise ValueError("the address starts with http:// or https://")
        self._url, self._key, self._timeout, self._attempts = url.rstrip("/"), key, timeout, attempts
        self._opener = _opener(direct=urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"})

    # --- for upstream systems ---------------------------------------------------------------------------------------

    def post_claim(self, claim: Mapping[str, Any]) -> Json:
        """Submits one claim and returns it with its decision; a repetition returns the first answer.

        Raises Conflict when the external_id was used for other content, Refused with every wrong field otherwise.
        """
        return self._ask("POST", "/claims", claim).body

    def post_claims(self, claims: Sequence[Mapping[str, Any]]) -> list[Json]:
        """Submits up to 1,000 claims in one request.

        One result each, in their order: `status` with the `claim`, or with the `problem` that this one alone has.
        """
        results: list[Json] = self._ask("POST", "/claims/batch", {"claims": list(claims)}).body["results"]
        return results

    def claim(self, claim_id: str) -> Json:
        """A claim as it stands now: its status, decision and, once people settled it, its outcome."""
        return self._ask("GET", f"/claims/{claim_id}").body

    def claims(self, **filters: str) -> Iterator[Json]:
        """Claims newest first, page by page: `claims(pipeline="yes-no-answers", status="in_review")`."""
        return self._pages("/claims", filters)

    def _pages(self, path: str, filters: Mapping[str, str]) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            query = urlencode({**filters, **({"cursor": cursor} if cursor else {})})
            page = self._ask("GET", f"{path}?{query}").body
            yield from page["results"]
            cursor = page["next"]
            if cursor is None:
                return

    def thresholds(self, pipeline: str, *, max_error: float) -> list[Json]:
        """For each model version the lowest threshold certified to keep this error rate, or the reason for none."""
        path = f"/pipelines/{pipeline}/thresholds?{urlencode({'max_error': max_error})}"
        results: list[Json] = self._ask("GET", path).body["results"]
        return results

    # --- golden sets: a model answers questions whose answers are known ----------------------------------------------

    def golden_sets(self, pipeline: str) -> Json:
        """The golden sets of a pipeline (`results`), and the measurements that are due (`due`)."""
        return self._ask("GET", f"/pipelines/{pipeline}/golden-sets").body

    def make_golden_set(self, pipeline: str, name: str, **terms: Any) -> Json:
        """For an owner of the pipeline, with a key of theirs: `every_days`, `within_days`, `owner`, `description`."""
        return self._ask("POST", f"/pipelines/{pipeline}/golden-sets", {"name": name, **terms}, once=True).body

    def put_golden_items(self, pipeline: str, name: str, items: Sequence[Mapping[str, Any]]) -> Json:
        """Items with known answers for the draft; one of a known key takes its place. All of them, or Refused."""
        return self._ask("POST", f"/pipelines/{pipeline}/golden-sets/{name}/items", {"items": items}).body

    def publish_golden_set(self, pipeline: str, name: str) -> Json:
        """From now on models are measured by the draft, which never changes again."""
        return self._ask("POST", f"/pipelines/{pipeline}/golden-sets/{name}/publish", {}, once=True).body

    def golden_questions(self, pipeline: str, name: str) -> Iterator[Json]:
        """What the model is to be asked: `key` and `input`, without the known answers."""
        return self._pages(f"/pipelines/{pipeline}/golden-sets/{name}/questions", {})

    def golden_runs(self, pipeline: str, name: str) -> Iterator[Json]:
        """Newest first."""
        return self._pages(f"/pipelines/{pipeline}/golden-sets/{name}/runs", {})

    def start_golden_run(self, pipeline: str, name: str, model: Mapping[str, Any]) -> Json:
        """`model`, `model_version`, `prompt_version` exactly as claims have them, and `elicitation`."""
        return self._ask("POST", f"/pipelines/{pipeline}/golden-sets/{name}/runs", model, once=True).body

    def answer_golden_run(self, pipeline: str, name: str, run: str, answers: Sequence[Mapping[str, Any]]) -> Json:
        """Gives answers (`key`, `output`, `confidence`), a thousand at a time; returns the run. Safe to repeat.

        Raises Refused with the first one that was not taken; the others were.
        """
        after: Json = {}
        for first in range(0, len(answers), 1_000):
            body = {"answers": answers[first : first + 1_000]}
            after = self._ask("POST", f"/pipelines/{pipeline}/golden-sets/{name}/runs/{run}/answers", body).body
            for result in after["results"]:
                if "problem" in result:
                    raise Refused(result["status"], result["problem"])
        return dict(after["run"])

    # --- for reviewer tools -----------------------------------------------------------------------------------------

    def take(self, pipeline: str | None = None) -> Json | None:
        """The next task with the lease on it (`task`, `lease`), or None when there is nothing for this reviewer."""
        answer = self._ask("POST", "/reviews/take", {"pipeline": pipeline}, once=True)
        return None if answer.status == 204 else answer.body

    def label(self, lease_id: str, verdict: str, *, note: str = "", seconds: float | None = None) -> Json:
        """Answers the leased task: correct, incorrect, partially_correct or cannot_judge.

        Raises Conflict (`lease_lost`) when the lease ran out and somebody else has taken over.
        """
        judgement = {"verdict": verdict, "note": note, "seconds": seconds}
        return self._ask("POST", f"/leases/{lease_id}/label", judgement).body

    def renew(self, lease_id: str) -> Json:
        """More time for a leased task."""
        return self._ask("POST", f"/leases/{lease_id}/renew", {}).body

    def release(self, lease_id: str, reason: str, *, note: str = "") -> None:
        """Gives a task back without an answer: need_context, outside_skill, conflict_of_interest, broken and so on."""
        self._ask("POST", f"/leases/{lease_id}/release", {"reason": reason, "note": note}, once=True)

    # --- how ------------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, once: bool = False) -> Answer:
        """Sends a request until it is answered. `once` names it, so that repeating it does not do it again."""
        request = urllib.request.Request(f"{self._url}/api/v1{path}", method=method, headers=self._headers())
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        if once:
            request.add_header("Idempotency-Key", str(uuid4()))
        for attempt in range(self._attempts):
            try:
                answer = self._send(request)
            except (OSError, http.client.HTTPException) as lost:
                last, pause = str(lost), _pause(attempt)
            else:
                if answer.status not in BUSY and answer.body.get("code") != "request_in_progress":
                    return _accepted(answer)
                last, pause = f"status {answer.status}", _pause(attempt, answer.headers.get("retry-after"))
            if attempt + 1 < self._attempts:
                time.sleep(pause)
        raise Unreachable(f"{method} {path} got no answer in {self._attempts} attempts; last: {last}")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}", "Accept": "application/json"}

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return _answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as refusal:
            with refusal:
                return _answer(refusal.code, refusal.headers, refusal.read())


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET, and the key would go to whoever is named: a redirect is a refusal."""

    def redirect_request(self, *_: object) -> None:
        return None


def _opener(*, direct: bool) -> urllib.request.OpenerDirector:
    """`direct` leaves out the proxy that the environment may name: it cannot reach this very machine."""
    without_proxy = [urllib.request.ProxyHandler({})] if direct else []
    return urllib.request.build_opener(_NoRedirects, *without_proxy)


def _answer(status: int, headers: Message, content: bytes) -> Answer:
    try:
        body = json.loads(content) if content else {}
    except ValueError:  # a proxy's error page
        body = {}
    named = {name.lower(): value for name, value in headers.items()}
    return Answer(status, named, body if isinstance(body, dict) else {})


def _accepted(answer: Answer) -> Answer:
    if answer.status < 300:
        return answer
    raise (Conflict if answer.status == 409 else Refused)(answer.status, answer.body)


def _pause(attempt: int, retry_after: str | None = None) -> float:
    """Seconds to wait: what the server asks for, else doubling, with chance so that clients do not come in step."""
    asked = _seconds(retry_after) if retry_after else None
    if asked is None:
        asked = min(FIRST_PAUSE * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1)
    return min(max(asked, 0.0), MOST_PATIENCE)


def _seconds(retry_after: str) -> float | None:
    """Retry-After is a number of seconds or a date."""
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return (email.utils.parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
