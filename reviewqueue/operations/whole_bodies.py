"""A form of which only a part has come is not read: nobody meant to send half of it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from reviewqueue.serving import INCOMPLETE, LATE


class WholeBodyMiddleware:
    """408 for what came too late and 400 for what never came. Below /api/ refusals have a form of their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        missing = request.META.get(INCOMPLETE)
        if not missing or request.path_info.startswith("/api/"):
            return self.get_response(request)
        status = 408 if missing == LATE else 400
        return HttpResponse("Only a part of the request has come. Send it again.\n", "text/plain", status)
