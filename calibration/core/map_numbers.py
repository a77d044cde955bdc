"""What the JSON form of every calibration map has in common: bounds, and how a number or key is found wanting.

Standard library only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Final, cast

PLACES: Final = 8
"""Decimal places of a calibrated confidence: what the database stores and what thresholds are compared on."""

LOWEST: Final = 1e-8
HIGHEST: Final = 1 - 1e-8
"""A fitted map never claims certainty; its values stay within these two."""

LARGEST_COEFFICIENT: Final = 1e6
"""Bound on the size of slopes and intercepts, so that no sum or product of them can overflow."""

EPS_RANGE: Final = (1e-12, 0.4)
"""Bounds of eps: small enough to see far tails, large enough that 1 - eps is still below 1 in floating point."""

Problem = tuple[str, str, str]
"""JSON pointer relative to the map, code, detail for a person."""


def sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    growth = math.exp(logit)
    return growth / (1 + growth)


def logit(share: float, eps: float) -> float:
    """The logit of a share that is first clipped to [eps, 1 - eps]."""
    clipped = min(max(share, eps), 1 - eps)
    return math.log(clipped) - math.log1p(-clipped)


def pointer_to(*keys: object) -> str:
    return "".join("/" + str(key).replace("~", "~0").replace("/", "~1") for key in keys)


def key_problems(
    values: Mapping[str, object], needed: frozenset[str], optional: frozenset[str], *, of: str, at: str = ""
) -> Iterator[Problem]:
    """Keys of an object that are absent or unknown; its kind is looked at elsewhere."""
    for key in sorted(needed - values.keys()):
        yield at + pointer_to(key), "missing", f"{of} needs {key}"
    for key in values:
        if key != "kind" and key not in needed | optional:
            yield at + pointer_to(key), "unknown_key", f"{of} has no such key"


def number_problem(value: object, low: float, high: float, *, open_ends: bool = False) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not_a_number", "must be a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite", "must be a finite number"
    inside = low < value < high if open_ends else low <= value <= high
    if not inside:
        return "out_of_range", f"must lie {'strictly between' if open_ends else 'between'} {low:g} and {high:g}"
    return None


def field_problems(values: Mapping[str, object], key: str, low: float, high: float, at: str = "") -> Iterator[Problem]:
    problem = number_problem(values[key], low, high) if key in values else None
    if problem:
        yield at + pointer_to(key), *problem


def offset_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    """Of the offsets that segments add to slope and intercept."""
    offsets = params.get("offsets", {})
    if not isinstance(offsets, Mapping):
        yield "/offsets", "not_an_object", "offsets is an object of segment to [slope, intercept]"
        return
    for segment, pair in offsets.items():
        yield from _pair_problems("/offsets" + pointer_to(segment), pair, params.get("slope"))


def _pair_problems(pointer: str, pair: object, slope: object) -> Iterator[Problem]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        yield pointer, "wrong_length", "an offset is a list of two numbers, slope and intercept"
        return
    problems = [number_problem(value, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT) for value in pair]
    for place, problem in enumerate(problems):
        if problem:
            yield f"{pointer}/{place}", *problem
    slope_is_known = number_problem(slope, 0, LARGEST_COEFFICIENT) is None
    if slope_is_known and problems[0] is None and cast(float, slope) + pair[0] < 0:
        yield f"{pointer}/0", "decreasing", "slope plus offset must not be negative"
