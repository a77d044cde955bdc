"""Every request has an id: in the answer's X-Request-ID, in problems, and in each log line written meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse
from uuid_utils.compat import uuid7

HEADER = "X-Request-ID"
_SAFE = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class RequestIdMiddleware:
    """First in the list, so that the refusals of every other middleware carry the id as well.

    A caller may bring an id of 1 to 64 harmless characters; any other is replaced.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name = request_id(request)
        with structlog.contextvars.bound_contextvars(request_id=name):
            response = self.get_response(request)
        response[HEADER] = name
        return response


def request_id(request: HttpRequest) -> str:
    """The id of this request, given to it when it has none yet."""
    known: str | None = getattr(request, "_request_id", None)
    if known is None:
        brought = request.headers.get(HEADER, "")
        known = brought if _SAFE.fullmatch(brought) else str(uuid7())
        request._request_id = known  # type: ignore[attr-defined]  # lives and dies with the request
    return known
