"""Chooses a calibration map by cross-validated log loss, preferring the simplest one that is not measurably worse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, cast

import numpy as np
import numpy.typing as npt
from scipy import special

from calibration.core.bands import State
from calibration.core.boosting import boosted_logits, fit_boosted
from calibration.core.cells import Cells, IntArray, cells_of, unit_array
from calibration.core.combining import StrArray, combined_logits, fit_combined, offsets_of
from calibration.core.fitting import (
    FAINT_PRIOR,
    PRIOR_LABELS,
    Params,
    fit_beta,
    fit_histogram,
    fit_isotonic,
    fit_platt,
    fit_segmented_platt,
)
from calibration.core.intervals import FloatArray
from calibration.core.labels import BoolArray, cluster_standard_error
from calibration.core.map_numbers import HIGHEST, LOWEST, PLACES
from calibration.core.metrics import auroc, row_log_loss
from calibration.core.resampling import cluster_numbers
from calibration.core.signal_maps import LEAF
from calibration.core.signal_table import SignalTable, carried_enough, no_signals

Segments = str | Iterable[str | None] | None
"""No segment, one name for all rows, or one name (or None) per row."""

EPS_CHOICES: Final = (1e-6, 0.02)
"""Clips tried: token probabilities carry information far in the tail, an atom of stated confidences at 1 does not."""

FOLDS: Final = 5
LOSS_CLIP: Final = 1e-3
FEWEST_LABELS: Final = 30

FEWEST_TO_COMBINE: Final = 120
FEWEST_TO_BOOST: Final = 1_000
FEWEST_OF_EACH_TO_BOOST: Final = 100
MOST_TO_BOOST: Final = 20_000
"""Trees are grown on every n-th label where there are more than this: they hardly change, and take their time."""


@dataclass(frozen=True)
class Sample:
    """Labels to fit on; `segment` is empty text where there is none, `cluster` numbers the fingerprints from 0."""

    c: FloatArray
    y: FloatArray
    segment: StrArray
    cluster: IntArray
    signals: SignalTable

    @property
    def cells(self) -> Cells:
        return cells_of(self.c, self.y)

    @property
    def inputs(self) -> int:
        return int(self.cluster.max(initial=-1)) + 1

    def part(self, rows: BoolArray) -> Sample:
        return Sample(self.c[rows], self.y[rows], self.segment[rows], self.cluster[rows], self.signals.part(rows))


@dataclass(frozen=True)
class Candidate:
    """A way to fit, allowed from this many labelled inputs and this many labels of each class on."""

    name: str
    fit: Callable[[Sample], Params]
    labels: int = FEWEST_LABELS
    of_each_class: int = 1


@dataclass(frozen=True)
class Calibrator:
    """A fitted map: `params` is the JSON form of `maps`, `fitted_on` counts the labels behind it."""

    params: Params
    fitted_on: dict[str, int]

    @property
    def kind(self) -> str:
        return cast(str, self.params["kind"])

    def predict(self, c: npt.ArrayLike, segment: Segments = None, signals: SignalTable | None = None) -> FloatArray:
        return predict(self.params, c, segment, signals)


@dataclass(frozen=True)
class CandidateScore:
    """Cross-validated log loss, how much worse than the best that is, and the standard error of this difference."""

    name: str
    complexity: int
    log_loss: float
    worse_by: float
    standard_error: float


@dataclass(frozen=True)
class CalibratorChoice:
    """The chosen calibrator, why it was chosen and what it was compared with.

    `reason`: no_labels, too_few_labels, one_class, constant_score or one_standard_error. `warnings` may hold
    score_inverted_or_useless. A fresh fit is never better than provisional: other labels must validate it.
    """

    calibrator: Calibrator
    name: str
    state: State
    reason: str
    scores: tuple[CandidateScore, ...] = ()
    warnings: tuple[str, ...] = ()


def fit_calibrator(
    c: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    segment: Segments = None,
    fingerprint: npt.ArrayLike | None = None,
    signals: SignalTable | None = None,
    candidates: Sequence[Candidate] | None = None,
    seed: int = 0,
) -> CalibratorChoice:
    """The simplest candidate whose five-fold log loss lies within one standard error of the best.

    One row per label: c in [0, 1], y 1 right or 0 wrong. Folds and standard errors go by fingerprint (default: every
    row its own), gates count fingerprints. With several segments the segmented Platt map is a candidate too; with
    signals that enough labels carry, so are maps of the confidence and the signals together.
    """
    sample = _sample(c, y, segment, fingerprint, signals)
    fitted_on = {"labels": len(sample.y), "right": int(sample.y.sum()), "inputs": sample.inputs}
    refusal = _reason_not_to_fit(sample)
    if refusal:
        state = State.PROVISIONAL if len(sample.y) else State.UNMEASURED
        return CalibratorChoice(Calibrator({"kind": "identity"}, fitted_on), "identity", state, refusal)
    cells = sample.cells
    warnings = ("score_inverted_or_useless",) if (auroc(cells) or 0) < 0.5 else ()
    with_signals = bool(carried_enough(sample.signals).names)
    if len(cells.n) == 1 and not with_signals:
        base_rate = Calibrator(fit_isotonic(cells), fitted_on)
        return CalibratorChoice(base_rate, "base_rate", State.PROVISIONAL, "constant_score", (), warnings)
    segmented = len(np.unique(sample.segment)) > 1
    allowed = _allowed(candidates or default_candidates(segmented, with_signals=with_signals), sample)
    if not allowed:
        raise ValueError("no candidate may be fitted on so few labels")
    fits = {candidate.name: candidate.fit(sample) for candidate in allowed}
    scores = _scores(allowed, fits, sample, seed)
    chosen = min((s for s in scores if s.worse_by <= s.standard_error), key=lambda s: (s.complexity, s.log_loss))
    calibrator = Calibrator(fits[chosen.name], fitted_on)
    return CalibratorChoice(calibrator, chosen.name, State.PROVISIONAL, "one_standard_error", scores, warnings)


def fit_segmented(c: npt.ArrayLike, y: npt.ArrayLike, segment: Segments, *, eps: float = EPS_CHOICES[0]) -> Calibrator:
    """The pooled Platt map with shrunken segment offsets, without a choice. Rows without a segment get no offset."""
    sample = _sample(c, y, segment, None, None)
    params = _fit_segmented(sample, eps=eps)
    return Calibrator(params, {"labels": len(sample.y), "right": int(sample.y.sum()), "inputs": sample.inputs})


def predict(
    params: Mapping[str, object], c: npt.ArrayLike, segment: Segments = None, signals: SignalTable | None = None
) -> FloatArray:
    """`maps.calibrate` for arrays, equal to it within 1e-8. Raises ValueError as it does."""
    confidence = unit_array(c, "confidence")
    kind = cast(str, params["kind"])
    if kind == "identity":
        return confidence
    if kind in _SIGNAL_LOGITS:
        table = no_signals(len(confidence)) if signals is None else signals
        probability: FloatArray = special.expit(
            _SIGNAL_LOGITS[kind](params, confidence, table, _names(segment, len(confidence)))
        )
    elif kind in _PREDICT:
        probability = _PREDICT[kind](params, confidence, _names(segment, len(confidence)))
    else:
        raise ValueError(f"unknown kind of calibration map: {kind!r}")
    return np.clip(np.round(probability, PLACES), LOWEST, HIGHEST)


def default_candidates(segmented: bool, *, with_signals: bool = False) -> tuple[Candidate, ...]:
    """The candidates of the design with their gates; each logistic one is tried with both clips."""
    combined = Candidate("combined", _fit_combined, labels=FEWEST_TO_COMBINE)
    of_both = Candidate("segmented_combined", partial(_fit_combined, segmented=True), labels=FEWEST_TO_COMBINE)
    boosted = Candidate("boosted", _fit_boosted, labels=FEWEST_TO_BOOST, of_each_class=FEWEST_OF_EACH_TO_BOOST)
    of_signals = (combined, of_both if segmented else boosted)
    logistic = [
        candidate
        for eps in EPS_CHOICES
        for candidate in (
            Candidate(f"shrunk_platt_{eps:g}", partial(_fit_platt, eps=eps, prior_labels=PRIOR_LABELS)),
            Candidate(f"platt_{eps:g}", partial(_fit_platt, eps=eps), labels=120),
            Candidate(f"beta_{eps:g}", partial(_fit_beta, eps=eps), labels=250),
        )
    ]
    by_segment = [Candidate(f"segmented_platt_{eps:g}", partial(_fit_segmented, eps=eps)) for eps in EPS_CHOICES]
    return (
        Candidate("identity", lambda _: {"kind": "identity"}, labels=0),
        *logistic,
        Candidate("isotonic", lambda sample: fit_isotonic(sample.cells), labels=400, of_each_class=30),
        Candidate("histogram", lambda sample: fit_histogram(sample.cells), labels=400),
        *(by_segment if segmented else ()),
        *(of_signals if with_signals else ()),
    )


# --- fitting ---------------------------------------------------------------------------------------------------


def _sample(
    c: npt.ArrayLike,
    y: npt.ArrayLike,
    segment: Segments,
    fingerprint: npt.ArrayLike | None,
    signals: SignalTable | None,
) -> Sample:
    confidence, label = unit_array(c, "confidence"), unit_array(y, "label")
    rows = len(confidence)
    names = _names(segment, rows)
    table = no_signals(rows) if signals is None else signals
    if not len(label) == len(names) == len(table) == rows:
        raise ValueError("confidence, label, segment and signals must have the same length")
    return Sample(confidence, label, names, cluster_numbers(fingerprint, rows), table)


def _names(segment: Segments, rows: int) -> StrArray:
    if segment is None or isinstance(segment, str):
        return np.full(rows, segment or "")
    return np.array(["" if name is None else str(name) for name in segment], dtype=np.str_)


def _reason_not_to_fit(sample: Sample) -> str | None:
    if not len(sample.y):
        return "no_labels"
    if sample.inputs < FEWEST_LABELS:
        return "too_few_labels"
    return "one_class" if sample.cells.one_class else None


def _allowed(candidates: Sequence[Candidate], sample: Sample) -> list[Candidate]:
    rarer = min(sample.y.sum(), len(sample.y) - sample.y.sum())
    return [c for c in candidates if sample.inputs >= c.labels and rarer >= c.of_each_class]


def _fit_platt(sample: Sample, eps: float, prior_labels: float = FAINT_PRIOR) -> Params:
    return fit_platt(sample.cells, eps=eps, prior_labels=prior_labels)


def _fit_beta(sample: Sample, eps: float) -> Params:
    return fit_beta(sample.cells, eps=eps)


def _fit_segmented(sample: Sample, eps: float) -> Params:
    names = np.unique(sample.segment)
    params = fit_segmented_platt({str(name): sample.part(sample.segment == name).cells for name in names}, eps=eps)
    cast(dict[str, object], params["offsets"]).pop("", None)
    return params


def _fit_combined(sample: Sample, segmented: bool = False) -> Params:
    return fit_combined(sample.c, sample.y, sample.signals, sample.segment if segmented else None)


def _fit_boosted(sample: Sample) -> Params:
    step = -(-len(sample.y) // MOST_TO_BOOST)
    rows = np.arange(0, len(sample.y), step)
    cluster = np.unique(sample.cluster[rows], return_inverse=True)[1]
    return fit_boosted(sample.c[rows], sample.y[rows], sample.signals.part(rows), cluster)


# --- choosing --------------------------------------------------------------------------------------------------


def _scores(
    candidates: Sequence[Candidate], fits: Mapping[str, Params], sample: Sample, seed: int
) -> tuple[CandidateScore, ...]:
    fold = _folds(sample, seed)
    losses = {candidate.name: _held_out_loss(candidate, sample, fold) for candidate in candidates}
    best = min(losses, key=lambda name: losses[name].mean())
    return tuple(
        CandidateScore(
            name=name,
            complexity=_complexity(fits[name]),
            log_loss=float(loss.mean()),
            worse_by=float((loss - losses[best]).mean()),
            standard_error=cluster_standard_error(loss - losses[best], sample.cluster),
        )
        for name, loss in losses.items()
    )


def _folds(sample: Sample, seed: int) -> IntArray:
    """Fold of each row; rows with one fingerprint share it."""
    fold_of_input = np.empty(sample.inputs, dtype=np.intp)
    fold_of_input[np.random.default_rng(seed).permutation(sample.inputs)] = np.arange(sample.inputs) % FOLDS
    return fold_of_input[sample.cluster]


def _held_out_loss(candidate: Candidate, sample: Sample, fold: IntArray) -> FloatArray:
    p = np.empty_like(sample.c)
    for held_out in range(FOLDS):
        params = candidate.fit(sample.part(fold != held_out))
        rows = fold == held_out
        p[rows] = predict(params, sample.c[rows], sample.segment[rows], sample.signals.part(rows))
    return row_log_loss(p, sample.y, clip=LOSS_CLIP)


def _complexity(params: Params) -> int:
    """Number of free parameters. Segment offsets add none: their prior already makes them pay."""
    fixed = {"identity": 0, "platt": 2, "beta": 3}
    kind = cast(str, params["kind"])
    if kind == "combined":
        terms = cast(dict[str, dict[str, float]], params["signals"]).values()
        return 2 + sum(2 if term["missing"] else 1 for term in terms)
    if kind == "boosted":
        return 2 + sum(len(node) == LEAF for tree in cast(list[list[list[float]]], params["trees"]) for node in tree)
    return fixed[kind] if kind in fixed else len(cast(list[float], params["y"]))


# --- predicting ------------------------------------------------------------------------------------------------


def _clipped(params: Mapping[str, object], c: FloatArray) -> FloatArray:
    eps = cast(float, params["eps"])
    return np.clip(c, eps, 1 - eps)


def _predict_platt(params: Mapping[str, object], c: FloatArray, segment: StrArray) -> FloatArray:
    extra = offsets_of(params, segment)
    clipped = _clipped(params, c)
    slope, intercept = cast(float, params["slope"]), cast(float, params["intercept"])
    logit = np.log(clipped) - np.log1p(-clipped)
    p: FloatArray = special.expit((slope + extra[:, 0]) * logit + intercept + extra[:, 1])
    return p


def _predict_beta(params: Mapping[str, object], c: FloatArray, _segment: StrArray) -> FloatArray:
    clipped = _clipped(params, c)
    a, b, intercept = (cast(float, params[key]) for key in ("a", "b", "intercept"))
    p: FloatArray = special.expit(a * np.log(clipped) - b * np.log1p(-clipped) + intercept)
    return p


def _predict_isotonic(params: Mapping[str, object], c: FloatArray, _segment: StrArray) -> FloatArray:
    return np.interp(c, cast(Sequence[float], params["x"]), cast(Sequence[float], params["y"]))


def _predict_histogram(params: Mapping[str, object], c: FloatArray, _segment: StrArray) -> FloatArray:
    place = np.searchsorted(np.asarray(params["edges"], dtype=float), c, side="right")
    return np.asarray(params["y"], dtype=float)[place]


_PREDICT: Final[dict[str, Callable[[Mapping[str, object], FloatArray, StrArray], FloatArray]]] = {
    "platt": _predict_platt,
    "beta": _predict_beta,
    "isotonic": _predict_isotonic,
    "histogram": _predict_histogram,
}

_SIGNAL_LOGITS: Final[dict[str, Callable[[Mapping[str, object], FloatArray, SignalTable, StrArray], FloatArray]]] = {
    "combined": combined_logits,
    "boosted": boosted_logits,
}
