"""What the keys of the audit sample have drawn so far, beside what chance gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scipy.stats import binom

from reviewqueue.ledger.models import Event
from reviewqueue.policy.models import SamplingEpoch

CERTAINTY: Final = 0.999
MOST_EPOCHS: Final = 100


@dataclass(frozen=True, slots=True)
class Drawn:
    """Claims that bands decided at one rate, how many of them were drawn, and the exact range chance leaves open."""

    rate: float
    claims: int
    drawn: int
    least: int
    most: int

    @property
    def is_likely(self) -> bool:
        return self.least <= self.drawn <= self.most


@dataclass(frozen=True, slots=True)
class EpochDrawn:
    """`committed_leaf` and `revealed_leaf` are None while the entry is not sealed, or there is none."""

    epoch: SamplingEpoch
    draws: tuple[Drawn, ...]
    committed_leaf: int | None
    revealed_leaf: int | None


def epochs_drawn() -> list[EpochDrawn]:
    """Of every pipeline, the latest epochs first, a hundred at most. One query."""
    epochs = SamplingEpoch.objects.select_related("pipeline", "event__leaf_row", "revealed_event__leaf_row")
    newest = epochs.order_by("-starts_at", "pipeline__slug")[:MOST_EPOCHS]
    return [
        EpochDrawn(epoch, tuple(_draws(epoch)), _leaf(epoch.event), _leaf(epoch.revealed_event)) for epoch in newest
    ]


def _leaf(event: Event | None) -> int | None:
    row = getattr(event, "leaf_row", None)
    return None if row is None else int(row.leaf_index)


def drawn(rate: float, claims: int, sampled: int) -> Drawn:
    """`rate` from 0 to 1. The range is the two-sided binomial one that is missed once in a thousand times."""
    least, most = binom.interval(CERTAINTY, claims, rate) if claims else (0, 0)
    return Drawn(rate, claims, sampled, max(0, int(least)), int(most))


def _draws(epoch: SamplingEpoch) -> Iterator[Drawn]:
    for rate, (claims, sampled) in sorted(epoch.counts.items(), key=lambda each: int(each[0])):
        yield drawn(int(rate) / 1_000_000, claims, sampled)
