from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import roles_of
from reviewqueue.viewing.models import BreakGlass

SHOWN: Final = 20
_AS_READ: Final = (Role.SENIOR, Role.REVIEWER, Role.OWNER, Role.AUDITOR, Role.ADMIN)


def open_glass(user: User, claim_id: UUID, *, now: datetime) -> BreakGlass | None:
    """The right this person took to read the claim, while it lasts."""
    return BreakGlass.objects.filter(user=user, claim=claim_id, until__gt=now).order_by("-until").first()


def glasses_of(claim_id: UUID) -> list[BreakGlass]:
    """Newest first, with the people."""
    return list(BreakGlass.objects.filter(claim=claim_id).select_related("user").order_by("-began_at")[:SHOWN])


def glasses_since(pipeline: Pipeline, since: datetime) -> list[BreakGlass]:
    """Newest first, with the people and claims."""
    found = BreakGlass.objects.filter(pipeline=pipeline, began_at__gte=since).select_related("user", "claim")
    return list(found.order_by("-began_at")[:SHOWN])


def role_of_reader(user: User, pipeline_id: int) -> Role | None:
    """The role by which somebody reads in a pipeline: work and ownership come before looking over them."""
    held = {role for role, where in roles_of(user) if where in (None, pipeline_id)}
    return next((role for role in _AS_READ if role in held), None)
