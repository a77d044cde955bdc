"""What goes where in a pipeline, and how far its confidence can be trusted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse

from calibration import selectors as calibration
from reviewqueue.errors import Forbidden
from reviewqueue.golden.due import late_counts
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for, pipelines_for
from reviewqueue.reports import overview
from reviewqueue.web.access import page
from reviewqueue.web.charts import track_start
from reviewqueue.web.render import show, show_if_changed
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from calibration.selectors import ModelBands
    from reviewqueue.pipelines.models import Pipeline


METRICS: Final = {
    "ece": "Calibration error (ECE)",
    "ece_debiased": "Squared calibration error, debiased",
    "smooth_ece": "Calibration error, smooth",
    "mce": "Largest gap of a bin",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "auroc": "Telling right from wrong (AUROC)",
    "aurc": "Area under risk and coverage",
}


MODELS_SHOWN: Final = 12
SEGMENTS_SHOWN: Final = 60
"""Somebody may post under any number of model names; the page shows those with most claims, and the widest gaps."""


@page
def pipelines(request: PersonRequest) -> HttpResponse:
    found = list(pipelines_for(request.user, FIGURES_ROLES).select_related("owner").order_by("name"))
    if not found:
        raise Forbidden("Figures are for seniors, owners, auditors and admins.")
    waiting = overview.depths(found)
    late = late_counts(found)
    rows = [{"pipeline": each, "waiting": waiting[each.pk], "golden_late": late.get(each.pk, 0)} for each in found]
    return show(request, "pipelines/pipelines.html", {"rows": rows})


@page
def bands(request: PersonRequest, slug: str) -> HttpResponse:
    """Renews itself; the diagrams, which read every label, are only computed when a figure has moved."""
    found = pipeline_for(request.user, slug, FIGURES_ROLES)
    every = calibration.band_table(found)
    tables, segments = every[:MODELS_SHOWN], calibration.segment_table(found)[:SEGMENTS_SHOWN]
    context = {
        "pipeline": found,
        "tables": tables,
        "not_shown": len(every) - len(tables),
        "segments": segments,
        "overconfident": [row for row in segments if row.overconfident],
        "start": track_start(row.low for table in tables for row in table.rows),
        "segment_start": track_start(row.low for row in segments),
        "subjects": _Subjects(found, tables),
    }
    shown = [[asdict(row) for row in segments], [asdict(table) for table in tables]]
    return show_if_changed(request, "pipelines/bands.html", lambda: context, shown=shown)


class _Subjects:
    """Bands and diagrams of each model, computed when the page is really rendered."""

    def __init__(self, pipeline: Pipeline, tables: list[ModelBands]) -> None:
        self.pipeline, self.tables = pipeline, tables

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self._subject(place, table) for place, table in enumerate(self.tables))

    def _subject(self, place: int, table: ModelBands) -> dict[str, Any]:
        names = {name: getattr(table, name) for name in ("model", "model_version", "prompt_version")}
        stated = calibration.reliability(self.pipeline, **names, calibrated=False)
        calibrated = calibration.reliability(self.pipeline, **names, calibrated=True) if table.calibrator else None
        metrics = [(title, getattr(stated, name), getattr(calibrated, name, None)) for name, title in METRICS.items()]
        return {
            "name": f"model-{place}",
            "table": table,
            "stated": stated,
            "calibrated": calibrated,
            "metrics": metrics,
        }
