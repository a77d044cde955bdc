"""A calibration map for people: its curve, and its parameters in a table. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from calibration.core.calibrators import predict
from calibration.core.maps import reads_signals, signals_of
from reviewqueue.web.curves import Axis, Curves, Line, Value, curves

STEPS: Final = 100
QUARTERS: Final = tuple((share / 4, f"{share * 25}%") for share in range(5))
NAMES: Final = {
    "slope": "Slope",
    "intercept": "Intercept",
    "eps": "Confidence is clipped to this far from 0 and 1",
    "a": "Slope on log c",
    "b": "Slope on −log(1 − c)",
}
MOST_ROWS: Final = 40


def map_curve(params: Mapping[str, Any]) -> Curves | None:
    """What each stated confidence becomes, beside what it would stay; None where it takes more than a confidence."""
    if reads_signals(params):
        return None
    stated = np.linspace(0, 1, STEPS + 1)
    becomes = predict(dict(params), stated)
    lines = [
        Line("line-quiet", "as stated", (Value(0.0, 0.0), Value(1.0, 1.0))),
        Line(
            "line-first",
            "calibrated",
            tuple(Value(float(x), float(y)) for x, y in zip(stated, becomes, strict=True)),
            steps=params["kind"] == "histogram",
        ),
    ]
    axis = Axis(0.0, 1.0, QUARTERS, "stated confidence")
    return curves(lines, x=axis, y=Axis(0.0, 1.0, QUARTERS, "calibrated"))


def map_parameters(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of each parameter; knots and bins one a row, segments with their own offsets below."""
    rows = [
        (NAMES.get(name, name.replace("_", " ")), _number(value)) for name, value in params.items() if _is_number(value)
    ]
    if params.get("kind") == "isotonic":
        rows += [(f"at {_number(x)}", _number(y)) for x, y in zip(params["x"], params["y"], strict=False)]
    elif params.get("kind") == "histogram":
        edges = [0.0, *params["edges"], 1.0]
        rows += [(f"{_number(edges[at])} to {_number(edges[at + 1])}", _number(y)) for at, y in enumerate(params["y"])]
    elif params.get("kind") == "combined":
        rows += [row for name, term in params["signals"].items() for row in _of_signal(name, term)]
    elif params.get("kind") == "boosted":
        rows += [("looks at", ", ".join(["the confidence", *signals_of(params)])), ("trees", str(len(params["trees"])))]
    offsets = params.get("offsets")
    if isinstance(offsets, Mapping):
        rows += [(f"{name}: slope and intercept change by", _pair(pair)) for name, pair in offsets.items()]
    return rows


def _of_signal(name: str, term: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (f"{name}: slope", _number(term["slope"])),
        (f"{name}: centre of its logit", _number(term["centre"])),
        (f"{name}: where it is missing", _number(term["missing"])),
    ]


def shown_parameters(params: Mapping[str, Any]) -> tuple[list[tuple[str, str]], int]:
    """As many rows as a page takes, and how many more there are."""
    rows = map_parameters(params)
    return rows[:MOST_ROWS], max(len(rows) - MOST_ROWS, 0)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> str:
    return f"{value:.4g}" if _is_number(value) else str(value)


def _pair(pair: Any) -> str:
    return " and ".join(f"{each:+.3f}" for each in pair) if isinstance(pair, Sequence) else str(pair)
