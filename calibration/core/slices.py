"""Which slices of the claims are worse than the rest: a plain scan of single facts and of pairs of them.

One half of the inputs is looked through for candidates, the other half tests them. However many slices were looked at,
only the tests on the second half can be wrong, and those are corrected for one another (Holm). All figures that are
reported come from the second half, so that having been picked does not flatter them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from calibration.core.cells import IntArray, binned
from calibration.core.intervals import FloatArray, clopper_pearson
from calibration.core.labels import BoolArray
from calibration.core.looks import Part, holm, more_errors_p, part_of, wider_gap_p
from calibration.core.resampling import cluster_numbers

Kind = Literal["errors", "gap"]
Fact = tuple[str, str]
"""A dimension and its value."""

CONFIDENCE: Final = "confidence"
FEWEST: Final = 30
"""A slice, and what it is compared with, has at least this many labelled inputs in either half."""

CANDIDATES: Final = 20
LEVEL: Final = 0.05
EDGES: Final = (0.5, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Where one range of confidence ends and the next begins, which holds the edge."""


@dataclass(frozen=True)
class BadSlice:
    """A slice that is worse than the rest beyond doubt, with its figures on the half that did not find it.

    `kind` "errors": `value` and `rest` are error rates. "gap": mean confidence less accuracy. A slice of two facts is
    worse than the rest of either fact alone; `rest` is then the better of the two. `p` is corrected.
    """

    facts: tuple[Fact, ...]
    kind: Kind
    inputs: int
    confidence: float
    accuracy: float
    value: float
    low: float
    high: float
    rest: float
    p: float


@dataclass(frozen=True)
class SliceSearch:
    """`looked_at` slices had labels enough; `tested` of them were tested on the other half."""

    slices: tuple[BadSlice, ...]
    looked_at: int
    tested: int


@dataclass(frozen=True)
class _Sample:
    confidence: FloatArray
    right: FloatArray
    weight: FloatArray
    cluster: IntArray
    codes: Mapping[str, IntArray]

    def rows(self, keep: BoolArray) -> _Sample:
        codes = {name: code[keep] for name, code in self.codes.items()}
        return _Sample(self.confidence[keep], self.right[keep], self.weight[keep], self.cluster[keep], codes)

    def part(self, keep: BoolArray) -> Part:
        return part_of(self.confidence[keep], self.right[keep], self.weight[keep], self.cluster[keep])


@dataclass(frozen=True)
class _Candidate:
    codes: tuple[tuple[str, int], ...]
    kind: Kind
    p: float


def worst_slices(
    facts: Mapping[str, Sequence[str]],
    confidence: npt.ArrayLike,
    right: npt.ArrayLike,
    *,
    discover: npt.ArrayLike,
    weight: npt.ArrayLike | None = None,
    fingerprint: npt.ArrayLike | None = None,
) -> SliceSearch:
    """`facts` has one value per label for every dimension, "" where there is none; confidence is cut in ranges here.

    `discover` marks the labels of the half that is looked through: it must go by input. `weight` is one over the chance
    of each label. Slices are sorted by corrected p-value; of one slice there may be both kinds.
    """
    c, y = np.asarray(confidence, dtype=float), np.asarray(right, dtype=float)
    w = np.ones_like(y) if weight is None else np.asarray(weight, dtype=float)
    columns = {**facts, CONFIDENCE: confidence_ranges(c)}
    coded = {
        name: np.unique(np.asarray(values, dtype=np.str_), return_inverse=True) for name, values in columns.items()
    }
    codes = {name: code for name, (names, code) in coded.items() if len(names) > 1}
    everything = _Sample(c, y, w, cluster_numbers(fingerprint, len(y)), codes)
    first = np.asarray(discover, dtype=bool)
    looked_at, candidates = _candidates(everything.rows(first), {name: coded[name][0] for name in codes})
    other = everything.rows(~first)
    tests = [test for candidate in candidates if (test := _tested(candidate, other)) is not None]
    corrected = holm([p for _, _, _, p in tests])
    found = [
        _bad(candidate, tuple((name, str(coded[name][0][code])) for name, code in candidate.codes), part, rest, p)
        for (candidate, part, rest, _), p in zip(tests, corrected.tolist(), strict=True)
        if p <= LEVEL
    ]
    return SliceSearch(tuple(sorted(found, key=lambda each: each.p)), looked_at, len(tests))


def confidence_ranges(confidence: FloatArray) -> list[str]:
    """The name of the range that each confidence lies in. Fixed ranges, so that a slice is called the same tomorrow."""
    place = np.searchsorted(EDGES, confidence, side="right")
    ends = (0.0, *EDGES, 1.0)
    names = [f"{low:.2f} to {high:.2f}" for low, high in pairwise(ends)]
    return [names[each] for each in place.tolist()]


# --- looking through the first half ---------------------------------------------------------------------------------


def _candidates(sample: _Sample, names: Mapping[str, npt.NDArray[np.str_]]) -> tuple[int, list[_Candidate]]:
    """How many slices were looked at, and the likeliest ones. Here it only matters which come first."""
    looked_at, found = 0, []
    sets = [(name,) for name in sample.codes] + list(combinations(sample.codes, 2))
    for dimensions in sets:
        for kind in _kinds(dimensions):
            codes, p = _looks(sample, dimensions, names, kind)
            looked_at += len(p)
            best = np.argsort(p, kind="stable")[:CANDIDATES]
            found += [
                _Candidate(tuple(zip(dimensions, codes[at].tolist(), strict=True)), kind, float(p[at]))
                for at in best
                if p[at] < LEVEL
            ]
    return looked_at, sorted(found, key=lambda each: (each.p, each.codes))[:CANDIDATES]


def _kinds(dimensions: Sequence[str]) -> Iterator[Kind]:
    """That errors are commoner where the model is less sure is no finding."""
    if CONFIDENCE not in dimensions:
        yield "errors"
    yield "gap"


def _looks(
    sample: _Sample, dimensions: Sequence[str], names: Mapping[str, npt.NDArray[np.str_]], kind: Kind
) -> tuple[IntArray, FloatArray]:
    """Codes and p-values, without regard to repeats, of every slice with labels enough."""
    shape = tuple(len(names[name]) for name in dimensions)
    place = np.ravel_multi_index(tuple(sample.codes[name] for name in dimensions), shape)
    table = _sums(sample, place, int(np.prod(shape))).reshape(*shape, 5)
    whole = table.sum(axis=tuple(range(len(shape))))
    axes = range(len(shape)) if len(shape) > 1 else ()
    rests = [table.sum(axis=1 - axis, keepdims=True) - table for axis in axes] or [whole - table]
    usable = np.minimum.reduce([_effective(each) for each in (table, *rests)]) >= FEWEST
    for axis, name in enumerate(dimensions):
        empty = np.flatnonzero(names[name] == "")
        usable[(slice(None),) * axis + (empty,)] = False
    codes = np.argwhere(usable)
    p = np.maximum.reduce([_quick_p(table[usable], rest[usable], kind) for rest in rests])
    return codes, p


def _sums(sample: _Sample, place: IntArray, size: int) -> FloatArray:
    """Labels, weight, squared weight, weighted errors and weighted confidence of each slice."""
    w = sample.weight
    columns = (np.ones_like(w), w, w**2, w * (1 - sample.right), w * sample.confidence)
    return np.column_stack([binned(column, place, size) for column in columns])


def _effective(table: FloatArray) -> FloatArray:
    """Kish's number of equal labels."""
    kish: FloatArray = np.divide(
        table[..., 1] ** 2, table[..., 2], out=np.zeros(table.shape[:-1]), where=table[..., 2] > 0
    )
    return kish


def _quick_p(table: FloatArray, rest: FloatArray, kind: Kind) -> FloatArray:
    """Chance of as many errors as in the slice if it were like the rest, the rest taken as known."""
    n, error = _effective(table), table[..., 3] / table[..., 1]
    expected = rest[..., 3] / rest[..., 1]
    if kind == "gap":
        expected = expected + rest[..., 4] / rest[..., 1] - table[..., 4] / table[..., 1]
    p: FloatArray = special.betainc(np.maximum(error * n, 1e-9), n - error * n + 1, np.clip(expected, 1e-6, 1 - 1e-6))
    return np.where(error > expected, p, 1.0)


# --- testing on the other half --------------------------------------------------------------------------------------


def _tested(candidate: _Candidate, sample: _Sample) -> tuple[_Candidate, Part, Part, float] | None:
    """The candidate, its part, what it was held against, and the p-value; None where labels are too few."""
    masks = [sample.codes[name] == code for name, code in candidate.codes]
    inside: BoolArray = np.logical_and.reduce(masks)
    against = [mask & ~inside for mask in masks] if len(masks) > 1 else [~inside]
    part, rests = sample.part(inside), [sample.part(mask) for mask in against]
    if min(part.inputs, *(rest.inputs for rest in rests)) < FEWEST:
        return None
    test = more_errors_p if candidate.kind == "errors" else wider_gap_p
    p = [test(part, rest) for rest in rests]
    hardest = int(np.argmax(p))
    return candidate, part, rests[hardest], p[hardest]


def _bad(candidate: _Candidate, facts: tuple[Fact, ...], part: Part, rest: Part, p: float) -> BadSlice:
    low, high = (float(end) for end in clopper_pearson(part.error * part.effective, part.effective))
    shift = part.confidence - 1 if candidate.kind == "gap" else 0.0
    return BadSlice(
        facts=facts,
        kind=candidate.kind,
        inputs=part.inputs,
        confidence=part.confidence,
        accuracy=part.accuracy,
        value=part.error + shift,
        low=min(low, part.error) + shift,
        high=max(high, part.error) + shift,
        rest=rest.gap if candidate.kind == "gap" else rest.error,
        p=p,
    )
