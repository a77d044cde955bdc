"""The months that the keys of the audit sample are good for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC; `end` belongs to the next one."""

    start: datetime
    end: datetime

    def name(self, base: str) -> str:
        """The name of the epoch of a policy that calls its epochs `base`."""
        return f"{base}/{self.start:%Y-%m}"


def month_of(moment: datetime) -> Month:
    first = moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Month(first, _next(first))


def this_and_next(moment: datetime) -> tuple[Month, Month]:
    this = month_of(moment)
    return this, month_of(this.end)


def _next(first: datetime) -> datetime:
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
