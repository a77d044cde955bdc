"""Watches labels arrive and raises an alarm when the promise no longer holds, however often one looks.

Each monitor bets against "all is well" with several stakes and restarts at every label (a Shiryaev-Roberts e-detector,
Shin, Ramdas and Rinaldo 2024). Its value minus the number of labels seen cannot drift upwards while all is well, so it
reaches horizon / delta within `horizon` labels with probability at most delta. States are plain numbers: replaying the
same labels gives the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, cast

CAP: Final = 1e300
BETS: Final = (0.05, 0.1, 0.2, 0.4, 0.8)
CALIBRATION_BETS: Final = (0.25, 0.5, 0.9)


class Signal(StrEnum):
    QUIET = "quiet"
    WARNING = "warning"
    ALARM = "alarm"


@dataclass(frozen=True)
class EDetector:
    """Monitors an error rate that must stay at or below `alpha`. `highest` is the largest value since the start."""

    alpha: float
    capital: tuple[float, ...] = (0.0,) * len(BETS)
    seen: int = 0
    highest: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or len(self.capital) != len(BETS):
            raise ValueError(f"alpha must lie strictly between 0 and 1 and there are {len(BETS)} capitals")

    @property
    def value(self) -> float:
        return sum(self.capital) / len(BETS)

    def after(self, errors: Iterable[bool]) -> EDetector:
        """The state after labels in the order they arrived: True for an error, from the thinned audit sample."""
        stakes = [min(bet, 0.99) / self.alpha for bet in BETS]
        gain = {wrong: [1 + stake * (wrong - self.alpha) for stake in stakes] for wrong in (False, True)}
        capital, seen, highest = self.capital, self.seen, self.highest
        for error in errors:
            capital = _bet(capital, gain[bool(error)])
            seen, highest = seen + 1, max(highest, sum(capital) / len(BETS))
        return replace(self, capital=capital, seen=seen, highest=highest)

    def signal(self, *, horizon: float, delta: float = 0.05, streams: int = 1) -> Signal:
        """Alarm when any label so far took the value to horizon * streams / delta, warning from a quarter of that."""
        return _signal(self.highest, horizon * streams / delta)

    def as_json(self) -> dict[str, object]:
        return {"alpha": self.alpha, "capital": list(self.capital), "seen": self.seen, "highest": self.highest}

    @classmethod
    def from_json(cls, state: Mapping[str, object]) -> EDetector:
        alpha, highest = (float(cast(float, state[key])) for key in ("alpha", "highest"))
        return cls(alpha, _floats(state["capital"]), cast(int, state["seen"]), highest)


@dataclass(frozen=True)
class CalibrationEDetector:
    """Monitors whether labels agree with their calibrated confidence, in both directions.

    `over` grows when outputs are right less often than claimed, `under` when more often.
    """

    over: tuple[float, ...] = (0.0,) * len(CALIBRATION_BETS)
    under: tuple[float, ...] = (0.0,) * len(CALIBRATION_BETS)
    seen: int = 0
    highest_over: float = 0.0
    highest_under: float = 0.0

    def after(self, labels: Iterable[tuple[bool, float]]) -> CalibrationEDetector:
        """The state after (right, calibrated confidence) pairs in the order they arrived."""
        over, under, seen = self.over, self.under, self.seen
        highest_over, highest_under = self.highest_over, self.highest_under
        for right, p in labels:
            over = _bet(over, [1 + bet * (p - right) for bet in CALIBRATION_BETS])
            under = _bet(under, [1 + bet * (right - p) for bet in CALIBRATION_BETS])
            seen += 1
            highest_over = max(highest_over, sum(over) / len(over))
            highest_under = max(highest_under, sum(under) / len(under))
        return CalibrationEDetector(over, under, seen, highest_over, highest_under)

    def signals(self, *, horizon: float, delta: float = 0.05, streams: int = 1) -> tuple[Signal, Signal]:
        """Signals for overconfidence and underconfidence, each given half of delta."""
        limit = 2 * horizon * streams / delta
        return _signal(self.highest_over, limit), _signal(self.highest_under, limit)

    def as_json(self) -> dict[str, object]:
        return {
            "over": list(self.over),
            "under": list(self.under),
            "seen": self.seen,
            "highest_over": self.highest_over,
            "highest_under": self.highest_under,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, object]) -> CalibrationEDetector:
        highest_over, highest_under = (float(cast(float, state[key])) for key in ("highest_over", "highest_under"))
        over, under = _floats(state["over"]), _floats(state["under"])
        return cls(over, under, cast(int, state["seen"]), highest_over, highest_under)


def _bet(capital: tuple[float, ...], gains: Sequence[float]) -> tuple[float, ...]:
    return tuple(min((held + 1) * gain, CAP) for held, gain in zip(capital, gains, strict=True))


def _floats(numbers: object) -> tuple[float, ...]:
    """A database may hand a large float back as an integer."""
    return tuple(map(float, cast(Sequence[float], numbers)))


def _signal(highest: float, limit: float) -> Signal:
    if highest >= limit:
        return Signal.ALARM
    return Signal.WARNING if highest >= limit / 4 else Signal.QUIET
