from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration.core.calibrators import predict
from calibration.core.maps import calibrate, map_problems

quick = settings(max_examples=60, deadline=None, derandomize=True, database=None)

coefficients = st.floats(-50, 50, allow_nan=False)
slopes = st.floats(0, 50)
clips = st.sampled_from([1e-12, 1e-6, 0.02, 0.4])
shares = st.floats(0, 1)
inside = st.floats(1e-6, 1 - 1e-6)
segments = st.sampled_from([None, "language=en", "language=de"])


@st.composite
def platt_maps(draw: st.DrawFn) -> dict[str, Any]:
    slope = draw(slopes)
    offsets = {"language=en": [draw(st.floats(-slope, 5)), draw(coefficients)]}
    return {"kind": "platt", "slope": slope, "intercept": draw(coefficients), "eps": draw(clips), "offsets": offsets}


beta_maps = st.fixed_dictionaries({
    "kind": st.just("beta"), "a": slopes, "b": slopes, "intercept": coefficients, "eps": clips
})  # fmt: skip


@st.composite
def isotonic_maps(draw: st.DrawFn) -> dict[str, Any]:
    x = sorted(draw(st.lists(shares, min_size=1, max_size=8, unique=True)))
    return {"kind": "isotonic", "x": x, "y": sorted(draw(st.lists(inside, min_size=len(x), max_size=len(x))))}


@st.composite
def histogram_maps(draw: st.DrawFn) -> dict[str, Any]:
    edges = sorted(draw(st.lists(shares, max_size=8, unique=True)))
    size = len(edges) + 1
    return {"kind": "histogram", "edges": edges, "y": sorted(draw(st.lists(inside, min_size=size, max_size=size)))}


sound_maps = st.one_of(st.just({"kind": "identity"}), platt_maps(), beta_maps, isotonic_maps(), histogram_maps())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
keys = ("slope", "intercept", "eps", "offsets", "a", "b", "x", "y", "edges")
kinds = st.sampled_from(["identity", "platt", "beta", "isotonic", "histogram"])

almost_maps = st.builds(
    lambda kind, rest: {**rest, "kind": kind}, kinds, st.dictionaries(st.sampled_from(keys), json_values)
)


@quick
@given(sound_maps, shares, shares, segments)
def test_more_confidence_never_means_less_calibrated_confidence(
    params: dict[str, Any], one: float, other: float, segment: str | None
) -> None:
    low, high = sorted((one, other))
    below, above = (calibrate(params, c, segment=segment) for c in (low, high))
    assert 0 <= below <= above <= 1


@quick
@given(sound_maps)
def test_sound_maps_have_no_problems(params: dict[str, Any]) -> None:
    assert map_problems(params) == []


@quick
@given(sound_maps, st.lists(shares, min_size=1, max_size=20), segments)
def test_arrays_and_single_values_agree(params: dict[str, Any], c: list[float], segment: str | None) -> None:
    one_by_one = [calibrate(params, value, segment=segment) for value in c]
    assert np.abs(predict(params, c, segment) - one_by_one).max() <= 1.01e-8


@settings(quick, max_examples=300)
@given(json_values | almost_maps)
def test_any_json_value_is_either_sound_or_told_what_is_wrong_with_it(value: object) -> None:
    problems = map_problems(value)
    for pointer, code, detail in problems:
        assert pointer == "" or pointer.startswith("/")
        assert code
        assert detail
    if not problems:
        assert isinstance(value, dict)
        assert 0 <= calibrate(value, 0.0) <= calibrate(value, 0.5) <= calibrate(value, 1.0) <= 1


@quick
@given(sound_maps, st.sampled_from(keys), json_values)
def test_a_sound_map_with_one_key_replaced_is_never_a_surprise(params: dict[str, Any], key: str, value: Any) -> None:
    changed = {**params, key: value}
    if not map_problems(changed):
        assert 0 <= calibrate(changed, 0.25) <= calibrate(changed, 0.75) <= 1
