"""Where more confidence goes with less accuracy, beyond doubt and corrected for every look that was taken."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Final, Literal, TypeVar

import numpy as np

from calibration.core.cells import IntArray
from calibration.core.intervals import FloatArray
from calibration.core.looks import Part, holm, more_errors_p, part_of, surer_p
from calibration.core.ranking import ranking

Kind = Literal["ranges", "ranking", "segments"]
M = TypeVar("M", bound=Hashable)

FEWEST: Final = 30
"""Labelled inputs of a range of confidence, and of a segment."""

MOST_COMPARED: Final = 10
"""Segments of one declaration, those with most labels, that are compared with one another."""

LEVEL: Final = 0.05
RANGES: Final = 5


@dataclass(frozen=True)
class Labelled:
    """Labels of one model, as columns; `weight` is one over the chance of each, `cluster` numbers the inputs."""

    confidence: FloatArray
    right: FloatArray
    weight: FloatArray
    cluster: IntArray

    def rows(self, rows: IntArray) -> Labelled:
        return Labelled(self.confidence[rows], self.right[rows], self.weight[rows], self.cluster[rows])

    @property
    def part(self) -> Part:
        return part_of(self.confidence, self.right, self.weight, self.cluster)


@dataclass(frozen=True)
class Side:
    """What is compared: a segment ("" is everything), or a range of confidence in it."""

    segment: str
    low: float
    high: float
    inputs: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class Inversion:
    """The surer side is right less often. Of "ranking" there is one side only, with the AUROC and its limits.

    "ranges": two ranges of confidence in one segment. "segments": two segments of one declaration.
    """

    kind: Kind
    surer: Side
    other: Side | None
    auroc: tuple[float, float, float] | None
    p: float


def inversions(
    models: Mapping[M, tuple[Labelled, Sequence[Mapping[str, IntArray]]]],
) -> list[tuple[M, Inversion]]:
    """By model: its labels and, for each declaration, the rows of each of its segments. Everything is a segment too.

    All looks over all models share one chance of a false finding (Holm); of each segment, and of each two, the
    strongest finding is kept.
    """
    looks = [(model, look) for model, (labels, declared) in models.items() for look in _looks(labels, declared)]
    ranked = [
        (model, segment, own) for model, (labels, declared) in models.items() for segment, own in _own(labels, declared)
    ]
    count = len(looks) + len(ranked)
    looks += [(model, look) for model, segment, own in ranked if (look := _reversed(segment, own, count)) is not None]
    corrected = holm([look.p for _, look in looks], looks=count)
    found = [
        (model, replace(look, p=p)) for (model, look), p in zip(looks, corrected.tolist(), strict=True) if p <= LEVEL
    ]
    strongest: dict[object, tuple[M, Inversion]] = {}
    for model, look in sorted(found, key=lambda each: each[1].p):
        other = look.other.segment if look.other else ""
        strongest.setdefault((model, look.kind, frozenset({look.surer.segment, other})), (model, look))
    return list(strongest.values())


def _own(labels: Labelled, declared: Sequence[Mapping[str, IntArray]]) -> Iterator[tuple[str, Labelled]]:
    """Every segment with labels enough, everything first."""
    yield "", labels
    for segments in declared:
        for name, rows in segments.items():
            if len(rows) >= FEWEST:
                yield name, labels.rows(rows)


def _looks(labels: Labelled, declared: Sequence[Mapping[str, IntArray]]) -> Iterator[Inversion]:
    for name, own in _own(labels, declared):
        yield from _between_ranges(name, own)
    for segments in declared:
        largest = sorted(segments, key=lambda name: (-len(segments[name]), name))[:MOST_COMPARED]
        yield from _between_segments({name: labels.rows(segments[name]) for name in largest})


def _between_ranges(segment: str, labels: Labelled) -> Iterator[Inversion]:
    """Every two fifths of the confidences, equal ones together: is the higher one wrong more often?"""
    edges = np.unique(np.quantile(labels.confidence, np.arange(1, RANGES) / RANGES, method="inverted_cdf"))
    place = np.searchsorted(edges, labels.confidence, side="left")
    ranges = [labels.rows(np.flatnonzero(place == each)) for each in np.unique(place)]
    sides = [(each, each.part) for each in ranges]
    for (low, low_part), (high, high_part) in combinations(sides, 2):
        if min(low_part.inputs, high_part.inputs) >= FEWEST:
            p = more_errors_p(high_part, low_part)
            yield Inversion("ranges", _side(segment, high, high_part), _side(segment, low, low_part), None, p)


def _between_segments(segments: Mapping[str, Labelled]) -> Iterator[Inversion]:
    """Every two segments, either way round: is the model surer in the one, and wrong more often there? Both hold."""
    parts = {name: labels.part for name, labels in segments.items()}
    usable = [name for name in segments if parts[name].inputs >= FEWEST]
    for one, other in permutations(usable, 2):
        p = max(more_errors_p(parts[one], parts[other]), _surer(segments[one], segments[other]))
        sides = [_side(name, segments[name], parts[name]) for name in (one, other)]
        yield Inversion("segments", sides[0], sides[1], None, p)


def _surer(one: Labelled, other: Labelled) -> float:
    return surer_p((one.confidence, one.weight, one.cluster), (other.confidence, other.weight, other.cluster))


def _reversed(segment: str, labels: Labelled, looks: int) -> Inversion | None:
    """Whether confidence ranks wrong outputs above right ones even at this look's share of the level."""
    share = LEVEL / looks
    strict = _ranking(labels, 1 - 2 * share)
    if strict is None or strict[2] >= 0.5:
        return None
    return Inversion("ranking", _side(segment, labels, labels.part), None, _ranking(labels, 1 - LEVEL), share)


def _ranking(labels: Labelled, conf: float) -> tuple[float, float, float] | None:
    found = ranking(labels.confidence, labels.right, weight=labels.weight, fingerprint=labels.cluster, conf=conf)
    return None if found is None else (found.value, found.low, found.high)


def _side(segment: str, labels: Labelled, part: Part) -> Side:
    low, high = float(labels.confidence.min()), float(labels.confidence.max())
    return Side(segment, low, high, part.inputs, part.confidence, part.accuracy)


# --- in words -------------------------------------------------------------------------------------------------------


def in_words(found: Inversion) -> str:
    """One sentence with the figures that it rests on."""
    surer, other = found.surer, found.other
    where = f"In {surer.segment}" if surer.segment else "Over all claims"
    if found.auroc is not None:
        value, _, high = found.auroc
        return (
            f"{where} confidence points the wrong way: wrong outputs are stated surer than right ones "
            f"(AUROC {value:.2f}, at most {high:.2f}; a coin has 0.50)."
        )
    if other is None:
        raise ValueError("without a ranking there are two sides")
    if found.kind == "segments":
        return (
            f"{where} the model is surer than in {other.segment} ({surer.confidence:.2f} against "
            f"{other.confidence:.2f}) and right less often "
            f"({_percent(surer.accuracy)} against {_percent(other.accuracy)})."
        )
    return (
        f"{where} what is stated at {surer.low:.2f} to {surer.high:.2f} is right less often than what is stated at "
        f"{other.low:.2f} to {other.high:.2f} ({_percent(surer.accuracy)} of {surer.inputs} inputs against "
        f"{_percent(other.accuracy)} of {other.inputs})."
    )


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
