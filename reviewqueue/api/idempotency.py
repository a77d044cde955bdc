"""Idempotency-Key: a request that comes again gets the first answer, byte for byte, and nothing happens twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from reviewqueue.accounts.services import store_answer, stored_answer
from reviewqueue.api.authentication import holder_of
from reviewqueue.api.rendering import JSON, json_bytes
from reviewqueue.errors import DomainError
from reviewqueue.transactions import one_transaction

HEADER: Final = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class BadIdempotencyKey(DomainError):
    code = "bad_idempotency_key"


@dataclass(frozen=True, slots=True)
class Reply:
    """What an operation answers when all went well. Nothing is remembered of a reply that says nothing was done.

    `once` is what is told this once: it is added to the first answer, and no repetition has it.
    """

    status: int
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    effect: bool = True
    once: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> bytes:
        return b"" if self.body is None else json_bytes({**self.body, **self.once})

    def to_remember(self) -> bytes:
        return b"" if self.body is None else json_bytes(self.body)


def answered(request: Request, body: bytes, perform: Callable[[], Reply]) -> HttpResponse:
    """Runs `perform`, or repeats the answer it gave to the same request before.

    The answer is stored in the transaction of its effect. A refusal is an exception: it undoes both, so that the
    request can be put right and sent again under the same key.
    """
    key = _key_of(request)
    if key is None:
        reply = perform()
        return _response(reply.status, reply.content(), reply.headers)
    holder, named = holder_of(request), f"{request.method} {request.path}"
    with one_transaction():
        stored = stored_answer(holder=holder, key=key, request=named, body=body)
        if stored:
            return _response(stored.status, bytes(stored.body), {"Idempotent-Replayed": "true"})
        reply = perform()
        content = reply.content()
        if reply.effect:
            remembered = reply.to_remember()
            store_answer(holder=holder, key=key, request=named, body=body, status=reply.status, answer=remembered)
    return _response(reply.status, content, reply.headers)


def _key_of(request: Request) -> str | None:
    key: str | None = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise BadIdempotencyKey("An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return key


def _response(status: int, content: bytes, headers: Mapping[str, str]) -> HttpResponse:
    response = HttpResponse(content, status=status, content_type=JSON, headers=dict(headers))
    if not content:
        del response["Content-Type"]
    return response
