"""How far a transfer is, in words: over and over on one line of a terminal, now and then on lines of a log."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from django.core.management.base import OutputWrapper

SECONDS_BETWEEN_LINES: Final = 5.0
SECONDS_ON_TERMINAL: Final = 0.2
BAR: Final = 20


class Pace:
    """`share` is how much is done, from 0 to 1; None when nobody knows."""

    def __init__(
        self, out: OutputWrapper, *, done: int = 0, share: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out = out
        self._clock = clock
        self._on_terminal = out.isatty()
        self._started = self._shown = clock()
        self._done_before, self._share_before = done, share
        self._width = 0

    def show(self, done: int, share: float | None, more: str = "") -> None:
        now = self._clock()
        if now - self._shown < (SECONDS_ON_TERMINAL if self._on_terminal else SECONDS_BETWEEN_LINES):
            return
        self._shown = now
        text = self._text(done, share, now - self._started) + more
        if self._on_terminal:
            text = (_bar(share) + text)[: shutil.get_terminal_size().columns - 1]
            self._write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._write(text + "\n")

    def end(self) -> None:
        """Leaves the line that was written over and over."""
        if self._width:
            self._write("\n")
            self._width = 0

    def _write(self, text: str) -> None:
        self._out.write(text, style_func=str, ending="")
        self._out.flush()

    def _text(self, done: int, share: float | None, passed: float) -> str:
        parts = [f"{done:,} rows", f"{(done - self._done_before) / max(passed, 0.001):,.0f} rows/s"]
        if share is not None:
            parts.append(f"{share:.0%}")
            gained = share - self._share_before
            if gained > 0 and share < 1:
                left = timedelta(seconds=round(passed * (1 - share) / gained))
                parts.append(f"{left} left")
        return " · ".join(parts)


def _bar(share: float | None) -> str:
    if share is None:
        return ""
    done = round(share * BAR)
    return "━" * done + "╌" * (BAR - done) + " "
