from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier

from calibration.core.boosting import boosted_logits, fit_boosted
from calibration.core.calibrators import fit_calibrator, predict
from calibration.core.cells import cells_of
from calibration.core.combining import fit_combined
from calibration.core.contributions import Contribution, contributions
from calibration.core.maps import calibrate, map_problems, reads_signals, signals_of
from calibration.core.metrics import auroc, ece, log_loss
from calibration.core.signal_table import SignalTable, carried_enough, no_signals, signal_table
from tests.unit.calibration.conftest import is_share

COMBINED: dict[str, Any] = {
    "kind": "combined",
    "slope": 0.5,
    "eps": 0.02,
    "intercept": 0.25,
    "signals": {
        "grounding": {"slope": 1.5, "eps": 0.02, "centre": 0.4, "missing": -0.3, "higher_is": "better"},
        "risk": {"slope": -0.7, "eps": 1e-6, "centre": -1.0, "missing": 0.2, "higher_is": "riskier"},
        "odd": {"slope": -0.1, "eps": 0.02, "centre": 0, "missing": 0},
    },
}
BOOSTED: dict[str, Any] = {
    "kind": "boosted",
    "slope": 0.8,
    "intercept": 0.1,
    "baseline": 1.0,
    "signals": [{"name": "grounding", "higher_is": "better"}, {"name": "risk", "higher_is": "riskier"}],
    "trees": [
        [[1, 0.5, 1, 2, 1], [-0.4], [0, 0.9, 3, 4, 0], [0.1], [0.3]],
        [[2, 0.25, 1, 2, 0], [0.2], [-0.6]],
    ],
}


@pytest.fixture
def sigmoid() -> Callable[[Any], Any]:
    return lambda z: 1 / (1 + np.exp(-z))


def labelled(rows: int, seed: int = 1, carried: float = 0.8) -> tuple[np.ndarray, np.ndarray, SignalTable]:
    """Confidence, a signal that helps, one that warns and one that says nothing; the first is sometimes missing."""
    generator = np.random.default_rng(seed)
    z, helps, warns, noise = generator.normal(1, 1, rows), *generator.normal(0, 1, (3, rows))
    truth = z + 1.2 * helps - 0.8 * warns
    y = (generator.random(rows) < 1 / (1 + np.exp(-truth))).astype(float)
    columns = [1 / (1 + np.exp(-column)) for column in (helps, warns, noise)]
    values = np.column_stack(columns)
    values[generator.random(rows) >= carried, 0] = np.nan
    table = SignalTable(("helps", "warns", "noise"), values, {"helps": "better", "warns": "riskier", "noise": "better"})
    return 1 / (1 + np.exp(-2 * z)), y, table


# --- maps ------------------------------------------------------------------------------------------------------


def test_logits_are_weighted_and_added(sigmoid: Callable[[Any], Any]) -> None:
    z = 0.25 + 0.5 * logit(0.9) + 1.5 * (logit(0.8) - 0.4) - 0.7 * (logit(0.1) + 1.0) - 0.1 * logit(0.5)
    signals = {"grounding": 0.8, "risk": 0.1, "odd": 0.5}
    assert calibrate(COMBINED, 0.9, signals=signals) == pytest.approx(sigmoid(z), abs=1e-8)


def test_a_missing_signal_counts_what_the_map_says(sigmoid: Callable[[Any], Any]) -> None:
    z = 0.25 + 0.5 * logit(0.9) - 0.3 + 0.2 + 0
    assert calibrate(COMBINED, 0.9) == pytest.approx(sigmoid(z), abs=1e-8)


@pytest.mark.parametrize(
    ("confidence", "signals", "leaves"),
    [
        (0.9, {"grounding": 0.5, "risk": 0.25}, -0.4 + 0.2),
        (0.9, {"grounding": 0.6, "risk": 0.26}, 0.1 - 0.6),
        (0.91, {"grounding": 0.6}, 0.3 + 0.2),
        (0.9, {"risk": 1.0}, 0.1 - 0.6),
    ],
)
def test_a_value_at_a_threshold_goes_left_and_a_missing_one_where_its_split_sends_it(
    confidence: float, signals: dict[str, float], leaves: float, sigmoid: Callable[[Any], Any]
) -> None:
    expected = sigmoid(0.8 * (1.0 + leaves) + 0.1)
    assert calibrate(BOOSTED, confidence, signals=signals) == pytest.approx(expected, abs=1e-8)


def test_maps_say_whether_and_which_signals_they_read() -> None:
    assert (reads_signals(COMBINED), signals_of(COMBINED)) == (True, ["grounding", "risk", "odd"])
    assert (reads_signals(BOOSTED), signals_of(BOOSTED)) == (True, ["grounding", "risk"])
    platt = {"kind": "platt", "slope": 1, "intercept": 0, "eps": 0.02}
    assert (reads_signals(platt), signals_of(platt)) == (False, [])


def changed(params: dict[str, Any], *path: Any, value: Any) -> dict[str, Any]:
    again = json.loads(json.dumps(params))
    inner = again
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return again


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        (changed(COMBINED, "slope", value=-0.1), "/slope", "out_of_range"),
        (changed(COMBINED, "intercept", value="0"), "/intercept", "not_a_number"),
        (changed(COMBINED, "eps", value=0.5), "/eps", "out_of_range"),
        (changed(COMBINED, "offsets", value={"language=en": [-0.6, 0]}), "/offsets/language=en/0", "decreasing"),
        (changed(COMBINED, "signals", value=[]), "/signals", "not_an_object"),
        (changed(COMBINED, "signals", "a/b", value=3), "/signals/a~1b", "not_an_object"),
        (changed(COMBINED, "signals", "odd", "x", value=3), "/signals/odd/x", "unknown_key"),
        (changed(COMBINED, "signals", "odd", value={"slope": 1}), "/signals/odd/eps", "missing"),
        (changed(COMBINED, "signals", "odd", "slope", value=1e7), "/signals/odd/slope", "out_of_range"),
        (changed(COMBINED, "signals", "odd", "eps", value=0), "/signals/odd/eps", "out_of_range"),
        (changed(COMBINED, "signals", "odd", "higher_is", value="good"), "/signals/odd/higher_is", "choice"),
        (changed(COMBINED, "signals", "odd", "higher_is", value=["better"]), "/signals/odd/higher_is", "choice"),
        (changed(COMBINED, "signals", "risk", "slope", value=0.1), "/signals/risk/slope", "against_direction"),
        (changed(COMBINED, "signals", "grounding", "slope", value=-1), "/signals/grounding/slope", "against_direction"),
        (changed(COMBINED, "signals", value={str(n): {} for n in range(61)}), "/signals", "too_many"),
        (changed(BOOSTED, "slope", value=-1), "/slope", "out_of_range"),
        (changed(BOOSTED, "baseline", value=float("inf")), "/baseline", "not_finite"),
        (changed(BOOSTED, "signals", value={}), "/signals", "not_a_list"),
        (changed(BOOSTED, "signals", value=["risk"]), "/signals/0", "not_an_object"),
        (changed(BOOSTED, "signals", 0, "name", value=""), "/signals/0/name", "text"),
        (changed(BOOSTED, "signals", 0, "name", value=7), "/signals/0/name", "text"),
        (changed(BOOSTED, "signals", 0, "name", value="risk"), "/signals/1/name", "duplicate"),
        (changed(BOOSTED, "signals", value=[{"name": str(n)} for n in range(61)]), "/signals", "too_many"),
        (changed(BOOSTED, "trees", value={}), "/trees", "not_a_list"),
        (changed(BOOSTED, "trees", value=[[[0.1]]] * 101), "/trees", "too_many"),
        (changed(BOOSTED, "trees", 0, value=7), "/trees/0", "not_a_list"),
        (changed(BOOSTED, "trees", 0, value=[]), "/trees/0", "wrong_length"),
        (changed(BOOSTED, "trees", 0, value=[[0.1]] * 32), "/trees/0", "wrong_length"),
        (changed(BOOSTED, "trees", 0, 1, value=[0.1, 2]), "/trees/0/1", "wrong_length"),
        (changed(BOOSTED, "trees", 0, 1, value=[None]), "/trees/0/1/0", "not_a_number"),
        (changed(BOOSTED, "trees", 0, 0, 0, value=3), "/trees/0/0/0", "out_of_range"),
        (changed(BOOSTED, "trees", 0, 0, 0, value=0.5), "/trees/0/0/0", "not_whole"),
        (changed(BOOSTED, "trees", 0, 0, 1, value=float("nan")), "/trees/0/0/1", "not_finite"),
        (changed(BOOSTED, "trees", 0, 0, 2, value=0), "/trees/0/0/2", "out_of_range"),
        (changed(BOOSTED, "trees", 0, 2, 3, value=9), "/trees/0/2/3", "out_of_range"),
        (changed(BOOSTED, "trees", 0, 0, 4, value=2), "/trees/0/0/4", "out_of_range"),
        (changed(BOOSTED, "trees", 0, 0, 3, value=1), "/trees/0", "not_a_tree"),
        (changed(BOOSTED, "trees", 0, 3, value=[0.4]), "/trees/0/2", "decreasing"),
        (changed(BOOSTED, "trees", 1, 1, value=[-0.7]), "/trees/1/0", "against_direction"),
        (changed(BOOSTED, "trees", 0, 1, value=[0.2]), "/trees/0/0", "against_direction"),
    ],
)
def test_what_is_wrong_with_a_map_of_signals_is_named_by_place_and_code(
    params: dict[str, Any], pointer: str, code: str
) -> None:
    assert (pointer, code) in [problem[:2] for problem in map_problems(params)]


def test_routing_by_signals_needs_the_standard_library_alone() -> None:
    program = "import sys, calibration.core.signal_maps; sys.exit('numpy' in sys.modules)"
    root = Path(__file__).resolve().parents[3]
    assert subprocess.run([sys.executable, "-c", program], cwd=root, check=False).returncode == 0


# --- columns ---------------------------------------------------------------------------------------------------


def test_a_column_that_nobody_carries_is_missing_throughout() -> None:
    table = signal_table([{"a": 0.5}, {}, {"a": 7.0}], ["a"])
    assert np.isnan(table.column("a")).tolist() == [False, True, True]
    assert np.isnan(table.column("b")).all()


def test_columns_must_have_names() -> None:
    with pytest.raises(ValueError, match="one column per name"):
        SignalTable(("a",), np.zeros((3, 2)), {})


def test_a_signal_that_few_carry_or_that_never_varies_is_left_out() -> None:
    values = np.column_stack(
        [np.linspace(0, 1, 100), np.full(100, 0.5), np.linspace(0, 1, 100), np.linspace(0, 1, 100)]
    )
    values[29:, 2] = np.nan
    values[40:, 3] = np.nan
    table = carried_enough(SignalTable(("all", "constant", "few", "some"), values, {}))
    assert table.names == ("all", "some")


def test_of_very_many_signals_the_most_carried_are_used() -> None:
    values = np.tile(np.linspace(0, 1, 100)[:, None], 25)
    values[90:, 0] = np.nan
    names = tuple(f"s{place:02}" for place in range(25))
    assert carried_enough(SignalTable(names, values, {})).names == names[1:21]


# --- fits ------------------------------------------------------------------------------------------------------


def test_the_weights_of_the_truth_are_found() -> None:
    params = fit_combined(*labelled(20_000))
    slopes = {name: term["slope"] for name, term in params["signals"].items()}
    assert params["slope"] == pytest.approx(0.5, abs=0.05)
    assert (slopes["helps"], slopes["warns"]) == pytest.approx((1.2, -0.8), abs=0.08)
    assert slopes["noise"] == pytest.approx(0, abs=0.05)


def test_a_signal_that_goes_against_its_direction_says_nothing() -> None:
    c, y, table = labelled(3_000)
    turned = SignalTable(table.names, table.values, {"helps": "riskier", "warns": "better"})
    slopes = {name: term["slope"] for name, term in fit_combined(c, y, turned)["signals"].items()}
    assert (slopes["helps"], slopes["warns"]) == (0, 0)


def test_that_a_signal_is_missing_may_itself_say_something() -> None:
    generator = np.random.default_rng(3)
    carried = generator.random(4_000) < 0.5
    y = (generator.random(4_000) < np.where(carried, 0.9, 0.5)).astype(float)
    values = np.where(carried, generator.random(4_000), np.nan)[:, None]
    params = fit_combined(np.full(4_000, 0.7), y, SignalTable(("s",), values, {}))
    assert calibrate(params, 0.7, signals={"s": 0.5}) == pytest.approx(0.9, abs=0.03)
    assert calibrate(params, 0.7) == pytest.approx(0.5, abs=0.03)


def test_every_fit_is_sound_and_survives_json() -> None:
    c, y, table = labelled(1_200)
    for params in (fit_combined(c, y, table), fit_boosted(c, y, table, np.arange(1_200))):
        again = json.loads(json.dumps(params))
        assert map_problems(again) == []
        assert np.array_equal(predict(again, c, signals=table), predict(params, c, signals=table))


def test_trees_as_json_say_what_scikit_learn_says() -> None:
    c, y, table = labelled(2_000)
    params = fit_boosted(c, y, table)
    theirs = HistGradientBoostingClassifier(
        max_iter=60,
        max_leaf_nodes=6,
        min_samples_leaf=25,
        learning_rate=0.1,
        l2_regularization=5.0,
        monotonic_cst=[1, 1, -1, 1],
        early_stopping=False,
        random_state=0,
    ).fit(np.column_stack([c, table.values]), y)
    new_c, _, new = labelled(2_000, seed=2, carried=0.5)
    expected = theirs.decision_function(np.column_stack([new_c, new.values]))
    assert np.abs(boosted_logits(params, new_c, new) - expected).max() < 1e-8
    names = table.names
    rows = [{n: v for n, v in zip(names, row, strict=True) if v == v} for row in new.values[:200].tolist()]
    ours = [calibrate(params, value, signals=row) for value, row in zip(new_c.tolist(), rows, strict=False)]
    assert np.abs(np.array(ours) - 1 / (1 + np.exp(-expected[:200]))).max() < 1.01e-8


def test_trees_are_quick_enough_to_route_by() -> None:
    c, y, table = labelled(2_000)
    params = fit_boosted(c, y, table)
    assert len(json.dumps(params)) < 40_000
    start = time.process_time()
    for value in c[:200].tolist():
        calibrate(params, value, signals={"helps": 0.4, "warns": 0.2, "noise": 0.7})
    assert (time.process_time() - start) / 200 < 0.002


def test_trees_are_calibrated_by_labels_they_have_not_seen() -> None:
    c, y, table = labelled(1_000)
    new_c, new_y, new = labelled(10_000, seed=5)
    as_grown, calibrated = (fit_boosted(c, y, table, cluster) for cluster in (None, np.arange(1_000)))
    assert calibrated["slope"] < 1
    errors = [ece(cells_of(predict(params, new_c, signals=new), new_y)) for params in (as_grown, calibrated)]
    assert errors[1] < min(errors[0], 0.03)


# --- choice ----------------------------------------------------------------------------------------------------


def test_signals_that_help_are_chosen_and_the_gate_for_trees_is_a_thousand_labels() -> None:
    c, y, table = labelled(1_000)
    few = np.arange(999)
    of_few, of_many = fit_calibrator(c[few], y[few], signals=table.part(few)), fit_calibrator(c, y, signals=table)
    assert "boosted" not in {score.name for score in of_few.scores}
    assert "boosted" in {score.name for score in of_many.scores}
    assert of_few.name == of_many.name == "combined"  # signals add up here, so trees are not needed


def test_a_constant_confidence_may_still_be_told_apart_by_its_signals() -> None:
    _, y, table = labelled(800)
    choice = fit_calibrator(np.full(800, 0.9), y, signals=table)
    assert choice.name == "combined"
    assert auroc(cells_of(choice.calibrator.predict(np.full(800, 0.9), signals=table), y)) > 0.7


def test_a_segment_that_differs_moves_the_intercept_and_a_strange_one_does_not() -> None:
    c, y, table = labelled(2_000)
    names = np.where(np.arange(2_000) % 2 == 0, "workflow=easy", "workflow=hard")
    y = np.where((names == "workflow=hard") & (np.arange(2_000) % 4 == 1), 0.0, y)
    params = fit_combined(c, y, table, names)
    assert map_problems(params) == []
    easy, hard, strange = (
        calibrate(params, 0.9, signals={"helps": 0.5}, segment=name) for name in ("workflow=easy", "workflow=hard", "x")
    )
    assert hard < strange < easy
    found = {each.name: each for each in contributions(params, c, y, table, np.arange(2_000), segment=names)}
    assert found["helps"].is_sure
    assert not found["noise"].is_sure


def test_where_signals_and_segments_both_tell_the_map_of_both_is_tried() -> None:
    c, y, table = labelled(600)
    names = np.where(np.arange(600) % 2 == 0, "workflow=easy", "workflow=hard")
    tried = {score.name for score in fit_calibrator(c, y, segment=names, signals=table).scores}
    assert {"combined", "segmented_combined"} <= tried
    assert "boosted" not in tried


def test_without_signals_nothing_changes() -> None:
    c, y, _ = labelled(400)
    assert fit_calibrator(c, y) == fit_calibrator(c, y, signals=no_signals(400))


def test_signals_of_another_length_are_refused() -> None:
    c, y, table = labelled(100)
    with pytest.raises(ValueError, match="same length"):
        fit_calibrator(c[:50], y[:50], signals=table)


def test_token_probability_beside_stated_confidence_describes_gpt_4o_better(
    real_data: Callable[[str], tuple[dict[str, str], ...]],
) -> None:
    rows = [row for row in real_data("boolq_verbalized.csv.gz") if row["model"] == "gpt-4o"]
    rows = [row for row in rows if is_share(row["confidence"])]
    c, y = np.array([(float(row["confidence"]), float(row["correct"])) for row in rows]).T
    token = [float(row["confidence_token"]) if is_share(row["confidence_token"]) else 2.0 for row in rows]
    table = signal_table([{"token": value} for value in token], ["token"], higher_is={"token": "better"})
    order = np.random.default_rng(1).permutation(len(c))
    fit, rest = order[:900], order[900:]
    choice = fit_calibrator(c[fit], y[fit], signals=table.part(fit))
    both = cells_of(choice.calibrator.predict(c[rest], signals=table.part(rest)), y[rest])
    alone = cells_of(fit_calibrator(c[fit], y[fit]).calibrator.predict(c[rest]), y[rest])
    assert choice.name == "combined"
    assert log_loss(both) < log_loss(alone) - 0.015
    assert auroc(both) > auroc(alone) + 0.05


# --- contributions ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def of_each() -> dict[str, Contribution]:
    c, y, table = labelled(3_000)
    found = contributions(fit_combined(c, y, table), c, y, table, np.arange(3_000))
    assert [each.name for each in found] == ["confidence", "helps", "warns", "noise"]
    return {each.name: each for each in found}


def test_the_odds_follow_a_signal_the_way_it_points(of_each: dict[str, Contribution]) -> None:
    per_tenth = 2 * logit(0.95) / 9
    assert of_each["helps"].odds == pytest.approx(np.exp(1.2 * per_tenth), rel=0.15)
    assert of_each["warns"].odds == pytest.approx(np.exp(-0.8 * per_tenth), rel=0.15)
    assert of_each["noise"].odds == pytest.approx(1, abs=0.06)


def test_the_middle_half_of_the_labels_moves_the_odds_by_what_lies_between(of_each: dict[str, Contribution]) -> None:
    helps = of_each["helps"]
    assert (helps.low, helps.high) == pytest.approx((0.337, 0.663), abs=0.02)
    assert helps.usual_odds == pytest.approx(np.exp(1.2 * 2 * 0.6745), rel=0.15)


def test_lacking_a_signal_is_told_only_where_a_label_lacks_it(of_each: dict[str, Contribution]) -> None:
    assert of_each["helps"].carried == pytest.approx(0.8, abs=0.03)
    assert of_each["helps"].missing_odds is not None
    assert of_each["warns"].carried == 1
    assert of_each["warns"].missing_odds is None


def test_leaving_out_what_helps_costs_and_leaving_out_noise_does_not(of_each: dict[str, Contribution]) -> None:
    assert of_each["helps"].loss > of_each["warns"].loss > of_each["noise"].loss
    assert of_each["helps"].is_sure
    assert not of_each["noise"].is_sure
    assert of_each["noise"].share < 0.02 < of_each["warns"].share < of_each["helps"].share < 1


def test_the_inputs_of_trees_are_told_apart_alike() -> None:
    c, y, table = labelled(1_200)
    found = contributions(fit_boosted(c, y, table), c, y, table, np.arange(1_200))
    of_each = {each.name: each for each in found}
    assert of_each["helps"].odds > 1 > of_each["warns"].odds
    assert of_each["helps"].loss > of_each["noise"].loss
