"""The cost and capacity planner: nothing is stored, everything is in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.pipelines.costs import costs_of
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.reports.plain import plain
from reviewqueue.reports.planner import planner_page
from reviewqueue.web.access import page
from reviewqueue.web.curves import Axis, Line, Mark, Value, count_axis, curves
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.numbers import number_in, percent_in
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES
from reviewqueue.web.views.coverage import CERTAINTIES, ERRORS, SHARES

if TYPE_CHECKING:
    from django.http import QueryDict

    from reviewqueue.reports.planner import Plan, PlannerPage
    from reviewqueue.web.curves import Curves

MONEY: Final = (0.000001, 1_000_000_000)
NUMBERS: Final = {
    "minutes": ((0.0, 1_000_000.0), "Minutes a day"),
    "minutes_each": ((0.001, 10_000.0), "Minutes per claim"),
    "error": (MONEY, "The cost of an error"),
    "review": ((0.0, MONEY[1]), "The cost of a review"),
}
PERCENTAGES: Final = {
    "catch": ((1.0, 100.0), "Errors that a review catches"),
    "spoil": ((0.0, 100.0), "Right outputs that a review spoils"),
}


@page
def planner(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    asked, promise, problems = _asked(request.GET)
    found = planner_page(pipeline, asked, **promise, now=timezone.now())
    if wants_file(request):
        return file_of(request, plain(found), name=f"{slug}-plan")
    typed = _typed(found)
    context = {
        "pipeline": pipeline,
        "found": found,
        "problems": problems,
        "typed": {name: request.GET.get(name) or value for name, value in typed.items()},
        "query": urlencode(typed),
        "plans": [_shown(place, plan, found) for place, plan in enumerate(found.results)],
        "has_prices": costs_of(pipeline.costs) is not None,
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/planner.html", context, status=422 if problems else 200)


def _asked(query: QueryDict) -> tuple[dict[str, float | None], dict[str, float | None], list[str]]:
    problems: list[str] = []
    asked = {name: number_in(query, name, bounds, title, problems) for name, (bounds, title) in NUMBERS.items()}
    for name, (bounds, title) in PERCENTAGES.items():
        asked[name] = percent_in(query, name, bounds, title, problems)
    promise = {
        "max_error": percent_in(query, "max_error", ERRORS, "The error allowed", problems),
        "certainty": percent_in(query, "certainty", CERTAINTIES, "The certainty", problems),
    }
    return asked, promise, problems


def _typed(found: PlannerPage) -> dict[str, str]:
    terms = found.terms
    return {
        **{name: f"{getattr(terms, name):.4g}" for name in NUMBERS},
        **{name: f"{getattr(terms, name) * 100:.4g}" for name in PERCENTAGES},
        "max_error": f"{found.max_error * 100:g}",
        "certainty": f"{found.certainty * 100:g}",
    }


def _shown(place: int, plan: Plan, found: PlannerPage) -> dict[str, Any]:
    promise = plan.hours_for_promise
    return {
        "name": f"plan-{place}",
        "plan": plan,
        "cost": _cost_chart(plan),
        "hours": _hours_chart(plan, found.terms.minutes / 60),
        "over": promise is not None and promise * 60 > found.terms.minutes + 1e-6,
    }


def _marks(plan: Plan) -> list[Mark]:
    by = {"cost": plan.by_cost, "capacity": plan.by_capacity, "promise": plan.certified}
    known = sorted((min(at, 1.0), label) for label, at in by.items() if at is not None)
    return [Mark(at, "good" if label == "promise" else "quiet", label, f"Threshold by {label}") for at, label in known]


def _cost_chart(plan: Plan) -> Curves:
    values = tuple(Value(step.threshold, step.cost_a_day) for step in plan.steps)
    return curves(
        [Line("line-first", "cost of reviews and errors in a day", values)],
        x=Axis(0.0, 1.0, SHARES, "people review below this calibrated confidence"),
        y=count_axis([value.y for value in values], "cost"),
        marks=_marks(plan),
    )


def _hours_chart(plan: Plan, available: float) -> Curves:
    values = tuple(Value(step.threshold, step.hours) for step in plan.steps)
    return curves(
        [
            Line("line-limit", "available", (Value(0.0, available), Value(1.0, available))),
            Line("line-first", "hours of review in a day", values),
        ],
        x=Axis(0.0, 1.0, SHARES, "people review below this calibrated confidence"),
        y=count_axis([available, *(value.y for value in values)], "hours"),
        marks=_marks(plan),
    )
