"""From a template and its values to a response.

A page and its fragments are one template: the frame it extends decides how much is sent. A browser gets the whole
document; htmx asking for `#page` gets the page without the frame around it, with the notices beside it; htmx asking for
a part gets the page and selects the part itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.shortcuts import render, resolve_url

from reviewqueue.errors import Conflict, DomainError, Forbidden, Invalid, NotFound
from reviewqueue.web.request import HtmxRequest

STATUS_OF: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (Forbidden, 403),
    (Conflict, 409),
    (Invalid, 422),
)


def show(
    request: HtmxRequest,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    address: str | None = None,
) -> HttpResponse:
    """`address` is what the browser shall show when htmx put this page in place of another."""
    response = render(request, template, {**(context or {}), "frame": _frame(request)}, status=status)
    if request.htmx and address:
        response["HX-Push-Url"] = address
    return response


def _frame(request: HtmxRequest) -> str:
    if not request.htmx:
        return "layout/document.html"
    return "layout/swap.html" if request.htmx.target == "page" else "layout/part.html"


def show_if_changed(
    request: HtmxRequest, template: str, context: Callable[[], Mapping[str, Any]], *, shown: object
) -> HttpResponse:
    """A page that asks for itself every few seconds: unchanged since then is 304 and no rendering at all.

    `shown` is what the moving part depends on, in plain values; its hash travels with the part and comes back in
    If-None-Match. `context` is only called for when it differs.
    """
    text = json.dumps(shown, cls=DjangoJSONEncoder, sort_keys=True, default=repr)
    version = hashlib.sha256(text.encode()).hexdigest()[:32]
    if request.htmx and request.headers.get("If-None-Match") == f'"{version}"':
        return HttpResponseNotModified()
    return show(request, template, {**context(), "version": version})


def go(request: HtmxRequest, to: Any, **named: Any) -> HttpResponse:
    """Leads to a page after an action."""
    address = resolve_url(to, **named)
    if not request.htmx:
        return HttpResponseRedirect(address, status=303)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = address
    return response


def refusal(request: HtmxRequest, error: DomainError) -> HttpResponse:
    """The page for an expected refusal; out of scope and not there look the same."""
    status = next((status for kind, status in STATUS_OF if isinstance(error, kind)), 400)
    problems = error.problems if isinstance(error, Invalid) else ()
    return show(request, "errors/refused.html", {"error": error, "status": status, "problems": problems}, status=status)
