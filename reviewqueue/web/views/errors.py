"""Refusals that do not come from a service."""

from __future__ import annotations

import logging

from django.http import HttpResponse

from reviewqueue.web.access import ask_to_log_in
from reviewqueue.web.render import show
from reviewqueue.web.request import HtmxRequest

log = logging.getLogger(__name__)


def csrf_failed(request: HtmxRequest, reason: str = "") -> HttpResponse:
    """Mostly a page left open across a log-in or log-out; `reason` is for operators and stays out of the page."""
    log.info("refused a form: %s", reason)
    if request.htmx and not request.user.is_authenticated:
        return ask_to_log_in(request)
    return show(request, "errors/csrf.html", status=403)
