"""The steps in the life of a policy version. Each form carries the revision that its reader saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse

from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.models import PolicyStatus
from reviewqueue.policy.rights import DECIDE
from reviewqueue.policy.selectors import version_for
from reviewqueue.web.access import action
from reviewqueue.web.render import go
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from reviewqueue.policy.models import PolicyVersion


def _in_hand(request: PersonRequest, slug: str, number: int) -> tuple[PolicyVersion, str | None]:
    """The version, for those who may decide about it, and the revision they saw."""
    version = version_for(pipeline_for(request.user, slug, DECIDE), number)
    return version, request.POST.get("revision") or None


@action
def approve(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    version, seen = _in_hand(request, slug, number)
    _say_approved(request, services.approve(version=version, approver=request.user, seen=seen))
    return go(request, "web:policy", slug=slug, number=number)


def _say_approved(request: PersonRequest, version: PolicyVersion) -> None:
    if version.status == PolicyStatus.DRAFT:
        messages.success(request, "You approved it. A second administrator has to approve it as well.")
    else:
        messages.success(request, f"Version {version.number} is approved. It decides nothing until it is activated.")


@action
def activate(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """An approved version; a draft is approved by the same press of a button, by somebody who may."""
    version, seen = _in_hand(request, slug, number)
    if version.status == PolicyStatus.APPROVED:
        now = services.activate(version=version, by=request.user, seen=seen)
    else:
        now = services.approve_and_activate(version=version, approver=request.user, seen=seen)
    if now.status == PolicyStatus.ACTIVE:
        messages.success(request, f"Version {number} decides from now on.")
    else:
        _say_approved(request, now)
    return go(request, "web:policy", slug=slug, number=number)


@action
def reject(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    version, seen = _in_hand(request, slug, number)
    services.reject(version=version, by=request.user, seen=seen)
    messages.success(request, f"Version {number} was rejected.")
    return go(request, "web:policies", slug=slug)


@action
def retire(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    version, seen = _in_hand(request, slug, number)
    services.retire(version=version, by=request.user, seen=seen)
    messages.success(request, f"Version {number} was retired. It never decided.")
    return go(request, "web:policies", slug=slug)


@action
def start_shadow(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    version, seen = _in_hand(request, slug, number)
    services.start_shadow(version=version, by=request.user, seen=seen)
    messages.success(request, f"Version {number} runs in shadow: it decides beside the active one and changes nothing.")
    return go(request, "web:policy_shadow", slug=slug, number=number)


@action
def stop_shadow(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    version, seen = _in_hand(request, slug, number)
    services.stop_shadow(version=version, by=request.user, seen=seen)
    messages.success(request, "The shadow run has ended. Its figures stay.")
    return go(request, "web:policy_shadow", slug=slug, number=number)
