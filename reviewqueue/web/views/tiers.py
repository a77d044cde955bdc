"""Where claims of a pipeline end, what that costs, how long it takes, and how often it is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.http import HttpResponse
from django.utils import timezone

from reviewqueue.pipelines.selectors import FIGURES_ROLES, has_role, pipeline_for
from reviewqueue.reports.tier_costs import FEWEST_LABELS
from reviewqueue.reports.tiers import NEWEST, tiers_since
from reviewqueue.web.access import page
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest
from reviewqueue.web.roles import SETTING_ROLES
from reviewqueue.web.wording import words

if TYPE_CHECKING:
    from reviewqueue.reports.tier_costs import Tier, TierReport

WINDOWS: Final = (7, 30, 90)
USUAL: Final = 30

Pair = tuple[str, float, float | None]


@page
def tiers(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, WINDOWS) else USUAL
    found = tiers_since(pipeline, days=days, now=timezone.now())
    context = {
        "pipeline": pipeline,
        "found": found,
        "report": found.report,
        "costs": found.costs,
        "pairs": _pairs(found.report),
        "days": days,
        "windows": WINDOWS,
        "newest": NEWEST,
        "fewest": FEWEST_LABELS,
        "may_set": has_role(request.user, SETTING_ROLES, pipeline_id=pipeline.pk),
    }
    return show(request, "pipelines/tiers.html", context)


def _pairs(report: TierReport) -> list[Pair]:
    """Each tier with its share of the claims and of the money for work."""
    spent = sum(tier.work.amount for tier in report.tiers if tier.work)
    return [
        (_name(tier), tier.share, tier.work.amount / spent if spent and tier.work else None) for tier in report.tiers
    ]


def _name(tier: Tier) -> str:
    name = words(tier.name, "tier")
    return f"{name}, attempt {tier.attempt}" if tier.attempt else name
