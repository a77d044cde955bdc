"""What second looks at settled claims came to: the half drawn at random as an estimate, the suspects as a count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db.models import Count

from calibration.core.intervals import wilson
from reviewqueue.pipelines.models import Pipeline
from reviewqueue.review.models import Relabel, RelabelResult, RelabelRound, RelabelSample

ROUNDS_SHOWN: Final = 20
CORRECTIONS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Looks:
    """Second looks of one half. What nobody could judge says nothing either way."""

    confirmed: int = 0
    overturned: int = 0
    undecided: int = 0
    open: int = 0

    @property
    def picked(self) -> int:
        return self.confirmed + self.overturned + self.undecided + self.open

    @property
    def judged(self) -> int:
        return self.confirmed + self.overturned

    @property
    def share(self) -> float | None:
        return self.overturned / self.judged if self.judged else None


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """How many of the labels that nothing spoke against are wrong, with 95 % limits.

    What is still open counts as confirmed for the lower limit and as overturned for the upper one: what is judged first
    is easier than the rest.
    """

    value: float
    low: float
    high: float
    labels: int
    open: int

    @property
    def accuracy(self) -> float:
        """The name under which intervals are drawn."""
        return self.value


@dataclass(frozen=True, slots=True)
class RoundRow:
    round: RelabelRound
    suspects: Looks
    drawn: Looks


@dataclass(frozen=True, slots=True)
class SecondLooks:
    suspects: Looks
    drawn: Looks
    rate: ErrorRate | None
    rounds: list[RoundRow]
    corrections: list[Relabel]


def second_looks(pipeline: Pipeline) -> SecondLooks:
    """Three queries, however many looks there were. Of those that are open nothing is told apart but their number."""
    rounds = list(
        RelabelRound.objects.filter(pipeline=pipeline).select_related("started_by").order_by("-number")[:ROUNDS_SHOWN]
    )
    counts = _counts(pipeline)
    drawn = _sum(counts, RelabelSample.RANDOM)
    return SecondLooks(
        suspects=_sum(counts, RelabelSample.SUSPECT),
        drawn=drawn,
        rate=error_rate(drawn),
        rounds=[
            RoundRow(
                each,
                _sum(counts, RelabelSample.SUSPECT, round_id=each.pk),
                _sum(counts, RelabelSample.RANDOM, round_id=each.pk),
            )
            for each in rounds
        ],
        corrections=_corrections(pipeline),
    )


def error_rate(drawn: Looks) -> ErrorRate | None:
    """None before anything is judged. Suspects never enter it: they were picked because they look wrong."""
    if drawn.share is None:
        return None
    every = drawn.judged + drawn.open
    low, _ = wilson(drawn.overturned, every)
    _, high = wilson(drawn.overturned + drawn.open, every)
    return ErrorRate(drawn.share, float(low), float(high), drawn.judged, drawn.open)


def _counts(pipeline: Pipeline) -> Mapping[tuple[int, str, str], int]:
    rows = Relabel.objects.filter(pipeline=pipeline).values_list("round_id", "sample", "result").annotate(n=Count("pk"))
    return {(round_id, sample, result): n for round_id, sample, result, n in rows}


def _sum(counts: Mapping[tuple[int, str, str], int], sample: str, *, round_id: int | None = None) -> Looks:
    def of(result: str) -> int:
        return sum(
            n for (where, kind, found), n in counts.items()
            if kind == sample and found == result and round_id in (None, where)
        )  # fmt: skip

    return Looks(of(RelabelResult.CONFIRMED), of(RelabelResult.OVERTURNED), of(RelabelResult.UNDECIDED), of(""))


def _corrections(pipeline: Pipeline) -> list[Relabel]:
    """The last labels that were overturned, newest first."""
    found = Relabel.objects.filter(pipeline=pipeline, result=RelabelResult.OVERTURNED)
    return list(
        found.select_related("claim", "outcome", "corrected", "round").order_by("-settled_at")[:CORRECTIONS_SHOWN]
    )
