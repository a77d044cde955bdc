"""Erasures: asked for by an admin, agreed to or refused by somebody else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.erasure import selectors, services
from reviewqueue.erasure.services import ErasureDecided
from reviewqueue.errors import NotFound
from reviewqueue.golden.items import MAX_KEY
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.web.access import form_page
from reviewqueue.web.erasure_forms import ClaimWish, GoldenWish, PersonWish, Wish
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import require_role

if TYPE_CHECKING:
    from reviewqueue.erasure.models import Erasure

_READERS = "Erasures are for admins, auditors and seniors."
_FORMS: Final[dict[str, type[Wish]]] = {"claim": ClaimWish, "golden": GoldenWish, "person": PersonWish}


@form_page
def erasures(request: PersonRequest) -> HttpResponse:
    require_role(request.user, frozenset(selectors.READERS), _READERS)
    if request.method != "POST":
        return _show(request)
    selectors.require_asker(request.user)
    about = request.POST.get("about", "")
    about = about if about in _FORMS else "claim"
    form = _FORMS[about](request.POST, auto_id=f"{about}_%s")
    if form.is_valid() and (wish := _asked(request, form)):
        messages.success(request, "Asked for. An auditor or a senior has to agree.")
        return go(request, "web:erasure", erasure_id=wish.pk)
    return _show(request, {about: form}, status=422)


def _asked(request: PersonRequest, form: Wish) -> Erasure | None:
    try:
        match form:
            case PersonWish():
                return services.ask_for_person(by=request.user, **form.cleaned_data)
            case GoldenWish():
                return services.ask_for_golden_item(by=request.user, **form.cleaned_data)
            case _:
                given = form.cleaned_data
                return services.ask_for_claim(by=request.user, claim_id=given["claim"], basis=given["basis"])
    except (NotFound, ErasureDecided) as refused:
        form.add_error(form.MAIN, refused.detail)
    return None


def _show(request: PersonRequest, sent: Mapping[str, Wish] | None = None, *, status: int = 200) -> HttpResponse:
    """With empty forms but for the one that was `sent`, by what it is about."""
    sent = sent or {}
    context: dict[str, Any] = {
        "pending": selectors.pending(request.user),
        "decided": selectors.decided(request.user),
        "most": selectors.SHOWN,
        "may_ask": has_role(request.user, selectors.ASKERS),
        "shows_errors": status == 422,
        **{f"{about}_form": sent.get(about) or _empty(request, about) for about in _FORMS},
    }
    return show(request, "erasures/erasures.html", context, status=status)


def _empty(request: PersonRequest, about: str) -> Wish:
    """What a link names is filled in."""
    form = _FORMS[about]
    named = {name: request.GET[name][:MAX_KEY] for name in form.base_fields if name in request.GET}
    return form(initial=named, auto_id=f"{about}_%s")


@form_page
def erasure(request: PersonRequest, erasure_id: UUID) -> HttpResponse:
    wish = selectors.erasure_for(request.user, erasure_id)
    if request.method != "POST":
        return _show_one(request, wish)
    selectors.require_approver(request.user, wish)
    decision = request.POST.get("decision")
    if decision not in ("approve", "refuse"):
        messages.error(request, "Nothing was decided: agree or refuse.")
        return _show_one(request, wish, status=422)
    services.decide(by=request.user, erasure_id=wish.pk, approve=decision == "approve")
    messages.success(request, "Erased." if decision == "approve" else "Refused. Nothing was erased.")
    return go(request, "web:erasure", erasure_id=wish.pk)


def _show_one(request: PersonRequest, wish: Erasure, *, status: int = 200) -> HttpResponse:
    context = {"erasure": wish, "may_decide": selectors.may_decide(request.user, wish)}
    return show(request, "erasures/erasure.html", context, status=status)
