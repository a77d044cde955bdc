"""Confidence and accuracy over time, with versions and policies marked, and what the monitors found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.utils import timezone

from calibration.findings import drift_findings, monitors
from reviewqueue.pipelines.selectors import FIGURES_ROLES, pipeline_for
from reviewqueue.reports.drift_series import USUAL, WINDOWS, drift_series
from reviewqueue.reports.plain import plain
from reviewqueue.web.access import page
from reviewqueue.web.curves import Axis, Line, Mark, Value, count_axis, curves, share_axis
from reviewqueue.web.downloads import file_of, wants_file
from reviewqueue.web.render import show
from reviewqueue.web.request import PersonRequest

if TYPE_CHECKING:
    from calibration.findings import Found
    from calibration.models import Monitor
    from reviewqueue.reports.drift_series import DriftSeries
    from reviewqueue.web.curves import Curves

FINDINGS_SHOWN: Final = 50
MONITORS_SHOWN: Final = 20
MARKS_SHOWN: Final = 8
TICKS: Final = 5


@page
def drift(request: PersonRequest, slug: str) -> HttpResponse:
    pipeline = pipeline_for(request.user, slug, FIGURES_ROLES)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in map(str, WINDOWS) else USUAL
    series = drift_series(pipeline, days=days, model=request.GET.get("model", "")[:120], now=timezone.now())
    if wants_file(request):
        return file_of(request, plain(series), name=f"{slug}-drift")
    found, watched = drift_findings(pipeline), monitors(pipeline)
    context = {
        "pipeline": pipeline,
        "series": series,
        "windows": [(window, urlencode({"days": window, "model": series.model})) for window in WINDOWS],
        "models": [(model, urlencode({"days": days, "model": model})) for model in ("", *series.models)],
        "query": urlencode({"days": days, "model": series.model}),
        "has_claims": any(each.claims for each in series.stretches),
        "charts": _charts(series) if any(each.claims for each in series.stretches) else {},
        "findings": [_finding(each) for each in found[:FINDINGS_SHOWN]],
        "more_findings": max(len(found) - FINDINGS_SHOWN, 0),
        "monitors": [_monitor(each) for each in watched[:MONITORS_SHOWN]],
        "more_monitors": max(len(watched) - MONITORS_SHOWN, 0),
    }
    return show(request, "pipelines/drift.html", context)


def _charts(series: DriftSeries) -> dict[str, Curves]:
    stretches = series.stretches
    x, marks = _time_axis(series), _marks(series)
    shares = [value for each in stretches for value in (each.mean_confidence, each.accuracy, each.expected)]
    lows = [each.low for each in stretches if each.accuracy is not None]
    accuracy = [
        Line("line-quiet", "mean stated confidence", _values(series, "mean_confidence")),
        Line("line-second", "expected accuracy, if the calibrator still holds", _values(series, "expected")),
        Line(
            "line-first",
            "measured accuracy",
            tuple(
                Value(place, each.accuracy, *((each.low, each.high) if each.accuracy is not None else (None, None)))
                for place, each in enumerate(stretches)
            ),
            dots=True,
        ),
    ]
    volume = [Line("line-first", "claims", tuple(Value(place, each.claims) for place, each in enumerate(stretches)))]
    psi = [each.psi for each in stretches]
    moved = tuple(Value(place, each.psi) for place, each in enumerate(stretches) if each.moved)
    psi_lines = [Line("line-first", "distance from the reference (PSI)", _values(series, "psi"))]
    if moved:
        psi_lines.append(Line("line-alarm", "moved beyond doubt", moved, dots=True, joined=False))
    return {
        "accuracy": curves(accuracy, x=x, y=share_axis([*shares, *lows, 1.0], "share"), marks=marks),
        "volume": curves(volume, x=x, y=count_axis([each.claims for each in stretches], "claims"), marks=marks),
        "psi": curves(psi_lines, x=x, y=count_axis([0.2, *psi], "PSI"), marks=marks),
        "common": curves(
            [Line("line-first", "share of the most common confidence", _values(series, "most_common_share"))],
            x=x,
            y=share_axis([0.0, *(each.most_common_share for each in stretches)], "share", start_at_zero=True),
            marks=marks,
        ),
    }


def _values(series: DriftSeries, name: str) -> tuple[Value, ...]:
    return tuple(Value(place, getattr(each, name)) for place, each in enumerate(series.stretches))


def _time_axis(series: DriftSeries) -> Axis:
    last = len(series.stretches) - 1
    places = sorted({round(last * part / (TICKS - 1)) for part in range(TICKS)})
    ticks = tuple((float(place), f"{series.stretches[place].start:%d %b}") for place in places)
    return Axis(0.0, float(last), ticks, "weeks from (UTC)" if series.stretch_days > 1 else "days (UTC)")


def _marks(series: DriftSeries) -> list[Mark]:
    """The newest ones, each where its day lies."""
    beginning = series.stretches[0].start
    return [
        Mark(
            (change.at - beginning).days / series.stretch_days,
            "good" if change.kind == "policy" else "bad",
            _harmless(change.short[:18]),
            f"{change.at:%d %b}: {'policy version' if change.kind == 'policy' else 'first claim of'} "
            + _harmless(change.name),
        )
        for change in series.changes[-MARKS_SHOWN:]
    ]


def _harmless(name: str) -> str:
    """A name that others chose, for a picture: what cannot be seen, or turns the text around, is a dot."""
    return "".join(character if character.isprintable() else "·" for character in name)


def _finding(found: Found) -> dict[str, Any]:
    """Its figures in words: shares from millionths, everything else as it was noted."""
    figures = found.figures
    words = []
    if "psi_thousandths" in figures:
        distance = figures.get("distance_ppm", 0) / 1e6
        words.append(f"PSI {figures['psi_thousandths'] / 1000:.2f}, distance {distance:.3f}")
    if "claims_now" in figures:
        words.append(f"{figures['claims_now']:,} claims against {figures.get('claims_before', 0):,} before")
    if figures.get("labelled") is not None:
        words.append(f"{figures.get('wrong', 0):,} wrong of {figures['labelled']:,} labels")
    if figures.get("allowed_ppm") is not None:
        words.append(f"allowed {figures['allowed_ppm'] / 1e4:.1f} %")
    if figures.get("suspected_swap"):
        words.append("values never seen before: perhaps another model under the same name")
    return {"found": found, "words": "; ".join(words)}


def _monitor(row: Monitor) -> dict[str, Any]:
    return {"row": row, "share": min(row.statistic / row.threshold, 9.99) if row.threshold else 0.0}
