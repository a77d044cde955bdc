"""The contract itself, for programs and for people. Anybody may read it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, get_resolver
from rest_framework.request import Request
from rest_framework.response import Response

from reviewqueue.api import reading
from reviewqueue.api.openapi import openapi
from reviewqueue.api.operation import OpenOperation


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    routes = get_resolver("reviewqueue.api.urls").url_patterns
    return openapi(route for route in routes if isinstance(route, URLPattern))


class Schema(OpenOperation):
    def get(self, _: Request) -> Response:
        return Response(document(), headers={"Cache-Control": "public, max-age=300"})


class Reference(OpenOperation):
    """The same for people, with forms to try things out."""

    def get(self, request: Request) -> HttpResponse:
        return render(request._request, "api/reference.html", {"frame": "layout/document.html", **_readable()})


@lru_cache(maxsize=1)
def _readable() -> dict[str, Any]:
    described = document()
    return {
        "base": described["servers"][0]["url"],
        "introduction": reading.introduction(described),
        "chapters": reading.chapters(described),
        "types": reading.types(described),
    }
