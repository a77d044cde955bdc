"""How well people review: their own figures, and those of a pipeline's reviewers; pauses, appeals and decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from calibration.selectors import band_table
from reviewqueue.errors import Invalid
from reviewqueue.pipelines.models import Role
from reviewqueue.pipelines.selectors import (
    FIGURES_ROLES,
    WORKING_ROLES,
    has_role,
    people_of,
    pipeline_for,
    pipelines_for,
)
from reviewqueue.reports import reviewers as report
from reviewqueue.reports import slips
from reviewqueue.reports.slips import corrected
from reviewqueue.review import gold_pages
from reviewqueue.review.services import pauses
from reviewqueue.viewing.services import record_views
from reviewqueue.web.access import action, form_page, page
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import require_role

if TYPE_CHECKING:
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.review.models import GoldDraw, ReviewerPause

PIPELINES_SHOWN = 20


@page
def own_figures(request: PersonRequest) -> HttpResponse:
    require_role(request.user, WORKING_ROLES, "Only reviewers and seniors have figures of their own.")
    return _own(request)


@action
def appeal(request: PersonRequest, pause_id: int) -> HttpResponse:
    try:
        pauses.appeal(reviewer=request.user, pause_id=pause_id, text=request.POST.get("text", ""))
    except Invalid as invalid:
        for problem in invalid.problems:
            messages.error(request, problem.detail)
        return _own(request, status=422)
    messages.success(request, "Sent. A senior of the pipeline decides.")
    return go(request, "web:own_figures")


def _own(request: PersonRequest, *, status: int = 200) -> HttpResponse:
    now, user = timezone.now(), request.user
    here = pipelines_for(user, WORKING_ROLES).order_by("name")[:PIPELINES_SHOWN]
    context = {
        "rows": [(each, report.reviewer_quality(each, [user], now=now).people[0]) for each in here],
        "pauses": [(pause, _missed(user, pause)) for pause in gold_pages.own_pauses(user)],
        **_rules(),
    }
    return show(request, "reviewers/own.html", context, status=status)


def _missed(viewer: User, pause: ReviewerPause) -> list[GoldDraw]:
    draws = gold_pages.missed(pause)
    record_views(viewer=viewer, claims=[draw.item.claim for draw in draws], purpose="missed_gold")
    return draws


def _rules() -> dict[str, object]:
    return {
        "newest": report.NEWEST,
        "days": report.WITHIN.days,
        "run": report.RUN,
        "fewest_for_runs": report.FEWEST_FOR_RUNS,
        "fewest_for_estimates": report.FEWEST_FOR_ESTIMATES,
    }


@form_page
def reviewers(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    if request.method != "POST":
        return _show(request, pipeline)
    try:
        pauses.decide(
            by=request.user,
            pipeline=pipeline,
            pause_id=int(request.POST.get("pause", "0")) if request.POST.get("pause", "0").isdecimal() else 0,
            lifted=request.POST.get("do") == "lift",
            note=request.POST.get("note", ""),
        )
    except Invalid as invalid:
        for problem in invalid.problems:
            messages.error(request, problem.detail)
        return _show(request, pipeline, status=422)
    messages.success(request, "Decided. The person sees your note.")
    return go(request, "web:reviewers", slug=slug)


def _show(request: PersonRequest, pipeline: Pipeline, *, status: int = 200) -> HttpResponse:
    people = people_of(pipeline, WORKING_ROLES)
    is_senior = has_role(request.user, [Role.SENIOR], pipeline_id=pipeline.pk)
    quality = report.reviewer_quality(pipeline, people, now=timezone.now())
    context = {
        "pipeline": pipeline,
        "quality": quality,
        "corrected": corrected(band_table(pipeline), quality.slips) if quality.slips else [],
        "fewest_keys": slips.FEWEST_KEYS,
        "pauses": [
            (pause, _missed(request.user, pause) if is_senior and not pause.ended_at else [])
            for pause in gold_pages.pauses_of(pipeline)
        ],
        "is_senior": is_senior,
        "sees_names": _sees_names(request.user, pipeline),
        "terms": gold_pages.terms_of(pipeline),
        **_rules(),
    }
    return show(request, "reviewers/reviewers.html", context, status=status)


def _sees_names(user: User, pipeline: Pipeline) -> bool:
    """An owner without another role here sees pseudonyms."""
    return has_role(user, [Role.SENIOR, Role.AUDITOR, Role.ADMIN], pipeline_id=pipeline.pk)
