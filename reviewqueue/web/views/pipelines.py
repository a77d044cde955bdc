"""What goes where in a pipeline, and how far its confidence can be trusted."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone

from calibration import selectors as calibration
from reviewqueue.administration.rights import MANAGERS
from reviewqueue.errors import Forbidden
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for, pipelines_for
from reviewqueue.reports import overview
from reviewqueue.reports.remeasurement import remeasurements
from reviewqueue.web.access import page
from reviewqueue.web.charts import track_start
from reviewqueue.web.render import show, show_if_changed
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.selectors import ModelBands
    from reviewqueue.reports.remeasurement import Remeasurement


MODELS_SHOWN: Final = 12
SEGMENTS_SHOWN: Final = 60
"""Somebody may post under any number of model names; the page shows those with most claims, and the widest gaps."""


@page
def pipelines(request: PersonRequest) -> HttpResponse:
    found = list(pipelines_for(request.user, FIGURES_ROLES).select_related("owner", "deputy").order_by("name"))
    if not found and not has_role(request.user, FIGURES_ROLES):
        raise Forbidden("Figures are for seniors, owners, auditors and admins.")
    waiting = overview.depths(found)
    again = remeasurements(found, now=timezone.now())
    rows = [{"pipeline": each, "waiting": waiting[each.pk], **_measured(again.get(each.pk, ()))} for each in found]
    return show(request, "pipelines/pipelines.html", {"rows": rows, "may_open": has_role(request.user, MANAGERS)})


def _measured(again: Sequence[Remeasurement]) -> dict[str, Any]:
    """What is due next, and how many are late."""
    return {"next": again[0] if again else None, "late": sum(each.late for each in again)}


@page
def bands(request: PersonRequest, slug: str) -> HttpResponse:
    """Renews itself."""
    found = pipeline_for(request.user, slug, FIGURES_ROLES)
    every = calibration.band_table(found)
    tables, segments = every[:MODELS_SHOWN], calibration.segment_table(found)[:SEGMENTS_SHOWN]
    numbered = list(enumerate(tables))
    context = {
        "pipeline": found,
        "tables": [{"name": f"model-{place}", "table": table, "query": _query(table)} for place, table in numbered],
        "not_shown": len(every) - len(tables),
        "segments": segments,
        "overconfident": [row for row in segments if row.overconfident],
        "start": track_start(row.low for table in tables for row in table.rows),
        "segment_start": track_start(row.low for row in segments),
    }
    shown = [[asdict(row) for row in segments], [asdict(table) for table in tables]]
    return show_if_changed(request, "pipelines/bands.html", lambda: context, shown=shown)


def _query(table: ModelBands) -> str:
    """What the page about the calibration of this model is asked for."""
    return urlencode({name: getattr(table, name) for name in ("model", "model_version", "prompt_version")})
