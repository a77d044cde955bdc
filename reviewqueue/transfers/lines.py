"""Lines of a file of any length in bounded memory. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from reviewqueue.errors import FieldProblem
from reviewqueue.strict_json import MAX_BYTES

MAX_LINE: Final = MAX_BYTES
TOO_LONG: Final = FieldProblem("", "too_large", "This is more than 1 MiB long. Only its beginning is kept.")

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """`raw` ends with the line's own end, if it has one. Of a line that is too long it is the beginning."""

    number: int
    raw: bytes
    whole: bool

    @property
    def is_blank(self) -> bool:
        return self.whole and not self.raw.strip()


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line, without a byte order mark. What is too long is passed over in pieces."""
    number = 0
    while raw := stream.readline(MAX_LINE + 1):
        number += 1
        whole = len(raw) <= MAX_LINE or raw.endswith(b"\n")
        if not whole:
            whole = not _pass_over(stream)
        yield Line(number, raw.removeprefix(_BYTE_ORDER_MARK) if number == 1 else raw, whole)


def _pass_over(stream: BinaryIO) -> bool:
    """Reads on to the end of the line. True when there was anything."""
    passed = False
    while piece := stream.readline(64 * 1024):
        passed = True
        if piece.endswith(b"\n"):
            break
    return passed
