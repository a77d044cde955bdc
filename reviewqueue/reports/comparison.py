"""Confidences side by side, as people and programs read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from calibration.comparing import ANCHORED, BYS, Choice, Comparison, Group, comparison
from calibration.core.comparing import Difference, Figure
from calibration.core.report import HISTOGRAM_BINS
from calibration.selectors import Bin, HistogramBar
from reviewqueue.pipelines.models import Pipeline

FIGURES: Final = ("ece", "smooth_ece", "brier", "log_loss", "auroc")


@dataclass(frozen=True, slots=True)
class Measured:
    """What a reliability diagram is drawn from."""

    n: int
    bins: list[Bin]
    histogram: list[HistogramBar]


@dataclass(frozen=True, slots=True)
class Row:
    """One group: its name, its figures, how it does against the one it is held against, and its diagram."""

    group: Group
    title: str
    measured: Measured
    is_reference: bool


@dataclass(frozen=True, slots=True)
class Page:
    found: Comparison
    rows: list[Row]
    reference: Row | None
    anchored: list[str]


def comparison_page(pipeline: Pipeline, *, by: str, within: str, against: str, ways: Mapping[str, str]) -> Page:
    """`ways` are the words for the ways to obtain confidence."""
    found = comparison(pipeline, by=by if by in BYS else BYS[0], within=within, against=against)
    rows = [_row(group, found, ways) for group in found.groups]
    return Page(
        found=found,
        rows=rows,
        reference=next((row for row in rows if row.is_reference), None),
        anchored=_anchored(rows) if found.by == "elicitation" else [],
    )


def _row(group: Group, found: Comparison, ways: Mapping[str, str]) -> Row:
    figures, width = group.figures, 1 / HISTOGRAM_BINS
    bins = [
        Bin(each.low, each.high, round(each.n), each.mean_confidence, each.accuracy, each.lo, each.hi)
        for each in figures.bins
    ]
    bars = [
        HistogramBar(round(place * width, 4), round((place + 1) * width, 4), round(n))
        for place, n in enumerate(figures.histogram)
    ]
    measured = Measured(figures.labels, bins, bars)
    return Row(group, title_of(group.choice, ways), measured, group.choice.key == found.against)


def title_of(choice: Choice, ways: Mapping[str, str]) -> str:
    """What a group, or what all groups have in common, is called."""
    named = choice.named
    parts = []
    if "model" in named:
        parts.append(f"{named['model']} {named['model_version']}")
    if "prompt_version" in named:
        parts.append(f"prompt {named['prompt_version']}" if named["prompt_version"] else "no prompt version")
    if "elicitation" in named:
        parts.append(ways.get(named["elicitation"], named["elicitation"]))
    return ", ".join(parts)


def _anchored(rows: list[Row]) -> list[str]:
    """What confidence that leans on the answer promises, beside each of the others."""
    own = next((row for row in rows if row.group.choice.named["elicitation"] == ANCHORED), None)
    if own is None:
        return []
    return [f"{_promise(own)} {_promise(other)}" for other in rows if other is not own]


def _promise(row: Row) -> str:
    gap, accuracy = row.group.figures.gap, row.group.figures.accuracy
    if gap.value is None or gap.low is None or gap.high is None or accuracy.value is None:
        return f"{row.title}: too few labels."
    if gap.low > 0:
        verdict = (
            f"promises {gap.value * 100:.0f} points more than it keeps ({gap.low * 100:.0f} to {gap.high * 100:.0f})"
        )
    elif gap.high < 0:
        verdict = (
            f"promises {-gap.value * 100:.0f} points less than it keeps ({-gap.high * 100:.0f} to {-gap.low * 100:.0f})"
        )
    else:
        verdict = "keeps on the whole what it promises"
    return f"{row.title}: {verdict}."


# --- as plain values ------------------------------------------------------------------------------------------------


def plain_comparison(page: Page) -> dict[str, Any]:
    """What the page shows, as the REST answer and the downloads have it."""
    found = page.found
    return {
        "by": found.by,
        "labels": found.labels,
        "within": _plain_choice(found.within) if found.within else None,
        "against": found.against or None,
        "choices": [{**_plain_choice(each), "groups": each.groups} for each in found.choices],
        "groups": [_plain_row(row) for row in page.rows],
        "groups_not_shown": found.not_shown,
    }


def _plain_choice(choice: Choice) -> dict[str, Any]:
    names = {name: choice.named.get(name) for name in ("model", "model_version", "prompt_version", "elicitation")}
    return {"key": choice.key, **names, "labels": choice.labels}


def _plain_row(row: Row) -> dict[str, Any]:
    figures = row.group.figures
    return {
        **_plain_choice(row.group.choice),
        "inputs": figures.inputs,
        "mean_confidence": figures.confidence,
        "accuracy": _plain_figure(figures.accuracy),
        "gap": _plain_figure(figures.gap),
        **{name: _plain_figure(getattr(figures, name)) for name in FIGURES},
        "difference": _plain_difference(row.group.difference) if row.group.difference else None,
        "reliability": [
            {
                "low": each.low,
                "high": each.high,
                "n": each.n,
                "mean_confidence": each.mean_confidence,
                "accuracy": each.accuracy,
                "ci_low": each.ci_low,
                "ci_high": each.ci_high,
            }
            for each in row.measured.bins
        ],
    }


def _plain_figure(figure: Figure) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}


def _plain_difference(found: Difference) -> dict[str, Any]:
    return {
        "method": found.method,
        "inputs": found.inputs,
        "accuracy": _plain_figure(found.accuracy),
        "log_loss": _plain_figure(found.log_loss),
        "finding": found.finding,
        "mcnemar_p": found.mcnemar,
        "only_this_right": found.only_one,
        "only_other_right": found.only_other,
    }
