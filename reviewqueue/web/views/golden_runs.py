"""One golden run with its figures, and two of them side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponse

from reviewqueue.claims.selectors import instant
from reviewqueue.golden import selectors
from reviewqueue.golden.comparison import FLIPS_SHOWN, compare, with_texts
from reviewqueue.golden.figures import figures_of
from reviewqueue.pipelines.selectors import pipeline_for
from reviewqueue.web.access import page
from reviewqueue.web.charts import track_start
from reviewqueue.web.content_views import written
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import GOLDEN_READERS

if TYPE_CHECKING:
    from reviewqueue.golden.comparison import Comparison
    from reviewqueue.golden.models import GoldenRun


@page
def golden_run(request: PersonRequest, slug: str, name: str, run_id: UUID) -> HttpResponse:
    run = selectors.run_in(selectors.set_named(pipeline_for(request.user, slug, GOLDEN_READERS), name), run_id)
    figures = figures_of(run)
    if wants_file(request) and run.report is not None:
        return file_of(request, {**_head(run), **run.report}, name="golden-run")
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
    found = selectors.set_named(pipeline_for(request.user, slug, GOLDEN_READERS), name)
    run, before = selectors.run_in(found, run_id), selectors.run_in(found, other_id)
    comparison = compare(run, before)
    flips = with_texts(comparison.flips, run, before)
    if wants_file(request):
        return file_of(request, _figures(comparison, [_flip(flip) for flip in flips]), name="golden-comparison")
    context = {
        "pipeline": run.pipeline,
        "golden_set": found,
        "comparison": comparison,
        "flips": flips,
        "not_shown": len(comparison.flips) - len(flips),
        "flips_shown": FLIPS_SHOWN,
    }
    return show(request, "golden/compare.html", context)


def _figures(comparison: Comparison, flips: list[dict[str, Any]]) -> dict[str, Any]:
    log_loss = comparison.log_loss
    return {
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
        "finished_at": instant(run.finished_at) if run.finished_at else None,
    }


def _flip(flip: Any) -> dict[str, Any]:
    return {
        "key": flip.key,
        "right_now": flip.right_now,
        "confidence_before": flip.confidence_before,
        "confidence_now": flip.confidence_now,
        "input": written(flip.input),
        "known_answer": written(flip.known),
        "output_before": written(flip.output_before),
        "output_now": written(flip.output_now),
        "note": flip.note,
    }
