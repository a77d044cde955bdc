"""Somebody with a browser: logged in, with or without htmx."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client

from reviewqueue.accounts.models import User

HTMX = {"HX-Request": "true", "HX-Target": "page"}


class Visitor(Client):
    """Requests without htmx, as a browser without JavaScript sends them; `ajax` says otherwise."""

    def __init__(self, user: User | None = None, **defaults: Any) -> None:
        super().__init__(**defaults)
        if user:
            self.force_login(user)

    def ajax(self, method: str, address: str, data: Any = None, **headers: str) -> HttpResponse:
        send = self.post if method == "post" else self.get
        return send(address, data or {}, headers={**HTMX, **headers})


def text_of(response: HttpResponse) -> str:
    return response.content.decode()
