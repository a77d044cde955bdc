"""Laws of working time, for any week, any holidays and any time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.pipelines.working_time import MIDNIGHT, WorkingTime

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Havana")
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
MINUTES = st.integers(0, 5_000)
ZONE = st.sampled_from(ZONES).map(ZoneInfo)


@st.composite
def days(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    marks = sorted(draw(st.sets(st.integers(0, MIDNIGHT), max_size=6)))
    return tuple(zip(marks[::2], marks[1::2], strict=False))


@st.composite
def working_times(draw: st.DrawFn) -> WorkingTime:
    """With an hour on Wednesdays at least."""
    week = [draw(days()) for _ in range(7)]
    week[2] = week[2] or ((540, 600),)
    holidays = draw(st.frozensets(st.dates(date(2026, 1, 1), date(2028, 1, 1)), max_size=5))
    return WorkingTime(draw(ZONE), tuple(week), holidays)


def is_open(times: WorkingTime, moment: datetime) -> bool:
    """Closing time included."""
    for opens, closes in times._stretches_from(moment - timedelta(days=1)):
        if opens <= moment <= closes:
            return True
        if opens > moment:
            return False
    return False


@given(working_times(), MOMENTS, MINUTES, MINUTES)
def test_adding_is_additive(times: WorkingTime, start: datetime, first: int, second: int) -> None:
    assert times.after(times.after(start, first), second) == times.after(start, first + second)


@given(working_times(), MOMENTS, MINUTES, st.integers(1, 500))
def test_more_minutes_end_later(times: WorkingTime, start: datetime, minutes: int, more: int) -> None:
    assert times.after(start, minutes) < times.after(start, minutes + more)


@given(working_times(), MOMENTS, MINUTES, st.timedeltas(timedelta(0), timedelta(days=30)))
def test_who_starts_later_ends_no_earlier(times: WorkingTime, start: datetime, minutes: int, by: timedelta) -> None:
    assert times.after(start, minutes) <= times.after(start + by, minutes)


@given(working_times(), MOMENTS, st.integers(1, 5_000))
def test_the_end_lies_in_working_time_and_at_least_so_many_minutes_away(
    times: WorkingTime, start: datetime, minutes: int
) -> None:
    end = times.after(start, minutes)
    assert end - start >= timedelta(minutes=minutes)
    assert is_open(times, end)


@given(ZONE, MOMENTS, MINUTES)
def test_around_the_clock_a_working_minute_is_a_minute(zone: ZoneInfo, start: datetime, minutes: int) -> None:
    always = WorkingTime(zone, (((0, MIDNIGHT),),) * 7)
    assert always.after(start, minutes) == start + timedelta(minutes=minutes)


@given(working_times(), MOMENTS)
def test_no_minutes_are_over_at_once(times: WorkingTime, start: datetime) -> None:
    assert times.after(start, 0) == start
