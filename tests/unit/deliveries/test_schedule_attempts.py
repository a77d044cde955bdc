"""When a failed delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reviewqueue.deliveries.schedule import DELAYS, asked_pause, delay_after

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_ten_attempts_are_spread_over_three_days_as_published() -> None:
    assert len(DELAYS) == 10
    assert sum(DELAYS, timedelta(0)) == timedelta(hours=75, minutes=35, seconds=5)
    assert [delay_after(failed, spread=0) for failed in range(10)] == list(DELAYS)


def test_after_the_tenth_attempt_there_is_no_other() -> None:
    assert delay_after(10, spread=0) is None
    assert delay_after(11, spread=1) is None


def test_a_pause_differs_by_a_fifth_at_most() -> None:
    assert delay_after(1, spread=-1) == timedelta(seconds=4)
    assert delay_after(1, spread=1) == timedelta(seconds=6)


@pytest.mark.parametrize(("failed", "spread"), [(-1, 0.0), (1, 1.1), (1, -1.1), (1, float("nan"))])
def test_a_pause_that_makes_no_sense_is_refused(failed: int, spread: float) -> None:
    with pytest.raises(ValueError, match="no pause"):
        delay_after(failed, spread=spread)


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("0", timedelta(0)),
        ("120", timedelta(minutes=2)),
        (" 120 ", timedelta(minutes=2)),
        ("86400", timedelta(hours=24)),
        ("86401", timedelta(hours=24)),
        ("1000000000", timedelta(hours=24)),
        ("9" * 5000, timedelta(hours=24)),
        ("Sun, 22 Nov 2026 08:05:00 GMT", timedelta(minutes=5)),
        ("Sun, 22 Nov 2026 07:05:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", timedelta(hours=24)),
        ("1e9", None),
        ("-5", None),
        ("1.5", None),
        ("\u0661\u0662", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_a_receiver_can_ask_for_a_pause_of_up_to_a_day(header: str | None, pause: timedelta | None) -> None:
    assert asked_pause(header, now=NOW) == pause
