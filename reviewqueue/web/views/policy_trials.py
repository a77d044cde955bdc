"""A policy version tried out: on past claims, and in the shadow of the active one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.utils import timezone

from calibration.backtesting import NEWEST, backtest
from calibration.shadow_report import shadow_report
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for
from reviewqueue.policy import selectors
from reviewqueue.web.access import page
from reviewqueue.web.policy_life import life_of
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.wording import words

if TYPE_CHECKING:
    from calibration.core.backtest import BacktestReport
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.policy.models import PolicyVersion

WINDOWS: Final = (7, 30, 90)
USUAL: Final = 30
STATES: Final = {"measured": "As measured now", "earned": "As if every band had earned its route"}


@page
def policy_backtest(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    version = selectors.version_for(pipeline, number)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, WINDOWS) else USUAL
    states: Any = "earned" if request.GET.get("states") == "earned" else "measured"
    others = [each for each in selectors.versions(pipeline) if each.pk != version.pk]
    before = selectors.version_before(others, version, request.GET.get("against", ""))
    found = backtest(version, before=before, days=days, now=timezone.now(), states=states)
    context = {
        **_shared(request, pipeline, version),
        "found": found,
        "report": found.report,
        "moves": sorted(found.report.moves, key=lambda move: (not move.moves, -move.claims)),
        "pairs": _shares(found.report),
        "loads": list(zip(found.report.after.loads, found.report.before.loads, strict=True)),
        "days": days,
        "windows": WINDOWS,
        "states": STATES,
        "newest": NEWEST,
        "others": others,
    }
    return show(request, "policies/backtest.html", context)


def _shared(request: PersonRequest, pipeline: Pipeline, version: PolicyVersion) -> dict[str, Any]:
    return {
        "pipeline": pipeline,
        "version": version,
        "title": f"Policy version {version.number}",
        "life": life_of(version, request.user, pipeline),
    }


def _shares(report: BacktestReport) -> list[tuple[str, float, float]]:
    """Each route with its share of the claims before and after."""
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    for move in report.moves:
        before[move.before] = before.get(move.before, 0.0) + move.share
        after[move.after] = after.get(move.after, 0.0) + move.share
    routes = [route for route in ROUTE_ORDER if route in before or route in after]
    return [(words(route, "route"), before.get(route, 0.0), after.get(route, 0.0)) for route in routes]


ROUTE_ORDER: Final = ("accept", "accept_flagged", "review", "escalate", "uncertain", "reject")


@page
def policy_shadow(request: PersonRequest, slug: str, number: int) -> HttpResponse:
    """The runs of this version in the shadow of the active one, and what the newest has shown."""
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    version = selectors.version_for(pipeline, number)
    runs = [run for run in selectors.shadow_runs(pipeline) if run.version_id == version.pk]
    running = next((run for run in selectors.shadow_runs(pipeline) if run.stopped_at is None), None)
    context = {
        **_shared(request, pipeline, version),
        "runs": runs,
        "running": running,
        "report": shadow_report(runs[0]) if runs else None,
    }
    return show(request, "policies/shadow.html", context)
