"""When people work, and when a number of working minutes is over. Pure.

Working time is counted in real minutes: what lies between two instants. On a day on which the clocks change, hours that
the change falls into are as long as they really are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MIDNIGHT: Final = 24 * 60
FURTHEST: Final = timedelta(days=10 * 366)
Stretch = tuple[int, int]
"""From one minute of the local day up to another, of which 24:00 is the last."""


@dataclass(frozen=True, slots=True)
class WorkingTime:
    """`week` holds the stretches of each day from Monday on, in order and apart. `holidays` are local days."""

    zone: ZoneInfo
    week: tuple[tuple[Stretch, ...], ...]
    holidays: frozenset[date] = field(default_factory=frozenset)

    def after(self, start: datetime, minutes: int) -> datetime:
        """The moment at which so many working minutes from `start` on are over. No minutes: `start` itself.

        Ten years later at the latest, however few hours are worked.
        """
        left = timedelta(minutes=minutes)
        if not left:
            return start
        for opens, closes in self._stretches_from(start):
            opens = max(opens, start)
            if closes - opens >= left:
                return opens + left
            if closes > opens:
                left -= closes - opens
        return start + FURTHEST

    def _stretches_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """As instants. The day before may still be open: a local day is not a day in UTC."""
        day = start.astimezone(self.zone).date()
        last = day + FURTHEST
        while day < last:
            if day not in self.holidays:
                for opens, closes in self.week[day.weekday()]:
                    yield self._instant(day, opens), self._instant(day, closes)
            day += timedelta(days=1)

    def _instant(self, day: date, minute: int) -> datetime:
        """Of a local time that the clocks skip, the moment at which they skip it or the like after it."""
        if minute == MIDNIGHT:
            day, minute = day + timedelta(days=1), 0
        local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=self.zone)
        return local.astimezone(UTC)


def minutes_in_week(week: Sequence[Sequence[Stretch]]) -> int:
    return sum(closes - opens for day in week for opens, closes in day)
