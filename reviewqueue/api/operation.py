"""What all operations of the API share: the order of the checks, how a body is read, how an answer is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django.http import HttpResponse
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from reviewqueue.api.authentication import key_in
from reviewqueue.api.contract import Promise, Rate, promise_of
from reviewqueue.api.idempotency import Reply, answered
from reviewqueue.api.queries import refuse_unknown
from reviewqueue.api.rates import refuse_beyond, spend_for_failure, spend_for_key, tell
from reviewqueue.api.request_body import read_json_body
from reviewqueue.strict_json import MAX_BYTES, parse_strict

if TYPE_CHECKING:
    from reviewqueue.accounts.limits import Allowance


class AlwaysJSON(BaseContentNegotiation):
    """There is one representation, so the Accept header has nothing to choose."""

    def select_parser(self, _: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(self, _: Request, renderers: Iterable[BaseRenderer], *__: object) -> tuple[BaseRenderer, str]:
        only = next(iter(renderers))
        return only, only.media_type


class Operation(APIView):
    """One resource of the API. What each of its methods needs and answers is in the method's promise."""

    body_limit: ClassVar[int] = MAX_BYTES
    content_negotiation_class = AlwaysJSON
    allowance: Allowance | None = None

    @property
    def promise(self) -> Promise | None:
        """What is promised for the method of this request, if the resource has such a method."""
        return promise_of(getattr(self, str(self.request.method).lower(), None))

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self._count(request)
        super().initial(request, *args, **kwargs)
        if self.promise is not None:
            refuse_unknown(request.query_params, self.promise.known_parameters)

    def _count(self, request: Request) -> None:
        """Before anything else is done for the caller, so that refused requests count as well."""
        try:
            is_known = request.auth is not None
        except AuthenticationFailed:
            self._count_failure(request)
            raise
        if not is_known:
            self._count_failure(request)
            return
        self.allowance = spend_for_key(key_in(request), self.promise.rate if self.promise else Rate.OTHER)
        refuse_beyond(self.allowance)

    def _count_failure(self, request: Request) -> None:
        self.allowance = spend_for_failure(request)
        refuse_beyond(self.allowance)

    def options(self, *_: Any, **__: Any) -> Response:
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers.setdefault("Cache-Control", "no-store")
        if self.allowance:
            tell(response, self.allowance)
        return super().finalize_response(request, response, *args, **kwargs)

    def write(self, perform: Callable[[Any], Reply]) -> HttpResponse:
        """Answers a POST or PATCH: a body read strictly, an Idempotency-Key honoured, and `perform` does the work.

        Where the promise does not require a body, none is as good as an empty object.
        """
        request: Request = self.request
        raw = read_json_body(request._request, limit=self.body_limit)
        body = parse_strict(raw) if raw or self._needs_body() else {}
        return answered(request, raw, lambda: perform(body))

    def _needs_body(self) -> bool:
        promised = self.promise.body if self.promise else None
        return promised is None or promised.required


class OpenOperation(Operation):
    """A resource that anybody may read and that tells nothing of anybody: no key is asked for, nobody is counted."""

    authentication_classes = ()
    permission_classes = ()

    def _count(self, _: Request) -> None:
        return
