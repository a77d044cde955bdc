"""What all pages and actions have in common: somebody is logged in, refusals are pages, and nothing is kept in caches.

Every view of the site but log-in, log-out and the health checks is made with one of these decorators
(tests/web/test_roles.py walks the URLs).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from reviewqueue.errors import DomainError
from reviewqueue.web.render import refusal
from reviewqueue.web.request import HtmxRequest, PersonRequest

View = Callable[..., HttpResponse]


def page(view: View) -> View:
    """Shows something and changes nothing."""
    return _guarded(view, "GET", "HEAD")


def action(view: View) -> View:
    """Changes something and leads to a page."""
    return _guarded(view, "POST")


def form_page(view: View) -> View:
    """Shows a form under the address that takes it."""
    return _guarded(view, "GET", "HEAD", "POST")


def _guarded(view: View, *methods: str) -> View:
    @wraps(view)
    def answer(request: PersonRequest, **named: Any) -> HttpResponse:
        response = _answer(view, methods, request, named)
        response["Cache-Control"] = "no-store, private"
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response

    answer.guarded = True  # type: ignore[attr-defined]  # read by the test that walks the URLs
    return answer


def _answer(view: View, methods: tuple[str, ...], request: PersonRequest, named: dict[str, Any]) -> HttpResponse:
    if not request.user.is_authenticated:
        return ask_to_log_in(request)
    if request.method not in methods:
        return HttpResponseNotAllowed(methods)
    try:
        return view(request, **named)
    except DomainError as error:
        return refusal(request, error)


def ask_to_log_in(request: HtmxRequest) -> HttpResponse:
    """A log-in form inside a fragment would be a trap, so htmx is told to go to the log-in page instead.

    Not after an action: that page may hold words nobody has saved yet. It stays, and says what to do.
    """
    to_login = redirect_to_login(_return_address(request))
    if not request.htmx:
        return to_login
    response = HttpResponse(status=401)
    if request.method in ("GET", "HEAD"):
        response["HX-Redirect"] = to_login.url
    return response


def _return_address(request: HtmxRequest) -> str:
    """Where to be after logging in: the page in the browser, never an action."""
    if request.htmx:
        return urlsplit(request.htmx.current_url or "").path or reverse("web:home")
    return request.get_full_path() if request.method == "GET" else reverse("web:home")
