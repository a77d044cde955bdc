"""From figures to the geometry of a chart, in the units of its SVG view box. Pure: no HTML, no colour.

Shares run from 0 to 1, left to right and bottom to top. Coordinates come out as texts with one decimal, ready for
attributes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol, runtime_checkable

Fit = Literal["over", "under", "fits"]
TICKS: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


class MeasuredBin(Protocol):
    """A stretch of confidence with what was measured in it; accuracy is None where nothing was."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def mean_confidence(self) -> float | None: ...
    @property
    def accuracy(self) -> float | None: ...
    @property
    def ci_low(self) -> float | None: ...
    @property
    def ci_high(self) -> float | None: ...


@runtime_checkable
class ConsistentBin(Protocol):
    """A bin that knows between which limits a calibrated confidence would be right."""

    @property
    def consistent_low(self) -> float: ...
    @property
    def consistent_high(self) -> float: ...


class CountedBin(Protocol):
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def n(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Box:
    """A plotting area: its edges in view-box units, y growing downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def x(self, share: float) -> str:
        return text(self.left + _clipped(share) * (self.right - self.left))

    def y(self, share: float) -> str:
        return text(self.bottom - _clipped(share) * (self.bottom - self.top))


@dataclass(frozen=True, slots=True)
class Tick:
    at: str
    label: str


@dataclass(frozen=True, slots=True)
class Point:
    """One bin: the marker at (x, y), and its interval from `low_y` up to `high_y` with caps at both ends."""

    x: str
    y: str
    radius: str
    low_y: str
    high_y: str
    cap_left: str
    cap_right: str
    triangle: str
    fit: Fit
    n: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    n: int
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ReliabilityChart:
    """The diagram and, under it on the same axis, the histogram of the confidences."""

    width: int
    height: int
    plot: Box
    counts: Box
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    points: tuple[Point, ...]
    bars: tuple[Bar, ...]
    most: int
    consistent: str
    """The outline of where the points of a calibrated confidence would lie; empty where that is not known."""


PLOT: Final = Box(left=46, top=10, right=396, bottom=290)
COUNTS: Final = Box(left=46, top=308, right=396, bottom=366)
WIDTH: Final = 416
HEIGHT: Final = 404
CAP: Final = 4.0


def reliability_chart(bins: Iterable[MeasuredBin], histogram: Iterable[CountedBin]) -> ReliabilityChart:
    known = list(bins)
    measured = [point for bin_ in known if (point := _point(bin_)) is not None]
    counted = list(histogram)
    most = max((bin_.n for bin_ in counted), default=0)
    return ReliabilityChart(
        width=WIDTH,
        height=HEIGHT,
        plot=PLOT,
        counts=COUNTS,
        x_ticks=tuple(Tick(PLOT.x(share), f"{share:.0%}") for share in TICKS),
        y_ticks=tuple(Tick(PLOT.y(share), f"{share:.0%}") for share in TICKS),
        points=tuple(measured),
        bars=tuple(_bar(bin_, most) for bin_ in counted if bin_.n),
        most=most,
        consistent=_consistent(known),
    )


def _consistent(bins: Iterable[MeasuredBin]) -> str:
    """Up along the upper limits, back along the lower ones; of at least two bins that have them."""
    limits = [
        (bin_.mean_confidence, bin_.consistent_low, bin_.consistent_high)
        for bin_ in bins
        if bin_.n and bin_.mean_confidence is not None and isinstance(bin_, ConsistentBin)
    ]
    if len(limits) < 2:
        return ""
    above = [f"{PLOT.x(at)},{PLOT.y(high)}" for at, _, high in limits]
    below = [f"{PLOT.x(at)},{PLOT.y(low)}" for at, low, _ in reversed(limits)]
    return " ".join(above + below)


def _point(bin_: MeasuredBin) -> Point | None:
    confidence, accuracy = bin_.mean_confidence, bin_.accuracy
    if not bin_.n or confidence is None or accuracy is None:
        return None
    low = accuracy if bin_.ci_low is None else bin_.ci_low
    high = accuracy if bin_.ci_high is None else bin_.ci_high
    x, y, radius = float(PLOT.x(confidence)), float(PLOT.y(accuracy)), _radius(bin_.n)
    fit = fit_of(confidence, low, high)
    return Point(
        x=text(x),
        y=text(y),
        radius=text(radius),
        low_y=PLOT.y(low),
        high_y=PLOT.y(high),
        cap_left=text(x - CAP),
        cap_right=text(x + CAP),
        triangle=_triangle(x, y, radius + 1.5, pointing_up=fit == "under"),
        fit=fit,
        n=bin_.n,
        confidence=confidence,
        accuracy=accuracy,
    )


def fit_of(confidence: float, low: float, high: float) -> Fit:
    """Whether a stated confidence lies above the whole interval of what was measured, below it, or in it."""
    if confidence > high:
        return "over"
    return "under" if confidence < low else "fits"


def _radius(n: int) -> float:
    """Area grows with the number of labels, within what can be told apart."""
    return min(3.0 + math.sqrt(n) / 6, 8.0)


def _triangle(x: float, y: float, size: float, *, pointing_up: bool) -> str:
    tip, foot = (y - size, y + size) if pointing_up else (y + size, y - size)
    return f"{text(x)},{text(tip)} {text(x - size)},{text(foot)} {text(x + size)},{text(foot)}"


def _bar(bin_: CountedBin, most: int) -> Bar:
    left, right = float(COUNTS.x(bin_.low)), float(COUNTS.x(bin_.high))
    top = float(COUNTS.y(bin_.n / most))
    return Bar(
        x=text(left + 0.5),
        y=text(top),
        width=text(max(right - left - 1, 1.0)),
        height=text(COUNTS.bottom - top),
        n=bin_.n,
        low=bin_.low,
        high=bin_.high,
    )


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """An accuracy with its interval on a track, and where the required accuracy lies."""

    width: int
    height: int
    low_x: str
    length: str
    accuracy_x: str | None
    required_x: str | None


TRACK: Final = Box(left=4, top=4, right=136, bottom=16)
TRACK_WIDTH: Final = 140
TRACK_HEIGHT: Final = 20


def track_start(shares: Iterable[float | None]) -> float:
    """Where the tracks of a table begin: at half when nothing lies below it, for a closer look at the top."""
    return 0.5 if all(share is None or share >= 0.5 for share in shares) else 0.0


def interval_bar(
    low: float, high: float, *, accuracy: float | None, required: float | None, start: float = 0.0
) -> IntervalBar:
    def at(share: float) -> str:
        return TRACK.x((share - start) / (1 - start))

    return IntervalBar(
        width=TRACK_WIDTH,
        height=TRACK_HEIGHT,
        low_x=at(low),
        length=text(max(float(at(high)) - float(at(low)), 1.0)),
        accuracy_x=None if accuracy is None else at(accuracy),
        required_x=None if required is None else at(required),
    )


@dataclass(frozen=True, slots=True)
class MirrorBar:
    """A bar upwards and one downwards from the middle line."""

    x: str
    width: str
    up_y: str
    up: str
    down: str


@dataclass(frozen=True, slots=True)
class Mirror:
    """Two distributions on one axis, one above and one below its middle line."""

    width: int
    height: int
    middle: str
    bars: tuple[MirrorBar, ...]


MIRROR_WIDTH: Final = 150
MIRROR_HEIGHT: Final = 48


def mirror(shares: Sequence[tuple[float, float]]) -> Mirror:
    """For each step of the axis, the share above and the share below; the largest of all fills its half."""
    most = max((max(pair) for pair in shares), default=0) or 1.0
    step, half = MIRROR_WIDTH / max(len(shares), 1), MIRROR_HEIGHT / 2
    bars = tuple(
        MirrorBar(
            x=text(place * step + 0.5),
            width=text(step - 1),
            up_y=text(half - up / most * (half - 1)),
            up=text(up / most * (half - 1)),
            down=text(down / most * (half - 1)),
        )
        for place, (up, down) in enumerate(shares)
    )
    return Mirror(MIRROR_WIDTH, MIRROR_HEIGHT, text(half), bars)


@dataclass(frozen=True, slots=True)
class BarPair:
    """A name with two bars under it, each a share of its own whole; the second is None where that is not known."""

    name: str
    name_y: str
    first_y: str
    first: str
    first_share: float
    second_y: str
    second: str | None
    second_share: float | None


PAIRS_WIDTH: Final = 416
PAIR_HEIGHT: Final = 46


def bar_pairs(rows: Sequence[tuple[str, float, float | None]]) -> tuple[BarPair, ...]:
    """One below the other, in the order given."""
    return tuple(
        BarPair(
            name=name,
            name_y=text(place * PAIR_HEIGHT + 12),
            first_y=text(place * PAIR_HEIGHT + 18),
            first=text(first * PAIRS_WIDTH),
            first_share=first,
            second_y=text(place * PAIR_HEIGHT + 29),
            second=None if second is None else text(second * PAIRS_WIDTH),
            second_share=second,
        )
        for place, (name, first, second) in enumerate(rows)
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar that shows how a whole is divided."""

    name: str
    n: int
    share: float
    x: str
    width: str


def divided_bar(counts: Sequence[tuple[str, int]], *, width: float = 600) -> tuple[Part, ...]:
    """Pieces in the order given, empty ones left out."""
    total = sum(n for _, n in counts)
    parts, done = [], 0
    for name, n in counts:
        if n:
            parts.append(Part(name, n, n / total, text(done / total * width), text(n / total * width)))
        done += n
    return tuple(parts)


def text(number: float) -> str:
    """One decimal, without the minus of a rounded zero."""
    return f"{round(number, 1) + 0.0:.1f}"


def _clipped(share: float) -> float:
    if math.isnan(share):
        raise ValueError("a share to draw must be a number")
    return min(max(share, 0.0), 1.0)
