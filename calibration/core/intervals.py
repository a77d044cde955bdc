"""Intervals for a share of right answers, and how many labels a promise needs. Binomial, exact where it gates."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

FloatArray = npt.NDArray[np.float64]


def wilson(right: npt.ArrayLike, n: npt.ArrayLike, *, conf: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Two-sided Wilson score limits of right / n: the interval for display. Element-wise; n = 0 gives (0, 1).

    Source: Wilson 1927; the same numbers as `scipy.stats.binomtest(...).proportion_ci(method="wilson")`.
    """
    k, n = _counts(right, n)
    z = float(special.ndtri((1 + _probability(conf, "conf")) / 2))
    trials = np.maximum(n, 1)
    share = k / trials
    centre = share + z**2 / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    scale = 1 + z**2 / trials
    lo = np.where((n == 0) | (k == 0), 0.0, (centre - half) / scale)
    hi = np.where((n == 0) | (k == n), 1.0, (centre + half) / scale)
    return np.clip(lo, 0, 1), np.clip(hi, 0, 1)


def clopper_pearson(right: npt.ArrayLike, n: npt.ArrayLike, *, conf: float = 0.95) -> tuple[FloatArray, FloatArray]:
    """Two-sided exact limits of right / n. Element-wise; counts need not be whole numbers; n = 0 gives (0, 1)."""
    tail = (1 - _probability(conf, "conf")) / 2
    return cp_lower(right, n, delta=tail), cp_upper(right, n, delta=tail)


def cp_upper(errors: npt.ArrayLike, n: npt.ArrayLike, *, delta: float = 0.05) -> FloatArray:
    """One-sided exact upper limit of errors / n: the true share exceeds it with probability at most `delta`.

    Element-wise. 1 when all n are errors, so also when n = 0. Raises ValueError unless 0 <= errors <= n.
    """
    x, n = _counts(errors, n)
    tail = _probability(delta, "delta")
    return np.where(x == n, 1.0, special.betaincinv(x + 1, np.maximum(n - x, np.finfo(float).tiny), 1 - tail))


def cp_lower(errors: npt.ArrayLike, n: npt.ArrayLike, *, delta: float = 0.05) -> FloatArray:
    """One-sided exact lower limit of errors / n: the true share falls below it with probability at most `delta`."""
    x, n = _counts(errors, n)
    return 1 - cp_upper(n - x, n, delta=delta)


def binomial_p(errors: npt.ArrayLike, n: npt.ArrayLike, alpha: float) -> FloatArray:
    """P(at most `errors` in n) when the error rate is `alpha`: the exact p-value of "the error rate is above alpha"."""
    x, n = _counts(errors, n)
    right = np.maximum(n - x, np.finfo(float).tiny)
    return np.where(x == n, 1.0, special.betainc(right, x + 1, 1 - _probability(alpha, "alpha")))


def labels_needed(alpha: float, *, delta: float = 0.05, errors: int = 0) -> int:
    """The fewest labels of which `errors` may be wrong and still certify error <= alpha with confidence 1 - delta."""
    _probability(delta, "delta")
    if errors < 0:
        raise ValueError(f"errors must not be negative, got {errors}")
    short, enough = errors, errors + 1
    while binomial_p(errors, enough, alpha) > delta:
        short, enough = enough, 2 * enough
    while enough - short > 1:
        middle = (short + enough) // 2
        if binomial_p(errors, middle, alpha) > delta:
            short = middle
        else:
            enough = middle
    return enough


def _probability(value: float, name: str) -> float:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie strictly between 0 and 1, got {value!r}")
    return value


def _counts(part: npt.ArrayLike, whole: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    k, n = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    if not (np.all(k >= 0) and np.all(k <= n) and np.all(n < math.inf)):
        raise ValueError("counts must satisfy 0 <= part <= whole")
    return k, n
