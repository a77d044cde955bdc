"""A pipeline at a glance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from calibration.selectors import band_table
from reviewqueue.administration.rights import MANAGERS, READERS
from reviewqueue.deliveries.selectors import STATE_READERS
from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.policy.selectors import versions
from reviewqueue.reports.at_a_glance import glance_at, glance_figures
from reviewqueue.reports.first_steps import first_steps
from reviewqueue.reports.flow import ENDS, NEWEST
from reviewqueue.web.access import page
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import GOLDEN_READERS
from reviewqueue.web.views.gold import KEEPERS

if TYPE_CHECKING:
    from calibration.selectors import ModelBands
    from reviewqueue.accounts.models import User
    from reviewqueue.pipelines.models import Pipeline
    from reviewqueue.reports.alarm import Alarm
    from reviewqueue.reports.first_steps import Step
    from reviewqueue.reports.flow import Flow

WINDOWS: Final = (1, 7, 30)
USUAL: Final = 1
DUE_SHOWN: Final = 5


@page
def pipeline(request: PersonRequest, slug: str) -> HttpResponse:
    found = pipeline_for(request.user, slug, FIGURES_ROLES)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, WINDOWS) else USUAL
    glance = glance_at(found, days=days, now=timezone.now())
    if wants_file(request):
        return file_of(request, glance_figures(glance), name=f"{slug}-overview")
    policies = versions(found)
    context = {
        "pipeline": found,
        "active": next((each for each in policies if each.status == "active"), None),
        "drafts": [each for each in policies if each.status == "draft"],
        "glance": glance,
        "steps": [
            (step, _address_of(step, request.user, found))
            for step in first_steps(found, glance.active.policy if glance.active else None)
        ],
        "intake": request.build_absolute_uri("/api/v1/claims"),
        "alarms": [_linked(alarm, request.user, found) for alarm in glance.alarms],
        "again": glance.again[:DUE_SHOWN],
        "links_sets": has_role(request.user, GOLDEN_READERS, pipeline_id=found.pk),
        "routes": _table(glance.flow),
        "ends": ENDS,
        "days": days,
        "query": f"days={days}",
        "windows": WINDOWS,
        "newest": NEWEST,
        "states": _states(band_table(found)),
    }
    return show(request, "pipelines/pipeline.html", context)


@dataclass(frozen=True, slots=True)
class Shown:
    """An alarm with the address that helps, where this person may go there."""

    alarm: Alarm
    address: str


FOR_EVERYTHING: Final = ("people", "sources")
ONLY_FOR: Final = {"webhook": STATE_READERS, "gold": KEEPERS, "golden_sets": GOLDEN_READERS, "source": READERS}


def _linked(alarm: Alarm, user: User, found: Pipeline) -> Shown:
    roles = ONLY_FOR.get(alarm.page)
    if not alarm.page or (roles and not has_role(user, roles, pipeline_id=found.pk)):
        return Shown(alarm, "")
    try:
        return Shown(alarm, reverse(f"web:{alarm.page}", args=[alarm.place or found.slug]))
    except NoReverseMatch:
        return Shown(alarm, "")


def _address_of(step: Step, user: User, found: Pipeline) -> str:
    """Where it is done: a page of this pipeline, or one for administrators."""
    if step.page in FOR_EVERYTHING:
        return reverse(f"web:{step.page}") if has_role(user, MANAGERS) else ""
    return reverse(f"web:{step.page}", args=[found.slug]) if step.page else ""


def _table(flow: Flow) -> list[dict[str, Any]]:
    """A row for each route that claims took, with what came of them."""
    counts = {(stream.route, stream.end): stream.claims for stream in flow.streams}
    routes = dict.fromkeys(stream.route for stream in flow.streams)
    return [
        {
            "route": route,
            "claims": flow.of_route(route),
            "share": flow.of_route(route) / flow.claims,
            "ends": [counts.get((route, end), 0) for end in ENDS],
        }
        for route in routes
    ]


def _states(tables: list[ModelBands]) -> dict[str, int]:
    """How many bands are in which state, over all models."""
    states = [row.state for table in tables for row in table.rows]
    return {state: states.count(state) for state in dict.fromkeys(states)}
