"""The geometry of charts with lines over an axis, and of columns by hour. Pure, like charts.

A line is a row of points; where a value is missing the line is broken. Around a line there may be an interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reviewqueue.web.charts import Box, Tick, text


@dataclass(frozen=True, slots=True)
class Axis:
    """From the value `low` at its start to `high` at its end, with the ticks (value, label) between."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    name: str

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


@dataclass(frozen=True, slots=True)
class Value:
    """A point of a line; the interval is left out where `low` is None. Dots may lead somewhere, in these words."""

    x: float
    y: float | None
    low: float | None = None
    high: float | None = None
    href: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """`code` says how it is drawn (line-first, line-second, …); with `steps` a value holds until the next one.

    With `dots` intervals are whiskers, and every value has a dot; `joined` draws a line between them as well.
    """

    code: str
    name: str
    values: tuple[Value, ...]
    dots: bool = False
    steps: bool = False
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertical line at a value of the axis, with a short label at its top and the words for it."""

    x: float
    code: str
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Dot:
    x: str
    y: str
    href: str
    words: str


@dataclass(frozen=True, slots=True)
class DrawnLine:
    code: str
    name: str
    path: str
    ranges: tuple[str, ...]
    whiskers: str
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class DrawnMark:
    x: str
    code: str
    label: str
    words: str
    anchor: str
    label_x: str
    label_y: str


@dataclass(frozen=True, slots=True)
class Curves:
    width: int
    height: int
    plot: Box
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_name: str
    y_name: str
    lines: tuple[DrawnLine, ...]
    marks: tuple[DrawnMark, ...]
    x_label_y: str
    x_name_y: str
    middle: str

    @property
    def has_links(self) -> bool:
        return any(dot.href for line in self.lines for dot in line.dots)


WIDTH: Final = 416
PLOT: Final = Box(left=46, top=37, right=394, bottom=217)
HEIGHT: Final = 257
MARK_ROW: Final = 11
MARK_ROWS: Final = 3


def curves(lines: Iterable[Line], *, x: Axis, y: Axis, marks: Iterable[Mark] = ()) -> Curves:
    return Curves(
        width=WIDTH,
        height=HEIGHT,
        plot=PLOT,
        x_ticks=tuple(Tick(PLOT.x(x.share(value)), label) for value, label in x.ticks),
        y_ticks=tuple(Tick(PLOT.y(y.share(value)), label) for value, label in y.ticks),
        x_name=x.name,
        y_name=y.name,
        lines=tuple(_drawn(line, x, y) for line in lines),
        marks=tuple(_mark(mark, place, x) for place, mark in enumerate(marks)),
        x_label_y=text(PLOT.bottom + 16),
        x_name_y=text(PLOT.bottom + 33),
        middle=text((PLOT.left + PLOT.right) / 2),
    )


def share_axis(values: Iterable[float | None], name: str, *, start_at_zero: bool = False) -> Axis:
    """An axis of shares that leaves out what nothing lies in: quarters of the smallest round range that holds all."""
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    low = 0.0 if start_at_zero else low
    for size in (0.04, 0.08, 0.2, 0.4, 1.0):
        floor = math.floor(low / (size / 4) + 1e-9) * size / 4
        if high <= floor + size + 1e-9:
            floor = min(floor, 1 - size)
            break
    decimals = 0 if size >= 0.04 else 1
    ticks = tuple((floor + size * part / 4, f"{floor + size * part / 4:.{decimals}%}") for part in range(5))
    return Axis(floor, floor + size, ticks, name)


def count_axis(values: Iterable[float | None], name: str) -> Axis:
    """From zero to a round number at or above the largest."""
    most = max((value for value in values if value is not None), default=0.0)
    step = nice_step(most / 4)
    return Axis(0.0, 4 * step, tuple((part * step, short(part * step)) for part in range(5)), name)


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `least`."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least - 1e-12)


def short(number: float) -> str:
    """As few characters as a tick has room for."""
    if number >= 10_000:
        return f"{number / 1000:g}k"
    return f"{number:g}"


def _drawn(line: Line, x: Axis, y: Axis) -> DrawnLine:
    runs = list(_runs(line.values))
    at = [[(PLOT.x(x.share(each.x)), PLOT.y(y.share(each.y))) for each in run if each.y is not None] for run in runs]
    return DrawnLine(
        code=line.code,
        name=line.name,
        path="".join(_path(points, line.steps) for points in at) if line.joined else "",
        ranges=tuple(_range(run, x, y) for run in runs if not line.dots and all(each.low is not None for each in run)),
        whiskers=_whiskers(line, x, y) if line.dots else "",
        dots=tuple(_dot(each, x, y) for run in runs for each in run) if line.dots else (),
    )


def _dot(value: Value, x: Axis, y: Axis) -> Dot:
    return Dot(PLOT.x(x.share(value.x)), PLOT.y(y.share(value.y or 0.0)), value.href, value.words)


def _runs(values: Sequence[Value]) -> Iterable[list[Value]]:
    """Stretches without a missing value."""
    run: list[Value] = []
    for each in values:
        if each.y is None:
            if run:
                yield run
            run = []
        else:
            run.append(each)
    if run:
        yield run


def _path(points: Sequence[tuple[str, str]], steps: bool) -> str:
    (x, y), *rest = points
    return f"M{x} {y}" + "".join(f"H{x}V{y}" if steps else f"L{x} {y}" for x, y in rest)


def _range(run: Sequence[Value], x: Axis, y: Axis) -> str:
    above = [f"{PLOT.x(x.share(each.x))},{PLOT.y(y.share(each.high or 0.0))}" for each in run]
    below = [f"{PLOT.x(x.share(each.x))},{PLOT.y(y.share(each.low or 0.0))}" for each in reversed(run)]
    return " ".join(above + below)


def _whiskers(line: Line, x: Axis, y: Axis) -> str:
    return "".join(
        f"M{PLOT.x(x.share(each.x))} {PLOT.y(y.share(each.low))}V{PLOT.y(y.share(each.high))}"
        for each in line.values
        if each.low is not None and each.high is not None
    )


def _mark(mark: Mark, place: int, x: Axis) -> DrawnMark:
    """Labels of neighbours stand in different rows; one near the right edge is written to the left of its line."""
    at = float(PLOT.x(x.share(mark.x)))
    to_left = at > (PLOT.left + PLOT.right) / 2
    return DrawnMark(
        x=text(at),
        code=mark.code,
        label=mark.label,
        words=mark.words,
        anchor="end" if to_left else "start",
        label_x=text(at - 3 if to_left else at + 3),
        label_y=text(PLOT.top + 7 - (MARK_ROWS - place % MARK_ROWS) * MARK_ROW),
    )


@dataclass(frozen=True, slots=True)
class Column:
    """Two columns side by side, and the words for them."""

    first_x: str
    first_y: str
    first: str
    second_x: str
    second_y: str
    second: str


@dataclass(frozen=True, slots=True)
class Columns:
    width: int
    height: int
    plot: Box
    bar: str
    columns: tuple[Column, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    label_y: str


COLUMNS: Final = Box(left=34, top=8, right=396, bottom=112)
COLUMNS_HEIGHT: Final = 134


def columns(pairs: Sequence[tuple[float, float]], labels: Sequence[str]) -> Columns:
    """A pair of columns for each place; empty labels are left out."""
    axis = count_axis([value for pair in pairs for value in pair], "")
    step = (COLUMNS.right - COLUMNS.left) / max(len(pairs), 1)
    bar = step * 0.36

    def column(place: int, first: float, second: float) -> Column:
        left = COLUMNS.left + place * step + step * 0.12
        tops = [float(COLUMNS.y(axis.share(value))) for value in (first, second)]
        return Column(
            text(left),
            text(tops[0]),
            text(COLUMNS.bottom - tops[0]),
            text(left + bar + 0.5),
            text(tops[1]),
            text(COLUMNS.bottom - tops[1]),
        )

    return Columns(
        width=WIDTH,
        height=COLUMNS_HEIGHT,
        plot=COLUMNS,
        bar=text(bar),
        columns=tuple(column(place, *pair) for place, pair in enumerate(pairs)),
        x_ticks=tuple(
            Tick(text(COLUMNS.left + (place + 0.5) * step), label) for place, label in enumerate(labels) if label
        ),
        y_ticks=tuple(Tick(COLUMNS.y(axis.share(value)), label) for value, label in axis.ticks[::2]),
        label_y=text(COLUMNS.bottom + 15),
    )
