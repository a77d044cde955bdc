"""The geometry of the flow picture: claims in, the routes they took, what came of them. Pure, like charts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from reviewqueue.web.charts import text


class Streamed(Protocol):
    @property
    def route(self) -> str: ...
    @property
    def end(self) -> str: ...
    @property
    def claims(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Node:
    """A bar, with its label beside it at (label_x, label_y)."""

    code: str
    claims: int
    share: float
    x: str
    y: str
    height: str
    label_x: str
    label_y: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A stream between two bars, in the colour of `code`."""

    code: str
    path: str


@dataclass(frozen=True, slots=True)
class FlowChart:
    width: int
    height: int
    bar: float
    start: Node
    routes: tuple[Node, ...]
    ends: tuple[Node, ...]
    ribbons: tuple[Ribbon, ...]


WIDTH: Final = 416
BAR: Final = 9.0
LEFT: Final = 0.0
MIDDLE: Final = 112.0
RIGHT: Final = 306.0
FULL: Final = 180.0
GAP: Final = 22.0
TOP: Final = 10.0


def flow_chart(streams: Sequence[Streamed]) -> FlowChart:
    """Of at least one stream. Routes and ends stand in the order in which they first come."""
    routes, ends = Counter[str](), Counter[str]()
    for stream in streams:
        routes[stream.route] += stream.claims
        ends[stream.end] += stream.claims
    height = 2 * TOP + FULL + GAP * (max(len(routes), len(ends)) - 1)
    start, middle, right = _column({"": routes.total()}, height), _column(routes, height), _column(ends, height)
    return FlowChart(
        width=WIDTH,
        height=round(height),
        bar=BAR,
        start=_nodes({"": routes.total()}, start, LEFT)[0],
        routes=_nodes(routes, middle, MIDDLE),
        ends=_nodes(ends, right, RIGHT),
        ribbons=_ribbons(streams, routes, start, middle, right),
    )


def _column(counts: Mapping[str, int], height: float) -> dict[str, float]:
    """Where each bar of a column begins; the column stands in the middle of the height."""
    total = sum(counts.values())
    y = (height - FULL - GAP * (len(counts) - 1)) / 2
    tops = {}
    for code, n in counts.items():
        tops[code] = y
        y += n / total * FULL + GAP
    return tops


def _nodes(counts: Mapping[str, int], tops: Mapping[str, float], x: float) -> tuple[Node, ...]:
    total = sum(counts.values())
    return tuple(
        Node(
            code=code,
            claims=n,
            share=n / total,
            x=text(x),
            y=text(tops[code]),
            height=text(max(n / total * FULL, 1.5)),
            label_x=text(x + BAR + 5),
            label_y=text(tops[code] + n / total * FULL / 2),
        )
        for code, n in counts.items()
    )


def _ribbons(
    streams: Sequence[Streamed],
    routes: Mapping[str, int],
    start: Mapping[str, float],
    middle: Mapping[str, float],
    right: Mapping[str, float],
) -> tuple[Ribbon, ...]:
    """Streams leave and reach a bar one below the other, in order."""
    scale = FULL / sum(routes.values())
    out, into, left = dict(middle), dict(right), start[""]
    found = []
    for route, n in routes.items():
        found.append(Ribbon(f"route-{route}", _ribbon(LEFT + BAR, left, MIDDLE, middle[route], n * scale)))
        left += n * scale
    for each in streams:
        thick = each.claims * scale
        found.append(Ribbon(f"end-{each.end}", _ribbon(MIDDLE + BAR, out[each.route], RIGHT, into[each.end], thick)))
        out[each.route] += thick
        into[each.end] += thick
    return tuple(found)


def _ribbon(x0: float, y0: float, x1: float, y1: float, thick: float) -> str:
    thick = max(thick, 0.8)
    bend = text((x0 + x1) / 2)
    return (
        f"M{text(x0)} {text(y0)}C{bend} {text(y0)} {bend} {text(y1)} {text(x1)} {text(y1)}"
        f"V{text(y1 + thick)}C{bend} {text(y1 + thick)} {bend} {text(y0 + thick)} {text(x0)} {text(y0 + thick)}Z"
    )
