"""Issuing, replacing, limiting and revoking keys, on the page of whoever holds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.accounts.models import ApiKey, Source, User
from reviewqueue.administration import systems
from reviewqueue.administration.selectors import key_of_holder, keys_of, newest_key_of
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.web.administration_forms import OVERLAPS, KeyForm, LimitForm
from reviewqueue.web.request import PersonRequest


class KeysChanged(Conflict):
    """Somebody, or the same form, issued a key meanwhile."""


WARNED_BEFORE: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Row:
    """A key and how it is doing: `state` is living, ending (within 30 days), over or revoked."""

    key: ApiKey
    state: str


@dataclass(frozen=True, slots=True)
class KeysShown:
    """What the panel of keys shows: `text` is a new key, this once; `limited` is the key whose limit was refused."""

    rows: list[Row]
    newest: str
    form: KeyForm
    text: str = ""
    shows_errors: bool = False
    limited: str = ""
    limit_error: str = ""
    unsure: str = ""
    overlaps: tuple[tuple[str, str], ...] = tuple(OVERLAPS)

    @property
    def status(self) -> int:
        return 422 if self.shows_errors or self.limit_error or self.unsure else 200

    @classmethod
    def of(cls, holder: Source | User, **more: object) -> KeysShown:
        rows = [Row(key, _state(key)) for key in keys_of(holder)]
        form = more.pop("form", None) or KeyForm(holder)
        return cls(rows, newest_key_of(holder), form, **more)  # type: ignore[arg-type]  # what the actions below give


def _state(key: ApiKey) -> str:
    now = timezone.now()
    if key.revoked_at:
        return "revoked"
    if key.expires_at and key.expires_at <= now:
        return "over"
    return "ending" if key.expires_at and key.expires_at - now < WARNED_BEFORE else "living"


def issue(request: PersonRequest, holder: Source | User) -> KeysShown:
    _refuse_repetition(request, holder)
    form = KeyForm(holder, request.POST)
    if form.is_valid():
        try:
            _, text = systems.issue_key(holder=holder, by=request.user, **form.terms())
        except Invalid as invalid:
            form.refuse(invalid.problems)
        else:
            return KeysShown.of(holder, text=text)
    return KeysShown.of(holder, form=form, shows_errors=True)


def replace(request: PersonRequest, holder: Source | User) -> KeysShown:
    """An overlap that is none of those offered ends the old key after a day."""
    _refuse_repetition(request, holder)
    days = request.POST.get("overlap", "")
    overlap = timedelta(days=int(days) if days in dict(OVERLAPS) else 1)
    _, text = systems.rotate_key(key=_named(request, holder), by=request.user, overlap=overlap)
    return KeysShown.of(holder, text=text)


def revoke(request: PersonRequest, holder: Source | User) -> KeysShown:
    key = _named(request, holder)
    if not request.POST.get("sure"):
        return KeysShown.of(holder, unsure=key.public_id)
    systems.revoke_key(key=key, by=request.user)
    messages.success(request, "The key is revoked: it opens nothing from now on.")
    return KeysShown.of(holder)


def limit(request: PersonRequest, holder: Source | User) -> KeysShown:
    key, form = _named(request, holder), LimitForm(request.POST)
    try:
        if form.is_valid():
            wanted = form.cleaned_data["requests_per_minute"]
            systems.limit_key(key=key, requests_per_minute=wanted, by=request.user)
            messages.success(request, "The limit holds from the next request on.")
            return KeysShown.of(holder)
        said = "A whole number, or nothing for the limits of this instance."
    except Invalid as invalid:
        said = invalid.problems[0].detail
    return KeysShown.of(holder, limited=key.public_id, limit_error=said)


def _refuse_repetition(request: PersonRequest, holder: Source | User) -> None:
    """A page that shows a new key issues another one when it is loaded again, unless it says what it saw before."""
    newest = newest_key_of(holder)
    if request.POST.get("seen", newest) != newest:
        raise KeysChanged("A key was issued here since this form was opened. Look at the list first.")


def _named(request: PersonRequest, holder: Source | User) -> ApiKey:
    return key_of_holder(holder, request.POST.get("key", "").replace("\0", ""))


_ACTIONS: Final[dict[str, Callable[[PersonRequest, Source | User], KeysShown]]] = {
    "issue": issue,
    "replace": replace,
    "revoke": revoke,
    "limit": limit,
}


H = TypeVar("H", Source, User)


def key_actions(show: Callable[..., HttpResponse]) -> dict[str, Callable[[PersonRequest, H], HttpResponse]]:
    """What the page of a holder does with keys, by name. `show` shows that page: request, holder, keys, status."""

    def shown(does: Callable[[PersonRequest, Source | User], KeysShown]) -> Callable[[PersonRequest, H], HttpResponse]:
        def answer(request: PersonRequest, holder: H) -> HttpResponse:
            keys = does(request, holder)
            return show(request, holder, keys=keys, status=keys.status)

        return answer

    return {name: shown(does) for name, does in _ACTIONS.items()}
