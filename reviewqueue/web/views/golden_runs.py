"""One golden run with its figures, and two of them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.http import HttpResponse

from reviewqueue.golden import selectors
from reviewqueue.golden.comparison import FLIPS_SHOWN, compare, with_texts
from reviewqueue.golden.figures import figures_of
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.web.access import page
from reviewqueue.web.charts import track_start
from reviewqueue.web.downloads import csv_file, json_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.views.golden_sets import READERS

if TYPE_CHECKING:
    from reviewqueue.golden.comparison import Comparison
    from reviewqueue.golden.models import GoldenRun

FLIP_COLUMNS: Final = (
    *("key", "right_now", "confidence_before", "confidence_now"),
    *("input", "known_answer", "output_before", "output_now", "note"),
)


@page
def golden_run(request: PersonRequest, slug: str, name: str, run_id: UUID) -> HttpResponse:
    run = selectors.run_in(selectors.set_named(pipeline_for(request.user, slug, READERS), name), run_id)
    figures = figures_of(run)
    if request.GET.get("as") == "json" and run.report is not None:
        return json_file("golden-run.json", {**_head(run), **run.report})
    before = selectors.run_before(run) if figures and run.answered else None
    context = {
        "pipeline": run.pipeline,
        "golden_set": run.golden_set,
        "run": run,
        "figures": figures,
        "start": track_start([segment.low for segment in figures.segments] if figures else []),
        "comparison": compare(run, before) if before else None,
        "others": selectors.runs_to_compare(run) if figures and run.answered else [],
        "is_whole": selectors.is_whole(run),
    }
    return show(request, "golden/run.html", context)


@page
def golden_compare(request: PersonRequest, slug: str, name: str, run_id: UUID, other_id: UUID) -> HttpResponse:
    found = selectors.set_named(pipeline_for(request.user, slug, READERS), name)
    run, before = selectors.run_in(found, run_id), selectors.run_in(found, other_id)
    comparison = compare(run, before)
    flips = with_texts(comparison.flips, run, before)
    if request.GET.get("as") in ("csv", "json"):
        return _file(request.GET["as"], comparison, [_flip(flip) for flip in flips])
    context = {
        "pipeline": run.pipeline,
        "golden_set": found,
        "comparison": comparison,
        "flips": flips,
        "not_shown": len(comparison.flips) - len(flips),
        "flips_shown": FLIPS_SHOWN,
    }
    return show(request, "golden/compare.html", context)


def _file(wanted: str, comparison: Comparison, flips: list[dict[str, Any]]) -> HttpResponse:
    if wanted == "csv":
        return csv_file("golden-flips.csv", FLIP_COLUMNS, flips)
    log_loss = comparison.log_loss
    figures = {
        "run": _head(comparison.run),
        "before": _head(comparison.before),
        "common": comparison.common,
        "accuracy_now": comparison.accuracy_now,
        "accuracy_before": comparison.accuracy_before,
        "lost": comparison.lost,
        "gained": comparison.gained,
        "p_value": comparison.p_value,
        "log_loss_difference": log_loss and {"mean": log_loss.mean, "low": log_loss.lo, "high": log_loss.hi},
        "flips": flips,
    }
    return json_file("golden-comparison.json", figures)


def _head(run: GoldenRun) -> dict[str, Any]:
    return {
        "run": str(run.pk),
        "set_version": run.version.number,
        "model": run.model,
        "model_version": run.model_version,
        "prompt_version": run.prompt_version,
        "elicitation": run.elicitation,
        "state": run.state,
        "items": run.size,
        "answered": run.answered,
        "right": run.right if run.finished_at else None,
        "finished_at": run.finished_at,
    }


def _flip(flip: Any) -> dict[str, Any]:
    return {
        "key": flip.key,
        "right_now": flip.right_now,
        "confidence_before": flip.confidence_before,
        "confidence_now": flip.confidence_now,
        "input": flip.input,
        "known_answer": flip.known,
        "output_before": flip.output_before,
        "output_now": flip.output_now,
        "note": flip.note,
    }
