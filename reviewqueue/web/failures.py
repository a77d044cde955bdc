"""What went wrong on our side, as a page that needs neither a database nor anything that could have broken."""

from __future__ import annotations

import sys
from typing import Final

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

AWAY: Final = (OperationalError, InterfaceError)
RETRY_AFTER: Final = "5"  # seconds; a database that restarts takes about as long


def server_error(_: HttpRequest) -> HttpResponse:
    """503 with a time to come back while the database is away or does not answer in time, else 500.

    Django calls it while it handles the exception.
    """
    if isinstance(sys.exc_info()[1], AWAY):
        text = loader.get_template("503.html").render()
        return HttpResponse(text, status=503, headers={"Retry-After": RETRY_AFTER, "Cache-Control": "no-store"})
    return HttpResponse(loader.get_template("500.html").render(), status=500)
