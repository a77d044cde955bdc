from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calibration.core.calibrators import predict
from calibration.core.maps import HIGHEST, calibrate, map_problems

PLATT = {"kind": "platt", "slope": 1.2, "intercept": -0.3, "eps": 0.02, "offsets": {"language=en": [0.1, 0.4]}}
BETA = {"kind": "beta", "a": 0.8, "b": 1.3, "intercept": 0.2, "eps": 1e-6}
ISOTONIC = {"kind": "isotonic", "x": [0.2, 0.8], "y": [0.1, 0.9]}
HISTOGRAM = {"kind": "histogram", "edges": [0.5, 0.9], "y": [0.2, 0.6, 0.95]}
MAPS = [{"kind": "identity"}, PLATT, BETA, ISOTONIC, HISTOGRAM]


def test_the_identity_returns_the_confidence_itself() -> None:
    assert calibrate({"kind": "identity"}, 0.123456789123) == 0.123456789123
    assert calibrate({"kind": "identity"}, 0) == 0
    assert calibrate({"kind": "identity"}, 1) == 1


def test_platt_moves_the_logit_and_rounds_to_eight_places() -> None:
    logit = 1.2 * np.log(0.9 / 0.1) - 0.3
    assert calibrate(PLATT, 0.9) == round(1 / (1 + np.exp(-logit)), 8)


def test_a_segment_offset_is_added_and_an_unknown_segment_has_none() -> None:
    logit = 1.3 * np.log(0.9 / 0.1) + 0.1
    assert calibrate(PLATT, 0.9, segment="language=en") == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-8)
    assert calibrate(PLATT, 0.9, segment="language=fr") == calibrate(PLATT, 0.9)


def test_platt_clips_an_extreme_confidence_to_its_eps() -> None:
    assert calibrate(PLATT, 1.0) == calibrate(PLATT, 0.98)
    assert calibrate(PLATT, 0.0) == calibrate(PLATT, 0.02)


def test_beta_weighs_both_ends_apart() -> None:
    logit = 0.8 * np.log(0.7) - 1.3 * np.log(0.3) + 0.2
    assert calibrate(BETA, 0.7) == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-8)


def test_isotonic_is_linear_between_its_knots_and_flat_outside() -> None:
    assert [calibrate(ISOTONIC, c) for c in (0, 0.2, 0.35, 0.5, 0.8, 1)] == [0.1, 0.1, 0.3, 0.5, 0.9, 0.9]


def test_a_histogram_edge_belongs_to_the_bin_above_it() -> None:
    assert [calibrate(HISTOGRAM, c) for c in (0, 0.49999999, 0.5, 0.9, 1)] == [0.2, 0.2, 0.6, 0.95, 0.95]


def test_a_fitted_map_never_claims_certainty() -> None:
    steep = {"kind": "platt", "slope": 1e6, "intercept": 1e6, "eps": 1e-12}
    assert calibrate(steep, 1.0) == HIGHEST


@pytest.mark.parametrize("confidence", [float("nan"), float("inf"), -0.01, 1.01, 95])
def test_a_confidence_outside_0_to_1_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="confidence"):
        calibrate({"kind": "identity"}, confidence)
    with pytest.raises(ValueError, match="confidence"):
        predict({"kind": "identity"}, [confidence])


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        calibrate({"kind": "spline"}, 0.5)
    with pytest.raises(ValueError, match="unknown kind"):
        predict({"kind": "spline"}, [0.5])


@pytest.mark.parametrize("params", MAPS, ids=lambda params: str(params["kind"]))
def test_the_example_maps_are_sound_and_survive_json(params: dict[str, object]) -> None:
    assert map_problems(params) == []
    assert map_problems(json.loads(json.dumps(params))) == []


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        (None, "", "not_an_object"),
        ([], "", "not_an_object"),
        ({}, "/kind", "missing"),
        ({"kind": "spline"}, "/kind", "unknown_kind"),
        ({"kind": ["platt"]}, "/kind", "unknown_kind"),
        ({"kind": "identity", "slope": 1}, "/slope", "unknown_key"),
        ({"kind": "identity", "a/b~c": 1}, "/a~1b~0c", "unknown_key"),
        ({**BETA, "a": None}, "/a", "not_a_number"),
        ({**BETA, "b": True}, "/b", "not_a_number"),
        ({**BETA, "b": "1"}, "/b", "not_a_number"),
        ({**BETA, "b": -0.1}, "/b", "out_of_range"),
        ({**BETA, "intercept": float("inf")}, "/intercept", "not_finite"),
        ({**BETA, "eps": 0}, "/eps", "out_of_range"),
        ({**BETA, "eps": 0.5}, "/eps", "out_of_range"),
        ({**PLATT, "slope": 10**400}, "/slope", "out_of_range"),
        ({**PLATT, "slope": float("nan")}, "/slope", "not_finite"),
        ({**PLATT, "offsets": []}, "/offsets", "not_an_object"),
        ({**PLATT, "offsets": {"a/b": [1]}}, "/offsets/a~1b", "wrong_length"),
        ({**PLATT, "offsets": {"a": [0, "x"]}}, "/offsets/a/1", "not_a_number"),
        ({**PLATT, "offsets": {"a": [-1.3, 0]}}, "/offsets/a/0", "decreasing"),
        ({**ISOTONIC, "x": 3}, "/x", "not_a_list"),
        ({**ISOTONIC, "x": [0.2, 0.2]}, "/x/1", "not_increasing"),
        ({**ISOTONIC, "x": [0.2, 1.5]}, "/x/1", "out_of_range"),
        ({**ISOTONIC, "y": [0.5, 0.4]}, "/y/1", "decreasing"),
        ({**ISOTONIC, "y": [0.5, 1]}, "/y/1", "out_of_range"),
        ({**ISOTONIC, "y": [0.5]}, "/y", "wrong_length"),
        ({"kind": "isotonic", "x": [], "y": []}, "/y", "wrong_length"),
        ({**HISTOGRAM, "y": [0.5, 0.6]}, "/y", "wrong_length"),
    ],
)
def test_what_is_wrong_with_a_map_is_named_by_place_and_code(params: object, pointer: str, code: str) -> None:
    assert (pointer, code) in [problem[:2] for problem in map_problems(params)]


def test_every_missing_key_is_named() -> None:
    places = [pointer for pointer, code, _ in map_problems({"kind": "beta"}) if code == "missing"]
    assert places == ["/a", "/b", "/eps", "/intercept"]


def test_arrays_give_the_same_values_as_single_confidences() -> None:
    c = np.array([0, 1e-9, 0.019, 0.2, 0.5, 0.83, 0.9, 0.97, 1 - 1e-9, 1])
    segments = ["language=en", None] * 5
    for params in MAPS:
        one_by_one = [calibrate(params, x, segment=name) for x, name in zip(c.tolist(), segments, strict=True)]
        assert np.abs(predict(params, c, segments) - one_by_one).max() <= 1e-8


def test_routing_needs_the_standard_library_alone() -> None:
    program = "import sys, calibration.core.maps; sys.exit('numpy' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0
