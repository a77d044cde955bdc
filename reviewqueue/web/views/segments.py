"""Segments: what is measured of each in every band, where confidence is upside down, and slices to watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.utils.http import urlencode

from calibration import slicing
from calibration.core.segments import declared_as
from calibration.core.slices import FEWEST
from calibration.heat import SORTS
from calibration.recent import NEWEST
from reviewqueue.errors import Conflict, Invalid
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.reports.segments import plain_segments, segment_page
from reviewqueue.web.access import form_page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES

if TYPE_CHECKING:
    from calibration.heat import HeatTable
    from reviewqueue.pipelines.models import Pipeline

ROWS_SHOWN: Final = 80
MODELS_SHOWN: Final = 40


@form_page
def segments(request: PersonRequest, slug: str) -> HttpResponse:
    if request.method == "POST":
        return _decide(request, pipeline_for(request.user, slug, SETTING_ROLES))
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    sort = request.GET.get("sort", "")
    page = segment_page(pipeline, sort=sort if sort in SORTS else SORTS[0])
    if wants_file(request):
        return file_of(request, plain_segments(page), name=f"{slug}-segments")
    table = _chosen(page.tables, request.GET.get("model", ""))
    context: dict[str, Any] = {
        "pipeline": pipeline,
        "page": page,
        "table": table,
        "rows": table.rows[:ROWS_SHOWN] if table else [],
        "not_shown": max(len(table.rows) - ROWS_SHOWN, 0) if table else 0,
        "models": [(_key(each), each) for each in page.tables[:MODELS_SHOWN]],
        "chosen": _key(table) if table else "",
        "sort": sort if sort in SORTS else SORTS[0],
        "query": urlencode({"sort": sort}) + "&" if sort in SORTS else "",
        "watched": [declared_as(each) for each in page.watched],
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
        "newest": NEWEST,
        "fewest": FEWEST,
    }
    return show(request, "pipelines/segments.html", context)


def _key(table: HeatTable) -> str:
    return "|".join((table.model, table.model_version, table.prompt_version))


def _chosen(tables: list[HeatTable], wanted: str) -> HeatTable | None:
    """The model with most claims unless another was asked for."""
    return next((table for table in tables if _key(table) == wanted), tables[0] if tables else None)


def _decide(request: PersonRequest, pipeline: Pipeline) -> HttpResponse:
    name, wanted = request.POST.get("slice", ""), request.POST.get("do", "")
    try:
        if wanted == "watch":
            attributes = slicing.watch(pipeline=pipeline, name=name, by=request.user)
            messages.success(request, f"{declared_as(attributes)} is watched from now on. Figures follow in a moment.")
        elif wanted == "bring_back":
            slicing.bring_back(pipeline=pipeline, name=name, by=request.user)
            messages.success(request, "It is shown again if a search finds it.")
        else:
            slicing.dismiss(pipeline=pipeline, name=name, by=request.user)
            messages.success(request, "Dismissed. It stays so until somebody brings it back.")
    except Conflict as conflict:
        messages.error(request, conflict.detail)
    except Invalid as invalid:
        for problem in invalid.problems:
            messages.error(request, problem.detail)
    return go(request, "web:segments", slug=pipeline.slug)
