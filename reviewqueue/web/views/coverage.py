"""Error against coverage; choosing a certified point drafts a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.utils import timezone

from calibration.evidence import Subject
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy import services
from reviewqueue.policy.redrafting import cut_at
from reviewqueue.policy.rights import PROPOSE
from reviewqueue.policy.selectors import version_for
from reviewqueue.reports.coverage import NotCertified, certified_point, coverage_page
from reviewqueue.reports.plain import plain
from reviewqueue.web.access import action, page
from reviewqueue.web.curves import Axis, Line, Mark, Value, count_axis, curves, share_axis
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.numbers import number_in, percent_in
from reviewqueue.web.render import go, show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from django.http import QueryDict

    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.reports.coverage import CoveragePage, Curve, Point
    from reviewqueue.web.curves import Curves

ERRORS: Final = (0.1, 50.0)
CERTAINTIES: Final = (50.0, 99.9)
SHARES: Final = tuple((share / 4, f"{share * 25}%") for share in range(5))


@page
def coverage(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    asked, problems = _asked(request.GET)
    found = coverage_page(pipeline, **asked, now=timezone.now())
    if wants_file(request):
        return file_of(request, plain(found), name=f"{slug}-coverage")
    context = {
        "pipeline": pipeline,
        "found": found,
        "problems": problems,
        "typed": {
            "max_error": request.GET.get("max_error") or f"{found.max_error * 100:g}",
            "certainty": request.GET.get("certainty") or f"{found.certainty * 100:g}",
        },
        "query": urlencode({"max_error": f"{found.max_error * 100:g}", "certainty": f"{found.certainty * 100:g}"}),
        "curves": [_shown(place, curve, found) for place, curve in enumerate(found.results)],
        "may_propose": found.policy_version is not None and has_role(request.user, PROPOSE, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/coverage.html", context, status=422 if problems else 200)


def _asked(query: QueryDict) -> tuple[dict[str, float | None], list[str]]:
    """What was asked for, in shares, and what is wrong with it; where something is, the policy's own is shown."""
    problems: list[str] = []
    asked = {
        "max_error": percent_in(query, "max_error", ERRORS, "The error allowed", problems),
        "certainty": percent_in(query, "certainty", CERTAINTIES, "The certainty", problems),
    }
    return asked, problems


def _shown(place: int, curve: Curve, found: CoveragePage) -> dict[str, Any]:
    name = f"model-{place}"
    measured = [point for point in curve.points if point.labels]
    return {
        "name": name,
        "curve": curve,
        "errors": _error_chart(name, measured, found, curve) if measured else None,
        "hours": _hours_chart(curve) if measured else None,
    }


def _error_chart(name: str, points: list[Point], found: CoveragePage, curve: Curve) -> Curves:
    certified = [
        Value(
            point.coverage,
            point.upper,
            href=f"#{name}-{number}",
            words=f"Certified from {point.threshold:.4g} on: {point.coverage:.0%} of the claims",
        )
        for number, point in enumerate(curve.points)
        if point.certified
    ]
    lines = [
        Line("line-limit", f"allowed: {found.max_error:.1%}", (Value(0, found.max_error), Value(1, found.max_error))),
        Line("line-second", "measured error", tuple(Value(each.coverage, each.measured) for each in points)),
        Line("line-first", "error is at most", tuple(Value(each.coverage, each.upper) for each in points)),
        Line("line-certified", "certified: choose one", tuple(certified), dots=True, joined=False),
    ]
    most = max(min(max(point.upper for point in points[len(points) // 4 :]), 1.0), 2 * found.max_error)
    marks = (
        [Mark(curve.chosen.coverage, "good", "loosest certified", "The loosest certified threshold")]
        if curve.chosen
        else []
    )
    return curves(
        lines if certified else lines[:-1],
        x=Axis(0.0, 1.0, SHARES, "share automated"),
        y=share_axis([most], "error", start_at_zero=True),
        marks=marks,
    )


def _hours_chart(curve: Curve) -> Curves:
    values = (Value(0.0, curve.all_hours), *(Value(point.coverage, point.hours) for point in curve.points))
    return curves(
        [Line("line-first", "hours of review a day", values)],
        x=Axis(0.0, 1.0, SHARES, "share automated"),
        y=count_axis([value.y for value in values], "hours"),
    )


@action
def coverage_draft(request: PersonRequest, slug: str) -> HttpResponse:
    """Drafts the active policy with its accepting band cut at a threshold that is certified as the draft is made."""
    pipeline = pipeline_for(request.user, slug, PROPOSE)
    asked, problems = _asked(request.POST)
    threshold = number_in(request.POST, "threshold", (0.0, 1.0), "The threshold", problems)
    if problems or threshold is None:
        raise NotCertified("That is no threshold of the page.")
    found = coverage_page(pipeline, **asked, now=timezone.now())
    subject = Subject(*(request.POST.get(name, "") for name in Subject._fields))
    curve, point = certified_point(found, subject, threshold)
    if point.edge is None or found.policy_version is None:
        raise NotCertified("No band can be cut there.")
    draft = services.propose(
        pipeline=pipeline,
        document=_document(pipeline, found.policy_version, point.edge, found.max_error),
        proposer=request.user,
        note=_note(curve, point, found),
        evidence=_evidence(curve, point, found),
        on_top_of=_seen(request, found.policy_version),
    )
    messages.success(request, f"Version {draft.number} is proposed. It decides nothing until somebody approves it.")
    return go(request, "web:policy", slug=slug, number=draft.number)


def _seen(request: PersonRequest, active: int) -> int:
    seen = request.POST.get("seen", "")
    return int(seen) if seen.isascii() and seen.isdigit() and len(seen) < 10 else active


def _document(pipeline: Pipeline, number: int, edge: float, max_error: float) -> dict[str, Any]:
    return cut_at(version_for(pipeline, number).document, edge, required_accuracy=1 - max_error)


def _note(curve: Curve, point: Point, found: CoveragePage) -> str:
    return (
        f"Accepts from a stated confidence of {point.threshold:.6g} on, for {curve.model} {curve.model_version}: "
        f"{point.coverage:.1%} of its claims. Certified with {found.certainty:g} certainty: at most"
        f" {found.max_error:.2%} wrong, from {point.labels} labels of which {point.errors} were wrong."
    )


def _evidence(curve: Curve, point: Point, found: CoveragePage) -> dict[str, Any]:
    return {
        **curve.subject._asdict(),
        **({"calibrator": curve.calibrator} if curve.calibrator else {}),
        "bands": [
            {
                "from_stated": point.threshold,
                "from_calibrated": point.edge,
                "share_automated": round(point.coverage, 6),
                "labels": point.labels,
                "wrong": point.errors,
                "error_at_most": round(point.upper, 6),
                "error_allowed": found.max_error,
                "certainty": found.certainty,
            }
        ],
    }
