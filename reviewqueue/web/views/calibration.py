"""How far the confidence of one model version can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse

from calibration.evidence import Subject
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for
from reviewqueue.reports.plain import plain
from reviewqueue.reports.quality import FEWEST_IN_SEGMENT, quality_of, subjects_listed
from reviewqueue.web.access import page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from django.http import QueryDict

    from reviewqueue.reports.quality import Quality

SHARES: Final = frozenset({"accuracy", "mean_confidence"})


@page
def calibration(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    listed = subjects_listed(pipeline)
    chosen = _chosen(request.GET, listed)
    quality = quality_of(pipeline, chosen) if chosen else None
    if quality and wants_file(request):
        return file_of(request, plain(quality), name=f"{slug}-calibration")
    context = {
        "pipeline": pipeline,
        "subjects": [
            {"subject": each, "query": urlencode(each._asdict()), "is_here": each == chosen} for each in listed
        ],
        "quality": quality,
        "query": urlencode(chosen._asdict()) if chosen else "",
        "metrics": _rows(quality) if quality else [],
        "fewest_in_segment": FEWEST_IN_SEGMENT,
    }
    return show(request, "pipelines/calibration.html", context)


def _chosen(query: QueryDict, listed: list[Subject]) -> Subject | None:
    """The one asked for, if it has labels; with none asked for, the one that has most."""
    if "model" not in query:
        return listed[0] if listed else None
    asked = Subject(query.get("model", ""), query.get("model_version", ""), query.get("prompt_version", ""))
    return asked if asked in listed else None


def _rows(quality: Quality) -> list[dict[str, Any]]:
    """Each metric of the stated confidence, and beside it of the calibrated one."""
    calibrated = quality.calibrated
    return [
        {
            "name": metric.name,
            "is_share": metric.name in SHARES,
            "both": [metric, *([calibrated.metric(metric.name)] if calibrated else [])],
        }
        for metric in quality.stated.metrics
    ]
