"""Memory outside the database: without it, a rewritten and newly signed history could not be told from the true one.

Here are the places that the sealing process writes itself and reads again before it signs. Those that answer over the
network and cannot be read back are in `reviewqueue.anchoring`, which may know of a contradiction (`contradictions`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, Protocol

from django.conf import settings

from reviewqueue.ledger.storage_anchor import StorageAnchor

_TAIL_BYTES = 64 * 1024  # a note has a few hundred bytes

contradictions: Final[list[Callable[[], list[str]]]] = []
"""What others know against signing on: each gives sentences. Filled when the applications start."""


class Anchor(Protocol):
    """A place that keeps checkpoints. One that is `ordered` must get them smallest first."""

    name: str
    every: float
    """At most one checkpoint in so many seconds."""
    patience: float
    """How many seconds it may be behind before that is an alarm."""
    ordered: bool

    def add(self, note: str) -> None:
        """Keeps `note` durably before it returns. Raises OSError."""

    def newest(self) -> str | None:
        """The largest checkpoint it holds. Raises OSError."""


class FileAnchor:
    """An append-only file, meant to lie on another volume: one JSON line per checkpoint, oldest first."""

    name = "file"
    every = 0.0
    patience = 120.0
    ordered = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, note: str) -> None:
        """Keeps `note` durably before it returns."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            line = json.dumps({"note": note}).encode() + b"\n"
            os.write(descriptor, line if _ends_with_a_line(descriptor) else b"\n" + line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def notes(self) -> Iterator[str]:
        """All notes held at the moment of the call, oldest first, as a stream."""
        return self._notes_until(self.path.stat().st_size if self.path.exists() else 0)

    def _notes_until(self, end: int) -> Iterator[str]:
        if end:
            with self.path.open("rb") as file:
                yield from _notes(takewhile(lambda _: file.tell() <= end, iter(file.readline, b"")))

    def newest(self) -> str | None:
        if not self.path.exists():
            return None
        with self.path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return next(_notes(reversed(file.readlines())), None)


def configured_anchor() -> FileAnchor | None:
    return FileAnchor(Path(settings.LEDGER_ANCHOR_FILE)) if settings.LEDGER_ANCHOR_FILE else None


def local_anchors() -> list[Anchor]:
    """Those of this process: the file, and the object storage."""
    found: list[Anchor] = []
    if file := configured_anchor():
        found.append(file)
    if settings.LEDGER_ANCHOR_STORAGE:
        found.append(
            StorageAnchor(settings.LEDGER_ANCHOR_STORAGE, settings.LEDGER_ORIGIN, settings.LEDGER_ANCHOR_SECONDS)
        )
    return found


def known_contradictions() -> list[str]:
    return [sentence for source in contradictions for sentence in source()]


def _notes(lines: Iterable[bytes]) -> Iterator[str]:
    """Skips a line that a crash cut short: its checkpoint was handed over again afterwards."""
    for line in lines:
        try:
            yield json.loads(line)["note"]
        except (ValueError, KeyError, TypeError):
            continue


def _ends_with_a_line(descriptor: int) -> bool:
    size = os.fstat(descriptor).st_size
    return size == 0 or os.pread(descriptor, 1, size - 1) == b"\n"
