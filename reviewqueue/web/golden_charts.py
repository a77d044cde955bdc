"""The geometry of the history of a golden set: one point a run, with its interval. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from reviewqueue.web.charts import CAP, Box, Tick, text

PLOT: Final = Box(left=58, top=12, right=706, bottom=232)
WIDTH: Final = 720
HEIGHT: Final = 276
MOST_LABELS: Final = 20


class Measured(Protocol):
    """A run with the accuracy that was measured in it."""

    @property
    def number(self) -> int: ...
    @property
    def accuracy(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...
    @property
    def worse(self) -> bool: ...
    @property
    def new_version(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class TrendMark:
    x: str
    y: str
    low_y: str
    high_y: str
    cap_left: str
    cap_right: str
    triangle: str
    worse: bool
    number: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class TrendChart:
    """`steps` are where another version of the set begins."""

    width: int
    height: int
    plot: Box
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    marks: tuple[TrendMark, ...]
    steps: tuple[str, ...]
    start: float


def trend_chart(points: Sequence[Measured]) -> TrendChart:
    """Accuracy from half on where everything lies above it, for a closer look."""
    start = 0.5 if all(point.low >= 0.5 for point in points) else 0.0
    count = max(len(points), 1)
    width = PLOT.right - PLOT.left

    def x(place: float) -> float:
        return PLOT.left + (place + 0.5) / count * width

    def y(share: float) -> str:
        return PLOT.y((share - start) / (1 - start))

    every = -(-len(points) // MOST_LABELS) or 1
    return TrendChart(
        width=WIDTH,
        height=HEIGHT,
        plot=PLOT,
        y_ticks=tuple(
            Tick(y(start + part * (1 - start)), f"{start + part * (1 - start):.0%}") for part in (0.0, 0.5, 1.0)
        ),
        x_ticks=tuple(
            Tick(text(x(place)), str(point.number)) for place, point in enumerate(points) if place % every == 0
        ),
        marks=tuple(_mark(point, x(place), y) for place, point in enumerate(points)),
        steps=tuple(text(x(place - 0.5)) for place, point in enumerate(points) if point.new_version),
        start=start,
    )


def _mark(point: Measured, x: float, y: Callable[[float], str]) -> TrendMark:
    at = float(y(point.accuracy))
    return TrendMark(
        x=text(x),
        y=text(at),
        low_y=y(point.low),
        high_y=y(point.high),
        cap_left=text(x - CAP),
        cap_right=text(x + CAP),
        triangle=f"{text(x)},{text(at + 6)} {text(x - 6)},{text(at - 5)} {text(x + 6)},{text(at - 5)}",
        worse=point.worse,
        number=point.number,
        accuracy=point.accuracy,
    )
