"""No receiver can make us wait for longer than a day, nor hurry us, nor break us, with what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from reviewqueue.deliveries.schedule import DELAYS, LONGEST_REST, asked_pause, delay_after

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
dates = st.datetimes().map(lambda moment: f"{moment:%a, %d %b} {moment.year:04} {moment:%H:%M:%S}")
zones = st.sampled_from(["GMT", "+0000", "-0000", "+9999", "-2359", "EST", "", "+99999999999"])


@given(st.text() | st.integers().map(str) | st.builds("{} {}".format, dates, zones))
def test_whatever_a_receiver_asks_for_is_a_pause_within_a_day_or_nothing(header: str) -> None:
    pause = asked_pause(header, now=NOW)
    assert pause is None or timedelta(0) <= pause <= LONGEST_REST


@given(st.integers(0, len(DELAYS) - 1), st.floats(-1, 1))
def test_every_pause_lies_within_a_fifth_of_the_published_one(failed: int, spread: float) -> None:
    pause = delay_after(failed, spread=spread)
    assert pause is not None
    assert DELAYS[failed] * 0.8 <= pause <= DELAYS[failed] * 1.2
