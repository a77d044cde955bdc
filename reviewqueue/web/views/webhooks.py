"""Where sources are told what happened: their endpoints, what was sent to them, and hosts that are exempt."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.deliveries.alarms import silent_endpoints
from reviewqueue.deliveries.models import DeliveryState, Endpoint, NamedHost, Payload
from reviewqueue.deliveries.selectors import (
    DeliveryFilter,
    callback_hosts,
    deliveries_page,
    delivery_for,
    endpoint_for,
    endpoints_for,
    last_challenge,
    named_hosts,
    sees_deliveries,
    with_history,
)
from reviewqueue.deliveries.services import endpoints as services
from reviewqueue.deliveries.services import replay as replays
from reviewqueue.deliveries.services.hosts import name_host, withdraw_host
from reviewqueue.deliveries.services.verification import challenge
from reviewqueue.deliveries.signing import Scheme
from reviewqueue.errors import Conflict, Invalid, NotFound
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import has_role
from reviewqueue.web.access import action, form_page, page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import require_role
from reviewqueue.web.webhook_forms import ChangedEndpoint, HostForm, NewEndpoint, Stretch, day_of
from reviewqueue.web.wording import DELIVERY_STATES

DELIVERIES_SHOWN: Final = 25
HOSTS_SHOWN: Final = 50
AT_ONCE: Final = timedelta(0)
MANAGERS: Final = frozenset({Role.ADMIN.value})
ONLY_ADMINISTRATORS: Final = "Webhooks are managed by administrators."


@page
def webhooks(request: PersonRequest) -> HttpResponse:
    found = list(endpoints_for(request.user))
    silent = {alarm.endpoint.pk: alarm for alarm in silent_endpoints(sources={each.source for each in found})}
    context = {
        "rows": [{"endpoint": each, "alarm": silent.get(each.pk)} for each in found],
        "alarms": len(silent),
        "may_manage": has_role(request.user, MANAGERS),
        "sees_addresses": sees_deliveries(request.user),
    }
    return show(request, "webhooks/webhooks.html", context)


@form_page
def webhook_new(request: PersonRequest) -> HttpResponse:
    require_role(request.user, MANAGERS, ONLY_ADMINISTRATORS)
    form = NewEndpoint(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            endpoint, secret = services.create_endpoint(
                source=given["source"],
                url=given["url"],
                by=request.user,
                events=given["events"],
                scheme=Scheme(given["scheme"]),
                payload=Payload(given["payload"]),
            )
        except Invalid as invalid:
            form.refuse(invalid.problems)
        except Conflict as conflict:
            form.add_error("url", conflict.detail)
        else:
            return _show(request, endpoint_for(request.user, endpoint.pk), secret=secret)
    return show(
        request,
        "webhooks/new.html",
        {"form": form, "shows_errors": form.is_bound},
        status=422 if form.is_bound else 200,
    )


# --- one endpoint ----------------------------------------------------------------------------------------------------


@form_page
def webhook(request: PersonRequest, endpoint_id: UUID) -> HttpResponse:
    endpoint = endpoint_for(request.user, endpoint_id)
    if request.method != "POST":
        return _show(request, endpoint)
    require_role(request.user, MANAGERS, ONLY_ADMINISTRATORS)
    return _DOES.get(request.POST.get("do", ""), _save)(request, endpoint)


def _save(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    form = ChangedEndpoint(endpoint, request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            services.change_endpoint(
                endpoint=endpoint,
                by=request.user,
                url=given["url"] if endpoint.url is not None else None,
                events=given["events"],
                payload=Payload(given["payload"]),
            )
        except Invalid as invalid:
            form.refuse(invalid.problems)
        except Conflict as conflict:
            form.add_error("url", conflict.detail)
        else:
            messages.success(request, "Saved. The change is in the ledger.")
            return go(request, "web:webhook", endpoint_id=endpoint.pk)
    return _show(request, endpoint, form=form, status=422)


def _pause(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    services.pause(endpoint=endpoint, by=request.user)
    messages.success(request, "Paused. What happens meanwhile is kept.")
    return go(request, "web:webhook", endpoint_id=endpoint.pk)


def _resume(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    services.resume(endpoint=endpoint, by=request.user)
    messages.success(request, "Resumed. What has waited is sent now; what was given up is replayed separately.")
    return go(request, "web:webhook", endpoint_id=endpoint.pk)


def _test(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    asked = challenge(endpoint=endpoint, by=request.user)
    messages.success(
        request, f"{asked} challenge{'s' if asked != 1 else ''} sent. The answer stands below in a moment."
    )
    return go(request, "web:webhook", endpoint_id=endpoint.pk)


def _rotate(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    leaked = bool(request.POST.get("leaked"))
    secret = services.rotate_secret(endpoint=endpoint, by=request.user, overlap=AT_ONCE if leaked else services.OVERLAP)
    return _show(request, endpoint_for(request.user, endpoint.pk), secret=secret)


def _remove(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    if not request.POST.get("sure"):
        return _show(request, endpoint, unsure=True, status=422)
    services.remove_endpoint(endpoint=endpoint, by=request.user)
    messages.success(request, "Removed. Nothing is sent there any more; its history is in the ledger.")
    return go(request, "web:webhooks")


def _count(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    """Says how many deliveries a replay would send, and changes nothing."""
    form = Stretch(request.POST)
    try:
        count = (
            replays.would_be_replayed(endpoint=endpoint, by=request.user, **form.stretch()) if form.is_valid() else None
        )
    except Invalid as invalid:
        count = None
        form.add_error("until", invalid.problems[0].detail)
    return _show(request, endpoint, stretch=form, count=count, status=200 if count is not None else 422)


def _replay(request: PersonRequest, endpoint: Endpoint) -> HttpResponse:
    form = Stretch(request.POST)
    if not form.is_valid():
        return _show(request, endpoint, stretch=form, status=422)
    try:
        again = replays.replay(endpoint=endpoint, by=request.user, **form.stretch())
    except Invalid as invalid:
        form.add_error("until", invalid.problems[0].detail)
        return _show(request, endpoint, stretch=form, status=422)
    messages.success(request, f"{again} {'delivery is' if again == 1 else 'deliveries are'} sent again.")
    return go(request, "web:webhook", endpoint_id=endpoint.pk)


_DOES: Final[dict[str, Callable[[PersonRequest, Endpoint], HttpResponse]]] = {
    "save": _save,
    "pause": _pause,
    "resume": _resume,
    "test": _test,
    "rotate": _rotate,
    "remove": _remove,
    "count": _count,
    "replay": _replay,
}


def _show(
    request: PersonRequest, endpoint: Endpoint, *, form: ChangedEndpoint | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """The page. A secret is shown here and never again."""
    sees = sees_deliveries(request.user)
    wanted, before = _wanted(request)
    sent = (
        with_history(deliveries_page(endpoint, wanted=wanted, before=before, limit=DELIVERIES_SHOWN + 1))
        if sees
        else []
    )
    context = {
        "endpoint": endpoint,
        "secrets": list(endpoint.secrets.all()),
        "alarm": next(
            (each for each in silent_endpoints(sources=[endpoint.source]) if each.endpoint == endpoint), None
        ),
        "challenge": last_challenge(endpoint),
        "callback_hosts": callback_hosts(endpoint, limit=HOSTS_SHOWN) if sees and endpoint.url is None else [],
        "form": form or ChangedEndpoint(endpoint),
        "shows_errors": form is not None,
        "may_manage": has_role(request.user, MANAGERS),
        "sees_deliveries": sees,
        "deliveries": sent[:DELIVERIES_SHOWN],
        "older": sent[DELIVERIES_SHOWN - 1].pk if len(sent) > DELIVERIES_SHOWN else None,
        "wanted_state": wanted.state or "",
        "states": DELIVERY_STATES,
        "is_first": before is None,
        "stretch": more.pop("stretch", None) or Stretch(initial=day_of(timezone.now())),
        **more,
    }
    return show(request, "webhooks/webhook.html", context, status=status)


def _wanted(request: PersonRequest) -> tuple[DeliveryFilter, UUID | None]:
    """What of the history is asked for; anything unknown asks for nothing."""
    state = request.GET.get("state", "")
    try:
        before = UUID(request.GET.get("before", ""))
    except ValueError:
        before = None
    return DeliveryFilter(state=state if state in DeliveryState.values else None), before


@action
def delivery_replay(request: PersonRequest, delivery_id: UUID) -> HttpResponse:
    require_role(request.user, MANAGERS, ONLY_ADMINISTRATORS)
    delivery = delivery_for(request.user, delivery_id)
    replays.replay_delivery(delivery=delivery, by=request.user)
    messages.success(request, "It is sent again, under its old id.")
    return go(request, "web:webhook", endpoint_id=delivery.endpoint_id)


# --- hosts that are exempt -------------------------------------------------------------------------------------------


@form_page
def webhook_hosts(request: PersonRequest) -> HttpResponse:
    if request.method != "POST":
        return _show_hosts(request, HostForm())
    require_role(request.user, MANAGERS, ONLY_ADMINISTRATORS)
    if "withdraw" in request.POST:
        host = NamedHost.objects.filter(host=request.POST["withdraw"]).first()
        if host is None:
            raise NotFound("This host is not named.")
        withdraw_host(host=host, by=request.user)
        messages.success(request, "Withdrawn. The usual rules hold from the next attempt on.")
        return go(request, "web:webhook_hosts")
    form = HostForm(request.POST)
    if form.is_valid():
        try:
            name_host(by=request.user, **form.cleaned_data)
        except Invalid as invalid:
            for problem in invalid.problems:
                form.add_error(problem.pointer.removeprefix("/"), problem.detail)
        except Conflict as conflict:
            form.add_error("host", conflict.detail)
        else:
            messages.success(request, "Named. It is in the ledger what was allowed.")
            return go(request, "web:webhook_hosts")
    return _show_hosts(request, form, status=422)


def _show_hosts(request: PersonRequest, form: HostForm, status: int = 200) -> HttpResponse:
    context = {
        "hosts": named_hosts(request.user),
        "form": form,
        "shows_errors": form.is_bound,
        "may_manage": has_role(request.user, MANAGERS),
    }
    return show(request, "webhooks/hosts.html", context, status=status)
