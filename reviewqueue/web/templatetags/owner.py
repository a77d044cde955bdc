"""The charts of the owner's pages. Built into every template (see TEMPLATES in the settings)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import template

from reviewqueue.reports.flow import Stream
from reviewqueue.reports.workload import Hour
from reviewqueue.web import curves
from reviewqueue.web.curves import Curves
from reviewqueue.web.flow_chart import flow_chart
from reviewqueue.web.owner_wording import verdict_reason

register = template.Library()


@register.inclusion_tag("parts/flow.html")
def flow_picture(streams: Sequence[Stream], title: str) -> dict[str, Any]:
    return {"chart": flow_chart(streams), "title": title}


@register.inclusion_tag("parts/columns.html")
def hour_columns(hours: Sequence[Hour], first: str, second: str, title: str) -> dict[str, Any]:
    """Arrived beside done, with a label under every sixth hour."""
    labels = [f"{hour.at:%H:%M}" if hour.at.hour % 6 == 0 else "" for hour in hours]
    chart = curves.columns([(hour.arrived, hour.done) for hour in hours], labels)
    return {"chart": chart, "first": first, "second": second, "title": title}


@register.inclusion_tag("parts/curves.html")
def curves_of(chart: Curves, title: str, words: str, note: str = "") -> dict[str, Any]:
    """A chart with lines; `words` say what it shows to those who do not see it, and where its table is."""
    return {"chart": chart, "title": title, "words": words, "note": note}


@register.filter
def exact(number: float) -> str:
    """A number that is read back as it was."""
    return repr(float(number))


@register.filter
def exact_percent(share: float) -> str:
    """A share as a percentage, to as many places as a person would type."""
    return f"{share * 100:.10g}"


@register.filter
def reason_in_words(code: str) -> str:
    return verdict_reason(code)


@register.inclusion_tag("parts/downloads.html")
def downloads(query: str = "") -> dict[str, Any]:
    """Links to the figures of this page as files; `query` is what else the address asks for."""
    return {"query": f"{query}&" if query else ""}
