from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.calibrators import fit_calibrator, predict
from calibration.core.combining import fit_combined
from calibration.core.maps import calibrate, map_problems, reads_signals, signals_of
from calibration.core.signal_table import signal_table

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)

NAMES = ("a", "b", "c")
shares = st.floats(0, 1)
coefficients = st.floats(-30, 30, allow_nan=False)
slopes = st.floats(0, 30)
clips = st.sampled_from([1e-12, 1e-6, 0.02, 0.4])
directions = st.sampled_from(["better", "riskier", None])
claims = st.dictionaries(st.sampled_from([*NAMES, "unknown"]), shares)


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    direction, slope = draw(directions), draw(slopes)
    if direction is None:
        slope = draw(coefficients)
    term = {"eps": draw(clips), "centre": draw(coefficients), "missing": draw(coefficients)}
    turned = -slope if direction == "riskier" else slope
    return {**term, "slope": turned, **({"higher_is": direction} if direction else {})}


@st.composite
def combined_maps(draw: st.DrawFn) -> dict[str, Any]:
    slope = draw(slopes)
    offsets = {"language=en": [draw(st.floats(-slope, 5)), draw(coefficients)]} if draw(st.booleans()) else {}
    return {
        "kind": "combined",
        "slope": slope,
        "intercept": draw(coefficients),
        "eps": draw(clips),
        "signals": draw(st.dictionaries(st.sampled_from(NAMES), terms())),
        **({"offsets": offsets} if offsets else {}),
    }


@st.composite
def trees(draw: st.DrawFn, signs: list[int]) -> list[list[float]]:
    """A split on a feature that points somewhere keeps what lies below it on its own side of a value between."""
    nodes: list[list[float]] = [[]]
    waiting = [(0, -3.0, 3.0, 0)]
    while waiting:
        place, low, high, depth = waiting.pop(0)
        if depth == 3 or draw(st.booleans()):
            nodes[place] = [draw(st.floats(low, high))]
            continue
        feature = draw(st.integers(0, len(signs) - 1))
        between = draw(st.floats(low, high))
        sides = {1: ((low, between), (between, high)), -1: ((between, high), (low, between))}
        left, right = sides.get(signs[feature], ((low, high), (low, high)))
        nodes[place] = [feature, draw(shares), len(nodes), len(nodes) + 1, draw(st.integers(0, 1))]
        waiting += [(len(nodes), *left, depth + 1), (len(nodes) + 1, *right, depth + 1)]
        nodes += [[], []]
    return nodes


@st.composite
def boosted_maps(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    pointing = [draw(directions) for _ in names]
    signs = [1, *({"better": 1, "riskier": -1}.get(direction or "", 0) for direction in pointing)]
    return {
        "kind": "boosted",
        "slope": draw(slopes),
        "intercept": draw(coefficients),
        "baseline": draw(coefficients),
        "signals": [
            {"name": name, **({"higher_is": direction} if direction else {})}
            for name, direction in zip(names, pointing, strict=True)
        ],
        "trees": draw(st.lists(trees(signs), max_size=4)),
    }


sound_maps = st.one_of(combined_maps(), boosted_maps())
segments = st.sampled_from([None, "language=en", "language=de"])


def direction_of(params: dict[str, Any], name: str) -> str | None:
    if params["kind"] == "combined":
        return params["signals"].get(name, {}).get("higher_is")
    return next((each.get("higher_is") for each in params["signals"] if each["name"] == name), None)


@quick
@given(sound_maps)
def test_sound_maps_have_no_problems_and_survive_json(params: dict[str, Any]) -> None:
    again = json.loads(json.dumps(params))
    assert map_problems(params) == map_problems(again) == []
    assert reads_signals(again)
    assert calibrate(again, 0.7, signals={"a": 0.2}) == calibrate(params, 0.7, signals={"a": 0.2})


@quick
@given(sound_maps, shares, shares, claims, segments)
def test_more_confidence_never_means_less_calibrated_confidence(
    params: dict[str, Any], one: float, other: float, signals: dict[str, float], segment: str | None
) -> None:
    below, above = (calibrate(params, c, signals=signals, segment=segment) for c in sorted((one, other)))
    assert 0 < below <= above < 1


@quick
@given(sound_maps, shares, claims, st.sampled_from(NAMES), shares, shares)
def test_a_signal_is_never_held_against_the_way_it_points(
    params: dict[str, Any], c: float, signals: dict[str, float], name: str, one: float, other: float
) -> None:
    low, high = (calibrate(params, c, signals={**signals, name: value}) for value in sorted((one, other)))
    direction = direction_of(params, name)
    assert direction != "better" or low <= high
    assert direction != "riskier" or low >= high


@quick
@given(sound_maps, shares, claims, shares)
def test_signals_that_the_map_does_not_know_change_nothing(
    params: dict[str, Any], c: float, signals: dict[str, float], value: float
) -> None:
    known = {name: each for name, each in signals.items() if name in signals_of(params)}
    assert calibrate(params, c, signals={**known, "unknown": value}) == calibrate(params, c, signals=known)


@quick
@given(sound_maps, shares, st.sampled_from([float("nan"), float("inf"), -0.1, 1.5]))
def test_what_is_no_share_counts_as_missing(params: dict[str, Any], c: float, value: float) -> None:
    assert calibrate(params, c, signals=dict.fromkeys(NAMES, value)) == calibrate(params, c)


@quick
@given(sound_maps, st.lists(st.tuples(shares, claims, segments), min_size=1, max_size=20))
def test_arrays_and_single_values_agree(
    params: dict[str, Any], rows: list[tuple[float, dict[str, float], str | None]]
) -> None:
    confidence, signals, names = zip(*rows, strict=True)
    table = signal_table(signals, ["b", "unknown", "a", "c"])
    one_by_one = [calibrate(params, c, signals=own, segment=name) for c, own, name in rows]
    assert np.abs(predict(params, confidence, names, table) - one_by_one).max() <= 1.01e-8


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
KEYS = ("slope", "intercept", "eps", "baseline", "signals", "trees", "offsets")


@settings(quick, max_examples=120)
@given(
    st.sampled_from(["combined", "boosted"]),
    st.dictionaries(st.sampled_from(KEYS), json_values | st.lists(st.lists(json_values, max_size=6), max_size=4)),
)
def test_any_json_value_is_either_sound_or_told_what_is_wrong_with_it(kind: str, rest: dict[str, Any]) -> None:
    check_that_it_is_no_surprise({**rest, "kind": kind})


@settings(quick, max_examples=150)
@given(sound_maps, st.data())
def test_a_sound_map_with_one_value_replaced_is_never_a_surprise(params: dict[str, Any], data: st.DataObject) -> None:
    check_that_it_is_no_surprise(with_one_value_replaced(params, data))


def with_one_value_replaced(value: Any, data: st.DataObject) -> Any:
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    if not keys or data.draw(st.integers(0, 4)) == 0:
        return data.draw(json_values)
    key = data.draw(st.sampled_from(keys))
    replaced = dict(value) if isinstance(value, dict) else list(value)
    replaced[key] = with_one_value_replaced(value[key], data)
    return replaced


def check_that_it_is_no_surprise(value: Any) -> None:
    problems = map_problems(value)
    for pointer, code, detail in problems:
        assert pointer == "" or pointer.startswith("/")
        assert code
        assert detail
    if not problems:
        for signals in ({}, dict.fromkeys(NAMES, 0.3), {"a": 1.0}):
            low, high = (calibrate(value, c, signals=signals) for c in (0.25, 0.75))
            assert 0 <= low <= high <= 1


@settings(quick, max_examples=12)
@given(st.integers(0, 10_000), st.sampled_from([150, 400]))
def test_what_is_fitted_is_sound_and_keeps_to_the_directions(seed: int, rows: int) -> None:
    generator = np.random.default_rng(seed)
    c, y = generator.random(rows), (generator.random(rows) < 0.7).astype(float)
    signals = [{name: float(generator.random()) for name in NAMES if generator.random() < 0.8} for _ in range(rows)]
    table = signal_table(signals, NAMES, higher_is={"a": "better", "b": "riskier"})
    params = json.loads(json.dumps(fit_combined(c, y, table)))
    assert map_problems(params) == []
    assert params["signals"]["a"]["slope"] >= 0 >= params["signals"]["b"]["slope"]
    assert {name: term.get("higher_is") for name, term in params["signals"].items()} == {
        "a": "better",
        "b": "riskier",
        "c": None,
    }


def test_signals_that_are_noise_do_no_harm_beyond_noise() -> None:
    """Five signals that say nothing, fifteen times 300 labels: they are hardly ever chosen and cost next to nothing."""
    generator, chosen, worse = np.random.default_rng(11), 0, []
    for seed in range(15):
        z = generator.normal(1, 1.3, 1_800)
        y = (generator.random(1_800) < 1 / (1 + np.exp(-z))).astype(float)
        c = 1 / (1 + np.exp(-1.7 * z))
        names = ["s1", "s2", "s3", "s4", "s5"]
        table = signal_table([dict(zip(names, generator.random(5).tolist(), strict=True)) for _ in y], names)
        seen, rest = np.arange(300), np.arange(300, 1_800)
        with_signals = fit_calibrator(c[seen], y[seen], signals=table.part(seen), seed=seed)
        without = fit_calibrator(c[seen], y[seen], seed=seed)
        chosen += with_signals.calibrator.kind == "combined"
        p = with_signals.calibrator.predict(c[rest], signals=table.part(rest))
        q = without.calibrator.predict(c[rest])
        worse.append(np.mean(np.log(np.where(y[rest] == 1, q / p, (1 - q) / (1 - p)))))
    assert chosen <= 2
    assert np.mean(worse) < 0.002
    assert max(worse) < 0.03


@pytest.mark.parametrize("rows", [60, 119])
def test_few_labels_are_not_given_to_several_signals(rows: int) -> None:
    generator = np.random.default_rng(1)
    c, y = generator.random(rows), (generator.random(rows) < 0.7).astype(float)
    table = signal_table([{"a": float(value)} for value in generator.random(rows)], ["a"])
    choice = fit_calibrator(c, y, signals=table)
    assert not {score.name for score in choice.scores} & {"combined", "boosted"}
