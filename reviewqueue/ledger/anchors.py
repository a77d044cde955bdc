"""Memory outside the database: without it, a rewritten and newly signed history could not be told from the true one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path

from django.conf import settings

_TAIL_BYTES = 64 * 1024  # a note has a few hundred bytes


class FileAnchor:
    """An append-only file, meant to lie on another volume: one JSON line per checkpoint, oldest first."""

    name = "file"

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
