"""Several signals and the confidence in one logistic map: "combined" of `signal_maps`.

Log odds of being right as a weighted sum of the logits of the confidence and of every signal, with an indicator for
claims that lack a signal. Weights are shrunk towards "the confidence is right as it stands and no signal says anything"
(a Gaussian prior worth PRIOR_LABELS labels), and never go against the direction that a signal was declared with.
Sources: Platt 1999 (the logit as feature), Jones 1996 (missing-value indicators, harmless here because what is wanted
is a forecast and no effect), Hoerl and Kennard 1970 (shrinkage).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np
import numpy.typing as npt

from calibration.core.cells import cells_of
from calibration.core.fitting import (
    PRIOR_LABELS,
    SEGMENT_INTERCEPT_PRECISION,
    Params,
    fit_platt,
    logistic,
    logits_of,
)
from calibration.core.intervals import FloatArray
from calibration.core.metrics import row_log_loss
from calibration.core.signal_maps import RISKIER
from calibration.core.signal_table import SignalTable, carried_enough

StrArray = npt.NDArray[np.str_]

CLIPS: Final = (1e-6, 0.02)


def fit_combined(c: FloatArray, y: FloatArray, signals: SignalTable, segment: StrArray | None = None) -> Params:
    """`y` is 1 right or 0 wrong. Signals that hardly any row carries, or that are constant, are left out.

    With a `segment` of each row (empty where it has none) every segment moves the intercept, shrunk towards not at all.
    """
    table = carried_enough(signals)
    eps = _best_clip(c, y)
    terms = [_Term(name, table, y) for name in table.names]
    turned = [term for term in terms if term.sign]  # these come first: their weights are kept at or above 0
    free = [term for term in terms if not term.sign]
    columns = [logits_of(c, eps), *(term.oriented for term in [*turned, *free])]
    indicators = [term for term in terms if term.missing.any()]
    columns += [term.missing for term in indicators] + [np.ones(len(c))]
    own = np.full(len(c), "") if segment is None else segment
    names = [str(name) for name in np.unique(own) if name]
    columns += [np.asarray(own == name, dtype=float) for name in names]
    prior, pull = np.zeros(len(columns)), np.full(len(columns), PRIOR_LABELS)
    prior[0] = 1.0
    pull[len(columns) - len(names) :] = SEGMENT_INTERCEPT_PRECISION
    features = np.column_stack(columns)
    found = logistic(features, np.ones(len(y)), y, prior=prior, weight=pull, slopes=1 + len(turned))
    weights, offsets = found[: len(found) - len(names)], found[len(found) - len(names) :]
    slope_of = {term.name: weight for term, weight in zip([*turned, *free], weights[1:], strict=False)}
    missing_of = dict(zip([term.name for term in indicators], weights[1 + len(terms) : -1], strict=True))
    return {
        "kind": "combined",
        "slope": weights[0],
        "eps": eps,
        "intercept": weights[-1],
        "signals": {term.name: term.as_json(slope_of[term.name], missing_of.get(term.name, 0.0)) for term in terms},
        **({"offsets": {name: [0.0, extra] for name, extra in zip(names, offsets, strict=True)}} if names else {}),
    }


def combined_logits(params: Mapping[str, object], c: FloatArray, signals: SignalTable, segment: StrArray) -> FloatArray:
    """`signal_maps.combined_logit` for arrays; `segment` is empty text where there is none."""
    extra = offsets_of(params, segment)
    slope, intercept = cast(float, params["slope"]), cast(float, params["intercept"])
    total = (slope + extra[:, 0]) * logits_of(c, cast(float, params["eps"])) + intercept + extra[:, 1]
    for name, term in cast(Mapping[str, Mapping[str, float]], params["signals"]).items():
        values = signals.column(name)
        carried = (values >= 0) & (values <= 1)
        z = logits_of(np.where(carried, values, 0.5), term["eps"])
        total = total + np.where(carried, term["slope"] * (z - term["centre"]), term["missing"])
    return total


def offsets_of(params: Mapping[str, object], segment: StrArray) -> FloatArray:
    """What each row's segment adds to slope and intercept."""
    offsets = cast(Mapping[str, Sequence[float]], params.get("offsets", {}))
    names, place = np.unique(segment, return_inverse=True)
    found = np.array([offsets.get(str(name), (0.0, 0.0)) for name in names], dtype=float)
    return found.reshape(-1, 2)[place]


class _Term:
    """One signal as columns: its centred logit, turned so that more is better, and whether it is missing."""

    def __init__(self, name: str, table: SignalTable, y: FloatArray) -> None:
        values = table.column(name)
        carried = np.isfinite(values)
        self.name = name
        self.higher_is = table.higher_is.get(name)
        self.sign = {None: 0, RISKIER: -1}.get(self.higher_is, 1)
        self.missing = (~carried).astype(float)
        outcome = y[carried]
        self._eps = _best_clip(1 - values[carried] if self.sign < 0 else values[carried], outcome)
        z = logits_of(np.where(carried, values, 0.5), self._eps)
        self._centre = float(z[carried].mean())
        self.oriented = np.where(carried, z - self._centre, 0.0) * (self.sign or 1)

    def as_json(self, weight: float, missing: float) -> Params:
        direction = {"higher_is": self.higher_is} if self.higher_is else {}
        slope = weight * (self.sign or 1) + 0.0  # minus zero is zero
        return {"slope": slope, "eps": self._eps, "centre": self._centre, "missing": missing, **direction}


def _best_clip(values: FloatArray, y: FloatArray) -> float:
    """The clip under which a map of these values alone describes the labels best."""
    return min(CLIPS, key=lambda eps: _loss_of_clip(values, y, eps))


def _loss_of_clip(values: FloatArray, y: FloatArray, eps: float) -> float:
    params = fit_platt(cells_of(values, y), eps=eps)
    z = logits_of(values, eps)
    p = 1 / (1 + np.exp(-(cast(float, params["slope"]) * z + cast(float, params["intercept"]))))
    return float(row_log_loss(p, y, clip=1e-15).sum())
