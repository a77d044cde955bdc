"""Sources: the upstream systems that post claims, where they may post, and their keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from reviewqueue.accounts.models import Source
from reviewqueue.administration import systems
from reviewqueue.administration.rights import MANAGERS, acting_admin
from reviewqueue.administration.selectors import all_pipelines, source_for, sources_for
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.web.access import form_page, page
from reviewqueue.web.administration_forms import NewSource
from reviewqueue.web.key_actions import KeysShown, key_actions
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest


@page
def sources(request: PersonRequest) -> HttpResponse:
    context = {"sources": sources_for(request.user), "may_manage": has_role(request.user, MANAGERS)}
    return show(request, "sources/sources.html", context)


@form_page
def new_source(request: PersonRequest) -> HttpResponse:
    acting_admin(request.user)
    form = NewSource(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = systems.create_source(by=request.user, **form.cleaned_data)
        except Invalid as invalid:
            form.refuse(invalid.problems)
        else:
            messages.success(request, "The source is there. Say where it may post, and issue it a key.")
            return go(request, "web:source", slug=made.slug)
    status = 422 if form.is_bound else 200
    return show(request, "sources/new.html", {"form": form, "shows_errors": form.is_bound}, status=status)


@form_page
def source(request: PersonRequest, slug: str) -> HttpResponse:
    found = source_for(request.user, slug)
    if request.method != "POST":
        return _show(request, found)
    acting_admin(request.user)
    does = _DOES.get(request.POST.get("do", ""))
    if does is None:
        return _show(request, found, status=422)
    try:
        return does(request, found)
    except Conflict as conflict:
        return _show(request, found, refused=conflict.detail, status=409)


def _set_pipelines(request: PersonRequest, found: Source) -> HttpResponse:
    wanted = all_pipelines().filter(slug__in=request.POST.getlist("pipelines"))
    systems.set_pipelines(source=found, pipelines=list(wanted), by=request.user)
    messages.success(request, "Saved. It holds from the next claim on.")
    return go(request, "web:source", slug=found.slug)


def _stop(request: PersonRequest, found: Source) -> HttpResponse:
    if not request.POST.get("sure"):
        return _show(request, found, unsure=True, status=422)
    systems.set_source_active(source=found, active=False, by=request.user)
    messages.success(request, "Stopped: none of its keys opens anything.")
    return go(request, "web:source", slug=found.slug)


def _start(request: PersonRequest, found: Source) -> HttpResponse:
    systems.set_source_active(source=found, active=True, by=request.user)
    messages.success(request, "It may post again, with the keys that are not over.")
    return go(request, "web:source", slug=found.slug)


def _show(
    request: PersonRequest, found: Source, *, keys: KeysShown | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """The page. A key is shown here and never again."""
    its = set(found.pipelines.values_list("pk", flat=True))
    context = {
        "source": found,
        "pipelines": [(pipeline, pipeline.pk in its) for pipeline in all_pipelines()],
        "may_manage": has_role(request.user, MANAGERS),
        "keys": keys or KeysShown.of(found),
        "address": reverse("web:source", kwargs={"slug": found.slug}),
        **more,
    }
    return show(request, "sources/source.html", context, status=status)


_DOES: Final[dict[str, Callable[[PersonRequest, Source], HttpResponse]]] = {
    "pipelines": _set_pipelines,
    "stop": _stop,
    "start": _start,
    **key_actions(_show),
}
