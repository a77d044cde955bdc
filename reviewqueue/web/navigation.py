"""The links at the head of every page: those that this person can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import reverse

from reviewqueue.administration.rights import READERS as ADMINISTRATION_READERS
from reviewqueue.deliveries.selectors import STATE_READERS
from reviewqueue.erasure.selectors import READERS
from reviewqueue.pipelines.selectors import FIGURES_ROLES, WORKING_ROLES, has_role, roles_of
from reviewqueue.reports.selectors import READERS as REPORT_READERS
from reviewqueue.web.roles import LEDGER_ROLES


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    address: str
    is_here: bool
    current: str  # the value of aria-current: "page" on the very page, "true" on those below it


_BELOW: Final = {
    "queue": ("web:queue", "/queue/", "/review/", "/labels/"),
    "figures": ("web:own_figures", "/figures/"),
    "pipelines": ("web:pipelines", "/pipelines/"),
    "people": ("web:people", "/people/"),
    "sources": ("web:sources", "/sources/"),
    "webhooks": ("web:webhooks", "/webhooks/"),
    "ledger": ("web:ledger", "/ledger/"),
    "reports": ("web:reports", "/reports/"),
    "erasures": ("web:erasures", "/erasures/"),
}


def navigation(request: HttpRequest) -> dict[str, Any]:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    links = [_link(request, "Queue", "queue")]
    if has_role(user, WORKING_ROLES):
        links.append(_link(request, "Your figures", "figures"))
    if has_role(user, FIGURES_ROLES):
        links.append(_link(request, "Pipelines", "pipelines"))
    if has_role(user, ADMINISTRATION_READERS):
        links += [_link(request, "People", "people"), _link(request, "Sources", "sources")]
    if has_role(user, STATE_READERS):
        links.append(_link(request, "Webhooks", "webhooks"))
    if has_role(user, LEDGER_ROLES):
        links.append(_link(request, "Ledger", "ledger"))
    if has_role(user, REPORT_READERS):
        links.append(_link(request, "Reports", "reports"))
    if has_role(user, READERS):
        links.append(_link(request, "Erasures", "erasures"))
    return {"navigation": links, "roles": sorted({role for role, _ in roles_of(user)})}


def _link(request: HttpRequest, name: str, key: str) -> Link:
    view_name, *below = _BELOW[key]
    address = reverse(view_name)
    is_page = request.path == address
    is_here = is_page or any(request.path.startswith(prefix) for prefix in below)
    return Link(name, address, is_here, "page" if is_page else "true")
