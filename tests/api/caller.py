"""A caller of the API: one key, JSON in and out, everything as it goes over the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.http import HttpResponse
from django.test import Client

from reviewqueue.accounts import services as accounts
from reviewqueue.accounts.models import Source, User
from tests.api.described import assert_described
from tests.world import SETUP

API = "/api/v1"
PROBLEM = "application/problem+json"
COUNTED = (
    "claims_claim",
    "claims_decision",
    "claims_outcome",
    "review_reviewtask",
    "review_lease",
    "review_label",
    "accounts_idempotentrequest",
    "ledger.event",
)


@dataclass
class Caller:
    key: str | None
    client: Client = field(default_factory=Client)
    checked: bool = True  # every answer against the OpenAPI document

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self._seen("GET", path, self.client.get(API + path, headers=self._headers(headers)))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._sent("POST", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self._sent("PATCH", path, body, headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.call("DELETE", path, **headers)

    def _sent(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        """`body` is sent as it is when it is bytes, else as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        response = self.client.generic(
            method,
            API + path,
            raw,
            content_type=headers.pop("content_type", "application/json"),
            headers=self._headers(headers),
        )
        return self._seen(method, path, response)

    def call(self, method: str, path: str, **headers: str) -> HttpResponse:
        return self._seen(method, path, self.client.generic(method, API + path, headers=self._headers(headers)))

    def _seen(self, method: str, path: str, response: HttpResponse) -> HttpResponse:
        if self.checked:
            assert_described(method, API + path, response)
        return response

    def _headers(self, given: dict[str, str]) -> dict[str, str]:
        """Names with underscores, as Python has them."""
        headers = {name.replace("_", "-"): value for name, value in given.items()}
        return {"authorization": f"Bearer {self.key}"} | headers if self.key else headers


def key_for(holder: Source | User, *scopes: str) -> str:
    _, text = accounts.issue_key(holder=holder, name="tests", scopes=scopes, actor=SETUP)
    return text


def assert_problem(response: HttpResponse, status: int, code: str | None = None) -> dict[str, Any]:
    """The answer is a problem as RFC 9457 and the contract want it; returns it."""
    assert response.status_code == status, (response.status_code, response.content[:300])
    assert response["Content-Type"] == PROBLEM
    problem: dict[str, Any] = json.loads(response.content)
    assert {"type", "title", "status", "detail", "code", "instance"} <= set(problem)
    assert problem["status"] == status
    assert problem["type"] == "urn:reviewqueue:problem:" + problem["code"]
    assert problem["instance"] == response["X-Request-ID"]
    assert code in (None, problem["code"])
    return problem


def row_counts() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in COUNTED))
        return dict(cursor.fetchall())


def taken(caller: Caller, **wanted: Any) -> dict[str, Any]:
    response = caller.post("/reviews/take", wanted)
    assert response.status_code == 200, response.content
    return dict(response.json())


def lease_path(work: dict[str, Any], action: str) -> str:
    return f"/leases/{work['lease']['id']}/{action}"
