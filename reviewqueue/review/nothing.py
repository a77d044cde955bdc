"""Why there is no task for somebody, in a sentence that says what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db.models import Case, Exists, F, Min, OuterRef, Q, QuerySet, When
from django.db.models import Count as Number
from django.db.models.functions import Greatest, Now

from reviewqueue.accounts.models import User
from reviewqueue.pipelines.models import Pipeline, Role
from reviewqueue.pipelines.selectors import people_who_can_grant, skills_of, skills_within
from reviewqueue.review.models import Blind, Lease, Reservation, ReviewSlot
from reviewqueue.review.picking import SHOWN_WHEN_BLIND, Work, is_any_free, paused_in, work_for


def kept_for_others(user: User) -> Q:
    return Q(for_until__isnull=False, for_until__gt=Now()) & ~Q(for_reviewer=user)


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is no task: "empty", "all_leased", "no_skill", "paused" or "no_access"; `detail` is a sentence."""

    reason: str
    detail: str
    held_by_others: int = 0
    next_free_at: datetime | None = None


def nothing_reason(
    user: User, *, pipeline: Pipeline | None = None, purpose: str | None = None, category: str | None = None
) -> Nothing:
    work = work_for(user, pipeline=pipeline, purpose=purpose, category=category)
    if not work.pipelines and paused_in(user):
        return Nothing("paused", "You are paused here. “Your figures” says why, and takes an appeal to the seniors.")
    if not work.pipelines:
        return Nothing("no_access", "You do not review in any pipeline here." + _who_can_grant())
    mine = Lease.objects.filter(slot=OuterRef("pk"), reviewer=user, ended_at__isnull=True)
    kept = kept_for_others(user)
    soon = _slots_of(work).filter(Q(free_at__gt=Now()) | kept, ~Exists(mine))
    in_hands = Q(lease_no__gt=0) | Q(
        Exists(Reservation.objects.filter(slot=OuterRef("pk"), expires_at=OuterRef("free_at")))
    )
    free_at = Case(When(kept, then=Greatest("free_at", "for_until")), default=F("free_at"))
    busy = soon.aggregate(held=Number("id", filter=in_hands | kept), next_free_at=Min(free_at))
    if busy["held"]:
        detail = f"Others hold what is left ({busy['held']})."
        return Nothing("all_leased", detail, busy["held"], busy["next_free_at"])
    if is_any_free(work):
        return Nothing("all_leased", "The next task is being handed out at this moment. Ask again.")
    if is_any_free(replace(work, any_skill=True)):
        return Nothing("no_skill", _skills_missing(work), next_free_at=busy["next_free_at"])
    if _slots_of(work).filter(free_at__lte=Now()).exists():
        detail = "What is left waits for somebody else: a senior, or a person who has not seen it yet."
    else:
        detail = "All done: nothing is waiting for you."
    return Nothing("empty", detail, next_free_at=busy["next_free_at"])


SKILLS_LOOKED_AT: Final = 200


def _skills_missing(work: Work) -> str:
    """Which skills the most urgent tasks ask for beyond those of this person, and who can give them."""
    waiting = _slots_of(replace(work, any_skill=True)).filter(free_at__lte=Now()).order_by("turn", "id")
    asked = waiting.values_list("needs", "pipeline_id")[:SKILLS_LOOKED_AT]
    mine = skills_of(work.reviewer_id)
    lacking = [(set(needs) - mine, where) for needs, where in asked]
    names = sorted({name for missing, _ in lacking for name in missing})
    owners = User.objects.filter(
        grants__role=Role.OWNER, grants__pipeline__in={where for missing, where in lacking if missing}, is_active=True
    )
    people = " or ".join(person.shown_name for person in owners.distinct().order_by("username")[:3])
    detail = f"What is left asks for skills that you are not known to have: {', '.join(names)}."
    return f"{detail} {people} can give you them." if people else detail


def _who_can_grant() -> str:
    names = [person.shown_name for person in people_who_can_grant()[:3]]
    return f" {' or '.join(names)} can give you access." if names else ""


def _slots_of(work: Work) -> QuerySet[ReviewSlot]:
    """Open to the roles in `work`, by whoever's label or skip they may be barred."""
    slots = ReviewSlot.objects.filter(
        Q(seniors_only=False) | Q(pipeline__in=work.senior_in), done=False, pipeline__in=work.pipelines
    )
    if work.category is not None:
        slots = slots.filter(task__claim__category=work.category)
    if not work.any_skill:
        slots = slots.filter(needs__contained_by=skills_within(work.reviewer_id))
    if work.purpose == SHOWN_WHEN_BLIND:
        return slots.filter(Q(purpose=work.purpose) | ~Q(task__blind=Blind.NONE))
    return slots.filter(purpose=work.purpose, task__blind=Blind.NONE) if work.purpose else slots
