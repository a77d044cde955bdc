"""Requests as the views of this package get them. A name for types alone: middleware adds the attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest

if TYPE_CHECKING:
    from django_htmx.middleware import HtmxDetails

    from reviewqueue.accounts.models import User


class HtmxRequest(HttpRequest):
    htmx: HtmxDetails


class PersonRequest(HtmxRequest):
    """`user` is somebody who is logged in: the decorators in `access` let nobody else through."""

    user: User
