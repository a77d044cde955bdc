"""People: who has an account, what they may do, and the keys they call the API with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse

from reviewqueue.accounts.models import User
from reviewqueue.administration import people as services
from reviewqueue.administration.rights import MANAGERS, acting_admin
from reviewqueue.administration.selectors import grants_of, people_page, person_for
from reviewqueue.errors import Conflict, Invalid, NotFound
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.web.access import form_page, page
from reviewqueue.web.administration_forms import AboutPerson, NewPerson, RoleForm
from reviewqueue.web.key_actions import KeysShown, key_actions
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest

MOST_SEARCHED: Final = 150


@page
def people(request: PersonRequest) -> HttpResponse:
    search = request.GET.get("search", "").strip()[:MOST_SEARCHED].replace("\0", "")
    after = request.GET.get("after", "")[:MOST_SEARCHED].replace("\0", "")
    context = {
        "listed": people_page(request.user, search=search, after=after),
        "search": search,
        "is_first": not after,
        "may_manage": has_role(request.user, MANAGERS),
    }
    return show(request, "people/people.html", context)


@form_page
def new_person(request: PersonRequest) -> HttpResponse:
    acting_admin(request.user)
    form = NewPerson(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            user = services.create_person(by=request.user, **form.cleaned_data)
        except Invalid as invalid:
            form.refuse(invalid.problems)
        else:
            messages.success(request, "The account is there. Give it a role, and its holder a link to log in.")
            return go(request, "web:person", pseudonym=user.pseudonym)
    status = 422 if form.is_bound else 200
    return show(request, "people/new.html", {"form": form, "shows_errors": form.is_bound}, status=status)


@form_page
def person(request: PersonRequest, pseudonym: UUID) -> HttpResponse:
    user = person_for(request.user, pseudonym)
    if request.method != "POST":
        return _show(request, user)
    acting_admin(request.user)
    does = _DOES.get(request.POST.get("do", ""))
    if does is None:
        return _show(request, user, status=422)
    try:
        return does(request, user)
    except Conflict as conflict:
        return _show(request, user, refused=conflict.detail, status=409)


def _save(request: PersonRequest, user: User) -> HttpResponse:
    form = AboutPerson(request.POST)
    if form.is_valid():
        try:
            services.describe_person(user=user, by=request.user, **form.cleaned_data)
        except Invalid as invalid:
            form.refuse(invalid.problems)
        else:
            messages.success(request, "Saved.")
            return go(request, "web:person", pseudonym=user.pseudonym)
    return _show(request, person_for(request.user, user.pseudonym), about=form, status=422)


def _give(request: PersonRequest, user: User) -> HttpResponse:
    form = RoleForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.give_role(user=user, role=Role(given["role"]), pipeline=given["pipeline"], by=request.user)
        except Invalid as invalid:
            form.refuse(invalid.problems)
        else:
            messages.success(request, "The role is given. It holds from the next page on.")
            return go(request, "web:person", pseudonym=user.pseudonym)
    return _show(request, user, role=form, status=422)


def _take(request: PersonRequest, user: User) -> HttpResponse:
    number = request.POST.get("grant", "")
    found = grants_of(user).filter(pk=int(number)).first() if number.isascii() and number.isdigit() else None
    if found is None:
        raise NotFound("This role was taken already.")
    services.take_role(grant=found, by=request.user)
    messages.success(request, "The role is taken. What they had in hand there is free for others.")
    return go(request, "web:person", pseudonym=user.pseudonym)


def _link(request: PersonRequest, user: User) -> HttpResponse:
    link = services.sign_in_link(user=user, by=request.user)
    path = reverse("web:choose_password", kwargs={"uidb64": link.uid, "token": link.token})
    return _show(request, user, link=request.build_absolute_uri(path))


def _close(request: PersonRequest, user: User) -> HttpResponse:
    if not request.POST.get("sure"):
        return _show(request, user, unsure=True, status=422)
    services.close_account(user=user, by=request.user)
    messages.success(request, "The account is closed. Sessions and keys end now; what they had in hand is free.")
    return go(request, "web:person", pseudonym=user.pseudonym)


def _open(request: PersonRequest, user: User) -> HttpResponse:
    services.open_account(user=user, by=request.user)
    messages.success(request, "The account is open again, with the roles it had.")
    return go(request, "web:person", pseudonym=user.pseudonym)


def _show(
    request: PersonRequest, user: User, *, keys: KeysShown | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """The page. A link and a key are shown here and never again."""
    known = {name: getattr(user, name) for name in AboutPerson.base_fields}
    about, role = more.pop("about", None), more.pop("role", None)
    context = {
        "person": user,
        "grants": list(grants_of(user)),
        "about": about or AboutPerson(initial=known),
        "role": role or RoleForm(),
        "errors_about": about is not None,
        "errors_role": role is not None,
        "may_manage": has_role(request.user, MANAGERS),
        "is_self": user.pk == request.user.pk,
        "keys": keys or KeysShown.of(user),
        "address": reverse("web:person", kwargs={"pseudonym": user.pseudonym}),
        **more,
    }
    return show(request, "people/person.html", context, status=status)


_DOES: Final[dict[str, Callable[[PersonRequest, User], HttpResponse]]] = {
    "save": _save,
    "give": _give,
    "take": _take,
    "link": _link,
    "close": _close,
    "open": _open,
    **key_actions(_show),
}
