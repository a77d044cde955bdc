"""The reject file: every row that was not taken in, with where it stood and why, to be mended and imported again."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from reviewqueue.errors import DomainError, Invalid
from reviewqueue.transfers.rows import Row


class RejectFile:
    """Made when there is a first reject. What was written after the last checkpoint is cut off and written again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def cut(self, size: int) -> None:
        if not size:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            os.truncate(self.path, size)

    def append(self, rejected: Iterable[tuple[Row, DomainError]]) -> int:
        """How many bytes it has grown by."""
        written = b"".join(msgspec.json.encode(_record(row, error)) + b"\n" for row, error in rejected)
        if written:
            with open(self.path, "ab", opener=_for_the_owner_alone) as stream:
                stream.write(written)
                stream.flush()
                os.fsync(stream.fileno())
        return len(written)


def _for_the_owner_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def reasons(error: DomainError) -> list[dict[str, str]]:
    if isinstance(error, Invalid):
        return [{"pointer": each.pointer, "code": each.code, "detail": each.detail} for each in error.problems]
    return [{"pointer": "", "code": error.code, "detail": error.detail}]


def _record(row: Row, error: DomainError) -> dict[str, Any]:
    return {"line": row.line, "errors": reasons(error), "form": row.form.value, "row": row.content}
