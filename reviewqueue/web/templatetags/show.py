"""How values look on pages. Built into every template (see TEMPLATES in the settings)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from django import template
from django.template import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from reviewqueue.pipelines.content_views import TEXT, view_of_kind
from reviewqueue.pipelines.costs import amount_text
from reviewqueue.verifiers.running import Check
from reviewqueue.web import charts, content_views, hostile, task_wording, wording
from reviewqueue.web.context_items import Passage
from reviewqueue.web.hostile import Shown
from reviewqueue.web.pipeline_tabs import tabs_of

register = template.Library()

NO_VALUE: Final = "–"


# --- numbers and times -----------------------------------------------------------------------------------------------


@register.filter
def percent(share: Any, decimals: int = 1) -> str:
    """A share as "93.1 %"; a dash for what was not measured."""
    if share is None or share == "":
        return NO_VALUE
    return f"{share * 100:.{decimals}f} %"


@register.filter
def interval(pair: Any, decimals: int = 1) -> str:
    """The limits `low` and `high` of anything that has them, as "90.2–95.4 %"."""
    low, high = pair.low, pair.high
    if low is None or high is None:
        return NO_VALUE
    return f"{low * 100:.{decimals}f}–{high * 100:.{decimals}f} %"


@register.filter
def points(difference: float | None) -> str:
    """The difference of two shares in percentage points, with its sign."""
    return NO_VALUE if difference is None else f"{difference * 100:+.1f}"


@register.filter
def figure(number: Any, decimals: int = 3) -> str:
    """A number for a table of figures; whole ones whole, others with a fixed number of decimals."""
    if number is None or number == "":
        return NO_VALUE
    if isinstance(number, bool) or not isinstance(number, int | float):
        return str(number)
    return f"{number:,}" if isinstance(number, int) else f"{number:.{decimals}f}"


@register.filter
def instant(moment: datetime | str | None, clock: str = "%H:%M") -> str:
    """A moment in UTC with its machine-readable form; the date is left out for today."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not moment:
        return NO_VALUE
    moment = moment.astimezone(UTC)
    is_today = moment.date() == timezone.now().astimezone(UTC).date()
    return _time(moment, moment.strftime(clock if is_today else f"%d %b %Y {clock}"))


def _time(moment: datetime, shown: str) -> str:
    moment = moment.astimezone(UTC)
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        shown,
    )


@register.filter
def ago(moment: datetime | None) -> str:
    """How long ago, or how far ahead, in one unit: "5 min ago", "in 2 h"."""
    if not moment:
        return NO_VALUE
    seconds = (timezone.now() - moment).total_seconds()
    span = _span(abs(seconds))
    return _time(moment, "just now" if not span else f"{span} ago" if seconds > 0 else f"in {span}")


@register.filter
def duration(seconds: float | None) -> str:
    """A time something took, in the unit in which it can be grasped."""
    if seconds is None:
        return NO_VALUE
    if not seconds:
        return "at once"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


@register.filter
def price(amount: float | None, currency: str) -> str:
    """An amount exactly as it was set."""
    return NO_VALUE if amount is None else f"{amount_text(amount)} {currency}"


@register.filter
def money(amount: float | None, currency: str) -> str:
    """Whole where it is large, with the cents where they count, and with two leading digits where it is tiny."""
    if amount is None:
        return NO_VALUE
    decimals = 0 if abs(amount) >= 1000 else 2 if abs(amount) >= 0.1 or not amount else 4
    return f"{amount:,.{decimals}f} {currency}"


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return ""


@register.filter
def seconds_left(moment: datetime) -> int:
    return max(int((moment - timezone.now()) / timedelta(seconds=1)), 0)


# --- words -----------------------------------------------------------------------------------------------------------


@register.filter
def words(code: object, kind: str) -> str:
    return wording.words(code, kind)


@register.filter
def quartiles(each: Any) -> str:
    return wording.quartiles(each.low, each.high)


@register.filter
def odds(factor: float) -> str:
    return wording.odds(factor)


@register.filter
def moved_by(hours: int) -> str:
    return task_wording.moved_by(hours)


@register.filter
def terms(check: Check) -> str:
    """What a verifier's check is made of, as the policy document says it, without what is not set."""
    said = {name: value for name, value in check.terms().items() if value not in (None, False, {})}
    return json.dumps(said, ensure_ascii=False)


@register.filter
def host_of(url: str) -> str:
    """The host of an address, for those who may not see all of it."""
    return urlsplit(url).hostname or ""


@register.filter
def plain(code: object) -> str:
    """A code without underscores, for names that have no word of their own."""
    return str(code).replace("_", " ")


@register.filter("hex")
def as_hex(digest: bytes) -> str:
    return bytes(digest).hex()


@register.simple_tag
def icon(name: str) -> SafeString:
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', static("icons.svg"), name)


@register.inclusion_tag("parts/band_state.html")
def band_state(code: object) -> dict[str, Any]:
    return {"state": wording.band_state(code)}


@register.inclusion_tag("parts/pipeline_tabs.html", takes_context=True)
def pipeline_tabs(context: Context, tab: str) -> dict[str, Any]:
    """Links to the pages of the pipeline in the context. Below "policies" there are pages of single versions; other
    pages below one of the row say `below`.
    """
    pipeline = context["pipeline"]
    below = tab == "policies" or bool(context.get("below"))
    return {"pipeline": pipeline, "tabs": tabs_of(pipeline.slug, tab, context.get("roles") or (), is_below=below)}


# --- what others wrote -----------------------------------------------------------------------------------------------


@register.filter
def visible(text: object) -> SafeString:
    """A short text of others within a line: isolated, with what is invisible in it marked."""
    return format_html("<bdi>{}</bdi>", hostile.shown(str(text)))


@register.inclusion_tag("parts/untrusted.html", takes_context=True)
def untrusted(
    context: Context,
    value: Any,
    label: str,
    source: str = "untrusted text",
    view: str = TEXT,
    passages: Sequence[Passage] = (),
) -> dict[str, Any]:
    """A value that came with a claim, framed: as text, and before that in the way that fits it, if `view` lets it.

    `view` is what the pipeline declares of the value, see pipelines/content_views.py; `reading` in the context is what
    all values of the page may take together. Passages are highlighted in the
    text, which then comes first.
    """
    text, formatted = content_views.written(value), content_views.formatted(value, view, context.get("reading"))
    as_text = content_views.text_view(text, passages)
    return {
        "label": label,
        "source": source,
        "is_empty": not text.strip(),
        "is_json": not isinstance(value, str),
        "head": marked(as_text.head),
        "rest": marked(as_text.rest),
        "rest_length": as_text.rest_length,
        "marks": max(as_text.head.marks + as_text.rest.marks, formatted.marks if formatted else 0),
        "passages": len(passages),
        "may_scroll": len(text) > content_views.SHORT or text.count("\n") > content_views.FEW_LINES,
        "view": formatted,
        "formatted_first": formatted is not None and formatted.comes_first and not passages,
        "group": f"view-{secrets.token_hex(6)}" if formatted else "",
    }


@register.filter
def marked(text: Shown) -> SafeString:
    """A text whose hidden characters are marked already."""
    return format_html("{}", text)


@register.filter
def view_of(views: Mapping[str, Any], kind: str) -> str:
    """How the pipeline wants context of this kind to be shown."""
    return view_of_kind(views, kind)


@register.filter
def items(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The pairs of a mapping from outside, where a key called "items" would hide the method."""
    return list(mapping.items()) if isinstance(mapping, Mapping) else []


@register.filter
def one_line(value: Any, longest: int = 500) -> SafeString:
    """A value within a line or a table: texts as they are, everything else as JSON; cut where it gets long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= longest else text[:longest] + "…")


# --- charts ----------------------------------------------------------------------------------------------------------


@register.inclusion_tag("parts/reliability.html")
def reliability(measured: Any, name: str, title: str) -> dict[str, Any]:
    """The diagram of a calibration.selectors.Reliability; `name` makes its ids unique on the page."""
    return {
        "chart": charts.reliability_chart(measured.bins, measured.histogram),
        "measured": measured,
        "name": name,
        "title": title,
    }


@register.inclusion_tag("parts/interval_bar.html")
def interval_bar(row: Any, start: float = 0.0) -> dict[str, Any]:
    required = getattr(row, "required", None)
    bar = charts.interval_bar(row.low, row.high, accuracy=row.accuracy, required=required, start=start)
    return {"bar": bar, "row": row}


@register.inclusion_tag("parts/bar_pairs.html")
def bar_pairs(rows: Sequence[tuple[str, float, float | None]], first: str, second: str, title: str) -> dict[str, Any]:
    pairs = charts.bar_pairs(rows)
    size = {"width": charts.PAIRS_WIDTH, "height": charts.PAIR_HEIGHT * len(pairs)}
    return {"pairs": pairs, "first": first, "second": second, "title": title, **size}


@register.inclusion_tag("parts/divided_bar.html")
def divided_bar(counts: Mapping[str, int], kind: str, title: str) -> dict[str, Any]:
    return {"parts": charts.divided_bar(list(counts.items())), "kind": kind, "title": title}


@register.inclusion_tag("parts/ranking_bar.html")
def ranking_bar(ranking: Any) -> dict[str, Any]:
    """An AUROC with its interval, and where a coin would be."""
    bar = charts.interval_bar(ranking.low, ranking.high, accuracy=ranking.value, required=0.5)
    return {"bar": bar, "ranking": ranking}


@register.inclusion_tag("parts/mirror.html")
def mirror(histogram: Any) -> dict[str, Any]:
    """Where the right (above) and the wrong ones (below) lie on the axis of a signal."""
    chart = charts.mirror([(each.right_share, each.wrong_share) for each in histogram])
    return {"chart": chart}
