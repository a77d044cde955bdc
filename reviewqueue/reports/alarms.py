"""What an owner should look at now, in words. Silence is an alarm too: nobody complains about what does not happen.

An alarm is found by a function of `WATCHERS`: pipeline and what is known of it in, alarms out. A new kind is a function
more in that tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reviewqueue.reports import alarms_of_measures as measures
from reviewqueue.reports import alarms_of_work as work
from reviewqueue.reports.alarm import LATE, Alarm, Seen

Watcher = Callable[[Seen], Iterator[Alarm]]

WATCHERS: tuple[Watcher, ...] = (
    work.nobody_answers_for_it,
    work.people_missing,
    work.nobody_reviews,
    work.broken_glass,
    work.late_work,
    measures.stopped_models,
    measures.broken_promises,
    measures.monitors_that_warn,
    measures.late_golden_runs,
    measures.late_measurements,
    measures.worse_golden_runs,
    measures.late_reports,
    work.keys_that_end,
    work.sources_that_stopped,
    work.sampler_that_drew_nothing,
    work.silent_webhooks,
    work.work_that_will_be_late,
    work.no_gold,
    measures.stale_calibrators,
)


def alarms_of(seen: Seen) -> list[Alarm]:
    """What is wrong already comes first."""
    found = [alarm for watcher in WATCHERS for alarm in watcher(seen)]
    return sorted(found, key=lambda alarm: alarm.tone != LATE)
