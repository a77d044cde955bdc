"""What the calibration page shows for one confidence: metrics with bootstrap intervals, reliability, histogram."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from calibration.core import metrics
from calibration.core.cells import Cells, IntArray, cells_of, cells_of_counts, equal_mass_bins, equal_width_bins
from calibration.core.intervals import FloatArray, wilson
from calibration.core.resampling import cluster_numbers, effective_number, resamples

FEWEST_FOR_ERRORS: Final = 200
"""Below this many inputs even a perfect confidence shows a large binned error, so none is shown."""

DRAWS: Final = 1_000
DRAWN_GRID: Final = 512
"""Of the smooth error in resamples: its limits do not change with a finer one, and take four times as long."""

HISTOGRAM_BINS: Final = 20

METRICS: Final = (
    *("accuracy", "mean_confidence", "ece_mass", "ece_width", "ce2_debiased", "smooth_ece", "mce"),
    *("brier", "log_loss", "mcb", "dsc", "unc", "auroc", "aurc"),
)
CALIBRATION_ERRORS: Final = frozenset({"ece_mass", "ece_width", "ce2_debiased", "smooth_ece", "mce"})
UNDEFINED: Final = {"auroc": "one_class", "mce": "no_full_bin"}
"""Why a metric may have no value although there are labels."""


@dataclass(frozen=True)
class Measure:
    """A metric with its 95 % bootstrap limits. None with the reason in `note`: no_labels, too_few_labels, one_class,
    no_full_bin. A note beside a value: not_distinguishable (from calibrated; the value is then shown as 0)."""

    value: float | None
    lo: float | None = None
    hi: float | None = None
    note: str | None = None


NO_LABELS: Final = Measure(None, note="no_labels")


@dataclass(frozen=True)
class ReliabilityBin:
    """Equal-mass bin: its lowest and highest confidence, labels, mean confidence, accuracy with Wilson limits, and the
    limits between which the accuracy of a calibrated confidence would lie 95 % of the time."""

    low: float
    high: float
    n: float
    mean_confidence: float
    accuracy: float
    lo: float
    hi: float
    consistent_lo: float
    consistent_hi: float


@dataclass(frozen=True)
class CalibrationReport:
    """`measures` has one entry for each of METRICS; `histogram` the labels in 20 equal-width bins.

    `inputs` counts fingerprints, `excluded` the rows whose confidence is not a number in [0, 1].
    """

    n: float
    inputs: int
    excluded: int
    measures: Mapping[str, Measure]
    reliability: tuple[ReliabilityBin, ...]
    histogram: tuple[float, ...]
    most_common_share: float | None
    seed: int


def calibration_report(
    c: npt.ArrayLike,
    y: npt.ArrayLike,
    *,
    w: npt.ArrayLike | None = None,
    chance: npt.ArrayLike | None = None,
    fingerprint: npt.ArrayLike | None = None,
    inputs: int | None = None,
    bins: int = metrics.BINS,
    draws: int = DRAWS,
    seed: int = 0,
) -> CalibrationReport:
    """Report on confidences c with labels y: single labels (1 right, 0 wrong), or cells of w labels with right share y
    from so many `inputs` (by default as many as labels).

    Rows whose confidence is not a number in [0, 1] are left out and counted. Intervals resample fingerprints, and of
    cells, which know none, single labels; `draws=0` leaves them out. `chance` is the known chance in (0, 1] that a
    single label was drawn: labels drawn at several rates describe the reviewed slice unless it is given. They then
    count, in `n` and in every bin, for as many equal labels as they are worth (Kish). ValueError for cells with one.
    """
    confidence, share = np.asarray(c, dtype=float), np.asarray(y, dtype=float)
    usable = (confidence >= 0) & (confidence <= 1)
    weight = _weights(w, chance, len(confidence))[usable]
    confidence, share = confidence[usable], share[usable]
    weight = weight if chance is None else weight * _worth(weight)
    cells = cells_of(confidence, share, weight)
    if w is None:
        cluster = np.unique(cluster_numbers(fingerprint, len(usable))[usable], return_inverse=True)[1]
        inputs = int(cluster.max(initial=-1)) + 1
        drawn = _resampled_rows(confidence, share, weight, cluster, draws, seed)
    else:
        inputs = int(cells.labels) if inputs is None else inputs
        drawn = _resampled_cells(cells, draws, seed)
    return CalibrationReport(
        n=cells.labels,
        inputs=inputs,
        excluded=int((~usable).sum()),
        measures=_measures(cells, drawn, min(inputs, round(cells.labels)), bins)
        if len(cells.n)
        else dict.fromkeys(METRICS, NO_LABELS),
        reliability=reliability(cells, bins=bins),
        histogram=histogram(cells),
        most_common_share=metrics.most_common_share(cells) if len(cells.n) else None,
        seed=seed,
    )


def reliability(cells: Cells, *, bins: int = metrics.BINS) -> tuple[ReliabilityBin, ...]:
    """The bins of a reliability diagram, lowest confidence first; none without labels."""
    if not len(cells.n):
        return ()
    place = np.unique(equal_mass_bins(cells, bins), return_inverse=True)[1]
    n, accuracy, confidence = metrics.bin_means(cells, place)
    first, last = np.searchsorted(place, np.arange(len(n))), np.searchsorted(place, np.arange(len(n)), "right") - 1
    lo, hi = wilson(accuracy * n, n)
    consistent_lo, consistent_hi = _consistency_limits(confidence, n)
    columns = (cells.confidence[first], cells.confidence[last], n, confidence, accuracy, lo, hi)
    table = np.column_stack([*columns, consistent_lo, consistent_hi])
    return tuple(ReliabilityBin(*map(float, row)) for row in table)


def histogram(cells: Cells) -> tuple[float, ...]:
    """Labels in each of 20 equal-width bins."""
    place = equal_width_bins(cells.confidence, HISTOGRAM_BINS)
    return tuple(np.bincount(place, weights=cells.n, minlength=HISTOGRAM_BINS).tolist())


def _consistency_limits(confidence: FloatArray, n: FloatArray) -> tuple[FloatArray, FloatArray]:
    """95 % limits of a share of n when the true share is the confidence (normal approximation, clipped)."""
    half = float(special.ndtri(0.975)) * np.sqrt(confidence * (1 - confidence) / n)
    return np.clip(confidence - half, 0, 1), np.clip(confidence + half, 0, 1)


def _weights(w: npt.ArrayLike | None, chance: npt.ArrayLike | None, rows: int) -> FloatArray:
    if chance is None:
        return np.ones(rows) if w is None else np.asarray(w, dtype=float)
    drawn = np.asarray(chance, dtype=float)
    if w is not None or drawn.shape != (rows,) or not np.all((drawn > 0) & (drawn <= 1)):
        raise ValueError("chance goes with single labels, one in (0, 1] for each")
    return 1 / drawn


def _worth(weight: FloatArray) -> float:
    """What makes unequal weights add up to the number of equal labels that say as much."""
    return effective_number(weight, np.arange(len(weight))) / float(weight.sum()) if len(weight) else 1.0


# --- measures --------------------------------------------------------------------------------------------------


def _measures(cells: Cells, drawn: Iterator[Cells], inputs: int, bins: int) -> dict[str, Measure]:
    values = _values(cells, bins)
    draws = [_values(resampled, bins, grid=DRAWN_GRID) for resampled in drawn]
    return {name: _measure(name, value, [draw[name] for draw in draws], inputs) for name, value in values.items()}


def _measure(name: str, value: float | None, draws: list[float | None], inputs: int) -> Measure:
    if name in CALIBRATION_ERRORS and inputs < FEWEST_FOR_ERRORS:
        return Measure(None, note="too_few_labels")
    if value is None:
        return Measure(None, note=UNDEFINED[name])
    defined = [draw for draw in draws if draw is not None]
    lo, hi = map(float, np.quantile(defined, [0.025, 0.975])) if defined else (None, None)
    if name == "ce2_debiased" and value <= 0:
        return Measure(0.0, lo, hi, "not_distinguishable")
    return Measure(value, lo, hi)


def _values(cells: Cells, bins: int, *, grid: int = metrics.SMOOTH_GRID) -> dict[str, float | None]:
    split = metrics.corp(cells)
    return {
        "accuracy": cells.base_rate,
        "mean_confidence": float(cells.n @ cells.confidence / cells.labels),
        "ece_mass": metrics.ece(cells, bins=bins),
        "ece_width": metrics.ece(cells, bins=bins, width=True),
        "ce2_debiased": metrics.ce2_debiased(cells, bins=bins),
        "smooth_ece": metrics.smooth_ece(cells, grid=grid),
        "mce": metrics.mce(cells, bins=bins),
        "brier": metrics.brier(cells),
        "log_loss": metrics.log_loss(cells),
        "mcb": split.mcb,
        "dsc": split.dsc,
        "unc": split.unc,
        "auroc": metrics.auroc(cells),
        "aurc": metrics.aurc(cells),
    }


def _resampled_rows(
    c: FloatArray, y: FloatArray, weight: FloatArray, cluster: IntArray, draws: int, seed: int
) -> Iterator[Cells]:
    for times in resamples(int(cluster.max(initial=-1)) + 1, draws, seed):
        yield cells_of(c, y, times[cluster] * weight)


def _resampled_cells(cells: Cells, draws: int, seed: int) -> Iterator[Cells]:
    """Every label drawn on its own: right and wrong counts of all cells from one multinomial."""
    generator = np.random.default_rng(seed)
    counts = np.concatenate([cells.right, cells.wrong])
    for _ in range(draws):
        right, wrong = np.split(generator.multinomial(round(cells.labels), counts / counts.sum()), 2)
        yield cells_of_counts(cells.confidence, right + wrong, right)
