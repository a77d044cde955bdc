"""Which labels may be used for what: the equal-probability sample, closed cohorts, repeats, the fit half."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt

from calibration.core.cells import binned
from calibration.core.intervals import FloatArray
from calibration.core.resampling import cluster_numbers

BoolArray = npt.NDArray[np.bool_]

CLOSED_SHARE = 0.95
"""A cohort is used once this share of its sample is labelled: what is reviewed first is easier than the rest."""


def equal_probability_mask(audit_u: npt.ArrayLike, audit_rate: npt.ArrayLike, labelled: npt.ArrayLike) -> BoolArray:
    """Labelled claims that the lowest rate among all given claims would have drawn too, whatever rate they had.

    The arrays hold every claim of the window and region, labelled or not; a fully reviewed claim has rate 1. Each
    claim is then in the sample with the same probability, so plain binomial tests are right. Raises ValueError for
    rates outside [0, 1] or numbers outside [0, 1).
    """
    u, rate = np.asarray(audit_u, dtype=float), np.asarray(audit_rate, dtype=float)
    has_label = np.asarray(labelled, dtype=bool)
    if not (u.shape == rate.shape == has_label.shape):
        raise ValueError("audit_u, audit_rate and labelled must have the same shape")
    if not (np.all((u >= 0) & (u < 1)) and np.all((rate >= 0) & (rate <= 1))):
        raise ValueError("audit_u must lie in [0, 1) and audit_rate in [0, 1]")
    sample: BoolArray = has_label & (u < rate.min(initial=1.0))
    return sample


def closed_cohort(sampled: npt.ArrayLike, labelled: npt.ArrayLike, *, share: float = CLOSED_SHARE) -> BoolArray:
    """Per cohort, whether enough of its sampled claims are labelled to use it. A cohort without a sample is closed."""
    return np.asarray(labelled, dtype=float) >= share * np.asarray(sampled, dtype=float) - 1e-9


def one_per_fingerprint(fingerprint: npt.ArrayLike) -> BoolArray:
    """True at the first row of each fingerprint. Order the rows by something that does not depend on the label."""
    keys = np.asarray(fingerprint)
    first = np.zeros(len(keys), dtype=bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return first


def in_fit_half(fingerprint: bytes) -> bool:
    """Whether a repeated input always serves fitting; the other half certifies. Half of all fingerprints, for ever."""
    return hashlib.blake2b(fingerprint, digest_size=1, person=b"fit-half").digest()[0] < 128


def cluster_weights(fingerprint: npt.ArrayLike) -> FloatArray:
    """One over the number of rows with the same fingerprint, so that every input counts once."""
    _, cluster, size = np.unique(np.asarray(fingerprint), return_inverse=True, return_counts=True)
    return 1.0 / size[cluster]


def cluster_standard_error(y: npt.ArrayLike, fingerprint: npt.ArrayLike) -> float:
    """Standard error of the mean of y when rows with one fingerprint depend on each other. Needs two fingerprints."""
    values = np.asarray(y, dtype=float)
    sums = binned(values - values.mean(), cluster_numbers(fingerprint, len(values)))
    if len(sums) < 2:
        raise ValueError("a standard error by cluster needs at least two fingerprints")
    return float(np.sqrt(len(sums) / (len(sums) - 1) * np.sum(sums**2)) / len(values))


def design_effect(y: npt.ArrayLike, fingerprint: npt.ArrayLike) -> float:
    """How many times larger the variance of the mean is than if all rows were independent. 1 when y is constant."""
    values = np.asarray(y, dtype=float)
    independent = values.var(ddof=1) / len(values)
    return float(cluster_standard_error(values, fingerprint) ** 2 / independent) if independent > 0 else 1.0
