"""An alarm in words, and what is known of a pipeline when it is looked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reviewqueue.pipelines.models import Pipeline
from reviewqueue.policy.selectors import ActivePolicy
from reviewqueue.reports.flow import Flow
from reviewqueue.reports.overview import Depth
from reviewqueue.reports.remeasurement import Remeasurement
from reviewqueue.reports.workload import Workload

LATE: Final = "late"
WARNING: Final = "warning"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`tone` is "late" for what is wrong already and "warning" for what will be, or may be.

    `page` names the address that helps (of the web edge), with `place` in it where it is not the pipeline's. `subject`
    tells alarms of one code apart, whatever their words say by now.
    """

    code: str
    tone: str
    title: str
    text: str
    page: str = ""
    place: str = ""
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the overview knows when it looks for alarms."""

    pipeline: Pipeline
    active: ActivePolicy | None
    flow: Flow
    depth: Depth
    workload: Workload
    now: datetime
    again: Sequence[Remeasurement] = ()


def number(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def pace(per_hour: float) -> str:
    return f"{per_hour:.0f}" if per_hour >= 10 else f"{per_hour:.1f}"


def span(time: timedelta) -> str:
    seconds = time.total_seconds()
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return number(int(seconds // size), unit)
    return "less than a minute"
