"""Fits one calibration map of a given kind and returns it in the JSON form of `maps`.

Each fit takes cells (see `cells`) and is deterministic. Logistic fits minimise the log loss over logit(clip(c, eps,
1 - eps)) with a Gaussian prior and slopes >= 0; isotonic and histogram fits add one pseudo-label to every block.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import optimize, special

from calibration.core.cells import Cells, IntArray, binned, equal_mass_bins
from calibration.core.intervals import FloatArray
from calibration.core.maps import HIGHEST, LARGEST_COEFFICIENT, LOWEST

Params = dict[str, object]
Bound = tuple[float | None, float | None]
Objective = Callable[[FloatArray], tuple[float, FloatArray]]

PRIOR_LABELS = 5.0
"""Weight of the prior (slope, intercept) ~ (1, 0) in shrunk fits: the confidence is right as it stands."""

FAINT_PRIOR = 1e-3
"""Weight that only keeps an otherwise free fit finite when the labels are separable."""

SEGMENT_SLOPE_PRECISION = 64.0
SEGMENT_INTERCEPT_PRECISION = 16.0


def fit_platt(
    cells: Cells, *, eps: float, prior_labels: float = FAINT_PRIOR, prior: tuple[float, float] = (1.0, 0.0)
) -> Params:
    """Platt scaling. `prior_labels=PRIOR_LABELS` gives the shrunk form, `prior` what it shrinks towards."""
    features = np.column_stack([_logit(cells.confidence, eps), np.ones(len(cells.n))])
    slope, intercept = _logistic(features, cells, np.array(prior), prior_labels, slopes=1)
    return {"kind": "platt", "slope": slope, "intercept": intercept, "eps": eps}


def fit_beta(cells: Cells, *, eps: float) -> Params:
    """Beta calibration (Kull et al. 2017) with both slopes >= 0."""
    c = np.clip(cells.confidence, eps, 1 - eps)
    features = np.column_stack([np.log(c), -np.log1p(-c), np.ones(len(c))])
    a, b, intercept = _logistic(features, cells, np.array([1.0, 1.0, 0.0]), FAINT_PRIOR, slopes=2)
    return {"kind": "beta", "a": a, "b": b, "intercept": intercept, "eps": eps}


def fit_isotonic(cells: Cells) -> Params:
    """Isotonic blocks, each shrunk by one pseudo-label of the base rate, linear between the block centres.

    Of a constant confidence: the base rate.
    """
    blocks = optimize.isotonic_regression(cells.rate, weights=cells.n).blocks
    place = np.repeat(np.arange(len(blocks) - 1), np.diff(blocks))
    centres, first = np.unique(binned(cells.n * cells.confidence, place) / binned(cells.n, place), return_index=True)
    return {"kind": "isotonic", "x": centres.tolist(), "y": _shrunk_rates(cells, place)[first].tolist()}


def fit_histogram(cells: Cells, *, bins: int = 10) -> Params:
    """Mean of equal-mass bins, each shrunk by one pseudo-label of the base rate, made non-decreasing."""
    place = equal_mass_bins(cells, bins)
    first_of_bin = np.flatnonzero(np.diff(place)) + 1
    _, place = np.unique(place, return_inverse=True)
    edges = cells.confidence[first_of_bin]
    return {"kind": "histogram", "edges": edges.tolist(), "y": _shrunk_rates(cells, place).tolist()}


def fit_segmented_platt(cells_by_segment: Mapping[str, Cells], *, eps: float) -> Params:
    """One Platt map with a slope and intercept offset per segment, shrunk towards none (sd 1/8 and 1/4 on the logit).

    logit p = (a + A_s) z + b + B_s with (a, b) ~ (1, 0) worth PRIOR_LABELS labels and a + A_s >= 0.
    """
    names = sorted(cells_by_segment)
    parts = [cells_by_segment[name] for name in names]
    group = np.repeat(np.arange(len(parts)), [len(part.n) for part in parts])
    z = np.concatenate([_logit(part.confidence, eps) for part in parts])
    n, right = np.concatenate([part.n for part in parts]), np.concatenate([part.right for part in parts])
    solution = _segmented(z, n, right, group, len(names))
    slope, intercept = solution[0], solution[1]
    slopes, intercepts = solution[2 : 2 + len(names)], solution[2 + len(names) :]
    offsets = {
        name: [max(float(own - slope), -float(slope)), float(extra)]
        for name, own, extra in zip(names, slopes, intercepts, strict=True)
    }
    return {"kind": "platt", "slope": float(slope), "intercept": float(intercept), "eps": eps, "offsets": offsets}


def _logit(confidence: FloatArray, eps: float) -> FloatArray:
    clipped: FloatArray = special.logit(np.clip(confidence, eps, 1 - eps))
    return clipped


def _shrunk_rates(cells: Cells, place: IntArray) -> FloatArray:
    """Right share of each block with one pseudo-label at the base rate, non-decreasing and inside (0, 1)."""
    n, right = binned(cells.n, place), binned(cells.right, place)
    shrunk = (right + cells.base_rate) / (n + 1)
    rising: FloatArray = optimize.isotonic_regression(shrunk, weights=n + 1).x
    return np.clip(np.maximum.accumulate(rising), LOWEST, HIGHEST)


def _log_loss(logits: FloatArray, n: FloatArray, right: FloatArray) -> tuple[float, FloatArray]:
    """Summed log loss of cells and its slope with respect to each logit."""
    loss = float(n @ np.logaddexp(0, logits) - right @ logits)
    return loss, n * special.expit(logits) - right


def _logistic(features: FloatArray, cells: Cells, prior: FloatArray, weight: float, *, slopes: int) -> list[float]:
    """Coefficients of a logistic fit with prior N(prior, 1 / weight); the first `slopes` of them are >= 0."""

    def penalised(coefficients: FloatArray) -> tuple[float, FloatArray]:
        loss, residual = _log_loss(features @ coefficients, cells.n, cells.right)
        away = coefficients - prior
        return loss + weight / 2 * float(away @ away), features.T @ residual + weight * away

    free = features.shape[1] - slopes
    bounds: list[Bound] = [*[(0.0, None)] * slopes, *[(None, None)] * free]
    coefficients: list[float] = _minimum(penalised, prior, bounds, cells.labels).tolist()
    return coefficients


def _segmented(z: FloatArray, n: FloatArray, right: FloatArray, group: IntArray, segments: int) -> FloatArray:
    """Solution vector: slope, intercept, own slope of each segment, extra intercept of each segment."""

    def penalised(v: FloatArray) -> tuple[float, FloatArray]:
        slope, intercept, own, extra = v[0], v[1], v[2 : 2 + segments], v[2 + segments :]
        loss, residual = _log_loss(own[group] * z + intercept + extra[group], n, right)
        away = own - slope
        loss += PRIOR_LABELS / 2 * ((slope - 1) ** 2 + intercept**2)
        loss += SEGMENT_SLOPE_PRECISION / 2 * float(away @ away) + SEGMENT_INTERCEPT_PRECISION / 2 * float(
            extra @ extra
        )
        gradient = np.concatenate(
            [
                [PRIOR_LABELS * (slope - 1) - SEGMENT_SLOPE_PRECISION * away.sum()],
                [residual.sum() + PRIOR_LABELS * intercept],
                binned(residual * z, group, segments) + SEGMENT_SLOPE_PRECISION * away,
                binned(residual, group, segments) + SEGMENT_INTERCEPT_PRECISION * extra,
            ]
        )
        return loss, gradient

    start = np.concatenate([[1.0, 0.0], np.ones(segments), np.zeros(segments)])
    bounds: list[Bound] = [(0.0, None), (None, None), *[(0.0, None)] * segments, *[(None, None)] * segments]
    return _minimum(penalised, start, bounds, float(n.sum()))


def _minimum(objective: Objective, start: FloatArray, bounds: list[Bound], labels: float) -> FloatArray:
    """Minimum of a smooth convex function, scaled to one label so that tolerances mean the same at any size."""

    def per_label(v: FloatArray) -> tuple[float, FloatArray]:
        loss, gradient = objective(v)
        return loss / labels, gradient / labels

    options = {"maxiter": 1000, "maxfun": 5000, "ftol": 1e-15, "gtol": 1e-9}
    result = optimize.minimize(per_label, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    solution: FloatArray = result.x
    return np.clip(solution, -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
