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
from calibration.core.map_numbers import HIGHEST, LARGEST_COEFFICIENT, LOWEST

Params = dict[str, object]
Curve = tuple[float, FloatArray, FloatArray]
"""Value, gradient and Hessian of a function at a point."""

PRIOR_LABELS = 5.0
"""Weight of the prior (slope, intercept) ~ (1, 0) in shrunk fits: the confidence is right as it stands."""

FAINT_PRIOR = 1e-3
"""Weight that only keeps an otherwise free fit finite when the labels are separable."""

SEGMENT_SLOPE_PRECISION = 64.0
SEGMENT_INTERCEPT_PRECISION = 16.0

LAST_GAIN_PER_LABEL = 1e-12
"""A Newton step that promises less log loss than this per label is the last: its own error is the square of it."""
MOST_STEPS = 200
MOST_HALVINGS = 40


def fit_platt(
    cells: Cells, *, eps: float, prior_labels: float = FAINT_PRIOR, prior: tuple[float, float] = (1.0, 0.0)
) -> Params:
    """Platt scaling. `prior_labels=PRIOR_LABELS` gives the shrunk form, `prior` what it shrinks towards."""
    features = np.column_stack([logits_of(cells.confidence, eps), np.ones(len(cells.n))])
    slope, intercept = logistic(features, cells.n, cells.right, prior=np.array(prior), weight=prior_labels, slopes=1)
    return {"kind": "platt", "slope": slope, "intercept": intercept, "eps": eps}


def fit_beta(cells: Cells, *, eps: float) -> Params:
    """Beta calibration (Kull et al. 2017) with both slopes >= 0."""
    c = np.clip(cells.confidence, eps, 1 - eps)
    features = np.column_stack([np.log(c), -np.log1p(-c), np.ones(len(c))])
    prior = np.array([1.0, 1.0, 0.0])
    a, b, intercept = logistic(features, cells.n, cells.right, prior=prior, weight=FAINT_PRIOR, slopes=2)
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
    z = np.concatenate([logits_of(part.confidence, eps) for part in parts])
    n, right = np.concatenate([part.n for part in parts]), np.concatenate([part.right for part in parts])
    solution = _segmented(z, n, right, group, len(names))
    slope, intercept = solution[0], solution[1]
    slopes, intercepts = solution[2 : 2 + len(names)], solution[2 + len(names) :]
    offsets = {
        name: [max(float(own - slope), -float(slope)), float(extra)]
        for name, own, extra in zip(names, slopes, intercepts, strict=True)
    }
    return {"kind": "platt", "slope": float(slope), "intercept": float(intercept), "eps": eps, "offsets": offsets}


def logits_of(confidence: FloatArray, eps: float) -> FloatArray:
    clipped: FloatArray = special.logit(np.clip(confidence, eps, 1 - eps))
    return clipped


def _shrunk_rates(cells: Cells, place: IntArray) -> FloatArray:
    """Right share of each block with one pseudo-label at the base rate, non-decreasing and inside (0, 1)."""
    n, right = binned(cells.n, place), binned(cells.right, place)
    shrunk = (right + cells.base_rate) / (n + 1)
    rising: FloatArray = optimize.isotonic_regression(shrunk, weights=n + 1).x
    return np.clip(np.maximum.accumulate(rising), LOWEST, HIGHEST)


def _log_loss(logits: FloatArray, n: FloatArray, right: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Summed log loss of cells with its first and second derivative with respect to each logit."""
    p = special.expit(logits)
    return float(n @ np.logaddexp(0, logits) - right @ logits), n * p - right, n * p * (1 - p)


def logistic(
    features: FloatArray,
    n: FloatArray,
    right: FloatArray,
    *,
    prior: FloatArray,
    weight: float | FloatArray,
    slopes: int,
) -> list[float]:
    """Coefficients of a logistic fit with prior N(prior, 1 / weight); the first `slopes` of them are >= 0.

    `n` and `right` count the labels and the right ones of each row of `features`.
    """

    def penalised(v: FloatArray) -> Curve:
        loss, slope, curvature = _log_loss(features @ v, n, right)
        away = v - prior
        hessian = features.T @ (curvature[:, None] * features) + weight * np.eye(len(v))
        pull = weight * away
        return loss + float(away @ pull) / 2, features.T @ slope + pull, hessian

    floor = np.where(np.arange(len(prior)) < slopes, 0.0, -np.inf)
    coefficients: list[float] = _minimum(penalised, prior, floor, float(n.sum())).tolist()
    return coefficients


def _segmented(z: FloatArray, n: FloatArray, right: FloatArray, group: IntArray, segments: int) -> FloatArray:
    """Solution vector: slope, intercept, own slope of each segment, extra intercept of each segment."""
    size = 2 + 2 * segments
    own, extra = np.arange(segments) + 2, np.arange(segments) + 2 + segments
    prior_hessian = np.diag(
        np.concatenate(
            [
                [PRIOR_LABELS + segments * SEGMENT_SLOPE_PRECISION, PRIOR_LABELS],
                np.full(segments, SEGMENT_SLOPE_PRECISION),
                np.full(segments, SEGMENT_INTERCEPT_PRECISION),
            ]
        )
    )
    prior_hessian[0, own] = prior_hessian[own, 0] = -SEGMENT_SLOPE_PRECISION
    centre = np.zeros(size)
    centre[0], centre[own] = 1.0, 1.0

    def penalised(v: FloatArray) -> Curve:
        loss, slope, curvature = _log_loss(v[own][group] * z + v[1] + v[extra][group], n, right)
        away = v - centre
        gradient, hessian = prior_hessian @ away, prior_hessian.copy()
        loss += float(away @ gradient) / 2
        by_z, plain = binned(slope * z, group, segments), binned(slope, group, segments)
        gradient[own] += by_z
        gradient[extra] += plain
        gradient[1] += plain.sum()
        bends = [binned(curvature * z**power, group, segments) for power in (0, 1, 2)]
        hessian[own, own] += bends[2]
        hessian[extra, extra] += bends[0]
        hessian[1, 1] += bends[0].sum()
        for one, other, bend in ((own, extra, bends[1]), (1, own, bends[1]), (1, extra, bends[0])):
            hessian[one, other] += bend
            hessian[other, one] += bend
        return loss, gradient, hessian

    floor = np.full(size, -np.inf)
    floor[0], floor[own] = 0.0, 0.0
    return _minimum(penalised, centre, floor, float(n.sum()))


def _minimum(curve: Callable[[FloatArray], Curve], start: FloatArray, floor: FloatArray, labels: float) -> FloatArray:
    """Minimum of a smooth, strictly convex function over v >= floor, by Newton steps projected onto the floor.

    Newton because a handful of steps on a handful of coefficients beats a general optimiser, whose small linear algebra
    calls slow down a hundredfold on a machine with busy cores.
    """
    v = np.maximum(start, floor)
    for _ in range(MOST_STEPS):
        loss, gradient, hessian = curve(v)
        free = (v > floor) | (gradient < 0)
        step = np.zeros_like(v)
        step[free] = np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        if float(gradient @ step) <= LAST_GAIN_PER_LABEL * labels:
            return _within_bounds(v - step, floor)
        shorter = (np.maximum(v - step / 2**halvings, floor) for halvings in range(MOST_HALVINGS))
        better = next((u for u in shorter if curve(u)[0] <= loss - 1e-4 * float(gradient @ (v - u))), None)
        if better is None:
            break
        v = better
    return _within_bounds(v, floor)


def _within_bounds(v: FloatArray, floor: FloatArray) -> FloatArray:
    return np.clip(np.maximum(v, floor), -LARGEST_COEFFICIENT, LARGEST_COEFFICIENT)
