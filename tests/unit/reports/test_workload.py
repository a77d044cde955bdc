"""When the first label would come late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.reports.workload import Forecast, forecast_of

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def in_hours(*hours: float) -> list[datetime]:
    return [NOW + timedelta(hours=each) for each in hours]


def forecast(waiting: list[datetime], *, arrived: int = 0, done: int = 0) -> Forecast:
    return forecast_of(waiting, arrived=arrived, done=done, due_hours=4, now=NOW)


def test_an_idle_pipeline_waits_for_nothing() -> None:
    assert forecast([]) == Forecast("nothing_waits", 0, 0, None)


def test_what_is_late_is_late_whatever_the_pace() -> None:
    assert forecast(in_hours(-1, 2), done=2400).kind == "late"


def test_without_anybody_working_the_next_due_time_counts() -> None:
    found = forecast(in_hours(3, 2))
    assert (found.kind, found.misses_at) == ("nobody_works", NOW + timedelta(hours=2))


def test_work_in_time_is_in_time() -> None:
    assert forecast(in_hours(2, 3), arrived=24, done=24).kind == "on_time"


def test_the_first_of_the_queue_that_cannot_be_reached_in_time_is_named() -> None:
    """One label an hour: the third is done in three hours, and due in two and a half."""
    found = forecast(in_hours(2, 2.5, 2.5, 9), done=24)
    assert (found.kind, found.misses_at) == ("will_miss", NOW + timedelta(hours=2.5))


def test_a_queue_that_grows_is_late_some_time() -> None:
    """Ten an hour are done and twelve come in: the queue reaches four hours of work in twenty."""
    found = forecast([], arrived=288, done=240)
    assert (found.kind, found.misses_at) == ("falls_behind", NOW + timedelta(hours=24))


def test_growth_that_would_take_months_says_nothing() -> None:
    assert forecast([], arrived=2401, done=2400).kind == "nothing_waits"


def test_of_two_reasons_the_earlier_is_told() -> None:
    found = forecast(in_hours(*[1.5] * 20), arrived=288, done=240)
    assert (found.kind, found.misses_at) == ("will_miss", NOW + timedelta(hours=1.5))


@given(hours=st.lists(st.floats(0.1, 100), max_size=30), done=st.integers(1, 500), arrived=st.integers(0, 500))
def test_working_faster_never_brings_the_first_miss_nearer(hours: list[float], done: int, arrived: int) -> None:
    slow, fast = (forecast(in_hours(*sorted(hours)), arrived=arrived, done=pace) for pace in (done, 2 * done))
    far = NOW + timedelta(days=400)
    assert (fast.misses_at or far) >= (slow.misses_at or far)
    assert fast.done_per_hour == pytest.approx(2 * slow.done_per_hour)
