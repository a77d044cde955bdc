"""Bootstrap by input fingerprint: repeated inputs are drawn together, every draw follows from the seed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from calibration.core.cells import IntArray, binned
from calibration.core.intervals import FloatArray


def resamples(clusters: int, draws: int, seed: int) -> Iterator[FloatArray]:
    """For each draw, how often each cluster was picked when as many as there are were drawn with replacement."""
    generator = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.bincount(generator.integers(clusters, size=clusters), minlength=clusters).astype(np.float64)


def cluster_numbers(fingerprint: npt.ArrayLike | None, rows: int) -> IntArray:
    """Cluster of each row, numbered from 0; without fingerprints every row is its own. One fingerprint per row."""
    if fingerprint is None:
        return np.arange(rows)
    keys = np.asarray(fingerprint)
    if len(keys) != rows:
        raise ValueError("there must be one fingerprint per row")
    return np.unique(keys, return_inverse=True)[1]


def effective_number(weight: FloatArray, cluster: IntArray) -> float:
    """How many equal and independent rows say as much as these (Kish), where one cluster counts as one."""
    of_cluster = binned(weight, cluster)
    return float(of_cluster.sum() ** 2 / np.sum(of_cluster**2))


def mean_by_resampling(values: FloatArray, cluster: IntArray, *, draws: int, seed: int) -> FloatArray:
    """The mean of `values` in each bootstrap draw of clusters."""
    sums, sizes = binned(values, cluster), np.bincount(cluster)
    return np.array([times @ sums / (times @ sizes) for times in resamples(len(sums), draws, seed)])
