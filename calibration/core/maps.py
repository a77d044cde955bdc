"""Calibration maps as JSON: confidence in, calibrated confidence out, one value at a time. Standard library only.

A map is one of these objects. Confidence and every probability lie in [0, 1]; each map is non-decreasing in confidence.

    {"kind": "identity"}
    {"kind": "platt", "slope": a >= 0, "intercept": b, "eps": e, "offsets": {segment: [A, B]}}     (offsets optional)
        logit p = (a + A) logit(c) + b + B, a segment without an entry has A = B = 0, and a + A >= 0
    {"kind": "beta", "a": a >= 0, "b": b >= 0, "intercept": i, "eps": e}
        logit p = a log(c) - b log(1 - c) + i
    {"kind": "isotonic", "x": strictly increasing, "y": non-decreasing in (0, 1), as many}
        linear between the knots, flat outside them
    {"kind": "histogram", "edges": strictly increasing, "y": non-decreasing in (0, 1), one more}
        step function; a confidence equal to an edge belongs to the bin above it

In the two logistic kinds c is first clipped to [eps, 1 - eps].
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def calibrate(params: Mapping[str, object], confidence: float, *, segment: str | None = None) -> float:
    """The calibrated confidence, rounded to eight places, non-decreasing in `confidence`.

    The identity returns the confidence itself; every other kind stays inside (0, 1). `params` must have passed
    `map_problems`. Raises ValueError for a confidence outside [0, 1] (NaN included) and for an unknown kind.
    """
    if not 0 <= confidence <= 1:
        raise ValueError(f"confidence must lie in [0, 1], got {confidence!r}")
    kind = params.get("kind")
    if kind == "identity":
        return float(confidence)
    probability_of = _PROBABILITY.get(cast(str, kind))
    if probability_of is None:
        raise ValueError(f"unknown kind of calibration map: {kind!r}")
    return min(max(round(probability_of(params, float(confidence), segment), PLACES), LOWEST), HIGHEST)


def map_problems(params: object) -> list[Problem]:
    """Everything wrong with a map read from outside; empty when `calibrate` may use it. Never raises on a JSON value.

    Codes: not_an_object, not_a_list, missing, unknown_key, unknown_kind, not_a_number, not_finite, out_of_range,
    not_increasing, decreasing, wrong_length.
    """
    if not isinstance(params, Mapping):
        return [("", "not_an_object", "a calibration map is an object")]
    if "kind" not in params:
        return [("/kind", "missing", "a calibration map needs a kind")]
    kind = params["kind"]
    if not isinstance(kind, str) or kind not in _KEYS:
        return [("/kind", "unknown_kind", f"kind must be one of {', '.join(_KEYS)}")]
    problems = list(_key_problems(params, *_KEYS[kind]))
    if kind in _CONTENT_PROBLEMS:
        problems += _CONTENT_PROBLEMS[kind](params)
    return problems


# --- values ----------------------------------------------------------------------------------------------------


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    growth = math.exp(logit)
    return growth / (1 + growth)


def _clipped(params: Mapping[str, object], confidence: float) -> float:
    eps = cast(float, params["eps"])
    return min(max(confidence, eps), 1 - eps)


def _platt(params: Mapping[str, object], confidence: float, segment: str | None) -> float:
    offsets = cast(Mapping[str, Sequence[float]], params.get("offsets", {}))
    extra_slope, extra_intercept = offsets.get(segment, (0.0, 0.0)) if segment is not None else (0.0, 0.0)
    c = _clipped(params, confidence)
    slope = cast(float, params["slope"]) + extra_slope
    return _sigmoid(slope * (math.log(c) - math.log1p(-c)) + cast(float, params["intercept"]) + extra_intercept)


def _beta(params: Mapping[str, object], confidence: float, _segment: str | None) -> float:
    c = _clipped(params, confidence)
    a, b = cast(float, params["a"]), cast(float, params["b"])
    return _sigmoid(a * math.log(c) - b * math.log1p(-c) + cast(float, params["intercept"]))


def _isotonic(params: Mapping[str, object], confidence: float, _segment: str | None) -> float:
    x, y = cast(Sequence[float], params["x"]), cast(Sequence[float], params["y"])
    above = bisect_right(x, confidence)
    if above == 0:
        return y[0]
    if above == len(x):
        return y[-1]
    share = (confidence - x[above - 1]) / (x[above] - x[above - 1])
    return min(y[above - 1] + (y[above] - y[above - 1]) * share, y[above])


def _histogram(params: Mapping[str, object], confidence: float, _segment: str | None) -> float:
    return cast(Sequence[float], params["y"])[bisect_right(cast(Sequence[float], params["edges"]), confidence)]


_PROBABILITY: Final[dict[str, Callable[[Mapping[str, object], float, str | None], float]]] = {
    "platt": _platt,
    "beta": _beta,
    "isotonic": _isotonic,
    "histogram": _histogram,
}


# --- problems --------------------------------------------------------------------------------------------------

_KEYS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "identity": (frozenset(), frozenset()),
    "platt": (frozenset({"slope", "intercept", "eps"}), frozenset({"offsets"})),
    "beta": (frozenset({"a", "b", "intercept", "eps"}), frozenset()),
    "isotonic": (frozenset({"x", "y"}), frozenset()),
    "histogram": (frozenset({"edges", "y"}), frozenset()),
}
"""Needed and optional keys of each kind, beside the kind itself."""


def _pointer(key: object) -> str:
    return "/" + str(key).replace("~", "~0").replace("/", "~1")


def _key_problems(params: Mapping[str, object], needed: frozenset[str], optional: frozenset[str]) -> Iterator[Problem]:
    for key in sorted(needed - params.keys()):
        yield _pointer(key), "missing", f"a map of kind {params['kind']} needs {key}"
    for key in params:
        if key != "kind" and key not in needed | optional:
            yield _pointer(key), "unknown_key", f"a map of kind {params['kind']} has no such key"


def _number_problem(value: object, low: float, high: float, *, open_ends: bool = False) -> tuple[str, str] | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "not_a_number", "must be a number"
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite", "must be a finite number"
    inside = low < value < high if open_ends else low <= value <= high
    if not inside:
        return "out_of_range", f"must lie {'strictly between' if open_ends else 'between'} {low:g} and {high:g}"
    return None


def _field_problems(params: Mapping[str, object], key: str, low: float, high: float) -> Iterator[Problem]:
    problem = _number_problem(params[key], low, high) if key in params else None
    if problem:
        yield _pointer(key), *problem


def _platt_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from _field_problems(params, "slope", 0, LARGEST_COEFFICIENT)
    yield from _field_problems(params, "intercept", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    yield from _field_problems(params, "eps", *EPS_RANGE)
    offsets = params.get("offsets", {})
    if not isinstance(offsets, Mapping):
        yield "/offsets", "not_an_object", "offsets is an object of segment to [slope, intercept]"
        return
    for segment, pair in offsets.items():
        yield from _offset_problems("/offsets" + _pointer(segment), pair, params.get("slope"))


def _offset_problems(pointer: str, pair: object, slope: object) -> Iterator[Problem]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        yield pointer, "wrong_length", "an offset is a list of two numbers, slope and intercept"
        return
    problems = [_number_problem(value, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT) for value in pair]
    for place, problem in enumerate(problems):
        if problem:
            yield f"{pointer}/{place}", *problem
    slope_is_known = _number_problem(slope, 0, LARGEST_COEFFICIENT) is None
    if slope_is_known and problems[0] is None and cast(float, slope) + pair[0] < 0:
        yield f"{pointer}/0", "decreasing", "slope plus offset must not be negative"


def _beta_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from _field_problems(params, "a", 0, LARGEST_COEFFICIENT)
    yield from _field_problems(params, "b", 0, LARGEST_COEFFICIENT)
    yield from _field_problems(params, "intercept", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    yield from _field_problems(params, "eps", *EPS_RANGE)


def _isotonic_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from _list_problems(params, "x", strict=True, open_ends=False)
    yield from _list_problems(params, "y", strict=False, open_ends=True)
    yield from _length_problems(params, "x", extra=0)


def _histogram_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from _list_problems(params, "edges", strict=True, open_ends=False)
    yield from _list_problems(params, "y", strict=False, open_ends=True)
    yield from _length_problems(params, "edges", extra=1)


def _list_problems(params: Mapping[str, object], key: str, *, strict: bool, open_ends: bool) -> Iterator[Problem]:
    """`key` must be a list of numbers in [0, 1] (or inside it) in rising order."""
    if key not in params:
        return
    values = params[key]
    if not isinstance(values, list | tuple):
        yield _pointer(key), "not_a_list", "must be a list of numbers"
        return
    previous: float | None = None
    for place, value in enumerate(values):
        problem = _number_problem(value, 0, 1, open_ends=open_ends)
        if problem:
            yield f"{_pointer(key)}/{place}", *problem
            continue
        if previous is not None and (value <= previous if strict else value < previous):
            code = "not_increasing" if strict else "decreasing"
            yield f"{_pointer(key)}/{place}", code, f"comes after {previous!r}"
        previous = value


def _length_problems(params: Mapping[str, object], key: str, *, extra: int) -> Iterator[Problem]:
    """The list `y` must be `extra` longer than the list `key`, and not empty."""
    x, y = params.get(key), params.get("y")
    if isinstance(x, list | tuple) and isinstance(y, list | tuple) and (len(y) != len(x) + extra or not y):
        yield (
            "/y",
            "wrong_length",
            f"needs {'one value more than' if extra else 'as many values as'} {key}, at least one",
        )


_CONTENT_PROBLEMS: Final[dict[str, Callable[[Mapping[str, object]], Iterator[Problem]]]] = {
    "platt": _platt_problems,
    "beta": _beta_problems,
    "isotonic": _isotonic_problems,
    "histogram": _histogram_problems,
}
