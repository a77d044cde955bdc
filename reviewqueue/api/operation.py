"""What all operations of the API share: the order of the checks, how a body is read, how an answer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewqueue.api.idempotency import Reply, answered
from reviewqueue.api.queries import refuse_unknown
from reviewqueue.api.request_body import read_json_body
from reviewqueue.api.strict_json import MAX_BYTES, parse_strict


class AlwaysJSON(BaseContentNegotiation):
    """There is one representation, so the Accept header has nothing to choose."""

    def select_parser(self, _: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(self, _: Request, renderers: Iterable[BaseRenderer], *__: object) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, only.media_type


class Operation(APIView):
    """One resource of the API. `scopes` names the scope each method needs, `parameters` what its query may hold."""

    scopes: ClassVar[Mapping[str, str]] = {}
    parameters: ClassVar[frozenset[str]] = frozenset()
    body_limit: ClassVar[int] = MAX_BYTES
    content_negotiation_class = AlwaysJSON

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_unknown(request.query_params, self.parameters if request.method in ("GET", "HEAD") else frozenset())

    def options(self, *_: Any, **__: Any) -> Response:
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers.setdefault("Cache-Control", "no-store")
        return super().finalize_response(request, response, *args, **kwargs)

    def write(self, perform: Callable[[Any], Reply], *, empty: object = None) -> HttpResponse:
        """Answers a POST: reads the body strictly, honours the Idempotency-Key, and lets `perform` do the work.

        `empty` is what a request without a body means, where it may have none.
        """
        request: Request = self.request
        raw = read_json_body(request._request, limit=self.body_limit)
        body = empty if empty is not None and not raw else parse_strict(raw)
        return answered(request, raw, lambda: perform(body))
