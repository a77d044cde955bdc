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

In the two logistic kinds c is first clipped to [eps, 1 - eps]. Two more kinds look at the claim's signals beside its
confidence, "combined" and "boosted": see `signal_maps`.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

from calibration.core.map_numbers import (
    EPS_RANGE,
    HIGHEST,
    LARGEST_COEFFICIENT,
    LOWEST,
    PLACES,
    Problem,
    field_problems,
    key_problems,
    logit,
    number_problem,
    offset_problems,
    pointer_to,
    sigmoid,
)
from calibration.core.signal_maps import (
    SIGNAL_KINDS,
    Signals,
    boosted_logit,
    boosted_problems,
    combined_logit,
    combined_problems,
    signals_of,
)

__all__ = [
    "HIGHEST",
    "LARGEST_COEFFICIENT",
    "LOWEST",
    "PLACES",
    "calibrate",
    "map_problems",
    "reads_signals",
    "signals_of",
]

NO_SIGNALS: Final[Signals] = {}


def calibrate(
    params: Mapping[str, object],
    confidence: float,
    *,
    segment: str | None = None,
    signals: Signals = NO_SIGNALS,
) -> float:
    """The calibrated confidence, rounded to eight places, non-decreasing in `confidence`.

    The identity returns the confidence itself; every other kind stays inside (0, 1). A signal that the map asks for
    and the claim lacks counts as missing, one that the map does not know as nothing. `params` must have passed
    `map_problems`. Raises ValueError for a confidence outside [0, 1] (NaN included) and for an unknown kind.
    """
    if not 0 <= confidence <= 1:
        raise ValueError(f"confidence must lie in [0, 1], got {confidence!r}")
    kind = params.get("kind")
    if kind == "identity":
        return float(confidence)
    if kind in _PROBABILITY:
        probability = _PROBABILITY[kind](params, float(confidence), segment)
    elif kind in _SIGNAL_LOGIT:
        probability = sigmoid(_SIGNAL_LOGIT[kind](params, float(confidence), signals, segment))
    else:
        raise ValueError(f"unknown kind of calibration map: {kind!r}")
    return min(max(round(probability, PLACES), LOWEST), HIGHEST)


def reads_signals(params: Mapping[str, object]) -> bool:
    """Whether the map looks at more than the confidence, so that the confidence alone cannot place a claim."""
    return params.get("kind") in SIGNAL_KINDS


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
    problems = list(key_problems(params, *_KEYS[kind], of=f"a map of kind {kind}"))
    if kind in _CONTENT_PROBLEMS:
        problems += _CONTENT_PROBLEMS[kind](params)
    return problems


# --- values ----------------------------------------------------------------------------------------------------


def _platt(params: Mapping[str, object], confidence: float, segment: str | None) -> float:
    offsets = cast(Mapping[str, Sequence[float]], params.get("offsets", {}))
    extra_slope, extra_intercept = offsets.get(segment, (0.0, 0.0)) if segment is not None else (0.0, 0.0)
    slope = cast(float, params["slope"]) + extra_slope
    z = logit(confidence, cast(float, params["eps"]))
    return sigmoid(slope * z + cast(float, params["intercept"]) + extra_intercept)


def _beta(params: Mapping[str, object], confidence: float, _segment: str | None) -> float:
    eps = cast(float, params["eps"])
    c = min(max(confidence, eps), 1 - eps)
    a, b = cast(float, params["a"]), cast(float, params["b"])
    return sigmoid(a * math.log(c) - b * math.log1p(-c) + cast(float, params["intercept"]))


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

_SIGNAL_LOGIT: Final[dict[str, Callable[[Mapping[str, object], float, Signals, str | None], float]]] = {
    "combined": combined_logit,
    "boosted": boosted_logit,
}


# --- problems --------------------------------------------------------------------------------------------------

_KEYS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "identity": (frozenset(), frozenset()),
    "platt": (frozenset({"slope", "intercept", "eps"}), frozenset({"offsets"})),
    "beta": (frozenset({"a", "b", "intercept", "eps"}), frozenset()),
    "isotonic": (frozenset({"x", "y"}), frozenset()),
    "histogram": (frozenset({"edges", "y"}), frozenset()),
    "combined": (frozenset({"slope", "intercept", "eps", "signals"}), frozenset({"offsets"})),
    "boosted": (frozenset({"slope", "intercept", "signals", "baseline", "trees"}), frozenset()),
}
"""Needed and optional keys of each kind, beside the kind itself."""


def _platt_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from field_problems(params, "slope", 0, LARGEST_COEFFICIENT)
    yield from field_problems(params, "intercept", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    yield from field_problems(params, "eps", *EPS_RANGE)
    yield from offset_problems(params)


def _beta_problems(params: Mapping[str, object]) -> Iterator[Problem]:
    yield from field_problems(params, "a", 0, LARGEST_COEFFICIENT)
    yield from field_problems(params, "b", 0, LARGEST_COEFFICIENT)
    yield from field_problems(params, "intercept", -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
    yield from field_problems(params, "eps", *EPS_RANGE)


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
        yield pointer_to(key), "not_a_list", "must be a list of numbers"
        return
    previous: float | None = None
    for place, value in enumerate(values):
        problem = number_problem(value, 0, 1, open_ends=open_ends)
        if problem:
            yield f"{pointer_to(key)}/{place}", *problem
            continue
        if previous is not None and (value <= previous if strict else value < previous):
            code = "not_increasing" if strict else "decreasing"
            yield f"{pointer_to(key)}/{place}", code, f"comes after {previous!r}"
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
    "combined": combined_problems,
    "boosted": boosted_problems,
}
