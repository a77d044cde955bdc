"""The signals of many claims as columns: what maps of more than the confidence are fitted and evaluated on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from calibration.core.cells import IntArray
from calibration.core.intervals import FloatArray
from calibration.core.labels import BoolArray

FEWEST_CARRYING: Final = 30
"""A signal that fewer labelled claims carry is left out of a fit."""

MOST_SIGNALS: Final = 20
"""Of more signals than this the ones that most claims carry are used."""


@dataclass(frozen=True)
class SignalTable:
    """One row per claim, one column per name; NaN where a claim does not carry the signal.

    `higher_is` says of a name that a higher value is "better" or "riskier"; other names point nowhere in particular.
    """

    names: tuple[str, ...]
    values: FloatArray
    higher_is: Mapping[str, str]

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError("signals need one column per name")

    def __len__(self) -> int:
        return len(self.values)

    def part(self, rows: BoolArray | IntArray) -> SignalTable:
        return SignalTable(self.names, self.values[rows], self.higher_is)

    def column(self, name: str) -> FloatArray:
        """NaN throughout for a name that is not here."""
        if name not in self.names:
            return np.full(len(self.values), np.nan)
        return self.values[:, self.names.index(name)]

    def without(self, name: str) -> SignalTable:
        return self.only([each for each in self.names if each != name])

    def only(self, names: Collection[str]) -> SignalTable:
        kept = [place for place, name in enumerate(self.names) if name in names]
        return SignalTable(tuple(self.names[place] for place in kept), self.values[:, kept], self.higher_is)


def signal_table(
    claims: Sequence[Mapping[str, float]], names: Sequence[str], *, higher_is: Mapping[str, str] | None = None
) -> SignalTable:
    """The named signals of claims; a value that is no number in [0, 1] is as good as missing."""
    values = np.array([[claim.get(name, np.nan) for name in names] for claim in claims], dtype=float)
    values = values.reshape(len(claims), len(names))
    values[~((values >= 0) & (values <= 1))] = np.nan
    return SignalTable(tuple(names), values, dict(higher_is or {}))


def no_signals(rows: int) -> SignalTable:
    return SignalTable((), np.empty((rows, 0)), {})


def carried_enough(table: SignalTable) -> SignalTable:
    """The columns that can say something: carried by enough rows and not constant; of too many the most carried, by
    name where as many rows carry them."""
    carried = np.isfinite(table.values).sum(axis=0)
    varied = [len(np.unique(column[np.isfinite(column)])) > 1 for column in table.values.T]
    usable = [
        (-int(n), name)
        for name, n, varies in zip(table.names, carried, varied, strict=True)
        if n >= FEWEST_CARRYING and varies
    ]
    return table.only([name for _, name in sorted(usable)[:MOST_SIGNALS]])
