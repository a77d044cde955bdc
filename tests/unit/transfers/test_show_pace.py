"""How far a transfer is: rows a second, share, time left."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management.base import OutputWrapper

from reviewqueue.transfers.pace import Pace


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def shown(out: StringIO, *moments: tuple[float, int, float], done: int = 0, share: float = 0.0) -> str:
    clock = Clock()
    pace = Pace(OutputWrapper(out), done=done, share=share, clock=clock)
    for now, rows, part in moments:
        clock.now = now
        pace.show(rows, part)
    pace.end()
    return out.getvalue()


def test_a_log_gets_a_line_every_few_seconds() -> None:
    assert shown(StringIO(), (1, 1_000, 0.1), (6, 6_000, 0.25), (7, 7_000, 0.3)) == (
        "6,000 rows · 1,000 rows/s · 25% · 0:00:18 left\n"
    )


def test_a_terminal_gets_one_line_that_is_written_over() -> None:
    text = shown(Terminal(), (1, 1_000, 0.5), (1.1, 1_100, 0.6), (2, 2_000, 1.0))
    assert text.split("\r")[1] == "━" * 10 + "╌" * 10 + " 1,000 rows · 1,000 rows/s · 50% · 0:00:01 left"
    assert text.split("\r")[2].rstrip() == "━" * 20 + " 2,000 rows · 1,000 rows/s · 100%"
    assert text.endswith("\n")


def test_a_narrow_terminal_gets_what_fits_on_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    assert shown(Terminal(), (1, 1_000, 0.5)) == "\r" + "━" * 10 + "╌" * 10 + " 1,000 ro\n"


def test_what_was_done_before_is_not_counted_as_speed() -> None:
    assert shown(StringIO(), (10, 11_000, 0.6), done=10_000, share=0.5) == (
        "11,000 rows · 100 rows/s · 60% · 0:00:40 left\n"
    )
