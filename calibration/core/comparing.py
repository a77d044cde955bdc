"""Confidences side by side: how good each is, and whether one is better than another, on the same inputs where it can.

All labels have a known chance and weigh one over it. Resampling is by input (Poisson weights), so that repeats of an
input stay together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import fft, sparse, stats

from calibration.core import metrics
from calibration.core.cells import Cells, IntArray, binned, cells_of, equal_mass_bins
from calibration.core.intervals import FloatArray
from calibration.core.looks import part_of
from calibration.core.promote import LOSS_CLIP
from calibration.core.ranking import ranking
from calibration.core.report import FEWEST_FOR_ERRORS, ReliabilityBin, histogram, reliability
from calibration.core.resampling import cluster_numbers
from calibration.core.shares import weighted_share

Method = Literal["paired", "unpaired", "too_few"]

FEWEST: Final = 30
"""Inputs from which on two groups are compared, and shared inputs from which on they are compared on those alone."""

DRAWS: Final = 1_000
FEWEST_DRAWS: Final = 250
MOST_DRAWN: Final = 5_000_000
"""Inputs in all draws together; of large samples fewer draws tell as much."""

CHUNK: Final = 100
GRID: Final = 256
SEED: Final = 0


@dataclass(frozen=True)
class Figure:
    """A value with the limits of its interval; all None where there are too few inputs for it to mean anything."""

    value: float | None = None
    low: float | None = None
    high: float | None = None


NOTHING: Final = Figure()


@dataclass(frozen=True)
class Sample:
    """Single labels of one group. `weight` is one over the chance of each; `inputs` are the names of the inputs."""

    confidence: FloatArray
    right: FloatArray
    weight: FloatArray
    inputs: npt.NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.right)

    @property
    def cluster(self) -> IntArray:
        return cluster_numbers(self.inputs, len(self))

    @property
    def loss(self) -> FloatArray:
        return metrics.row_log_loss(self.confidence, self.right, clip=LOSS_CLIP)


@dataclass(frozen=True)
class GroupFigures:
    """`gap` is mean confidence less accuracy. Bins and histogram count labels as many equal ones as they are worth."""

    labels: int
    inputs: int
    accuracy: Figure
    confidence: float | None
    gap: Figure
    ece: Figure
    smooth_ece: Figure
    brier: Figure
    log_loss: Figure
    auroc: Figure
    bins: tuple[ReliabilityBin, ...]
    histogram: tuple[float, ...]


@dataclass(frozen=True)
class Difference:
    """One group less the other. Limits hold together with those of all comparisons made at once.

    "paired": on the `inputs` that both have a label for. "unpaired": on all labels of either, `inputs` of the smaller.
    `mcnemar` is the exact two-sided p-value on one label of each shared input; None where chances differ, because then
    it would speak of the labels alone. `only_one` and `only_other` count the shared inputs that one got right alone.
    """

    method: Method
    inputs: int
    accuracy: Figure = NOTHING
    log_loss: Figure = NOTHING
    mcnemar: float | None = None
    only_one: int = 0
    only_other: int = 0

    @property
    def finding(self) -> str:
        """By log loss: "better", "worse" or "unclear"."""
        low, high = self.log_loss.low, self.log_loss.high
        if low is None or high is None:
            return "unclear"
        return "better" if high < 0 else "worse" if low > 0 else "unclear"


def group_figures(sample: Sample) -> GroupFigures:
    """Intervals are 95 %; calibration figures come from FEWEST_FOR_ERRORS inputs on. ValueError without labels."""
    if not len(sample):
        raise ValueError("there are no labels")
    cluster = sample.cluster
    part = part_of(sample.confidence, sample.right, sample.weight, cluster)
    worth = sample.weight * (min(part.effective, len(sample)) / sample.weight.sum())
    cells = cells_of(sample.confidence, sample.right, worth)
    share = weighted_share(sample.right, weight=sample.weight, fingerprint=cluster)
    accuracy = Figure(share.value, share.low, share.high) if share else NOTHING
    shown = _calibration_figures(sample, cells, cluster) if part.inputs >= FEWEST_FOR_ERRORS else [NOTHING] * 5
    return GroupFigures(
        labels=len(sample),
        inputs=part.inputs,
        accuracy=accuracy,
        confidence=part.confidence,
        gap=_gap(part.confidence, accuracy),
        ece=shown[0],
        smooth_ece=shown[1],
        brier=shown[2],
        log_loss=shown[3],
        auroc=shown[4],
        bins=reliability(cells),
        histogram=histogram(cells),
    )


def _gap(confidence: float, accuracy: Figure) -> Figure:
    if accuracy.value is None or accuracy.low is None or accuracy.high is None:
        return NOTHING
    return Figure(confidence - accuracy.value, confidence - accuracy.high, confidence - accuracy.low)


def _calibration_figures(sample: Sample, cells: Cells, cluster: IntArray) -> list[Figure]:
    """ECE, smooth ECE, Brier score, log loss and AUROC. Bins and bandwidth are those of the sample in every draw."""
    ece, smooth = metrics.ece(cells), metrics.smooth_ece(cells)
    brier, loss = metrics.brier(cells), metrics.log_loss(cells, clip=LOSS_CLIP)
    place = equal_mass_bins(cells, metrics.BINS)[np.searchsorted(cells.confidence, sample.confidence)]
    w, gap = sample.weight, sample.right - sample.confidence
    columns = [
        _by_input(cluster, place, w * gap),
        _by_input(cluster, *_grid_columns(sample.confidence, w * gap)),
        _by_input(cluster, np.zeros_like(place), w * gap**2),
        _by_input(cluster, np.zeros_like(place), w * sample.loss),
        _by_input(cluster, np.zeros_like(place), w),
    ]
    drawn = _drawn(columns)
    total = drawn[4]
    return [
        _figure(ece, np.abs(drawn[0]).sum(axis=1) / total[:, 0]),
        _figure(smooth, _smoothed(drawn[1] / total, smooth)),
        _figure(brier, drawn[2][:, 0] / total[:, 0]),
        _figure(loss, drawn[3][:, 0] / total[:, 0]),
        _ranking(sample, cluster),
    ]


def _ranking(sample: Sample, cluster: IntArray) -> Figure:
    found = ranking(sample.confidence, sample.right, weight=sample.weight, fingerprint=cluster)
    return Figure(found.value, found.low, found.high) if found else NOTHING


def _figure(value: float, draws: FloatArray, conf: float = 0.95) -> Figure:
    low, high = np.quantile(draws, [(1 - conf) / 2, (1 + conf) / 2])
    return Figure(value, min(float(low), value), max(float(high), value))


def _grid_columns(position: FloatArray, mass: FloatArray) -> tuple[IntArray, FloatArray]:
    """The nearest of the points of the grid."""
    return np.rint(position * GRID).astype(np.intp), mass


def _smoothed(residual: FloatArray, bandwidth: float) -> FloatArray:
    """Mean absolute residual under the reflected Gaussian kernel, one draw in each row."""
    density = np.zeros((len(residual), GRID + 1))
    density[:, : residual.shape[1]] = residual * GRID
    density[:, [0, -1]] *= 2
    frequency = (np.pi * np.arange(GRID + 1)) ** 2 / 2
    smoothed = np.abs(fft.idct(fft.dct(density, type=1) * np.exp(-frequency * bandwidth**2), type=1))
    smoothed[:, [0, -1]] /= 2
    mean: FloatArray = smoothed.sum(axis=1) / GRID
    return mean


def _by_input(cluster: IntArray, place: IntArray, values: FloatArray) -> sparse.csr_array:
    """One row for each input, one column for each place."""
    return sparse.csr_array((values, (cluster, place)))


def draws_of(inputs: int) -> int:
    return max(min(DRAWS, MOST_DRAWN // max(inputs, 1)), FEWEST_DRAWS)


def _times(inputs: int, draws: int) -> Iterator[FloatArray]:
    """How often each input is drawn, a chunk of draws at a time."""
    generator = np.random.default_rng(SEED)
    for start in range(0, draws, CHUNK):
        yield generator.poisson(1.0, size=(min(CHUNK, draws - start), inputs)).astype(np.float64)


def _drawn(columns: list[sparse.csr_array], draws: int | None = None) -> list[FloatArray]:
    """The sums of each column in every draw."""
    inputs = columns[0].shape[0]
    chunks = [[times @ column for column in columns] for times in _times(inputs, draws or draws_of(inputs))]
    return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]


# --- one against another --------------------------------------------------------------------------------------------


def difference(one: Sample, other: Sample, *, comparisons: int = 1) -> Difference:
    """Paired where at least FEWEST inputs have labels in both; `comparisons` are made at once and share the 5 %."""
    conf = 1 - 0.05 / comparisons
    shared = np.intersect1d(one.inputs, other.inputs)
    if len(shared) >= FEWEST:
        return _paired(one, other, shared, conf)
    inputs = min(len(np.unique(one.inputs)), len(np.unique(other.inputs)))
    if inputs < FEWEST:
        return Difference("too_few", inputs)
    return _unpaired(one, other, inputs, conf)


def _paired(one: Sample, other: Sample, shared: npt.NDArray[np.str_], conf: float) -> Difference:
    sides = [_means(sample, shared) for sample in (one, other)]
    weight = sides[0][2] * sides[1][2]
    weight = weight / weight.max()
    changes = np.column_stack([sides[0][column] - sides[1][column] for column in (0, 1)])
    sums = sparse.csr_array(np.column_stack([changes * weight[:, None], weight]))
    (drawn,) = _drawn([sums])
    values = weight @ changes / weight.sum()
    usable = drawn[drawn[:, 2] > 0]
    accuracy, loss = (_figure(float(values[at]), usable[:, at] / usable[:, 2], conf) for at in (0, 1))
    firsts = [_first_right(sample, shared) for sample in (one, other)]
    only_one, only_other = int((firsts[0] > firsts[1]).sum()), int((firsts[1] > firsts[0]).sum())
    alike = np.ptp(one.weight) == 0 and np.ptp(other.weight) == 0
    return Difference(
        method="paired",
        inputs=len(shared),
        accuracy=accuracy,
        log_loss=loss,
        mcnemar=_mcnemar(only_one, only_other) if alike else None,
        only_one=only_one,
        only_other=only_other,
    )


def _means(sample: Sample, shared: npt.NDArray[np.str_]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean correctness, mean log loss and mean weight of the labels of each shared input."""
    kept = np.isin(sample.inputs, shared)
    place = np.searchsorted(shared, sample.inputs[kept])
    weight = sample.weight[kept]
    total = binned(weight, place, len(shared))
    right = binned(weight * sample.right[kept], place, len(shared)) / total
    loss = binned(weight * sample.loss[kept], place, len(shared)) / total
    return right, loss, total / np.bincount(place, minlength=len(shared))


def _first_right(sample: Sample, shared: npt.NDArray[np.str_]) -> FloatArray:
    """Whether the first label of each shared input was right."""
    names, first = np.unique(sample.inputs, return_index=True)
    return sample.right[first[np.searchsorted(names, shared)]]


def _mcnemar(only_one: int, only_other: int) -> float:
    apart = only_one + only_other
    return float(stats.binomtest(only_one, apart).pvalue) if apart else 1.0


def _unpaired(one: Sample, other: Sample, inputs: int, conf: float) -> Difference:
    """Two samples of their own: the draws of the second go backwards, apart from those of the first."""
    drawn = []
    draws = min(draws_of(len(one)), draws_of(len(other)))
    for sample in (one, other):
        cluster, w = sample.cluster, sample.weight
        columns = [binned(column, cluster) for column in (w * sample.right, w * sample.loss, w)]
        (sums,) = _drawn([sparse.csr_array(np.column_stack(columns))], draws)
        drawn.append(sums[:, :2] / np.maximum(sums[:, 2:], np.finfo(float).tiny))
    spread = drawn[0] - drawn[1][::-1]
    means = [[float(s.weight @ column / s.weight.sum()) for column in (s.right, s.loss)] for s in (one, other)]
    accuracy, loss = (_figure(means[0][at] - means[1][at], spread[:, at], conf) for at in (0, 1))
    return Difference("unpaired", inputs, accuracy, loss)
