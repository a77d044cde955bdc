"""What each signal adds to a map of several: how the odds follow it, and what forecasting loses without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.core.boosting import boosted_logits, fit_boosted
from calibration.core.cells import IntArray
from calibration.core.combining import StrArray, combined_logits, fit_combined
from calibration.core.fitting import Params
from calibration.core.intervals import FloatArray
from calibration.core.labels import cluster_standard_error
from calibration.core.metrics import row_log_loss
from calibration.core.signal_maps import signals_of
from calibration.core.signal_table import SignalTable

CONFIDENCE: Final = "confidence"
FOLDS: Final = 5
LOSS_CLIP: Final = 1e-3
TENTH: Final = 0.1
SCALE: Final = (0.05, 0.95)
MOST_ROWS: Final = 2_000
"""On how many labels at most the odds are followed; losses rest on all of them."""


@dataclass(frozen=True)
class Contribution:
    """One input of a map of several signals.

    `odds` is by what factor the odds of being right change when the input rises by a tenth, on average over its scale
    from 0.05 to 0.95; `usual_odds` when it rises from `low` to `high`, the quartiles of the labels;
    `missing_odds` for a label that lacks it against one that has its median, None where none lacks it. `loss` is how
    much the log loss on unseen labels rises when the model is fitted without this input, with its standard error;
    `share` is the same as a share of everything the model knows beyond the base rate.
    """

    name: str
    carried: float
    odds: float
    low: float
    high: float
    usual_odds: float
    missing_odds: float | None
    loss: float
    standard_error: float
    share: float

    @property
    def is_sure(self) -> bool:
        """Whether the model is worse without it beyond two standard errors."""
        return self.loss > 2 * self.standard_error


def contributions(
    params: Mapping[str, object],
    c: FloatArray,
    y: FloatArray,
    signals: SignalTable,
    cluster: IntArray,
    *,
    segment: StrArray | None = None,
    seed: int = 0,
) -> list[Contribution]:
    """Of every input of a map of several signals, on the labels it was fitted on.

    The confidence comes first; a signal may have its name. Losses come from `FOLDS`-fold cross-validation by input,
    with the map's way of fitting. What two signals say both is lost by leaving out neither, so the shares of inputs
    that resemble each other are small and do not add up to 1.
    """
    used = signals.only(signals_of(params))
    names = np.full(len(c), "") if segment is None else segment
    fold = np.random.default_rng(seed).permutation(int(cluster.max()) + 1)[cluster] % FOLDS
    whole = _held_out_loss(params, c, y, used, fold, names)
    known = float(_base_rate_loss(y, fold).mean() - whole.mean())
    found = []
    for name in (None, *used.names):
        rest = (np.full(len(c), 0.5), used) if name is None else (c, used.without(name))
        lost = _held_out_loss(params, rest[0], y, rest[1], fold, names) - whole
        loss, error = float(lost.mean()), cluster_standard_error(lost, cluster)
        share = min(max(loss / known, 0.0), 1.0) if known > 0 else 0.0
        found.append(Contribution(name or CONFIDENCE, *_odds(params, c, used, name), loss, error, share))
    return found


def _held_out_loss(
    params: Mapping[str, object],
    c: FloatArray,
    y: FloatArray,
    signals: SignalTable,
    fold: IntArray,
    names: StrArray,
) -> FloatArray:
    p = np.empty(len(y))
    for held_out in range(FOLDS):
        rows = fold == held_out
        fitted = _fit(params, c[~rows], y[~rows], signals.part(~rows), names[~rows])
        p[rows] = 1 / (1 + np.exp(-_logits(fitted, c[rows], signals.part(rows), names[rows])))
    return row_log_loss(p, y, clip=LOSS_CLIP)


def _base_rate_loss(y: FloatArray, fold: IntArray) -> FloatArray:
    p = np.empty(len(y))
    for held_out in range(FOLDS):
        p[fold == held_out] = y[fold != held_out].mean()
    return row_log_loss(p, y, clip=LOSS_CLIP)


def _fit(params: Mapping[str, object], c: FloatArray, y: FloatArray, signals: SignalTable, names: StrArray) -> Params:
    if params["kind"] == "boosted":
        return fit_boosted(c, y, signals)
    return fit_combined(c, y, signals, names if "offsets" in params else None)


def _logits(
    params: Mapping[str, object], c: FloatArray, signals: SignalTable, names: StrArray | None = None
) -> FloatArray:
    """Without `names`, as if no claim were in a segment."""
    if params["kind"] == "boosted":
        return boosted_logits(params, c, signals)
    return combined_logits(params, c, signals, np.full(len(c), "") if names is None else names)


def _odds(
    params: Mapping[str, object], c: FloatArray, signals: SignalTable, name: str | None
) -> tuple[float, float, float, float, float, float | None]:
    """`carried`, `odds`, `low`, `high`, `usual_odds` and `missing_odds` of a contribution."""
    values = c if name is None else signals.column(name)
    carried = np.isfinite(values)
    low, usual, high = np.quantile(values[carried], [0.25, 0.5, 0.75], method="inverted_cdf").tolist()
    rows = np.arange(0, len(c), -(-len(c) // MOST_ROWS))
    sample = (c[rows], signals.part(rows))

    def rise(start: float, end: float) -> float:
        """How much higher the mean logit is when everybody has `end` than when everybody has `start`."""
        at_start, at_end = (_logits(params, *_with(sample, name, value)).mean() for value in (start, end))
        return float(at_end - at_start)

    odds = _factor(rise(*SCALE) / ((SCALE[1] - SCALE[0]) / TENTH))
    missing = None if carried.all() else _factor(rise(usual, np.nan))
    return float(carried.mean()), odds, low, high, _factor(rise(low, high)), missing


def _with(sample: tuple[FloatArray, SignalTable], name: str | None, value: float) -> tuple[FloatArray, SignalTable]:
    """The sample with one input set to one value everywhere."""
    c, signals = sample
    if name is None:
        return np.full(len(c), value), signals
    values = signals.values.copy()
    values[:, signals.names.index(name)] = value
    return c, SignalTable(signals.names, values, signals.higher_is)


def _factor(logit: float) -> float:
    return math.exp(min(max(logit, -50.0), 50.0))
