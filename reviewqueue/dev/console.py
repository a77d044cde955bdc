"""What `manage.py up` prints: the lines of every child behind its name, never mixed within a line."""

import os
import sys
import threading
from typing import IO

COLOURS = (36, 33, 32, 35, 34, 31, 96, 93)
WIDTH = 8


class Console:
    """Safe to write to from several threads."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out or sys.stdout
        self._lock = threading.Lock()
        self._colourful = self._out.isatty() and "NO_COLOR" not in os.environ
        self._names: list[str] = []

    def say(self, text: str) -> None:
        """A line of our own, without a prefix."""
        self._write(f"{text}\n")

    def line(self, name: str, text: str) -> None:
        """A line of a child."""
        self._write(f"{self._prefix(name)}{text}\n")

    def follow(self, name: str, stream: IO[bytes]) -> threading.Thread:
        """Prints the stream's lines until it ends, in a thread of its own."""
        thread = threading.Thread(target=self._copy, args=(name, stream), name=f"log of {name}", daemon=True)
        thread.start()
        return thread

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        with stream:
            for line in stream:
                self.line(name, line.decode(errors="replace").rstrip())

    def _write(self, text: str) -> None:
        with self._lock:
            self._out.write(text)
            self._out.flush()

    def _prefix(self, name: str) -> str:
        label = f"{name:<{WIDTH}} | "
        if not self._colourful:
            return label
        if name not in self._names:
            self._names.append(name)
        return f"\033[{COLOURS[self._names.index(name) % len(COLOURS)]}m{label}\033[0m"
