"""Boosted trees over the confidence and the signals, then calibrated: "boosted" of `signal_maps`.

scikit-learn grows the trees, with monotone constraints where a direction is declared and missing values sent the way
that fits; what is kept is plain JSON, evaluated without scikit-learn. The sum of the trees is too sure of itself on the
labels it has seen, so a Platt map of it is fitted on out-of-fold sums. Sources: Friedman 2001 (boosting), Ke et al.
2017 (histogram trees), Platt 1999 (out-of-fold calibration).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from calibration.core.cells import IntArray
from calibration.core.fitting import PRIOR_LABELS, Params, logistic
from calibration.core.intervals import FloatArray
from calibration.core.labels import BoolArray
from calibration.core.signal_maps import BETTER, RISKIER, SPLIT, signals_of
from calibration.core.signal_table import SignalTable, carried_enough

TREES: Final = 60
LEAVES: Final = 6
SMALLEST_LEAF: Final = 25
LEARNING_RATE: Final = 0.1
SHRINKAGE: Final = 5.0
FOLDS: Final = 3


def fit_boosted(
    c: FloatArray,
    y: FloatArray,
    signals: SignalTable,
    cluster: IntArray | None = None,
    *,
    seed: int = 0,
) -> Params:
    """`y` is 1 right or 0 wrong, with both among every two thirds of the inputs; `cluster` numbers the inputs from 0.

    Without `cluster` the sum of the trees is left as it is: quicker, and less calibrated.
    """
    table = carried_enough(signals)
    x = np.column_stack([c, table.values])
    constraints = [1, *(_SIGN.get(table.higher_is.get(name, ""), 0) for name in table.names)]
    slope, intercept = (1.0, 0.0) if cluster is None else _calibration(x, y, cluster, constraints, seed)
    model = _grown(x, y, constraints, seed)
    return {
        "kind": "boosted",
        "slope": slope,
        "intercept": intercept,
        "baseline": float(model._baseline_prediction[0, 0]),
        "signals": [
            {"name": name, **({"higher_is": table.higher_is[name]} if name in table.higher_is else {})}
            for name in table.names
        ],
        "trees": [_tree_as_json(stage[0].nodes) for stage in model._predictors],
    }


_SIGN: Final = {BETTER: 1, RISKIER: -1}


def boosted_logits(
    params: Mapping[str, object], c: FloatArray, signals: SignalTable, _segment: object = None
) -> FloatArray:
    """`signal_maps.boosted_logit` for arrays. Trees know no segments."""
    x = np.column_stack([c, *(signals.column(name) for name in signals_of(params))])
    raw = np.full(len(c), cast(float, params["baseline"]))
    for tree in cast(Sequence[Sequence[Sequence[float]]], params["trees"]):
        raw += _leaf_values(tree, x)
    return cast(float, params["slope"]) * raw + cast(float, params["intercept"])


def _leaf_values(tree: Sequence[Sequence[float]], x: FloatArray) -> FloatArray:
    values = np.empty(len(x))
    rows_at: list[IntArray | None] = [None] * len(tree)
    rows_at[0] = np.arange(len(x))
    for node, rows in zip(tree, rows_at, strict=True):  # a node comes after the one that leads to it
        assert rows is not None
        if len(node) != SPLIT:
            values[rows] = node[0]
            continue
        value = x[rows, int(node[0])]
        right = np.where(np.isnan(value), node[4] == 1, value > node[1])
        rows_at[int(node[2])], rows_at[int(node[3])] = rows[~right], rows[right]
    return values


def _grown(x: FloatArray, y: FloatArray, constraints: Sequence[int], seed: int) -> Any:
    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=SMALLEST_LEAF,
        learning_rate=LEARNING_RATE,
        l2_regularization=SHRINKAGE,
        monotonic_cst=list(constraints),
        early_stopping=False,
        random_state=seed,
    )
    return model.fit(x, y)


def _calibration(
    x: FloatArray, y: FloatArray, cluster: IntArray, constraints: Sequence[int], seed: int
) -> tuple[float, float]:
    """Slope and intercept of the Platt map of sums of trees that have not seen the label."""
    inputs = int(cluster.max()) + 1
    fold = (np.random.default_rng(seed).permutation(inputs) % FOLDS)[cluster]
    raw = np.empty(len(y))
    for held_out in range(FOLDS):
        rows: BoolArray = fold == held_out
        model = _grown(x[~rows], y[~rows], constraints, seed)
        raw[rows] = model._baseline_prediction[0, 0]
        for stage in model._predictors:
            raw[rows] += _leaf_values(_tree_as_json(stage[0].nodes), x[rows])
    features = np.column_stack([raw, np.ones(len(raw))])
    slope, intercept = logistic(features, np.ones(len(y)), y, prior=np.array([1.0, 0.0]), weight=PRIOR_LABELS, slopes=1)
    return slope, intercept


def _tree_as_json(nodes: Any) -> list[list[float]]:
    """The nodes that scikit-learn keeps, in an order in which every node follows the one that leads to it."""
    order, waiting = [], [0]
    while waiting:
        place = waiting.pop(0)
        order.append(place)
        if not nodes[place]["is_leaf"]:
            waiting += [int(nodes[place]["left"]), int(nodes[place]["right"])]
    place_of = {old: new for new, old in enumerate(order)}
    return [_node_as_json(nodes[old], place_of) for old in order]


def _node_as_json(node: Any, place_of: Mapping[int, int]) -> list[float]:
    if node["is_leaf"]:
        return [float(node["value"])]
    left, right = place_of[int(node["left"])], place_of[int(node["right"])]
    threshold = min(max(float(node["num_threshold"]), -1.0), 2.0)  # infinite where only missing ones go apart
    return [int(node["feature_idx"]), threshold, left, right, 0 if node["missing_go_to_left"] else 1]
